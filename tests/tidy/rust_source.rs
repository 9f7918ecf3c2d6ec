//! What the rules want to know of a Rust file: its functions, the paths it names, and which part of
//! it is test code.

use std::collections::BTreeSet;
use std::ops::Range;

use crate::files::File;
use crate::scrub::{scrub, Language};
use crate::tokens::{closing, tokens, Function, Token};

/// Words an item starts with; anything else behind an attribute is a field, a variant or an arm.
const ITEM_WORDS: &[&str] = &[
    "pub",
    "mod",
    "fn",
    "use",
    "impl",
    "struct",
    "enum",
    "const",
    "static",
    "type",
    "trait",
    "unsafe",
    "extern",
    "async",
    "let",
    "macro_rules",
];

/// A path as the code names it, made absolute where it starts at this crate.
#[derive(Debug, PartialEq, Eq)]
pub struct NamedPath {
    /// `["crate", "net", "sys"]`, `["std", "fmt"]`.
    pub segments: Vec<String>,
    pub line: usize,
}

pub struct RustSource {
    pub path: String,
    pub tokens: Vec<Token>,
    /// Ranges of tokens that are compiled for tests only.
    test_ranges: Vec<Range<usize>>,
    /// From the crate's root; empty for `src/lib.rs`.
    module: Vec<String>,
}

impl RustSource {
    pub fn new(file: &File) -> RustSource {
        let tokens = tokens(&scrub(&file.text, Language::Rust));
        let test_ranges = test_ranges(&tokens);
        RustSource { path: file.path.clone(), tokens, test_ranges, module: module_of(&file.path) }
    }

    /// Whether the token with this index is compiled for tests only.
    pub fn is_test(&self, index: usize) -> bool {
        self.test_ranges.iter().any(|range| range.contains(&index))
    }

    /// The tokens outside of test code, with their indices.
    pub fn shipped(&self) -> impl Iterator<Item = (usize, &Token)> {
        self.tokens.iter().enumerate().filter(|(index, _)| !self.is_test(*index))
    }

    /// Absolute paths of the modules that this file declares for tests only (`mod tests;`).
    pub fn test_modules(&self) -> impl Iterator<Item = Vec<String>> + '_ {
        self.tokens.windows(3).enumerate().filter_map(|(index, three)| {
            let declares = three[0].is("mod") && three[2].is(";") && self.is_test(index);
            declares.then(|| [self.module.as_slice(), &[three[1].text.clone()]].concat())
        })
    }

    /// Whether this file is, or lies below, one of these modules.
    pub fn is_below(&self, modules: &BTreeSet<Vec<String>>) -> bool {
        modules.iter().any(|module| self.module.starts_with(module))
    }

    pub fn functions(&self) -> Vec<Function> {
        let tokens = &self.tokens;
        let mut found = Vec::new();
        for (index, token) in tokens.iter().enumerate() {
            let Some(name) = tokens.get(index + 1).filter(|next| token.is("fn") && next.is_name())
            else {
                continue;
            };
            if let Some(open) = body(tokens, index) {
                let last = tokens[closing(tokens, open)].line;
                let lines = last - token.line + 1;
                found.push(Function { name: name.text.clone(), line: token.line, lines });
            }
        }
        found
    }

    /// Every path of two or more segments outside of test code.
    pub fn paths(&self) -> Vec<NamedPath> {
        let mut found = Vec::new();
        let mut modules = Modules::default();
        // Inside of a group, a path does not begin anew.
        let mut read_up_to = 0;
        for index in 0..self.tokens.len() {
            modules.pass(&self.tokens, index);
            let starts = index >= read_up_to
                && self.tokens[index].is_name()
                && self.tokens.get(index + 1).is_some_and(|next| next.is("::"))
                && !(index > 0 && self.tokens[index - 1].is("::"));
            if starts && !self.is_test(index) {
                let mut module = self.module.clone();
                module.extend(modules.names());
                let mut reader = PathReader { tokens: &self.tokens, at: index, found: Vec::new() };
                reader.read(&mut Vec::new());
                read_up_to = reader.at;
                found.extend(reader.found.into_iter().map(|path| absolute(path, &module)));
            }
        }
        found
    }
}

/// The inline modules that are open at a place in the file.
#[derive(Default)]
struct Modules {
    depth: usize,
    open: Vec<(String, usize)>,
}

impl Modules {
    fn pass(&mut self, tokens: &[Token], index: usize) {
        if tokens[index].is("{") {
            self.depth += 1;
            if index >= 2 && tokens[index - 2].is("mod") {
                self.open.push((tokens[index - 1].text.clone(), self.depth));
            }
        } else if tokens[index].is("}") {
            if self.open.last().is_some_and(|(_, depth)| *depth == self.depth) {
                self.open.pop();
            }
            self.depth = self.depth.saturating_sub(1);
        }
    }

    fn names(&self) -> impl Iterator<Item = String> + '_ {
        self.open.iter().map(|(name, _)| name.clone())
    }
}

/// Reads one path with its groups: `a::{b, c::{self, d}}` is `a::b`, `a::c` and `a::c::d`.
struct PathReader<'a> {
    tokens: &'a [Token],
    at: usize,
    found: Vec<NamedPath>,
}

impl PathReader<'_> {
    fn is_at(&self, text: &str) -> bool {
        self.tokens.get(self.at).is_some_and(|token| token.is(text))
    }

    fn read(&mut self, before: &mut Vec<String>) {
        let depth = before.len();
        while let Some(token) = self.tokens.get(self.at).filter(|token| token.is_name()) {
            before.push(token.text.clone());
            self.at += 1;
            if !self.is_at("::") {
                break;
            }
            self.at += 1;
        }
        if self.is_at("{") {
            self.group(before);
        } else {
            let line = self.tokens[self.at.saturating_sub(1)].line;
            self.found.push(NamedPath { segments: before.clone(), line });
        }
        before.truncate(depth);
    }

    fn group(&mut self, before: &mut Vec<String>) {
        let end = closing(self.tokens, self.at);
        self.at += 1;
        while self.at < end {
            self.read(before);
            // Over `*`, `as name` and the comma.
            while self.at < end && !self.is_at(",") {
                self.at += 1;
            }
            self.at += 1;
        }
        self.at = end + 1;
    }
}

/// `path` as it is named in `module`, with `self`, `super` and a final `self` resolved.
fn absolute(mut path: NamedPath, module: &[String]) -> NamedPath {
    let mut base: Vec<String> =
        std::iter::once("crate".to_owned()).chain(module.to_vec()).collect();
    let relative = matches!(path.segments[0].as_str(), "self" | "super");
    while let Some(first) = path.segments.first().map(String::as_str) {
        match first {
            "self" => {}
            "super" => base.truncate(base.len().saturating_sub(1).max(1)),
            _ => break,
        }
        path.segments.remove(0);
    }
    if path.segments.last().is_some_and(|last| last == "self") {
        path.segments.pop();
    }
    if relative {
        path.segments = [base, path.segments].concat();
    }
    path
}

/// The opening brace of the body of the function whose `fn` is at `index`; `None` for a
/// declaration.
fn body(tokens: &[Token], index: usize) -> Option<usize> {
    let mut at = index;
    while at < tokens.len() {
        match tokens[at].text.as_str() {
            "(" | "[" => at = closing(tokens, at),
            "{" => return Some(at),
            ";" => return None,
            _ => {}
        }
        at += 1;
    }
    None
}

/// The ranges of the items that carry `#[cfg(test)]` or `#[test]`.
fn test_ranges(tokens: &[Token]) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    let mut at = 0;
    while at + 1 < tokens.len() {
        if !tokens[at].is("#") || !tokens[at + 1].is("[") {
            at += 1;
            continue;
        }
        let end = closing(tokens, at + 1);
        if is_test_attribute(&tokens[at + 2..end]) {
            let item = item_end(tokens, end + 1);
            ranges.push(at..item + 1);
            at = item + 1;
        } else {
            at = end + 1;
        }
    }
    ranges
}

fn is_test_attribute(attribute: &[Token]) -> bool {
    let names = |text: &str| attribute.iter().any(|token| token.is(text));
    match attribute.first().map(|token| token.text.as_str()) {
        Some("test") => true,
        Some("cfg") => names("test") && !names("not"),
        _ => false,
    }
}

/// The last token of the item that begins at `start`, attributes included.
fn item_end(tokens: &[Token], start: usize) -> usize {
    let mut at = start;
    while at + 1 < tokens.len() && tokens[at].is("#") {
        at = closing(tokens, at + 1) + 1;
    }
    let first = tokens.get(at).map_or("", |token| token.text.as_str());
    let is_item = ITEM_WORDS.contains(&first);
    let is_use = is_use(&tokens[at..]);
    while at < tokens.len() {
        match tokens[at].text.as_str() {
            ";" => return at,
            "," if !is_item => return at,
            "}" => return at.saturating_sub(1),
            "{" if !is_use => return closing(tokens, at),
            "{" | "(" | "[" => at = closing(tokens, at),
            _ => {}
        }
        at += 1;
    }
    tokens.len().saturating_sub(1)
}

/// Whether an item that begins here is an import: its braces are not its end.
fn is_use(item: &[Token]) -> bool {
    let restricted = item.len() > 1 && item[0].is("pub") && item[1].is("(");
    let visibility = match item.first() {
        Some(first) if first.is("pub") => 1 + if restricted { closing(item, 1) } else { 0 },
        _ => 0,
    };
    item.get(visibility).is_some_and(|token| token.is("use"))
}

/// `src/a/b.rs` and `src/a/b/mod.rs` are `a::b`.
fn module_of(path: &str) -> Vec<String> {
    let inner = path.strip_prefix("src/").unwrap_or(path).trim_end_matches(".rs");
    let mut module: Vec<String> = inner.split('/').map(str::to_owned).collect();
    if module.last().is_some_and(|last| ["lib", "mod", "main"].contains(&last.as_str())) {
        module.pop();
    }
    module
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(path: &str, text: &str) -> RustSource {
        RustSource::new(&File { path: path.to_owned(), text: text.to_owned() })
    }

    fn paths(path: &str, text: &str) -> Vec<String> {
        source(path, text).paths().iter().map(|path| path.segments.join("::")).collect()
    }

    #[test]
    fn functions_are_measured_and_declarations_are_not() {
        let text = r#"trait T { fn a(&self) -> [u8; 2]; }
            fn b<F: Fn(u8)>(f: F)
            where F: Copy {
                let s = "}"; // }
            }
            type P = fn(u8);
            macro_rules! m { () => { fn $n() {} } }"#;
        let found = source("src/a.rs", text).functions();
        assert_eq!(found, [Function { name: "b".to_owned(), line: 2, lines: 4 }]);
    }

    #[test]
    fn groups_are_spelled_out_and_relative_paths_made_absolute() {
        let found = paths("src/net/sys.rs", "use crate::{error::{self, Error as E}, clock::now};");
        assert_eq!(found, ["crate::error", "crate::error::Error", "crate::clock::now"]);
        let found = paths("src/net/sys.rs", "use super::super::proto; fn f() { self::g(); }");
        assert_eq!(found, ["crate::proto", "crate::net::sys::g"]);
        let found = paths("src/net/mod.rs", "mod a { use super::b::c; } fn f() { super::x() }");
        assert_eq!(found, ["crate::net::b::c", "crate::x"]);
        assert_eq!(paths("src/net/mod.rs", "use std::{fmt, io::*};"), ["std::fmt", "std::io"]);
    }

    #[test]
    fn test_code_is_left_out() {
        let text = "#[cfg(test)]
            mod tests { use std::net::X; }
            fn f() { a::b(); }
            #[cfg(test)]
            pub(crate) use c::{d, e};
            #[test] #[x] fn t() { g::h() }
            #[cfg(not(test))] fn i() { j::k() }";
        assert_eq!(paths("src/a.rs", text), ["a::b", "j::k"]);
        let text = "struct S { #[cfg(test)] a: b::C, d: e::F }";
        assert_eq!(paths("src/a.rs", text), ["e::F"]);
    }

    #[test]
    fn test_modules_are_known_by_their_declaration() {
        let lib = source("src/net/mod.rs", "#[cfg(test)]\nmod tests;\nmod sys;");
        let modules: BTreeSet<_> = lib.test_modules().collect();
        assert!(source("src/net/tests.rs", "").is_below(&modules));
        assert!(source("src/net/tests/more.rs", "").is_below(&modules));
        assert!(!source("src/net/sys.rs", "").is_below(&modules));
    }
}
