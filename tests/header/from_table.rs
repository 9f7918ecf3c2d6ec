//! What is made from `src/capi/table.rs`: the Rust code that is the same for every object, how C++
//! counts references, and what Python knows of options and statistics. The functions of
//! `src/capi/functions/` stand between.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::c_header::{Section, SECTIONS};
use crate::from_functions::functions;
use crate::functions::group;
use crate::table::{
    Bits, By, Choice, Member, Object, Options, Statistics, CHOICES, OBJECTS, OPTIONS, STATISTICS,
};
use crate::LINE_LENGTH_MAX;

const RUST_NOTICE: &str = "// Generated from table.rs by tests/header; do not edit.";

/// A comment of Rust's for readers of the C header, each line behind `indent`.
pub fn docs(indent: &str, text: &str) -> String {
    let mut result = String::new();
    for paragraph in text.split("\n\n") {
        if !result.is_empty() {
            writeln!(result, "{indent}///").unwrap();
        }
        // Each item of a list of parameters begins a line.
        for item in paragraph.split('\n') {
            let mut line = format!("{indent}///");
            // A number stays with its meaning.
            let item = item.replace(" = ", "~=~");
            for word in item.split(' ').map(|word| word.replace("~=~", " = ")) {
                if line.len() + 1 + word.len() > LINE_LENGTH_MAX {
                    writeln!(result, "{line}").unwrap();
                    line = format!("{indent}///");
                }
                write!(line, " {word}").unwrap();
            }
            writeln!(result, "{line}").unwrap();
        }
    }
    result
}

/// The head of a C function, laid out as rustfmt does.
pub fn signature(name: &str, parameters: &[String], returned: &str) -> String {
    let start = format!("#[no_mangle]\npub unsafe extern \"C\" fn {name}(");
    let (short, end) = (parameters.join(", "), format!("){returned} {{"));
    let length = start.len() - "#[no_mangle]\n".len() + short.len() + end.len();
    match length <= LINE_LENGTH_MAX {
        true => format!("{start}{short}{end}\n"),
        false => format!("{start}\n    {},\n{end}\n", parameters.join(",\n    ")),
    }
}

/// Words, none of which may be there, as one text.
fn sentence(words: &[&str]) -> String {
    words.iter().filter(|word| !word.is_empty()).copied().collect::<Vec<_>>().join(" ")
}

fn opaque(object: &Object) -> String {
    let name = object.name;
    let released = object.released.map_or(String::new(), |function| {
        format!(
            "\n    fn released(object: std::sync::Arc<Self::Object>) {{\n        \
             {function}(object);\n    }}\n"
        )
    });
    format!(
        "{}pub struct rogue_mem_{name}_t {{\n    _private: (),\n}}\n\n\
         impl Handle for rogue_mem_{name}_t {{\n    type Object = {};\n{released}}}\n\n",
        docs("", object.is),
        object.rust
    )
}

fn retain_and_release(object: &Object) -> String {
    let (name, (argument, what)) = (object.name, object.argument);
    let handle = format!("*mut rogue_mem_{name}_t");
    let parameter = [format!("{argument}: {handle}")];
    let about = format!("@param {argument} {what}; NULL is allowed and ignored.");
    let mut text = docs(
        "",
        &format!(
            "{}\n\n{about}\n@return its argument.",
            sentence(&["Adds a reference.", object.retain])
        ),
    );
    text += &signature(&format!("rogue_mem_{name}_retain"), &parameter, &format!(" -> {handle}"));
    write!(
        text,
        "    // SAFETY: null or live, as the header demands.\n    \
         value(|_| Ok(unsafe {{ retain({argument}) }}))\n}}\n\n"
    )
    .unwrap();
    text += &docs(
        "",
        &format!("{}\n\n{about}", sentence(&["Gives a reference back.", object.release]),),
    );
    text += &signature(&format!("rogue_mem_{name}_release"), &parameter, "");
    write!(
        text,
        "    value(|_| {{\n        \
         // SAFETY: null or a reference of the caller's, as the header demands.\n        \
         unsafe {{ release({argument}) }};\n        Ok(())\n    }})\n}}\n\n"
    )
    .unwrap();
    text
}

fn constant(choice: &Choice, value: &str) -> String {
    format!("ROGUE_MEM_{}_{}", choice.name.to_uppercase(), value.to_uppercase())
}

fn choice(choice: &Choice) -> String {
    let mut text = String::new();
    let mut arms = String::new();
    for value in choice.values {
        let constant = constant(choice, value.name);
        text += &docs("", value.is);
        writeln!(text, "pub const {constant}: u32 = {};", value.number).unwrap();
        writeln!(arms, "        {constant} => Ok({}::{}),", choice.rust, value.rust).unwrap();
    }
    let name = choice.name;
    let constants = constant(choice, "...");
    write!(
        text,
        "\npub(super) fn {name}(call: Call, number: u32) -> Result<{}> {{\n    match number {{\n{arms}        \
         _ => {{\n            let text = format!(\"option `{name}` is {{number}}; use \
         {constants}\");\n            Err(call.error(Status::InvalidArgument, text))\n        \
         }}\n    }}\n}}\n\n",
        choice.rust
    )
    .unwrap();
    text
}

fn versioned(name: &str, grown_from: Option<&str>, reserved: &[&str]) -> String {
    let size = match grown_from {
        None => "size_of::<Self>()".to_owned(),
        Some(member) => format!("std::mem::offset_of!(Self, {member})"),
    };
    let reserved = match reserved {
        [] => String::new(),
        names => {
            let names: Vec<_> = names.iter().map(|name| format!("self.{name}")).collect();
            format!("\n    fn reserved(&self) -> u32 {{\n        {}\n    }}\n", names.join(" | "))
        }
    };
    format!(
        "// SAFETY: integers and pointers, `size` first.\nunsafe impl Versioned for {name} {{\n    \
         const SIZE_FIRST_BYTES: usize = {size};\n{reserved}}}\n\n"
    )
}

fn structure(name: &str, is: &str, members: &[(&str, String, &str)]) -> String {
    let mut text = docs("", is);
    write!(
        text,
        "#[derive(Clone, Copy)]\n#[repr(C)]\npub struct {name} {{\n    \
         /// sizeof({name}).\n    pub size: usize,\n"
    )
    .unwrap();
    for (member, ty, is) in members {
        text += &docs("    ", is);
        writeln!(text, "    pub {member}: {ty},").unwrap();
    }
    text + "}\n\n"
}

fn type_of(member: &Member) -> String {
    match member.bits {
        Bits::B32 => "u32".to_owned(),
        Bits::B64 => "u64".to_owned(),
        Bits::Text => "*const c_char".to_owned(),
        Bits::Handle(object) => format!("*mut rogue_mem_{object}_t"),
    }
}

fn options(options: &Options) -> String {
    let name = format!("rogue_mem_{}_options_t", options.object);
    let members: Vec<_> =
        options.members.iter().map(|member| (member.name, type_of(member), member.is)).collect();
    let mut text = structure(&name, options.is, &members);
    let reserved: Vec<_> = options
        .members
        .iter()
        .filter_map(|member| matches!(member.by, By::Reserved).then_some(member.name))
        .collect();
    text += &versioned(&name, options.grown_from, &reserved);
    let (mut body, mut call) = (String::new(), "_call");
    for Member { name, sets, by, bits, .. } in options.members {
        let value = match by {
            By::Reserved => continue,
            By::Handle => {
                write!(
                    body,
                    "        // SAFETY: null or live, as promised by the caller.\n        \
                     if let Some(object) = unsafe {{ borrow(self.{name}) }} {{\n            \
                     options.{sets} = Some(Arc::clone(&object));\n        }}\n"
                )
                .unwrap();
                continue;
            }
            By::Conversion(function) if *bits == Bits::Text => {
                call = "call";
                write!(
                    body,
                    "        if !self.{name}.is_null() {{\n            \
                     // SAFETY: ending in NUL, as promised by the caller.\n            \
                     let text = unsafe {{ call.text(self.{name}, \"{name}\") }}?;\n            \
                     options.{sets} = convert::{function}(text);\n        }}\n"
                )
                .unwrap();
                continue;
            }
            By::Conversion(function) => format!("convert::{function}(self.{name})"),
            By::Choice(choice) => {
                call = "call";
                format!("{choice}(call, self.{name})?")
            }
        };
        write!(
            body,
            "        if self.{name} != 0 {{\n            options.{sets} = {value};\n        }}\n"
        )
        .unwrap();
    }
    write!(
        text,
        "impl Options for {name} {{\n    type Chosen = {};\n\n    \
         unsafe fn chosen(&self, {call}: Call) -> Result<Self::Chosen> {{\n        \
         let mut options = Self::Chosen::default();\n{body}        Ok(options)\n    }}\n}}\n\n",
        options.rust
    )
    .unwrap();
    text
}

/// The value of a member. A time is a duration in Rust, which is called as the member is without its
/// unit, or `..._time` where `names` have that already.
fn statistic(name: &str, names: &[&str]) -> String {
    let units = [("_ms", "milliseconds"), ("_us", "microseconds"), ("_ns", "nanoseconds")];
    let timed = units.iter().find_map(|(end, unit)| Some((name.strip_suffix(end)?, unit)));
    match timed {
        None => format!("now.{name}"),
        Some((time, unit)) if names.contains(&time) => {
            format!("convert::as_{unit}(now.{time}_time)")
        }
        Some((time, unit)) => format!("convert::as_{unit}(now.{time})"),
    }
}

fn statistics(statistics: &Statistics, object: &Object) -> String {
    let name = format!("rogue_mem_{}_stats_t", statistics.object);
    let members: Vec<_> =
        statistics.members.iter().map(|(name, is)| (*name, "u64".to_owned(), *is)).collect();
    let mut text = structure(&name, statistics.is, &members);
    text += &versioned(&name, statistics.grown_from, &[]);
    let (argument, what) = object.argument;
    text += &docs(
        "",
        &format!(
            "What {what} has done so far.\n\n@param {argument} {what}.\n@param stats receives the \
             counters; its size must be set. Untouched on failure.\n@return ROGUE_MEM_OK; \
             ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if stats has a wrong \
             size."
        ),
    );
    text += &signature(
        &format!("rogue_mem_{}_stats", object.name),
        &[format!("{argument}: *const rogue_mem_{}_t", object.name), format!("stats: *mut {name}")],
        " -> rogue_mem_status_t",
    );
    let names: Vec<&str> = statistics.members.iter().map(|(name, _)| *name).collect();
    let fields = names.iter().fold(String::new(), |text, name| {
        text + &format!("            {name}: {},\n", statistic(name, &names))
    });
    write!(
        text,
        "    status(|call| {{\n        // SAFETY: null or live, as the header demands.\n        \
         let {argument} = unsafe {{ call.handle({argument}) }}?;\n        \
         // SAFETY: null or as long as its `size` says, as the header demands.\n        \
         let out = unsafe {{ call.versioned_out(stats, \"stats\") }}?;\n        \
         let now = {argument}.stats();\n        out.set(&{name} {{\n            size: 0,\n\
         {fields}        }});\n        Ok(())\n    }})\n}}\n\n"
    )
    .unwrap();
    text
}

/// The opaque types, for the section of the header that declares them.
pub fn opaque_types() -> String {
    OBJECTS.iter().map(opaque).collect()
}

/// The functions of `src/capi/functions/` for the section of this name.
pub fn functions_of(name: &str) -> String {
    group(name).map(functions).unwrap_or_default()
}

/// What belongs into the section of this name besides functions.
pub fn section_of(name: &str) -> String {
    let mut text = String::new();
    let object = OBJECTS.iter().find(|object| object.name == name);
    if let Some(object) = object {
        text.extend(CHOICES.iter().filter(|one| one.object == name).map(choice));
        text.extend(OPTIONS.iter().filter(|one| one.object == name).map(options));
        let of_object = STATISTICS.iter().filter(|one| one.object == name);
        text.extend(of_object.map(|one| statistics(one, object)));
    }
    text.extend(object.map(retain_and_release));
    text
}

/// What each file of `src/capi/generated/` is called, without ".rs", and has in it.
pub fn rust_files() -> BTreeMap<String, String> {
    let made = SECTIONS.iter().map(Section::object).map(|name| {
        let text = functions_of(name) + &section_of(name);
        (name.replace('/', "_"), text.trim_end().to_owned())
    });
    let filled = made.filter(|(_, text)| !text.is_empty());
    let complete = |text| format!("{RUST_NOTICE}\n\nuse super::*;\n\n{text}\n");
    filled.map(|(name, text)| (name, complete(text))).collect()
}

/// `src/capi/generated.rs`.
pub fn rust() -> String {
    let mut text = String::from(
        "//! The objects of this interface. Each type is opaque: programs hold pointers to it and \
         nothing\n//! else. A pointer stands for one reference, or for more that somebody else \
         keeps.\n\n",
    );
    text += RUST_NOTICE;
    text += "\n\n\
         use std::ffi::c_char;\nuse std::sync::Arc;\n\n\
         use super::argument::{Options, Versioned};\nuse super::call::Call;\n\
         use super::convert;\nuse super::guard::{query, query_text, status, value};\n\
         use super::handle::{\n    borrow, into_handle, release, retain, slave_handle, \
         stream_slave_handle, Handle,\n};\n\
         use super::status::rogue_mem_status_t;\nuse crate::error::{Result, Status};\n\
         use crate::memory::block::{Model, BOOL, INT, UINT};\n\
         use crate::stream::{self, Node};\n\n";
    let files = rust_files();
    text.extend(files.keys().map(|name| format!("mod {name};\n")));
    text += "\n";
    text.extend(files.keys().map(|name| format!("pub use {name}::*;\n")));
    text += "\n";
    text += &opaque_types();
    text.trim_end().to_owned() + "\n"
}

/// `tcp_server` is `TcpServer`.
fn camel_case(name: &str) -> String {
    let words = name.split('_').map(|word| word[..1].to_uppercase() + &word[1..]);
    words.collect()
}

/// A structure of C++ that is one of C's with every member at zero but its size.
fn cpp_structure(object: &str, c_kind: &str, kind: &str, is: &str) -> String {
    let (c_name, name) = (format!("rogue_mem_{object}_{c_kind}_t"), camel_case(object) + kind);
    format!(
        "/** {is}; see {c_name} in rogue_mem.h. */\nstruct {name} : {c_name} {{\n    \
         {name}() : {c_name}() {{ size = sizeof({c_name}); }}\n    \
         {name}(const {c_name} &other) : {c_name}(other) {{ size = sizeof({c_name}); }}\n}};\n\n"
    )
}

/// `cpp/rogue/detail/Objects.h`.
pub fn cpp() -> String {
    let mut text = String::from(
        "/**\n * How the C library's objects are counted, and its structures of options and \
         statistics.\n * Generated from src/capi/table.rs by tests/header; do not edit. Used by \
         the public headers; not\n * for use by programs.\n */\n\
         #ifndef ROGUE_DETAIL_OBJECTS_H\n#define ROGUE_DETAIL_OBJECTS_H\n\n\
         #include \"rogue/Directives.h\"\n\n#include <rogue_mem.h>\n\n\
         // clang-format off\n\nnamespace rogue {\nnamespace detail {\n\n\
         /** How the references of one type of the C library are counted. */\n\
         template <typename T>\nstruct Counting;\n\n",
    );
    for Object { name, .. } in OBJECTS.iter().filter(|object| !object.for_bindings) {
        let handle = format!("rogue_mem_{name}_t");
        write!(
            text,
            "template <>\nstruct Counting<{handle}> {{\n    \
             static void retain({handle} *raw) {{ rogue_mem_{name}_retain(raw); }}\n    \
             static void release({handle} *raw) {{ rogue_mem_{name}_release(raw); }}\n}};\n\n"
        )
        .unwrap();
    }
    for Options { object, .. } in OPTIONS {
        text += &cpp_structure(object, "options", "Options", "Options, each at its default");
    }
    for Statistics { object, .. } in STATISTICS {
        text += &cpp_structure(object, "stats", "Stats", "Counters");
    }
    text + "} // namespace detail\n} // namespace rogue\n\n// clang-format on\n\n#endif\n"
}

/// An entry of a dictionary of Python's whose value is a tuple of texts.
fn python_entry(key: &str, names: &[&str]) -> String {
    // As ruff lays it out.
    if let [name] = names {
        return format!("    \"{key}\": (\"{name}\",),\n");
    }
    let names =
        names.iter().fold(String::new(), |text, name| text + &format!("        \"{name}\",\n"));
    format!("    \"{key}\": (\n{names}    ),\n")
}

/// `python/rogue/_impl/table.py`.
pub fn python() -> String {
    let mut text = String::from(
        "\"\"\"The library's structures of options and statistics, by the names of their \
         members.\n\n\
         Written from src/capi/table.rs by tests/header; do not edit.\n\"\"\"\n\n\
         from __future__ import annotations\n\n\
         #: What may be chosen.\nOPTIONS: \"dict[str, tuple[str, ...]]\" = {\n",
    );
    for Options { object, members, .. } in OPTIONS {
        let chosen = members.iter().filter(|member| !matches!(member.by, By::Reserved));
        let names: Vec<_> = chosen.map(|member| member.name).collect();
        text += &python_entry(&format!("rogue_mem_{object}_options_t"), &names);
    }
    text += "}\n#: What is counted.\nSTATISTICS: \"dict[str, tuple[str, ...]]\" = {\n";
    for Statistics { object, members, .. } in STATISTICS {
        let names: Vec<_> = members.iter().map(|(name, _)| *name).collect();
        text += &python_entry(&format!("rogue_mem_{object}_stats_t"), &names);
    }
    text += "}\n#: The numbers of an option that is one of several.\n\
             CHOICES: \"dict[str, dict[str, int]]\" = {\n";
    for Choice { name, values, .. } in CHOICES {
        writeln!(text, "    \"{name}\": {{").unwrap();
        for value in *values {
            writeln!(text, "        \"{}\": {},", value.name, value.number).unwrap();
        }
        text += "    },\n";
    }
    text + "}\n"
}

#[test]
fn a_structure_that_has_grown_is_read_as_far_as_older_programs_know_it() {
    let member = |name, by| Member { name, bits: Bits::B32, is: "Says.", sets: "field", by };
    let members = Box::leak(Box::new([
        member("first", By::Conversion("count")),
        member("kept", By::Reserved),
        member("added", By::Choice("legacy")),
    ]));
    let grown = Options {
        object: "thing",
        rust: "Things",
        is: "Says.",
        members,
        grown_from: Some("added"),
    };
    let text = options(&grown);
    for part in [
        "const SIZE_FIRST_BYTES: usize = std::mem::offset_of!(Self, added);",
        "fn reserved(&self) -> u32 {\n        self.kept\n",
        "options.field = convert::count(self.first);",
        "options.field = legacy(call, self.added)?;",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    assert!(!text.contains("if self.kept"), "{text}");
}

#[test]
fn comments_are_broken_where_they_must_be() {
    let text = docs("", &format!("{} end\n\n@param a b\n@return c", "x".repeat(92)));
    let expected = format!("/// {} end\n///\n/// @param a b\n/// @return c\n", "x".repeat(92));
    assert_eq!(text, expected);
    let text = docs("    ", &format!("{} end", "x".repeat(90)));
    assert_eq!(text, format!("    /// {}\n    /// end\n", "x".repeat(90)));
}

#[test]
fn the_table_names_what_it_has() {
    let known = |name: &str| OBJECTS.iter().any(|object| object.name == name);
    for name in CHOICES
        .iter()
        .map(|one| one.object)
        .chain(OPTIONS.iter().map(|one| one.object))
        .chain(STATISTICS.iter().map(|one| one.object))
    {
        assert!(known(name), "{name} is no object");
    }
}
