//! The C headers, made from the files of `src/capi`: their module comments become sections, their
//! functions, structures and constants become declarations.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::OnceLock;

use rogue_mem::Status;

use crate::functions::group;
use crate::{from_table, read, LINE_LENGTH_MAX};

/// Whom a header is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Part {
    /// Programs in C and C++.
    Programs,
    /// Bindings to languages with an interpreter.
    Bindings,
}

impl Part {
    pub const ALL: [Part; 2] = [Part::Programs, Part::Bindings];

    pub fn path(self) -> &'static str {
        match self {
            Part::Programs => "include/rogue_mem.h",
            Part::Bindings => "include/rogue_mem_binding.h",
        }
    }

    /// The file with the comment that it begins with.
    fn head(self) -> &'static str {
        match self {
            Part::Programs => "src/capi/head.h",
            Part::Bindings => "src/capi/binding/head.h",
        }
    }

    fn guard(self) -> &'static str {
        match self {
            Part::Programs => "ROGUE_MEM_H",
            Part::Bindings => "ROGUE_MEM_BINDING_H",
        }
    }

    fn includes(self) -> &'static str {
        match self {
            Part::Programs => "#include <stdbool.h>\n#include <stddef.h>\n#include <stdint.h>\n",
            Part::Bindings => "#include \"rogue_mem.h\"\n",
        }
    }
}

/// A section of a header.
pub struct Section {
    pub part: Part,
    /// The file of `src/capi`, without ".rs".
    pub file: &'static str,
    title: &'static str,
}

impl Section {
    /// The object in whose section what the table says of it stands.
    pub fn object(&self) -> &'static str {
        match self.file {
            "logging" => "logger",
            "binding/gate" => "gate",
            file => file,
        }
    }

    /// Its comment, if that is not in a file of its own.
    fn about(&self) -> Option<String> {
        let about = group(self.file).map_or(&[][..], |group| group.about);
        let lines: Vec<_> = about.iter().map(|line| line.trim()).collect();
        (!lines.is_empty()).then(|| lines.join("\n"))
    }

    /// Whether a file of `src/capi` has its comment and functions by hand.
    pub fn has_file(&self) -> bool {
        self.about().is_none()
    }
}

const fn programs(file: &'static str, title: &'static str) -> Section {
    Section { part: Part::Programs, file, title }
}

const fn bindings(file: &'static str, title: &'static str) -> Section {
    Section { part: Part::Bindings, file, title }
}

/// The file that is made from the table. Its section has the opaque types; what belongs to one
/// object stands in that of the object.
const GENERATED: &str = "generated";

/// The files that declare something, in the order of the headers' sections.
pub const SECTIONS: &[Section] = &[
    programs("status", "Status and version"),
    programs(GENERATED, "Objects"),
    programs("transaction", "Transactions"),
    programs("slave", "Slaves"),
    programs("emulate", "Emulated memory"),
    programs("mem_map", "Mapped memory"),
    programs("master", "Masters"),
    programs("hub", "Hubs"),
    programs("bits", "Ranges of bits"),
    programs("variable", "Registers: variables"),
    programs("variable_numbers", "Registers: numbers"),
    programs("variable_values", "Registers: lists"),
    programs("variable_bytes", "Registers: bytes and text"),
    programs("block", "Registers: blocks"),
    programs("bulk", "Registers: many blocks"),
    programs("tcp_server", "Memory TCP bridge: servers"),
    programs("tcp_client", "Memory TCP bridge: clients"),
    programs("budget", "Memory of servers"),
    programs("frame", "Frames"),
    programs("frame_buffers", "Frames: buffers"),
    programs("stream_slave", "Stream slaves"),
    programs("stream_master", "Stream masters"),
    programs("stream_port", "Stream ports"),
    programs("stream_server", "Streams: TCP bridge, server"),
    programs("stream_client", "Streams: TCP bridge, client"),
    programs("fifo", "Streams: fifos"),
    programs("filter", "Streams: filters"),
    programs("rate_drop", "Streams: rate drops"),
    programs("srp_v3", "SRPv3"),
    programs("srp_v3_emulation", "SRPv3: emulated device"),
    programs("srp_v0", "SRPv0"),
    programs("cmd", "Command frames"),
    programs("packetizer", "Packetizer"),
    programs("prbs", "Pseudo-random bits"),
    programs("curve_keys", "CURVE: key pairs"),
    programs("curve_server", "CURVE: keys of servers"),
    programs("curve_client", "CURVE: keys of clients"),
    programs("access_list", "Access lists: rights of peers"),
    programs("audit", "Audit: records of what clients did"),
    programs("event_loop", "Event loops"),
    programs("link", "Observers of links"),
    programs("udp", "Streams over UDP"),
    programs("board", "The usual road to a board"),
    programs("rssi", "Reliable streams: RSSI"),
    programs("batch", "Super-frames"),
    programs("batch_combiner", "Super-frames: combiners"),
    programs("batch_splitter", "Super-frames: splitters"),
    programs("batch_inverter", "Super-frames: inverters"),
    programs("file_writer", "Data files: writers"),
    programs("file_channel", "Data files: channels"),
    programs("file_reader", "Data files: readers"),
    programs("logging", "Logging"),
    bindings("binding/gate", "Gates"),
    bindings("binding/transaction", "Transactions"),
    bindings("binding/master", "Masters"),
    bindings("binding/block", "Blocks"),
    bindings("binding/watch", "Watches of waits"),
    bindings("binding/variable", "Variables"),
    bindings("binding/frame", "Frames"),
];

/// The files that declare nothing.
pub const PLUMBING: &[&str] = &[
    "mod",
    "argument",
    "binding/mod",
    "call",
    "callback",
    "convert",
    "functions/bridge",
    "functions/bus",
    "functions/files",
    "functions/logging",
    "functions/mod",
    "functions/net",
    "functions/registers",
    "functions/security",
    "functions/stream",
    "guard",
    "handle",
    "last_error",
    "table",
    "table/board",
    "table/bridges",
    "table/files",
    "table/members",
    "table/registers",
    "table/security",
    "table/statistics",
];

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

/// What the Rust code of one section declares in C.
fn declarations(section: &Section, source: &str) -> String {
    let name = section.file.replace('/', "_");
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("header-{name}.rs"));
    std::fs::write(&file, source).unwrap();
    let mut builder = cbindgen::Builder::new().with_config(config()).with_src(&file);
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
    broken(text.trim_start())
}

/// Has the parameters of a declaration begin in a line of their own where the first one does not fit
/// behind the function's name.
fn broken(text: &str) -> String {
    let mut result = String::new();
    let mut is_broken = false;
    for line in text.lines() {
        match line.split_once('(') {
            Some((before, after)) if line.len() > LINE_LENGTH_MAX => {
                is_broken = true;
                writeln!(result, "{before}(\n    {after}").unwrap();
            }
            _ if is_broken => writeln!(result, "    {}", line.trim_start()).unwrap(),
            _ => writeln!(result, "{line}").unwrap(),
        }
        is_broken = is_broken && !line.ends_with(';');
    }
    result
}

fn generate(part: Part) -> String {
    let mut header = read(part.head());
    let guard = part.guard();
    // It is laid out by cbindgen.
    header.push_str("\n/* clang-format off */\n");
    writeln!(header, "\n#ifndef {guard}\n#define {guard}\n\n{}", part.includes()).unwrap();
    header.push_str("#ifdef __cplusplus\nextern \"C\" {\n#endif\n");
    for section in SECTIONS.iter().filter(|section| section.part == part) {
        header.push_str(&section_text(section));
    }
    write!(header, "\n#ifdef __cplusplus\n}}\n#endif\n\n#endif /* {guard} */\n").unwrap();
    header
}

fn section_text(section: &Section) -> String {
    let title = section.title;
    let dashes = "-".repeat(LINE_LENGTH_MAX - "/* ---   */".len() - title.len());
    let mut text = format!("\n/* --- {title} {dashes} */\n\n");
    let source = match section.file {
        GENERATED => from_table::rust(),
        file if section.has_file() => read(&format!("src/capi/{file}.rs")),
        _ => String::new(),
    };
    // Not a documentation comment: it belongs to no declaration.
    let about = comment(&section.about().unwrap_or_else(|| module_comment(&source)));
    text.push_str(&about.replacen("/**\n * ", "/* ", 1).replace("\n */", " */"));
    text.push('\n');
    if section.file == "status" {
        text.push_str(&version_macros());
    }
    text.push_str(&match section.file {
        GENERATED => declarations(section, &from_table::opaque_types()),
        _ => {
            let by_hand = source.lines().filter(|line| !line.starts_with("//!"));
            let by_hand = by_hand.collect::<Vec<_>>().join("\n");
            let name = section.object();
            let (first, last) = (from_table::functions_of(name), from_table::section_of(name));
            declarations(section, &[first, by_hand, last].join("\n"))
        }
    });
    if section.file == "status" {
        text.push('\n');
        text.push_str(status_constants().trim_end());
        text.push('\n');
    }
    text
}

/// A header as it should be; a test sees to it that it is.
pub fn header(part: Part) -> &'static str {
    static HEADERS: [OnceLock<String>; 2] = [const { OnceLock::new() }; 2];
    HEADERS[part as usize].get_or_init(|| generate(part))
}
