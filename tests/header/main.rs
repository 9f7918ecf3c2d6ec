//! The C headers are generated from `src/capi` and committed, and so is what `src/capi/table.rs`
//! says of objects, options and statistics, and `src/capi/functions/` of functions; this compares
//! all of them, and what the library really exports with what the headers declare.
//!
//! `ROGUE_MEM_UPDATE_HEADER=1 cargo test --test header` writes them and the list of symbols anew.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use c_header::{header, Part, PLUMBING, SECTIONS};
use rogue_mem::Status;

mod c_header;
mod from_functions;
mod from_table;
#[path = "../../src/capi/functions/mod.rs"]
mod functions;
#[path = "../../src/capi/table.rs"]
mod table;

const LINE_LENGTH_MAX: usize = 100;
const GENERATED_FOLDER: &str = "src/capi/generated";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    let path = root().join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

// --- what is committed ---------------------------------------------------------------------------

fn updating() -> bool {
    std::env::var_os("ROGUE_MEM_UPDATE_HEADER").is_some_and(|value| value == "1")
}

/// Compares a committed file with what it should be, or writes it.
fn compare(path: &str, expected: &str) {
    let place = root().join(path);
    let found = std::fs::read_to_string(&place).unwrap_or_default();
    if updating() {
        // What has not changed is not to look as if it had.
        if found != expected {
            std::fs::write(&place, expected).unwrap();
        }
        return;
    }
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
fn the_committed_headers_are_what_the_sources_say() {
    for part in Part::ALL {
        compare(part.path(), header(part));
    }
}

#[test]
fn what_is_made_from_the_table_is_what_the_table_says() {
    compare("src/capi/generated.rs", &from_table::rust());
    let files = from_table::rust_files();
    if updating() {
        std::fs::create_dir_all(root().join(GENERATED_FOLDER)).unwrap();
    }
    for (name, text) in &files {
        compare(&format!("{GENERATED_FOLDER}/{name}.rs"), text);
    }
    let mut found = BTreeSet::new();
    files_below(&root().join(GENERATED_FOLDER), "", &mut found);
    assert!(found.iter().eq(files.keys()), "{GENERATED_FOLDER} has {found:?}");
    compare("cpp/rogue/detail/Objects.h", &from_table::cpp());
    compare("python/rogue/_impl/table.py", &from_table::python());
}

/// The Rust files below `folder`, by their paths from `src/capi` without ".rs".
fn files_below(folder: &Path, prefix: &str, files: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        if path.is_dir() {
            files_below(&path, &format!("{prefix}{name}/"), files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.insert(format!("{prefix}{name}"));
        }
    }
}

#[test]
fn every_file_of_the_c_interface_has_its_section() {
    let mut files = BTreeSet::new();
    files_below(&root().join("src/capi"), "", &mut files);
    files.retain(|file| !file.starts_with("generated/"));
    let sections = SECTIONS.iter().filter(|section| section.has_file());
    let known = sections.map(|section| section.file).chain(PLUMBING.iter().copied());
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

/// All items at the top level of the headers, and the members of structures.
fn items() -> Vec<Item> {
    Part::ALL.into_iter().flat_map(|part| items_of(header(part))).collect()
}

fn items_of(header: &str) -> Vec<Item> {
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
fn a_function_names_its_parameters_and_its_errors() {
    for (name, item) in functions() {
        let (_, parameters) = item.function().unwrap();
        for parameter in parameters {
            let line = format!("@param {parameter} ");
            assert!(item.comment.contains(&line), "{name} does not describe {parameter}");
        }
        let described = item.comment.matches("@param ").count();
        assert_eq!(described, item.function().unwrap().1.len(), "{name} describes too much");
        if item.text.starts_with("rogue_mem_status_t") && name != "rogue_mem_last_error_status" {
            assert!(has_word(&item.comment, "ROGUE_MEM_OK"), "{name} does not list its errors");
        }
        if !item.text.starts_with("void ") {
            assert!(item.comment.contains("@return "), "{name} does not tell what it returns");
        }
    }
}

#[test]
fn the_rule_for_threads_is_said_once_for_all_functions() {
    assert_eq!(header(Part::Programs).matches("may be called from any thread").count(), 1);
    let repeated = |item: &&Item| item.comment.to_lowercase().contains("thread safe");
    let items = items();
    assert_eq!(items.iter().find(repeated).map(|item| &item.text), None);
}

#[test]
fn times_are_microseconds_and_have_them_in_their_names() {
    // Of SRPv3: a byte for the firmware, which has a unit of its own.
    let other = "rogue_mem_srp_v3_set_hardware_timeout";
    let mut times = 0;
    for (name, item) in functions().into_iter().filter(|(name, _)| *name != other) {
        for parameter in item.function().unwrap().1 {
            let is_time = parameter.contains("seconds")
                || ["timeout", "period"].iter().any(|word| parameter.starts_with(word));
            assert!(!is_time || parameter.ends_with("_us"), "{parameter} of {name}");
            times += usize::from(is_time);
        }
    }
    assert!(times > 10, "{times}");
}

#[test]
fn a_status_named_in_a_comment_exists() {
    let names: BTreeSet<&str> = Status::ALL.iter().map(|status| status.name()).collect();
    let words = |part| header(part).split(|c: char| !c.is_alphanumeric() && c != '_');
    for word in Part::ALL.into_iter().flat_map(words) {
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
    for part in Part::ALL {
        assert_eq!(header(part).lines().find(long), None, "{}", part.path());
    }
}

// --- structures ----------------------------------------------------------------------------------

/// What is behind the tag of each structure: its members, in order, with their types.
fn structures() -> BTreeMap<String, Vec<String>> {
    let mut structures = BTreeMap::new();
    let mut inside: Option<(String, Vec<String>)> = None;
    for item in items() {
        if let Some(name) = item.text.strip_prefix("typedef struct ") {
            structures.extend(inside.take());
            let name = name.strip_suffix(" {").map(str::to_owned);
            inside = name.map(|name| (name, Vec::new()));
        } else if item.function().is_some() || item.text.starts_with("#define") {
            structures.extend(inside.take());
        } else if let Some((_, members)) = &mut inside {
            members.push(item.text);
        }
    }
    structures.extend(inside);
    structures
}

/// Bytes of a member where pointers have `pointer` of them, which is its alignment too.
fn bytes_of(member: &str, pointer: usize) -> usize {
    match member.split(' ').next().unwrap() {
        _ if member.contains('*') => pointer,
        "size_t" => pointer,
        "uint64_t" | "double" => 8,
        "uint32_t" | "rogue_mem_status_t" => 4,
        _ => panic!("`{member}`: a member is a number of 32 or 64 bits, a pointer or a function"),
    }
}

/// Where members do not follow each other without a gap, and where the last one does not end at
/// the end of the structure.
fn gaps(members: &[String], pointer: usize) -> Vec<String> {
    let (mut end, mut largest, mut gaps) = (0_usize, 1, Vec::new());
    for member in members {
        let bytes = bytes_of(member, pointer);
        if end % bytes != 0 {
            gaps.push(format!("before `{member}`"));
        }
        end = end.next_multiple_of(bytes) + bytes;
        largest = largest.max(bytes);
    }
    if end % largest != 0 {
        gaps.push("at the end".to_owned());
    }
    gaps
}

#[test]
fn f27_no_structure_has_unnamed_padding() {
    let structures = structures();
    assert!(structures.len() >= 8, "only {:?} were found", structures.keys());
    for (name, members) in structures {
        assert_eq!(members[0], "size_t size;", "{name}");
        assert_eq!(gaps(&members, 8), Vec::<String>::new(), "{name}: name it `reserved`");
        // There is one before a 64-bit member there, but none that a later member falls into.
        let at_the_end = gaps(&members, 4).contains(&"at the end".to_owned());
        assert!(!at_the_end, "{name} has padding at its end where pointers have 32 bits");
    }
}

#[test]
fn f27_the_library_reads_no_bool() {
    // Undefined in Rust, whatever it does with it, where it is neither 0 nor 1. One that a
    // function returns comes from the library.
    for item in items() {
        let read = match item.function() {
            Some(_) => item.text.split_once('(').unwrap().1,
            None => &item.text,
        };
        assert!(!has_word(read, "bool"), "a flag is a uint32_t: {}", item.text);
    }
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
    let mut defined = BTreeMap::new();
    for line in header(Part::Programs).lines() {
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
