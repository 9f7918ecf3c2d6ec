//! Which part of the crate may use which other part, and who may touch what is dangerous.

use std::collections::{BTreeMap, BTreeSet};

use crate::assert_none;
use crate::files::project_files;
use crate::rust_source::{NamedPath, RustSource};

/// What each room may use of this crate, besides itself. `capi` may use everything.
const ROOMS: &[(&str, &[&str])] = &[
    ("error", &[]),
    ("process", &[]),
    ("clock", &["process"]),
    ("sync", &["process", "clock"]),
    ("logging", &["error", "process", "clock"]),
    ("proto", &["error"]),
    ("memory", &["error", "process", "clock", "sync", "logging"]),
    ("stream", &["error", "clock", "sync", "logging"]),
    ("net", &["error", "process", "clock", "sync", "logging"]),
    ("bridge", &["error", "clock", "sync", "logging", "proto", "memory", "net"]),
    ("protocols", &["error", "clock", "sync", "logging", "proto", "memory", "stream", "net"]),
];

/// All that protocol code may use of the standard library: values and collections. No socket,
/// clock, thread, lock or file.
const STANDARD_FOR_PROTO: &[&str] = &[
    "any",
    "array",
    "ascii",
    "borrow",
    "boxed",
    "char",
    "cmp",
    "collections",
    "convert",
    "default",
    "error",
    "fmt",
    "hash",
    "hint",
    "i128",
    "i16",
    "i32",
    "i64",
    "i8",
    "iter",
    "marker",
    "mem",
    "num",
    "ops",
    "option",
    "result",
    "slice",
    "str",
    "string",
    "u128",
    "u16",
    "u32",
    "u64",
    "u8",
    "usize",
    "vec",
];

/// Crates and standard modules by which the outside world comes in.
const FOREIGN_CRATES: &[&str] = &["getrandom", "libc", "lock_api", "log", "mio", "rand"];

/// Where `unsafe` may stand: a folder for the boundary, one file each for the buffer that a caller
/// owns, for socket options, for forks and standard output, for locks, and for what these wait by.
const UNSAFE_FOLDER: &str = "src/capi/";
const UNSAFE_ROOMS_OF_ONE_FILE: &[&str] =
    &["src/memory/", "src/net/", "src/process", "src/sync.rs", "src/sync/"];

const MONOTONIC_CLOCK_FILE: &str = "src/clock.rs";
const LOGGING_FILES: &str = "src/logging";

/// The files of the crate, without those that are compiled for tests only.
fn shipped_sources() -> Vec<RustSource> {
    let sources: Vec<RustSource> = project_files()
        .iter()
        .filter(|file| file.path.starts_with("src/") && file.has_extension(&["rs"]))
        .map(RustSource::new)
        .collect();
    let test_modules: BTreeSet<_> = sources.iter().flat_map(RustSource::test_modules).collect();
    sources.into_iter().filter(|source| !source.is_below(&test_modules)).collect()
}

fn room_of(path: &str) -> &str {
    let inner = path.strip_prefix("src/").unwrap_or(path);
    inner.split('/').next().unwrap_or_default().trim_end_matches(".rs")
}

/// The names that the crate's root re-exports, each with the room it comes from.
fn reexports(sources: &[RustSource]) -> BTreeMap<String, String> {
    let root = sources.iter().find(|source| source.path == "src/lib.rs").expect("the crate's root");
    let named = root.paths().into_iter().filter(|path| path.segments.len() >= 2);
    named
        .map(|path| (path.segments[path.segments.len() - 1].clone(), path.segments[0].clone()))
        .collect()
}

#[test]
fn rooms_use_only_the_rooms_they_may() {
    let sources = shipped_sources();
    let reexports = reexports(&sources);
    let mut offences = Vec::new();
    for source in sources.iter().filter(|source| source.path != "src/lib.rs") {
        let room = room_of(&source.path);
        if room == "capi" {
            continue;
        }
        let Some((_, allowed)) = ROOMS.iter().find(|(name, _)| *name == room) else {
            offences.push(format!("{}: the room {room} is not in the table", source.path));
            continue;
        };
        for NamedPath { segments, line } in source.paths() {
            if segments[0] != "crate" || segments.len() < 2 {
                continue;
            }
            let target = reexports.get(&segments[1]).unwrap_or(&segments[1]);
            if target != room && !allowed.contains(&target.as_str()) {
                let path = segments.join("::");
                offences.push(format!("{}:{line}: {room} may not use {path}", source.path));
            }
        }
    }
    assert_none("a room uses another that it may not know", &offences);
}

#[test]
fn protocol_code_touches_nothing_but_bytes() {
    let mut offences = Vec::new();
    for source in shipped_sources().iter().filter(|source| room_of(&source.path) == "proto") {
        for NamedPath { segments, line } in source.paths() {
            let standard = ["std", "core", "alloc"].contains(&segments[0].as_str());
            let second = segments.get(1).map_or("", String::as_str);
            if FOREIGN_CRATES.contains(&segments[0].as_str())
                || (standard && !STANDARD_FOR_PROTO.contains(&second))
            {
                offences.push(format!("{}:{line}: {}", source.path, segments.join("::")));
            }
        }
    }
    assert_none("src/proto/ uses more than values and collections", &offences);
}

#[test]
fn unsafe_stands_only_where_it_may() {
    let mut offences = Vec::new();
    let mut homes: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for source in shipped_sources() {
        let Some((_, token)) = source.shipped().find(|(_, token)| token.is("unsafe")) else {
            continue;
        };
        let home = UNSAFE_ROOMS_OF_ONE_FILE.iter().find(|room| source.path.starts_with(**room));
        match home {
            Some(room) => {
                homes.entry(room).or_default().insert(source.path.clone());
            }
            None if source.path.starts_with(UNSAFE_FOLDER) => {}
            None => offences.push(format!("{}:{}", source.path, token.line)),
        }
    }
    let spread = homes.into_iter().filter(|(_, files)| files.len() > 1);
    offences
        .extend(spread.map(|(room, files)| format!("{room}: in more than one file: {files:?}")));
    assert_none("unsafe code outside of its places", &offences);
}

#[test]
fn the_clock_is_read_in_one_place() {
    let mut offences = Vec::new();
    for source in shipped_sources() {
        for (index, token) in source.shipped() {
            let called = || source.tokens.get(index + 2).is_some_and(|next| next.is("now"));
            let allowed = match token.text.as_str() {
                "Instant" if called() => source.path == MONOTONIC_CLOCK_FILE,
                "SystemTime" if called() => source.path.starts_with(LOGGING_FILES),
                "clock_gettime" | "gettimeofday" | "UNIX_EPOCH" => {
                    source.path.starts_with(LOGGING_FILES)
                }
                _ => true,
            };
            if !allowed {
                offences.push(format!("{}:{}: {}", source.path, token.line, token.text));
            }
        }
    }
    assert_none("a clock is read outside of src/clock.rs and the log's time stamp", &offences);
}

#[test]
fn only_the_logger_prints() {
    let mut offences = Vec::new();
    for source in shipped_sources() {
        for (index, token) in source.shipped() {
            let prints = ["print", "println", "eprint", "eprintln"].contains(&token.text.as_str());
            let is_macro = source.tokens.get(index + 1).is_some_and(|next| next.is("!"));
            if prints && is_macro && !source.path.starts_with(LOGGING_FILES) {
                offences.push(format!("{}:{}", source.path, token.line));
            }
        }
    }
    assert_none("output that no log filter can silence", &offences);
}
