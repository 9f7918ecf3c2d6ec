//! What the rules want to know of a Rust file, as `syn` reads it: what it imports and names, what
//! it re-exports, and which part of it is test code.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{TokenStream, TokenTree};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Attribute, Item, UseTree, Visibility};

use crate::files::File;

/// A path of the code, as the code spells it but for `self` and `super`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedPath {
    /// `["crate", "net", "sys"]`, `["std", "fmt"]`, `["Instant", "now"]`; `*` as the last one of a
    /// glob import.
    pub segments: Vec<String>,
    /// From 1.
    pub line: usize,
}

/// What one module declares or imports for others to name through it.
#[derive(Default)]
pub struct Scope {
    /// Modules declared here.
    pub modules: BTreeSet<String>,
    /// Other items defined here.
    pub items: BTreeSet<String>,
    /// Names that imports give a meaning here, each with what it stands for.
    pub bindings: BTreeMap<String, Vec<String>>,
    /// Modules all of whose names are imported.
    pub globs: Vec<Vec<String>>,
}

/// One Rust file. Test code is left out of everything but `functions`.
#[derive(Default)]
pub struct Source {
    pub path: String,
    /// From the crate's root; empty for `src/lib.rs`.
    pub module: Vec<String>,
    /// Each path that is named, except in re-exports, with the module that names it.
    pub paths: Vec<(Vec<String>, NamedPath)>,
    /// The targets of re-exports.
    pub exports: Vec<NamedPath>,
    /// The modules of this file by their paths: its own, and those that are written within it.
    pub scopes: BTreeMap<Vec<String>, Scope>,
    /// Macros that are called.
    pub macros: Vec<(String, usize)>,
    /// The lines of the keyword `unsafe`.
    pub unsafe_lines: Vec<usize>,
    /// Functions, with those of the tests.
    pub functions: Vec<(String, usize)>,
    /// Modules in files of their own that are compiled for tests only.
    pub test_modules: Vec<Vec<String>>,
    /// Lines of modules within this file that are compiled for tests only.
    pub test_lines_count: usize,
}

impl Source {
    /// Reads a file that the compiler accepts.
    pub fn new(file: &File) -> Source {
        let parsed = syn::parse_file(&file.text)
            .unwrap_or_else(|error| panic!("{}:{}: {error}", file.path, error.span().start().line));
        let module = module_of(&file.path);
        let source =
            Source { path: file.path.clone(), module: module.clone(), ..Source::default() };
        let mut reader = Reader { source, module, is_test: false };
        reader.source.scopes.insert(reader.module.clone(), Scope::default());
        reader.visit_file(&parsed);
        reader.source
    }

    /// Whether this file is, or lies below, one of these modules.
    pub fn is_below(&self, modules: &BTreeSet<Vec<String>>) -> bool {
        modules.iter().any(|module| self.module.starts_with(module))
    }
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

struct Reader {
    source: Source,
    /// The module that the visitor is in.
    module: Vec<String>,
    /// Whether the visitor is in test code.
    is_test: bool,
}

impl Reader {
    /// Visits what carries `attributes`, as test code where they say so.
    fn within(&mut self, attributes: &[Attribute], visit: impl FnOnce(&mut Reader)) {
        let before = self.is_test;
        self.is_test |= attributes.iter().any(is_test_attribute);
        visit(self);
        self.is_test = before;
    }

    fn declare(&mut self, items: &[Item]) {
        for item in items {
            let name = match item {
                Item::Mod(module) => {
                    self.scope().modules.insert(module.ident.to_string());
                    continue;
                }
                Item::Const(item) => &item.ident,
                Item::Enum(item) => &item.ident,
                Item::Fn(item) => &item.sig.ident,
                Item::Static(item) => &item.ident,
                Item::Struct(item) => &item.ident,
                Item::Trait(item) => &item.ident,
                Item::Type(item) => &item.ident,
                Item::Union(item) => &item.ident,
                _ => continue,
            };
            self.scope().items.insert(name.to_string());
        }
    }

    fn note_unsafe(&mut self, word: Option<&syn::token::Unsafe>) {
        if let Some(word) = word.filter(|_| !self.is_test) {
            self.source.unsafe_lines.push(word.span.start().line);
        }
    }

    fn scope(&mut self) -> &mut Scope {
        self.source.scopes.get_mut(&self.module).expect("made when the module was entered")
    }

    fn name(&mut self, mut segments: Vec<String>, line: usize) {
        if !self.is_test && !segments.is_empty() {
            self.absolute(&mut segments);
            self.source.paths.push((self.module.clone(), NamedPath { segments, line }));
        }
    }

    /// Resolves `self` and `super` at the beginning.
    fn absolute(&self, segments: &mut Vec<String>) {
        let supers = segments.iter().take_while(|one| *one == "super" || *one == "self").count();
        let up = segments[..supers].iter().filter(|one| *one == "super").count();
        if supers > 0 {
            let base = &self.module[..self.module.len().saturating_sub(up)];
            let root = std::iter::once("crate".to_owned());
            let rest = segments.split_off(supers);
            *segments = root.chain(base.iter().cloned()).chain(rest).collect();
        }
    }

    fn import(&mut self, tree: &UseTree, before: &mut Vec<String>, is_export: bool) {
        let line = tree.span().start().line;
        let (name, alias) = match tree {
            UseTree::Path(path) => {
                before.push(path.ident.to_string());
                self.import(&path.tree, before, is_export);
                before.pop();
                return;
            }
            UseTree::Group(group) => {
                return group.items.iter().for_each(|item| self.import(item, before, is_export));
            }
            UseTree::Glob(_) => ("*".to_owned(), "*".to_owned()),
            UseTree::Name(name) => (name.ident.to_string(), name.ident.to_string()),
            UseTree::Rename(name) => (name.ident.to_string(), name.rename.to_string()),
        };
        let mut segments = before.clone();
        if name != "self" {
            segments.push(name.clone());
        }
        self.absolute(&mut segments);
        if segments[0] != "crate" && self.scope().modules.contains(&segments[0]) {
            let root = std::iter::once("crate".to_owned());
            segments = root.chain(self.module.clone()).chain(segments).collect();
        }
        match alias.as_str() {
            "*" => self.scope().globs.push(segments[..segments.len() - 1].to_vec()),
            _ => {
                let name = if alias == "self" { before[before.len() - 1].clone() } else { alias };
                self.scope().bindings.insert(name, segments.clone());
            }
        }
        let path = NamedPath { segments, line };
        match is_export {
            true => self.source.exports.push(path),
            false => self.source.paths.push((self.module.clone(), path)),
        }
    }

    /// Paths and words in the arguments of a macro, which are no syntax tree.
    fn read_tokens(&mut self, tokens: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        let mut colons = 0;
        let mut line = 0;
        for token in tokens {
            match token {
                TokenTree::Ident(word) => {
                    if word == "unsafe" && !self.is_test {
                        self.source.unsafe_lines.push(word.span().start().line);
                    }
                    if colons != 2 {
                        self.name(std::mem::take(&mut path), line);
                    }
                    line = word.span().start().line;
                    path.push(word.to_string());
                    colons = 0;
                }
                TokenTree::Punct(sign) if sign.as_char() == ':' => colons += 1,
                TokenTree::Group(group) => {
                    self.name(std::mem::take(&mut path), line);
                    colons = 0;
                    self.read_tokens(group.stream());
                }
                _ => {
                    self.name(std::mem::take(&mut path), line);
                    colons = 0;
                }
            }
        }
        self.name(path, line);
    }
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_file(&mut self, file: &'ast syn::File) {
        self.declare(&file.items);
        visit::visit_file(self, file);
    }

    fn visit_item(&mut self, item: &'ast Item) {
        self.within(attributes(item), |reader| visit::visit_item(reader, item));
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        self.module.push(item.ident.to_string());
        match &item.content {
            Some((_, items)) if !self.is_test => {
                self.source.scopes.insert(self.module.clone(), Scope::default());
                self.declare(items);
                visit::visit_item_mod(self, item);
            }
            Some(_) => {
                let span = item.span();
                self.source.test_lines_count += span.end().line - span.start().line + 1;
                visit::visit_item_mod(self, item);
            }
            None if self.is_test => self.source.test_modules.push(self.module.clone()),
            None => {}
        }
        self.module.pop();
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        let is_export = !matches!(item.vis, Visibility::Inherited);
        if !self.is_test {
            self.import(&item.tree, &mut Vec::new(), is_export);
        }
    }

    fn visit_impl_item(&mut self, item: &'ast syn::ImplItem) {
        let attributes = match item {
            syn::ImplItem::Fn(item) => &item.attrs,
            syn::ImplItem::Const(item) => &item.attrs,
            _ => return visit::visit_impl_item(self, item),
        };
        self.within(attributes, |reader| visit::visit_impl_item(reader, item));
    }

    fn visit_field(&mut self, field: &'ast syn::Field) {
        self.within(&field.attrs, |reader| visit::visit_field(reader, field));
    }

    fn visit_field_value(&mut self, field: &'ast syn::FieldValue) {
        self.within(&field.attrs, |reader| visit::visit_field_value(reader, field));
    }

    fn visit_signature(&mut self, signature: &'ast syn::Signature) {
        self.note_unsafe(signature.unsafety.as_ref());
        let line = signature.ident.span().start().line;
        self.source.functions.push((signature.ident.to_string(), line));
        visit::visit_signature(self, signature);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        self.name(segments, path.span().start().line);
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, called: &'ast syn::Macro) {
        let name = called.path.segments.last().expect("a path").ident.to_string();
        if !self.is_test {
            self.source.macros.push((name, called.path.span().start().line));
        }
        visit::visit_macro(self, called);
        self.read_tokens(called.tokens.clone());
    }

    fn visit_vis_restricted(&mut self, _: &'ast syn::VisRestricted) {
        // It says who may name something, and names nothing.
    }

    fn visit_expr_unsafe(&mut self, block: &'ast syn::ExprUnsafe) {
        self.note_unsafe(Some(&block.unsafe_token));
        visit::visit_expr_unsafe(self, block);
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        self.note_unsafe(item.unsafety.as_ref());
        visit::visit_item_impl(self, item);
    }

    fn visit_item_trait(&mut self, item: &'ast syn::ItemTrait) {
        self.note_unsafe(item.unsafety.as_ref());
        visit::visit_item_trait(self, item);
    }
}

fn is_test_attribute(attribute: &Attribute) -> bool {
    let syn::Meta::List(list) = &attribute.meta else { return attribute.path().is_ident("test") };
    let mut words = words_of(list.tokens.clone());
    let says_test = words.clone().any(|word| word == "test");
    list.path.is_ident("cfg") && says_test && words.all(|word| word != "not")
}

fn words_of(tokens: TokenStream) -> impl Iterator<Item = String> + Clone {
    fn collect(tokens: TokenStream, words: &mut Vec<String>) {
        for token in tokens {
            match token {
                TokenTree::Ident(word) => words.push(word.to_string()),
                TokenTree::Group(group) => collect(group.stream(), words),
                _ => {}
            }
        }
    }
    let mut words = Vec::new();
    collect(tokens, &mut words);
    words.into_iter()
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::ExternCrate(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::ForeignMod(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Union(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(path: &str, text: &str) -> Source {
        Source::new(&File { path: path.to_owned(), text: text.to_owned() })
    }

    fn paths(path: &str, text: &str) -> Vec<String> {
        let source = source(path, text);
        let long = source.paths.iter().filter(|(_, path)| path.segments.len() > 1);
        long.map(|(_, path)| path.segments.join("::")).collect()
    }

    #[test]
    fn groups_are_spelled_out_and_relative_paths_made_absolute() {
        let found = paths("src/net/sys.rs", "use crate::{error::{self, Error as E}, clock::now};");
        assert_eq!(found, ["crate::error", "crate::error::Error", "crate::clock::now"]);
        let found = paths("src/net/sys.rs", "use super::super::proto; fn f() { self::g(); }");
        assert_eq!(found, ["crate::proto", "crate::net::sys::g"]);
        let found = paths("src/net/mod.rs", "mod a { use super::b::c; } fn f() { super::x() }");
        assert_eq!(found, ["crate::net::b::c", "crate::x"]);
        assert_eq!(paths("src/net/mod.rs", "use std::{fmt, io::*};"), ["std::fmt", "std::io::*"]);
        let found = paths("src/net/mod.rs", "mod a; use a::B; pub(crate) use a::C; use std::io;");
        assert_eq!(found, ["crate::net::a::B", "std::io"]);
    }

    #[test]
    fn paths_are_found_within_macros() {
        let text = "fn f() { g!(a::b, { c::d(unsafe { e }) }); } macro_rules! h { () => { i::j } }";
        assert_eq!(paths("src/a.rs", text), ["a::b", "c::d", "i::j"]);
        assert_eq!(source("src/a.rs", text).unsafe_lines, [1]);
    }

    #[test]
    fn test_code_is_left_out() {
        let text = "#[cfg(test)]
            mod tests { use std::net::X; }
            fn f() { a::b(); }
            #[cfg(test)]
            pub(crate) use c::{d, e};
            #[test] #[x] fn t() { g::h() }
            #[cfg(all(test, unix))] impl A { fn n() { n::o(unsafe { p }) } }
            #[cfg(not(test))] fn i() { j::k() }";
        assert_eq!(paths("src/a.rs", text), ["a::b", "j::k"]);
        assert!(source("src/a.rs", text).unsafe_lines.is_empty());
        assert_eq!(source("src/a.rs", text).test_lines_count, 2);
        let text = "struct S { #[cfg(test)] a: b::C, d: e::F }";
        assert_eq!(paths("src/a.rs", text), ["e::F"]);
    }

    #[test]
    fn test_modules_are_known_by_their_declaration() {
        let lib = source("src/net/mod.rs", "#[cfg(test)]\nmod tests;\nmod sys;");
        let modules: BTreeSet<_> = lib.test_modules.into_iter().collect();
        assert!(source("src/net/tests.rs", "").is_below(&modules));
        assert!(source("src/net/tests/more.rs", "").is_below(&modules));
        assert!(!source("src/net/sys.rs", "").is_below(&modules));
    }
}
