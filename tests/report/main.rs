//! The completed checklist and the report, through the public face.

mod world;

use aether_audit::report::{self, Report};
use world::{World, completed, rolled_back};

/// The report in all its forms; JSON is read back strictly on the way.
fn all(world: &World) -> (Report, String, String, String, String) {
    world.with(|input| {
        let data = report::report(input).unwrap();
        let json = report::to_json(&data).unwrap();
        assert_eq!(serde_json::from_str::<Report>(&json).unwrap(), data);
        let markdown = report::to_markdown(&data).unwrap();
        let html = report::to_html(&data).unwrap();
        let checklist = report::checklist(input).unwrap();
        (data, json, markdown, html, checklist)
    })
}

/// Kept for looking at.
fn keep(name: &str, world: &World) -> Report {
    let (data, json, markdown, html, checklist) = all(world);
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(&folder).unwrap();
    for (file, bytes) in
        [("report.json", json), ("report.md", markdown), ("report.html", html), ("Deployment_Checklist.md", checklist)]
    {
        std::fs::write(folder.join(file), bytes).unwrap();
    }
    data
}

#[test]
fn completed_is_told() {
    let world = completed();
    assert_eq!(world.faults, Vec::<String>::new());
    let data = keep("completed", &world);
    assert!(!data.interim);
}

#[test]
fn rolled_back_is_told() {
    let world = rolled_back();
    assert_eq!(world.faults, Vec::<String>::new());
    let data = keep("rolled-back", &world);
    assert_eq!(data.rollbacks.len(), 1);
}
