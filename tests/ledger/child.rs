//! Runs a test again in a process of its own: as another user, under a limit, among other mounts.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

const MARK: &str = "LEDGER_TEST_CHILD";
const PLACE: &str = "LEDGER_TEST_PLACE";

/// In the child: the place that its parent gave it.
pub fn place_in(name: &str) -> Option<PathBuf> {
    let told = std::env::var_os(MARK).is_some_and(|value| value == name);
    told.then(|| std::env::var_os(PLACE).unwrap().into())
}

/// Starts the test called `name` in a child, behind the command `through`, with `place`.
pub fn start(name: &str, through: &[&str], place: &Path) -> Child {
    let exe = std::env::current_exe().unwrap();
    start_exe(&exe, name, through, place)
}

fn start_exe(exe: &Path, name: &str, through: &[&str], place: &Path) -> Child {
    let mut words = through.iter().map(Into::into).chain([exe.as_os_str().to_owned()]);
    Command::new(words.next().unwrap())
        .args(words)
        .args(["--exact", name, "--nocapture"])
        .env(MARK, name)
        .env(PLACE, place)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("cannot start {through:?}: {error}"))
}

/// Waits until the child has passed.
pub fn passed(child: Child) {
    let output = child.wait_with_output().unwrap();
    let text =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && text.contains("1 passed"), "{}: {text}", output.status);
}

/// Runs the test in a child with mounts of its own.
pub fn among_own_mounts(name: &str, place: &Path) {
    let through: &[&str] =
        if root() { &["unshare", "--mount"] } else { &["unshare", "--user", "--map-root-user", "--mount"] };
    passed(start(name, through, place));
}

/// Runs the test in a child whom file permissions bind: root is bound by none.
pub fn without_privileges(name: &str, place: &Path) {
    if !root() {
        return passed(start(name, &["env"], place));
    }
    let folder = tempfile::tempdir().unwrap();
    open_to_all(folder.path());
    let exe = folder.path().join("test");
    std::fs::copy(std::env::current_exe().unwrap(), &exe).unwrap();
    open_to_all(&exe);
    let through = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
    passed(start_exe(&exe, name, &through, place));
}

pub fn open_to_all(path: &Path) {
    set_mode(path, 0o755);
}

pub fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

pub fn root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Runs a command that must succeed.
pub fn run(words: &[&str]) {
    let output = Command::new(words[0]).args(&words[1..]).output().unwrap();
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
}
