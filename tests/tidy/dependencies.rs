//! What `cargo deny` says of licences and sources, for where it is not installed: by the same list,
//! deny.toml.

use std::process::Command;

use serde_json::Value;

use super::assert_none;
use super::files::{read, top};

const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// All crates of the lock file that are used on any target, as `cargo metadata` knows them.
fn packages() -> Vec<Value> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let metadata = |offline: &[&str]| {
        Command::new(&cargo)
            .args(["metadata", "--locked", "--format-version", "1", "--all-features"])
            .args(offline)
            .current_dir(top())
            .output()
            .expect("cargo runs")
    };
    // Manifests of other systems' crates may not be here yet.
    let mut found = metadata(&["--offline"]);
    if !found.status.success() {
        found = metadata(&[]);
    }
    assert!(found.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&found.stderr));
    let mut document: Value = serde_json::from_slice(&found.stdout).expect("cargo writes JSON");
    let Value::Array(packages) = document["packages"].take() else { panic!("no packages") };
    packages
}

fn text<'a>(package: &'a Value, key: &str) -> &'a str {
    package[key].as_str().unwrap_or_default()
}

/// The licences of deny.toml that a crate may have.
fn allowed(crate_name: &str) -> Vec<String> {
    let file = read("deny.toml");
    let list_behind = |begin: &str| {
        let list = file.split_once(begin)?.1.split_once(']')?.0;
        Some(list.split('"').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>())
    };
    let mut allowed = list_behind("\nallow = [").expect("a list of licences");
    let exception = list_behind(&format!("{{ crate = \"{crate_name}\", allow = ["));
    allowed.extend(exception.into_iter().flatten());
    allowed
}

/// Whether an expression of SPDX is satisfied by the licences of a list. AND binds more tightly than
/// OR, which some crates write as a slash.
fn is_satisfied(expression: &str, allowed: &[String]) -> bool {
    let expression = expression.replace('/', " OR ");
    // The innermost parentheses first, each replaced by a word for what it is.
    let mut whole = expression.trim().to_owned();
    while let Some(begin) = whole.rfind('(') {
        let Some(len) = whole[begin..].find(')') else { return false };
        let word =
            if is_flat_satisfied(&whole[begin + 1..begin + len], allowed) { "yes" } else { "no" };
        whole.replace_range(begin..=begin + len, word);
    }
    is_flat_satisfied(&whole, allowed)
}

fn is_flat_satisfied(expression: &str, allowed: &[String]) -> bool {
    let is_allowed = |name: &str| name == "yes" || allowed.iter().any(|one| one == name);
    expression.split(" OR ").any(|every| every.split(" AND ").all(|name| is_allowed(name.trim())))
}

#[test]
fn every_crate_has_a_licence_of_the_list_and_comes_from_the_registry() {
    let mut offences = Vec::new();
    for package in packages() {
        let name = format!("{} {}", text(&package, "name"), text(&package, "version"));
        let licence = text(&package, "license");
        if !is_satisfied(licence, &allowed(text(&package, "name"))) {
            offences.push(format!("{name}: licence {licence:?}"));
        }
        // What has no source is of this repository.
        if !package["source"].is_null() && package["source"] != REGISTRY {
            offences.push(format!("{name}: from {}", package["source"]));
        }
    }
    assert_none("crates that deny.toml does not allow", &offences);
}

#[test]
fn our_own_crates_say_which_versions_they_need() {
    let mut offences = Vec::new();
    for package in packages().iter().filter(|package| package["source"].is_null()) {
        for needed in package["dependencies"].as_array().into_iter().flatten() {
            if needed["req"] == "*" && needed["path"].is_null() {
                offences.push(format!("{}: {}", text(package, "name"), text(needed, "name")));
            }
        }
    }
    assert_none("dependencies of any version", &offences);
}

#[test]
fn expressions_of_licences_are_understood() {
    let allowed: Vec<String> = ["MIT", "Zlib"].map(str::to_owned).to_vec();
    for (expression, expected) in [
        ("MIT", true),
        ("MIT/GPL-2.0", true),
        ("GPL-2.0 OR MIT", true),
        ("GPL-2.0 AND MIT", false),
        ("(MIT OR GPL-2.0) AND Zlib", true),
        ("(MIT OR GPL-2.0) AND GPL-2.0", false),
        ("MIT AND (GPL-2.0 OR (ISC AND Zlib))", false),
        ("", false),
        ("(MIT", false),
    ] {
        assert_eq!(is_satisfied(expression, &allowed), expected, "{expression}");
    }
}
