//! Which file imports which other one, and that none imports itself by a detour.
//!
//! An import means the file where a thing is defined, whatever re-exports lie in between.

use std::collections::{BTreeMap, BTreeSet};

use crate::assert_none;
use crate::rooms::shipped_sources;
use crate::source::{Scope, Source};

/// Folders in which no files at all may import each other. Elsewhere files of one folder may.
const STRICT_FOLDERS: &[&str] = &["src/bridge/", "src/capi/"];

/// Where circles are known. Each entry is the beginning of a path, and goes when the circles have.
const KNOWN: &[&str] = &["src/bridge/memory/client"];

/// Re-exports that lead from one to the next, before they count as a circle themselves.
const DETOURS_MAX: usize = 20;

/// For each file the files that it imports.
type Graph = BTreeMap<String, BTreeSet<String>>;

/// The modules of the crate, each with the file it is in.
struct Crate<'a> {
    modules: BTreeMap<&'a [String], (&'a Scope, &'a str)>,
}

impl<'a> Crate<'a> {
    fn new(sources: &'a [Source]) -> Crate<'a> {
        let mut modules = BTreeMap::new();
        for source in sources {
            for (module, scope) in &source.scopes {
                modules.insert(module.as_slice(), (scope, source.path.as_str()));
            }
        }
        Crate { modules }
    }

    /// The file that defines what `path`, named in `module`, stands for; `None` for what lies
    /// outside of the crate.
    fn file_of(&self, module: &[String], path: &[String], detours: usize) -> Option<&'a str> {
        if detours > DETOURS_MAX {
            return None;
        }
        let (mut module, mut rest) = match path.first()?.as_str() {
            "crate" => (Vec::new(), &path[1..]),
            _ => {
                let (scope, _) = self.modules.get(module)?;
                let first = &path[0];
                if !scope.modules.contains(first) && !scope.bindings.contains_key(first) {
                    return None;
                }
                (module.to_vec(), path)
            }
        };
        loop {
            let (scope, file) = self.modules.get(module.as_slice())?;
            let Some((name, after)) = rest.split_first() else { return Some(file) };
            if scope.modules.contains(name) {
                module.push(name.clone());
                rest = after;
                continue;
            }
            if scope.items.contains(name) {
                return Some(file);
            }
            if let Some(target) = scope.bindings.get(name) {
                let target = [target.as_slice(), after].concat();
                return self.file_of(&[], &target, detours + 1);
            }
            let behind_globs = scope.globs.iter().find_map(|glob| {
                let target = [glob.as_slice(), &rest[..1]].concat();
                self.file_defining(&target, detours + 1)
            });
            return behind_globs.or(Some(file));
        }
    }

    /// As [`Crate::file_of`], for a name that may not be there at all.
    fn file_defining(&self, path: &[String], detours: usize) -> Option<&'a str> {
        let (name, module) = path.split_last()?;
        let module = module.strip_prefix(&["crate".to_owned()])?;
        let (scope, _) = self.modules.get(module)?;
        let is_known = scope.items.contains(name)
            || scope.modules.contains(name)
            || scope.bindings.contains_key(name);
        is_known.then(|| self.file_of(&[], path, detours)).flatten()
    }
}

fn graph(sources: &[Source]) -> Graph {
    let of_crate = Crate::new(sources);
    let mut graph = Graph::new();
    for source in sources {
        let imported = graph.entry(source.path.clone()).or_default();
        let named = source.paths.iter().filter_map(|(module, path)| {
            let glob = path.segments.last().is_some_and(|last| last == "*");
            let segments = &path.segments[..path.segments.len() - usize::from(glob)];
            of_crate.file_of(module, segments, 0)
        });
        imported.extend(named.filter(|file| *file != source.path).map(str::to_owned));
    }
    graph
}

/// The files that `start` imports, those that these import, and so on.
fn reachable<'a>(graph: &'a Graph, start: &str) -> BTreeSet<&'a str> {
    let mut found = BTreeSet::new();
    let mut open: Vec<&'a str> = graph[start].iter().map(String::as_str).collect();
    while let Some(file) = open.pop() {
        if found.insert(file) {
            open.extend(graph[file].iter().map(String::as_str));
        }
    }
    found
}

/// The largest sets of files each of which reaches all the others.
fn circles(graph: &Graph) -> BTreeSet<BTreeSet<&str>> {
    let reach: BTreeMap<&str, BTreeSet<&str>> =
        graph.keys().map(|file| (file.as_str(), reachable(graph, file))).collect();
    let around = |file: &str| -> BTreeSet<&str> {
        reach[file].iter().copied().filter(|other| reach[other].contains(file)).collect()
    };
    graph.keys().map(|file| around(file)).filter(|circle| !circle.is_empty()).collect()
}

fn folder_of(file: &str) -> &str {
    file.rsplit_once('/').map_or("", |(folder, _)| folder)
}

fn is_forbidden(circle: &BTreeSet<&str>) -> bool {
    let folders: BTreeSet<&str> = circle.iter().map(|file| folder_of(file)).collect();
    let is_strict = |file: &&str| STRICT_FOLDERS.iter().any(|folder| file.starts_with(folder));
    folders.len() > 1 || circle.iter().any(is_strict)
}

#[test]
fn no_file_imports_itself_by_a_detour() {
    let graph = graph(shipped_sources());
    let forbidden: Vec<_> = circles(&graph).into_iter().filter(is_forbidden).collect();
    let is_known = |file: &&str| KNOWN.iter().any(|known| file.starts_with(known));
    let mut offences = Vec::new();
    for circle in forbidden.iter().filter(|circle| !circle.iter().all(is_known)) {
        for file in circle {
            let next = graph[*file].iter().filter(|next| circle.contains(next.as_str()));
            let next: Vec<&str> = next.map(String::as_str).collect();
            offences.push(format!("{file} imports {}", next.join(", ")));
        }
    }
    assert_none("files that import themselves by a detour", &offences);
    let in_circles: BTreeSet<&str> = forbidden.into_iter().flatten().collect();
    let is_left = |known: &&&str| in_circles.iter().any(|file| file.starts_with(**known));
    let done: Vec<String> =
        KNOWN.iter().filter(|known| !is_left(known)).map(|known| (*known).to_owned()).collect();
    assert_none("entries of KNOWN that are needed no more", &done);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::File;

    fn circles_of(files: &[(&str, &str)]) -> Vec<String> {
        let sources: Vec<Source> = files
            .iter()
            .map(|(path, text)| {
                Source::new(&File { path: (*path).to_owned(), text: (*text).to_owned() })
            })
            .collect();
        let graph = graph(&sources);
        let circles = circles(&graph);
        circles.iter().map(|circle| circle.iter().copied().collect::<Vec<_>>().join(" ")).collect()
    }

    const LIB: (&str, &str) = ("src/lib.rs", "pub mod a; pub mod b; pub use a::one::One;");

    #[test]
    fn a_facade_is_no_detour() {
        let found = circles_of(&[
            LIB,
            ("src/a/mod.rs", "mod one; mod two; pub use one::One; pub use two::*;"),
            ("src/a/one.rs", "use super::Two; pub struct One(Two);"),
            ("src/a/two.rs", "pub struct Two;"),
            ("src/b.rs", "use crate::One;"),
        ]);
        assert_eq!(found, [""; 0]);
    }

    #[test]
    fn circles_are_found_through_facades_modules_and_macros() {
        let found = circles_of(&[
            LIB,
            ("src/a/mod.rs", "mod one; mod two; pub use one::One; pub use two::Two;"),
            ("src/a/one.rs", "use super::two; pub struct One(two::Two);"),
            ("src/a/two.rs", "pub struct Two; fn f() { g!(crate::b::h()) }"),
            ("src/b.rs", "use crate::One; pub fn h() {}"),
        ]);
        assert_eq!(found, ["src/a/one.rs src/a/two.rs src/b.rs"]);
        let found = circles_of(&[
            ("src/lib.rs", "mod a;"),
            ("src/a.rs", "mod b; use b::B; struct A(B);"),
            ("src/a/b.rs", "pub struct B; fn f(_: super::A) {}"),
        ]);
        assert_eq!(found, ["src/a.rs src/a/b.rs"]);
    }
}
