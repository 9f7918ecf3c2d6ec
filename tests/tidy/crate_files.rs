//! What the published crate has: what a user reads and compiles, and nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use super::files::top;

/// The files at the crate's top; cargo itself writes four of them.
const FILES: &[&str] = &[
    ".cargo_vcs_info.json",
    "CHANGELOG.md",
    "Cargo.lock",
    "Cargo.toml",
    "Cargo.toml.orig",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
    "build.rs",
];
/// The folders, with the ends of their files' names.
const FOLDERS: &[(&str, &str)] =
    &[("docs", ".md"), ("examples", ".rs"), ("include", ".h"), ("src", ".rs")];

fn packaged() -> Vec<String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let list = Command::new(cargo)
        .args(["package", "--list", "--allow-dirty", "--offline"])
        .current_dir(top())
        .output()
        .expect("cargo runs");
    assert!(list.status.success(), "{}", String::from_utf8_lossy(&list.stderr));
    String::from_utf8(list.stdout).expect("names").lines().map(str::to_owned).collect()
}

#[test]
fn the_crate_has_what_its_users_need_and_nothing_else() {
    let files = packaged();
    let folders: BTreeMap<_, _> = FOLDERS.iter().copied().collect();
    let mut found = BTreeSet::new();
    for file in &files {
        let Some((folder, _)) = file.split_once('/') else {
            // Without git there is no revision to note.
            assert!(FILES.contains(&file.as_str()), "{file} is in the crate");
            continue;
        };
        let end = folders.get(folder).unwrap_or_else(|| panic!("{file} is in the crate"));
        assert!(file.ends_with(end) && !file.contains("/tests"), "{file} is in the crate");
        found.insert(folder);
    }
    assert_eq!(found.len(), FOLDERS.len(), "folders of the crate: {found:?}");
    for file in FILES.iter().filter(|file| !file.starts_with(".cargo")) {
        assert!(files.iter().any(|one| one == file), "{file} is not in the crate");
    }
}
