//! What README, CHANGELOG, build files and scripts say about the project, compared with the facts.

use crate::assert_none;
use crate::files::{project_files, read};

const VERSION: &str = env!("CARGO_PKG_VERSION");
const MINOR_VERSION: &str =
    concat!(env!("CARGO_PKG_VERSION_MAJOR"), ".", env!("CARGO_PKG_VERSION_MINOR"));

/// The versions that follow `before` in `text`: digits and dots.
fn versions_after(text: &str, before: &str) -> Vec<String> {
    text.match_indices(before)
        .map(|(at, _)| {
            let rest = &text[at + before.len()..];
            let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
            rest[..end].trim_end_matches('.').to_owned()
        })
        .filter(|version| !version.is_empty())
        .collect()
}

#[test]
fn versions_are_found_behind_their_words() {
    let text = "librogue_mem.so.0.1.0, librogue_mem.so and librogue_mem.so.0.1.";
    assert_eq!(versions_after(text, "librogue_mem.so."), ["0.1.0", "0.1"]);
}

#[test]
fn versions_in_prose_are_that_of_the_manifest() {
    let mut offences = Vec::new();
    let words = ["librogue_mem.so.", "find_package(rogue_mem ", "rogue-mem = \"", "rogue_mem-"];
    for file in project_files().iter().filter(|file| file.has_extension(&["md", "h", "txt"])) {
        for (word, version) in words
            .iter()
            .flat_map(|word| versions_after(&file.text, word).into_iter().map(move |v| (word, v)))
        {
            if version != VERSION && version != MINOR_VERSION {
                offences.push(format!("{}: {word}{version}", file.path));
            }
        }
    }
    assert_none(&format!("versions other than {VERSION}"), &offences);
}

#[test]
fn the_site_has_a_place_for_every_page() {
    let index = read("docs/index.md");
    let entries: Vec<&str> = index.lines().collect();
    let has_place = |path: &str| {
        let name = path.strip_suffix(".md").unwrap();
        let entry = name.strip_prefix("docs/").map_or(format!("../{name}"), str::to_owned);
        let is_entry = |line: &&str| **line == entry || line.ends_with(&format!("<{entry}>"));
        entry == "index" || entries.iter().any(is_entry)
    };
    let files = project_files();
    let is_page = |path: &str| {
        path.ends_with(".md")
            && (!path.contains('/')
                || path.strip_prefix("docs/").is_some_and(|page| !page.contains('/'))
                || path.starts_with("docs/tutorials/"))
    };
    let pages = files.iter().map(|file| file.path.as_str()).filter(|path| is_page(path));
    let missing: Vec<String> = pages.filter(|path| !has_place(path)).map(str::to_owned).collect();
    assert_none("pages that no list at the end of docs/index.md names", &missing);
}

#[test]
fn changelog_speaks_of_this_version() {
    let changelog = read("CHANGELOG.md");
    let released = format!("## [{VERSION}]");
    let in_preparation = changelog.contains("## [Unreleased]") && changelog.contains(VERSION);
    assert!(changelog.contains(&released) || in_preparation, "no word of {VERSION}");
}

#[test]
fn requirements_in_the_readme_are_those_of_the_build_files() {
    let readme = read("README.md");
    let of_cli = versions_after(&read("cli/Cargo.toml"), "rust-version = \"");
    for rust in of_cli.into_iter().chain([env!("CARGO_PKG_RUST_VERSION").to_owned()]) {
        assert!(readme.contains(&format!("Rust {rust} ")), "README.md does not say Rust {rust}");
    }
    let wanted = versions_after(&read("CMakeLists.txt"), "cmake_minimum_required(VERSION ");
    assert_eq!(versions_after(&readme, "CMake "), wanted, "CMake versions in README.md");
    assert_eq!(versions_after(&read("scripts/bootstrap"), "CMAKE_VERSION_MIN="), wanted);
}

#[test]
fn commands_in_the_readme_exist_and_the_main_ones_are_shown() {
    let readme = read("README.md");
    let makefile = read("Makefile");
    for command in ["make demo", "make test", "make lint", "make install"] {
        assert!(readme.contains(command), "README.md does not show {command}");
    }
    let commands = readme.match_indices("`make ").map(|(at, _)| &readme[at + 6..]);
    for rest in commands {
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '-').unwrap_or(0);
        let target = format!("\n{}:", &rest[..end]);
        assert!(makefile.contains(&target), "make {} is no target", &rest[..end]);
    }
}

#[test]
fn continuous_integration_runs_what_developers_run() {
    let script = read(".ci/run");
    for command in ["set -euo pipefail", "\nmake lint\n", "\nmake test\n", "scripts/bootstrap test"]
    {
        assert!(script.contains(command), ".ci/run lacks: {command}");
    }
}

/// The links to sources in a document: the name they show, and the file.
fn source_links(text: &str) -> Vec<(&str, &str)> {
    text.match_indices("[`")
        .filter_map(|(at, _)| {
            let (name, rest) = text[at + 2..].split_once("`](../src/")?;
            let (file, _) = rest.split_once(')')?;
            (!name.contains('\n') && !name.contains('`')).then_some((name, file))
        })
        .collect()
}

#[test]
fn links_to_sources_are_found() {
    let text = "[`a`], [`Hub::stop`](../src/memory/hub.rs) and [`b`](../src/c.rs).";
    assert_eq!(source_links(text), [("Hub::stop", "memory/hub.rs"), ("b", "c.rs")]);
}

#[test]
fn what_the_life_of_a_read_links_to_is_there() {
    let text = read("docs/life-of-a-read.md");
    let links = source_links(&text);
    assert!(links.len() > 20, "{} links", links.len());
    let files = project_files();
    let mut offences = Vec::new();
    for (name, path) in links {
        let source = files.iter().find(|file| file.path == format!("src/{path}"));
        let last = name.rsplit("::").next().unwrap();
        let is_there = source.is_some_and(|file| {
            ["fn", "struct"].iter().any(|kind| {
                file.text.match_indices(&format!("{kind} {last}")).any(|(at, found)| {
                    let next = file.text[at + found.len()..].chars().next();
                    next.is_none_or(|c| !c.is_alphanumeric() && c != '_')
                })
            })
        });
        if !is_there {
            offences.push(format!("{name} in src/{path}"));
        }
    }
    assert_none("functions that docs/life-of-a-read.md names and that are not there", &offences);
}
