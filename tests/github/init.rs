//! `init --github`: the workflow and its action, in a Git repository, and nothing that was there is touched.

use std::fs;

use crate::folder::{Folder, ORIGIN};

const WORKFLOW: &str = ".github/workflows/deploy-to-prod.yml";
const ACTION: &str = ".github/actions/aether-audit/action.yml";

#[test]
fn the_workflow_is_written_where_it_is_asked_for_and_missing() {
    let folder = Folder::empty();
    let init = ["init", "--origin", ORIGIN, "--as", "alice", "--github"];
    folder.fails(2, &init, "is not the top of a Git repository");
    assert!(!folder.at("aether.toml").exists(), "nothing half-made");
    fs::create_dir(folder.at(".git")).unwrap();
    let told = folder.ok(&[&init[..], &["--dry-run"]].concat());
    assert!(told.contains(WORKFLOW) && !folder.at(WORKFLOW).exists(), "{told}");
    fs::create_dir_all(folder.at(".github/workflows")).unwrap();
    fs::write(folder.at(WORKFLOW), "mine").unwrap();
    let ran = folder.run(&init);
    assert_eq!(ran.status, Some(0), "{}", ran.err);
    assert!(ran.err.contains("is there already: it stays as it is"), "{}", ran.err);
    assert_eq!(fs::read_to_string(folder.at(WORKFLOW)).unwrap(), "mine");
    assert!(fs::read_to_string(folder.at(ACTION)).unwrap().contains("using: composite"));
}

#[test]
fn without_being_asked_nothing_is_written() {
    assert!(!Folder::initialised().at(".github").exists());
}
