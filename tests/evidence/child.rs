//! Runs a test in a process of its own, where the environment is what the test says.

use std::process::Command;

/// True in the parent, after the test called `name` passed in a child with `environment`; false in that child.
pub fn parent_of(name: &str, environment: &[(&str, &str)]) -> bool {
    said_by(name, environment).is_some()
}

/// The same; gives the parent all that the child printed.
pub fn said_by(name: &str, environment: &[(&str, &str)]) -> Option<String> {
    const MARK: &str = "EVIDENCE_TEST_CHILD";
    if std::env::var_os(MARK).is_some_and(|value| value == name) {
        return None;
    }
    let home = tempfile::tempdir().unwrap();
    let mut command = Command::new(std::env::current_exe().unwrap());
    for (key, _) in std::env::vars_os().filter(|(key, _)| key.to_string_lossy().starts_with("AWS_")) {
        command.env_remove(key);
    }
    let output = command
        .args(["--exact", name, "--nocapture"])
        .env(MARK, name)
        .env("HOME", home.path())
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .envs(environment.iter().copied())
        .output()
        .unwrap();
    let text =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
    Some(text)
}

/// Credentials that a local server takes.
pub const CREDENTIALS: [(&str, &str); 2] =
    [("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", "test-secret")];
