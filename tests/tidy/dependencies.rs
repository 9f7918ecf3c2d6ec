//! What `cargo deny` says of licences and sources, for where it is not installed: by the same list,
//! deny.toml. And docs/dependencies.md has every crate that is in the library.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

use super::assert_none;
use super::files::{read, top};

const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// The machines whose libraries docs/dependencies.md describes.
const TARGETS: &[&str] = &[
    "x86_64-unknown-linux-gnu",
    "aarch64-unknown-linux-gnu",
    "armv7-unknown-linux-gnueabihf",
    "s390x-unknown-linux-gnu",
];

/// The document that `cargo metadata` writes, with these arguments.
fn metadata(arguments: &[&str]) -> Value {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let metadata = |offline: &[&str]| {
        Command::new(&cargo)
            .args(["metadata", "--locked", "--format-version", "1"])
            .args(arguments)
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
    serde_json::from_slice(&found.stdout).expect("cargo writes JSON")
}

/// All crates of the lock files, the command line's too, that are used on any target, as `cargo
/// metadata` knows them.
fn packages() -> Vec<Value> {
    let of = |manifest: &str| {
        let mut document = metadata(&["--all-features", "--manifest-path", manifest]);
        let Value::Array(packages) = document["packages"].take() else { panic!("no packages") };
        packages
    };
    [of("Cargo.toml"), of("cli/Cargo.toml")].concat()
}

/// The members of a list of objects.
fn entries(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

/// The crates that are linked into the library on one of [`TARGETS`], with their licences.
fn linked_crates() -> BTreeMap<String, String> {
    let mut linked = BTreeMap::new();
    for target in TARGETS {
        let document = metadata(&["--filter-platform", target]);
        let by_id = |list: &Value| -> BTreeMap<String, Value> {
            entries(list).map(|entry| (text(entry, "id").to_owned(), entry.clone())).collect()
        };
        let (packages, nodes) =
            (by_id(&document["packages"]), by_id(&document["resolve"]["nodes"]));
        let own = |(id, package): (&String, &Value)| {
            (text(package, "name") == "rogue-mem").then(|| id.clone())
        };
        let mut waiting = vec![packages.iter().find_map(own).expect("this crate")];
        let mut seen: BTreeSet<String> = waiting.iter().cloned().collect();
        while let Some(id) = waiting.pop() {
            for needed in entries(&nodes[&id]["deps"]) {
                let other = text(needed, "pkg").to_owned();
                let is_linked = entries(&needed["dep_kinds"]).any(|kind| kind["kind"].is_null());
                // The compiler runs it.
                let is_macro = entries(&packages[&other]["targets"])
                    .any(|target| entries(&target["kind"]).any(|kind| kind == "proc-macro"));
                if is_linked && !is_macro && seen.insert(other.clone()) {
                    let package = &packages[&other];
                    let licence = text(package, "license").to_owned();
                    linked.insert(text(package, "name").to_owned(), licence);
                    waiting.push(other);
                }
            }
        }
    }
    linked
}

/// The crates in the first column of the tables behind `heading`, with the further cells.
fn listed_crates<'a>(page: &'a str, heading: &str) -> Vec<(&'a str, Vec<&'a str>)> {
    let section = page.split_once(heading).expect("the heading").1;
    let section = section.split("\n## ").next().unwrap_or_default();
    let mut listed = Vec::new();
    for line in section.lines().filter(|line| line.starts_with("| `")) {
        let mut cells = line.trim_matches('|').split('|').map(str::trim);
        let names = cells.next().unwrap_or_default();
        let cells: Vec<&str> = cells.collect();
        listed.extend(names.split('`').skip(1).step_by(2).map(|name| (name, cells.clone())));
    }
    listed
}

#[test]
fn the_page_of_dependencies_has_every_crate_of_the_library() {
    let page = read("docs/dependencies.md");
    let listed = listed_crates(&page, "\n## In the library\n");
    let linked = linked_crates();
    assert!(linked.contains_key("libc") && linked.contains_key("poly1305"), "{linked:?}");
    let mut offences = Vec::new();
    for (name, licence) in &linked {
        match listed.iter().find(|(listed, _)| listed == name) {
            None => offences.push(format!("{name} ({licence}) is missing")),
            Some((_, cells)) if cells.len() != 3 || cells[1] != licence => {
                offences.push(format!("{name}: {cells:?}, the licence is {licence}"));
            }
            Some(_) => {}
        }
    }
    let gone = listed.iter().filter(|(name, _)| !linked.contains_key(*name));
    offences.extend(gone.map(|(name, _)| format!("{name} is not in the library")));
    assert_none("docs/dependencies.md, crates of the library", &offences);
}

#[test]
fn the_page_of_dependencies_has_every_direct_one_of_the_command_line() {
    let page = read("docs/dependencies.md");
    let listed = listed_crates(&page, "\n## In the command line\n");
    let document = metadata(&["--no-deps", "--manifest-path", "cli/Cargo.toml"]);
    let needed: BTreeSet<&str> = entries(&document["packages"])
        .flat_map(|package| entries(&package["dependencies"]))
        .filter(|needed| needed["kind"].is_null() && needed["path"].is_null())
        .map(|needed| text(needed, "name"))
        .collect();
    let listed: BTreeSet<&str> = listed.into_iter().map(|(name, _)| name).collect();
    let offences: Vec<_> = needed.symmetric_difference(&listed).collect();
    assert!(offences.is_empty(), "docs/dependencies.md or cli/Cargo.toml lacks {offences:?}");
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

/// `1.85` and `1.85.0` as numbers.
fn version_numbers(text: &str) -> Vec<u32> {
    text.split('.').map_while(|number| number.parse().ok()).take(2).collect()
}

#[test]
fn f98_every_crate_compiles_with_the_rust_that_the_manifest_states() {
    let mut offences = Vec::new();
    for manifest in ["Cargo.toml", "cli/Cargo.toml"] {
        for target in TARGETS {
            let document = metadata(&["--filter-platform", target, "--manifest-path", manifest]);
            let used: BTreeSet<&str> =
                entries(&document["resolve"]["nodes"]).map(|node| text(node, "id")).collect();
            let root = text(&document["resolve"], "root");
            let package =
                |id: &str| entries(&document["packages"]).find(|package| text(package, "id") == id);
            let stated = version_numbers(text(package(root).expect("ours"), "rust_version"));
            for package in used.iter().filter_map(|id| package(id)) {
                let needed = text(package, "rust_version");
                if version_numbers(needed) > stated {
                    let (name, version) = (text(package, "name"), text(package, "version"));
                    offences.push(format!("{manifest}: {name} {version} needs Rust {needed}"));
                }
            }
        }
    }
    offences.sort();
    offences.dedup();
    assert_none("crates of Cargo.lock that need a newer Rust (cargo update -p NAME)", &offences);
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
