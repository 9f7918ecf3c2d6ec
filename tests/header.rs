//! The C header is generated from `src/capi` and committed; this compares the two, and what the
//! library really exports with what the header declares.
//!
//! `ROGUE_MEM_UPDATE_HEADER=1 cargo test --test header` writes the header and the list of symbols
//! anew.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use rogue_mem::Status;

/// The files of `src/capi` that declare something, in the order of the header's sections.
const SECTIONS: &[(&str, &str)] = &[
    ("status", "Status and version"),
    ("handle", "Objects"),
    ("gate", "Gates"),
    ("transaction", "Transactions"),
    ("slave", "Slaves"),
    ("emulate", "Emulated memory"),
    ("master", "Masters"),
    ("hub", "Hubs"),
    ("bits", "Ranges of bits"),
    ("tcp_server", "Memory TCP bridge: servers"),
    ("tcp_client", "Memory TCP bridge: clients"),
    ("frame", "Frames"),
    ("stream_slave", "Stream slaves"),
    ("stream_master", "Stream masters"),
    ("srp_v3", "SRPv3"),
    ("srp_v3_emulation", "SRPv3: emulated device"),
    ("logging", "Logging"),
];
/// The files that declare nothing.
const PLUMBING: &[&str] = &["mod", "argument", "callback", "guard"];
const LINE_LENGTH_MAX: usize = 100;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    let path = root().join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

// --- generating ----------------------------------------------------------------------------------

fn config() -> cbindgen::Config {
    cbindgen::Config {
        language: cbindgen::Language::C,
        style: cbindgen::Style::Both,
        documentation: true,
        documentation_style: cbindgen::DocumentationStyle::Doxy,
        line_length: LINE_LENGTH_MAX,
        tab_width: 4,
        no_includes: true,
        usize_is_size_t: true,
        ..cbindgen::Config::default()
    }
}

/// The module comment of a Rust file.
fn module_comment(source: &str) -> String {
    let lines = source.lines().map_while(|line| line.strip_prefix("//!"));
    lines.map(|line| line.strip_prefix(' ').unwrap_or(line)).collect::<Vec<_>>().join("\n")
}

fn comment(text: &str) -> String {
    let mut result = String::from("/**\n");
    for line in text.lines() {
        result.push_str(format!(" * {line}").trim_end());
        result.push('\n');
    }
    result + " */\n"
}

fn version_macros() -> String {
    let mut text = String::new();
    for (part, value) in [
        ("MAJOR", env!("CARGO_PKG_VERSION_MAJOR")),
        ("MINOR", env!("CARGO_PKG_VERSION_MINOR")),
        ("PATCH", env!("CARGO_PKG_VERSION_PATCH")),
    ] {
        let what = part.to_lowercase();
        let line = format!("{what} version of this header.");
        let line = line[..1].to_uppercase() + &line[1..];
        writeln!(text, "{}#define ROGUE_MEM_VERSION_{part} {value}\n", comment(&line)).unwrap();
    }
    let line =
        "The version of this header as a number: 0xMMmmpp. rogue_mem_version_number() is that \
                of\nthe library.";
    writeln!(
        text,
        "{}#define ROGUE_MEM_VERSION_NUMBER \\\n    ((ROGUE_MEM_VERSION_MAJOR << 16) | \
         (ROGUE_MEM_VERSION_MINOR << 8) | ROGUE_MEM_VERSION_PATCH)\n",
        comment(line)
    )
    .unwrap();
    let version = env!("CARGO_PKG_VERSION");
    let line = "The version of this header as a text.";
    writeln!(text, "{}#define ROGUE_MEM_VERSION \"{version}\"\n", comment(line)).unwrap();
    text
}

fn status_constants() -> String {
    let mut text = String::new();
    for status in Status::ALL {
        let line = status.text();
        let line = format!("{}{}.", line[..1].to_uppercase(), &line[1..]);
        writeln!(text, "{}#define {} {}\n", comment(&line), status.name(), *status as i32).unwrap();
    }
    text
}

fn declarations(file: &Path) -> String {
    let source = std::fs::read_to_string(file).unwrap();
    let mut builder = cbindgen::Builder::new().with_config(config()).with_src(file);
    for opaque in source.lines().filter_map(|line| line.strip_prefix("pub struct rogue_mem_")) {
        // Named here because nothing in the same file uses them.
        let name = opaque.trim_end_matches(" {");
        builder = builder.include_item(format!("rogue_mem_{name}"));
    }
    let bindings = builder.generate();
    let mut bytes = Vec::new();
    bindings.unwrap_or_else(|error| panic!("{}: {error}", file.display())).write(&mut bytes);
    let text = String::from_utf8(bytes).expect("the sources are UTF-8");
    // `type` is a word of Rust's, but not of C's; and a type is called by its shorter name.
    let text = text.replace("r#type", "type").replace("struct rogue_mem_", "rogue_mem_");
    let text = text.replace("typedef rogue_mem_", "typedef struct rogue_mem_");
    text.trim_start().lines().map(|line| broken(line) + "\n").collect()
}

/// A declaration that is too long even with its one parameter by itself goes on in a second line.
fn broken(line: &str) -> String {
    match line.split_once('(') {
        Some((before, after)) if line.len() > LINE_LENGTH_MAX && line.ends_with(");") => {
            format!("{before}(\n    {after}")
        }
        _ => line.to_owned(),
    }
}

fn generate() -> String {
    let mut header = read("src/capi/head.h");
    header.push_str("\n#ifndef ROGUE_MEM_H\n#define ROGUE_MEM_H\n\n");
    header.push_str("#include <stdbool.h>\n#include <stddef.h>\n#include <stdint.h>\n\n");
    header.push_str("#ifdef __cplusplus\nextern \"C\" {\n#endif\n");
    for (file, title) in SECTIONS {
        let path = format!("src/capi/{file}.rs");
        let dashes = "-".repeat(LINE_LENGTH_MAX - "/* ---   */".len() - title.len());
        write!(header, "\n/* --- {title} {dashes} */\n\n").unwrap();
        // Not a documentation comment: it belongs to no declaration.
        let text = module_comment(&read(&path));
        header.push_str(&comment(&text).replacen("/**\n * ", "/* ", 1).replace("\n */", " */"));
        header.push('\n');
        if *file == "status" {
            header.push_str(&version_macros());
        }
        header.push_str(&declarations(&root().join(&path)));
        if *file == "status" {
            header.push('\n');
            header.push_str(status_constants().trim_end());
            header.push('\n');
        }
    }
    header.push_str("\n#ifdef __cplusplus\n}\n#endif\n\n#endif /* ROGUE_MEM_H */\n");
    header
}

/// The header as it should be; the first test below sees to it that it is.
fn header() -> &'static str {
    static HEADER: OnceLock<String> = OnceLock::new();
    HEADER.get_or_init(generate)
}

fn updating() -> bool {
    std::env::var_os("ROGUE_MEM_UPDATE_HEADER").is_some_and(|value| value == "1")
}

/// Compares a committed file with what it should be, or writes it.
fn compare(path: &str, expected: &str) {
    let place = root().join(path);
    if updating() {
        std::fs::write(&place, expected).unwrap();
        return;
    }
    let found = std::fs::read_to_string(&place).unwrap_or_default();
    let difference = found.lines().zip(expected.lines()).enumerate().find(|(_, (a, b))| a != b);
    let where_ = difference.map_or("near the end".to_owned(), |(line, (found, expected))| {
        format!("in line {}:\n  committed: {found}\n  generated: {expected}", line + 1)
    });
    assert!(
        found == expected,
        "{path} is out of date {where_}\nRun ROGUE_MEM_UPDATE_HEADER=1 cargo test --test header"
    );
}

#[test]
fn the_committed_header_is_what_the_sources_say() {
    compare("include/rogue_mem.h", header());
}

#[test]
fn every_file_of_the_c_interface_has_its_section() {
    let mut files = BTreeSet::new();
    for entry in std::fs::read_dir(root().join("src/capi")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "rs") {
            files.insert(path.file_stem().unwrap().to_str().unwrap().to_owned());
        }
    }
    let known = SECTIONS.iter().map(|section| section.0).chain(PLUMBING.iter().copied());
    assert_eq!(files, known.map(str::to_owned).collect());
    for file in PLUMBING {
        assert!(!read(&format!("src/capi/{file}.rs")).contains("#[no_mangle]"), "{file}.rs");
    }
}

// --- reading -------------------------------------------------------------------------------------

/// One declaration of the header with the comment above it.
#[derive(Debug)]
struct Item {
    comment: String,
    /// Its first line and all that follow up to the semicolon, in one line.
    text: String,
}

impl Item {
    /// Name and parameters, if this is a function.
    fn function(&self) -> Option<(&str, Vec<&str>)> {
        let other = self.text.starts_with("typedef") || self.text.starts_with("#define");
        // "(*" is a member of a structure that points to a function.
        if other || self.text.contains("(*") {
            return None;
        }
        let (before, after) = self.text.split_once('(')?;
        let name = before.rsplit([' ', '*']).next()?;
        let parameters = after.trim_end_matches(");");
        let names = parameters.split(',').map(|one| one.rsplit([' ', '*']).next().unwrap());
        Some((name, names.filter(|name| *name != "void").collect()))
    }
}

/// All items at the top level of the header, and the members of structures.
fn items() -> Vec<Item> {
    let header = header();
    let start = header.find("extern \"C\" {\n#endif\n").expect("the header opens extern \"C\"");
    let mut items = Vec::new();
    let mut comment = String::new();
    let mut text = String::new();
    let mut in_comment = false;
    for line in header[start..].lines().skip(2) {
        let line = line.trim();
        if in_comment || line.starts_with("/*") {
            if !in_comment {
                // A heading or a section's text documents no item.
                comment.clear();
            }
            in_comment = !line.ends_with("*/");
            comment.push_str(line);
            comment.push('\n');
            continue;
        }
        if line.is_empty() && text.is_empty() {
            comment.clear();
            continue;
        }
        if line.starts_with('}') || line.starts_with("#if") || line.starts_with("#endif") {
            continue;
        }
        text.push_str(line);
        text.push(' ');
        let whole = line.ends_with(';') || line.ends_with('{');
        if whole || (text.starts_with("#define") && !line.ends_with('\\')) {
            let comment = match comment.starts_with("/**") {
                true => std::mem::take(&mut comment),
                false => String::new(),
            };
            items.push(Item { comment, text: text.trim().to_owned() });
            text.clear();
        }
    }
    items
}

fn functions() -> BTreeMap<String, Item> {
    let named = items().into_iter().filter_map(|item| {
        let name = item.function()?.0.to_owned();
        Some((name, item))
    });
    named.collect()
}

fn has_word(text: &str, word: &str) -> bool {
    text.split(|c: char| !c.is_alphanumeric() && c != '_').any(|one| one == word)
}

#[test]
fn every_item_has_a_comment_for_readers_of_c() {
    let items = items();
    assert!(items.len() > 100, "only {} items were found", items.len());
    for item in &items {
        assert!(!item.comment.is_empty(), "no comment: {}", item.text);
        for foreign in ["[`", "`]", "::<", "Option<", "# Safety", "unwrap", "SAFETY"] {
            assert!(!item.comment.contains(foreign), "{foreign} in the comment of {}", item.text);
        }
    }
}

#[test]
fn a_function_names_its_parameters_its_errors_and_its_thread_safety() {
    for (name, item) in functions() {
        let (_, parameters) = item.function().unwrap();
        for parameter in parameters {
            let line = format!("@param {parameter} ");
            assert!(item.comment.contains(&line), "{name} does not describe {parameter}");
        }
        let described = item.comment.matches("@param ").count();
        assert_eq!(described, item.function().unwrap().1.len(), "{name} describes too much");
        assert!(item.comment.contains("Thread safe"), "{name} does not speak of threads");
        if item.text.starts_with("rogue_mem_status_t") && name != "rogue_mem_last_error_status" {
            assert!(has_word(&item.comment, "ROGUE_MEM_OK"), "{name} does not list its errors");
        }
        if !item.text.starts_with("void ") {
            assert!(item.comment.contains("@return "), "{name} does not tell what it returns");
        }
    }
}

#[test]
fn a_status_named_in_a_comment_exists() {
    let header = header();
    let names: BTreeSet<&str> = Status::ALL.iter().map(|status| status.name()).collect();
    for word in header.split(|c: char| !c.is_alphanumeric() && c != '_') {
        let one = word.starts_with("ROGUE_MEM_ERROR_") && word != "ROGUE_MEM_ERROR_";
        assert!(!one || names.contains(word), "{word}");
    }
}

#[test]
fn names_follow_the_rules_of_the_interface() {
    for item in items() {
        if let Some((name, _)) = item.function() {
            assert!(name.starts_with("rogue_mem_"), "{name}");
        } else if let Some(define) = item.text.strip_prefix("#define ") {
            assert!(define.starts_with("ROGUE_MEM_"), "{define}");
        } else if item.text.starts_with("typedef") && item.text.ends_with(';') {
            let name = item.text.trim_end_matches(';').rsplit(' ').next().unwrap();
            assert!(name.starts_with("rogue_mem_") && name.ends_with("_t"), "{}", item.text);
        }
    }
    let long = |line: &&str| line.chars().count() > LINE_LENGTH_MAX;
    assert_eq!(header().lines().find(long), None);
}

// --- symbols -------------------------------------------------------------------------------------

/// The shared library that cargo built for this test, beside it. The one a folder higher is there
/// only where somebody ran `cargo build`, and may be old.
fn library() -> PathBuf {
    let name = if cfg!(target_os = "macos") { "librogue_mem.dylib" } else { "librogue_mem.so" };
    std::env::current_exe().unwrap().with_file_name(name)
}

fn exported() -> BTreeSet<String> {
    let library = library();
    let mut nm = Command::new("nm");
    match cfg!(target_os = "macos") {
        true => nm.arg("-gU"),
        false => nm.args(["-D", "--defined-only"]),
    };
    let output = nm.arg(&library).output().expect("nm, of the binutils, runs");
    assert!(output.status.success(), "nm {}: {output:?}", library.display());
    let text = String::from_utf8(output.stdout).unwrap();
    let names = text.lines().filter_map(|line| line.split_whitespace().last());
    names.map(|name| name.strip_prefix('_').unwrap_or(name).to_owned()).collect()
}

#[test]
fn the_library_exports_what_the_header_declares_and_nothing_else() {
    let exported = exported();
    let declared: BTreeSet<String> = functions().into_keys().collect();
    assert_eq!(exported, declared);
    let list = exported.iter().fold(String::new(), |list, name| list + name + "\n");
    compare("tests/exported_symbols.txt", &list);
}

#[test]
fn the_header_defines_every_status_with_its_number() {
    let header = header();
    let mut defined = BTreeMap::new();
    for line in header.lines() {
        let mut words = line.split(' ');
        if words.next() != Some("#define") {
            continue;
        }
        let name = words.next().unwrap();
        if name.starts_with("ROGUE_MEM_ERROR_") || name == "ROGUE_MEM_OK" {
            defined.insert(name.to_owned(), words.next().unwrap().parse::<i32>().unwrap());
        }
    }
    let table = Status::ALL.iter().map(|status| (status.name().to_owned(), *status as i32));
    assert_eq!(defined, table.collect());
}
