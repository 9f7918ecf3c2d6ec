//! Which part of the crate may use which other part, and who may touch what is dangerous.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use crate::assert_none;
use crate::files::project_files;
use crate::source::{NamedPath, Source};

/// What each room may use of this crate, besides itself. `capi` may use everything.
const ROOMS: &[(&str, &[&str])] = &[
    ("debug", &[]),
    ("error", &[]),
    ("peer", &[]),
    ("process", &[]),
    ("clock", &["process"]),
    ("sync", &["process", "clock"]),
    ("logging", &["debug", "error", "peer", "process", "clock", "sync"]),
    ("headroom", &["process", "logging"]),
    ("proto", &["error"]),
    ("memory", &["debug", "error", "process", "clock", "sync", "logging", "headroom"]),
    ("stream", &["debug", "error", "process", "clock", "sync", "logging", "headroom"]),
    ("net", &["debug", "error", "peer", "process", "clock", "sync", "logging", "headroom"]),
    (
        "bridge",
        &[
            "debug", "error", "peer", "process", "clock", "sync", "logging", "headroom", "proto",
            "memory", "stream", "net", "security",
        ],
    ),
    (
        "security",
        &[
            "debug", "error", "peer", "process", "clock", "sync", "logging", "proto", "memory",
            "net",
        ],
    ),
    ("files", &["debug", "error", "process", "clock", "sync", "logging", "proto", "stream", "net"]),
    ("hardware", &["debug", "error", "process", "sync", "logging", "memory", "net"]),
    (
        "protocols",
        &[
            "debug", "error", "peer", "process", "clock", "sync", "logging", "headroom", "proto",
            "memory", "stream", "net",
        ],
    ),
];

/// All that `bridge/link/` may use of `proto::bridge`: what peers say about themselves.
const LINK_MAY_USE_OF_BRIDGES: &[&str] = &[
    "proto::bridge::PeerInfo",
    "proto::bridge::SessionId",
    "proto::bridge::property::Announcement",
];

/// All that protocol code may use of the standard library: values, collections, and what the
/// processor can do. No socket, clock, thread, lock or file.
const STANDARD_FOR_PROTO: &[&str] = &[
    "any",
    "arch",
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
const FOREIGN_CRATES: &[&str] = &["getrandom", "libc", "log", "mio", "parking_lot", "rand"];

/// Where `unsafe` may stand, besides folders named `sys`: the boundary, forks and standard output,
/// the buffer that a caller owns.
const UNSAFE_PLACES: &[&str] = &["src/capi/", "src/process.rs", "src/memory/transaction/buffer.rs"];

const THREADS_FILE: &str = "src/process.rs";
const MONOTONIC_CLOCK_FILE: &str = "src/clock.rs";
const LOGGING_FILES: &str = "src/logging";

/// The files of the crate, without those that are compiled for tests only.
pub fn shipped_sources() -> &'static [Source] {
    static SOURCES: OnceLock<Vec<Source>> = OnceLock::new();
    SOURCES.get_or_init(|| {
        let sources: Vec<Source> = project_files()
            .iter()
            .filter(|file| file.path.starts_with("src/") && file.has_extension(&["rs"]))
            .map(Source::new)
            .collect();
        let test_modules: BTreeSet<_> =
            sources.iter().flat_map(|source| source.test_modules.clone()).collect();
        sources.into_iter().filter(|source| !source.is_below(&test_modules)).collect()
    })
}

/// The paths of two or more segments that a file names.
fn named(source: &Source) -> impl Iterator<Item = &NamedPath> {
    let imports = source.paths.iter().map(|(_, path)| path);
    imports.chain(&source.exports).filter(|path| path.segments.len() > 1)
}

fn room_of(path: &str) -> &str {
    let inner = path.strip_prefix("src/").unwrap_or(path);
    inner.split('/').next().unwrap_or_default().trim_end_matches(".rs")
}

/// The names that the crate's root re-exports, each with the room it comes from.
fn reexports(sources: &[Source]) -> BTreeMap<String, String> {
    let root = sources.iter().find(|source| source.path == "src/lib.rs").expect("the crate's root");
    let targets = root.exports.iter().map(|path| &path.segments);
    targets.map(|path| (path[path.len() - 1].clone(), path[1].clone())).collect()
}

#[test]
fn rooms_use_only_the_rooms_they_may() {
    let sources = shipped_sources();
    let reexports = reexports(sources);
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
        for NamedPath { segments, line } in named(source) {
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
fn a_link_knows_no_message_of_any_bridge() {
    const LINK: &str = "src/bridge/link/";
    let mut offences = Vec::new();
    for source in shipped_sources().iter().filter(|source| source.path.starts_with(LINK)) {
        for NamedPath { segments, line } in named(source) {
            let path = segments.join("::");
            let is_allowed = match path.strip_prefix("crate::") {
                // What peers say about themselves in their READY, and a table with integers as keys.
                Some(inner) if inner.starts_with("proto::bridge") => {
                    LINK_MAY_USE_OF_BRIDGES.contains(&inner)
                }
                Some(inner) if inner.starts_with("memory") => {
                    ["memory::IdMap", "memory::try_reserve_one"].contains(&inner)
                }
                Some(inner) if inner.starts_with("bridge") => inner.starts_with("bridge::link"),
                Some(inner) => !inner.starts_with("stream"),
                None => true,
            };
            if !is_allowed {
                offences.push(format!("{}:{line}: {path}", source.path));
            }
        }
    }
    assert_none("src/bridge/link/ knows a bridge that uses it", &offences);
}

#[test]
fn protocol_code_touches_nothing_but_bytes() {
    let mut offences = Vec::new();
    for source in shipped_sources().iter().filter(|source| room_of(&source.path) == "proto") {
        for NamedPath { segments, line } in named(source) {
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
    for source in shipped_sources() {
        let Some(line) = source.unsafe_lines.first() else { continue };
        let is_system = source.module.iter().any(|module| module == "sys");
        let is_place = UNSAFE_PLACES.iter().any(|place| source.path.starts_with(place));
        if !is_system && !is_place {
            offences.push(format!("{}:{line}", source.path));
        }
    }
    assert_none("unsafe code outside of its places", &offences);
}

#[test]
fn f13_every_thread_begins_in_one_place() {
    let mut offences = Vec::new();
    for source in shipped_sources().iter().filter(|source| source.path != THREADS_FILE) {
        for NamedPath { segments, line } in named(source) {
            let of_thread = ["Builder", "spawn", "scope"];
            let begins = segments.windows(2).any(|pair| {
                pair[0] == "thread" && of_thread.contains(&pair[1].as_str())
                    || pair[0] == "libc" && pair[1] == "pthread_create"
            });
            if begins {
                offences.push(format!("{}:{line}: {}", source.path, segments.join("::")));
            }
        }
    }
    assert_none("a thread that does not begin in process::spawn", &offences);
}

#[test]
fn the_clock_is_read_in_one_place() {
    let mut offences = Vec::new();
    for source in shipped_sources().iter().filter(|source| source.path != MONOTONIC_CLOCK_FILE) {
        for (_, NamedPath { segments, line }) in &source.paths {
            let ends_in = |words: &[&str]| {
                segments.len() >= words.len()
                    && segments[segments.len() - words.len()..].iter().eq(words)
            };
            let time_stamp = [&["SystemTime", "now"][..], &["UNIX_EPOCH"]];
            let other = [&["Instant", "now"][..], &["clock_gettime"], &["gettimeofday"]];
            let is_log = source.path.starts_with(LOGGING_FILES);
            if other.into_iter().any(ends_in) || !is_log && time_stamp.into_iter().any(ends_in) {
                offences.push(format!("{}:{line}: {}", source.path, segments.join("::")));
            }
        }
    }
    assert_none("a clock is read outside of src/clock.rs and the log's time stamp", &offences);
}

#[test]
fn only_the_logger_prints() {
    let mut offences = Vec::new();
    for source in shipped_sources() {
        let prints = ["print", "println", "eprint", "eprintln"];
        let is_log = source.path.starts_with(LOGGING_FILES);
        let calls = source.macros.iter().filter(|(name, _)| prints.contains(&name.as_str()));
        offences.extend(
            calls.filter(|_| !is_log).map(|(name, line)| format!("{}:{line}: {name}", source.path)),
        );
    }
    assert_none("output that no log filter can silence", &offences);
}
