//! All bytes below a folder, for tests that look for what must not be among them.

use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// Every file by its path, and the payload of each entry decoded; files of the names in `but` are left out.
pub fn everything(folder: &Path, but: &[&str], all: &mut Vec<(String, Vec<u8>)>) {
    for file in fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()) {
        if file.file_name().and_then(|name| name.to_str()).is_some_and(|name| but.contains(&name)) {
            continue;
        }
        if file.is_dir() {
            everything(&file, but, all);
            continue;
        }
        let bytes = fs::read(&file).unwrap();
        for line in bytes.split(|byte| *byte == b'\n') {
            let entry: Value = serde_json::from_slice(line).unwrap_or_default();
            let payload = entry["envelope"]["payload"].as_str().map(|text| STANDARD.decode(text).unwrap());
            all.extend(payload.map(|payload| (format!("{} decoded", file.display()), payload)));
        }
        all.push((file.display().to_string(), bytes));
    }
}
