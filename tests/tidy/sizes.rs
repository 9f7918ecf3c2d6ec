//! How long files and functions may be.
//!
//! Lines of Rust functions are clippy's business (`too_many_lines`, for code that is no test), the
//! width of lines that of the formatters.

use crate::assert_none;
use crate::files::{project_files, File};
use crate::rooms::shipped_sources;

/// Lines of a file of the library, without its tests.
const FILE_LINES_MAX: usize = 600;
/// Lines of code of a function of C++ or Python: as clippy has it for Rust, without empty lines and
/// those of comments alone.
const FUNCTION_LINES_MAX: usize = 60;

#[test]
fn files_fit_into_one_head() {
    let texts = project_files();
    let mut offences = Vec::new();
    for source in shipped_sources() {
        let file = texts.iter().find(|file| file.path == source.path).expect("it was read");
        if !file.is_handwritten() {
            continue;
        }
        let lines = file.text.lines().count() - source.test_lines_count;
        if lines > FILE_LINES_MAX {
            offences.push(format!("{}: {lines} lines", source.path));
        }
    }
    assert_none(&format!("files of more than {FILE_LINES_MAX} lines"), &offences);
}

/// Spaces at the beginning of a line; `None` for an empty one.
fn indent_of(line: &str) -> Option<usize> {
    let rest = line.trim_start();
    (!rest.is_empty()).then(|| line.len() - rest.len())
}

/// The functions of a C++ file as clang-format leaves it: where one opens, and its lines of code.
fn cpp_functions(text: &str) -> Vec<(usize, usize)> {
    const SCOPES: &[&str] = &["namespace", "class ", "struct ", "enum ", "union ", "extern "];
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    let mut end = 0;
    for (at, line) in lines.iter().enumerate() {
        let start = line.trim_start();
        let is_scope =
            SCOPES.iter().any(|scope| start.starts_with(scope)) && !start.contains(") {");
        if at < end || is_scope || !line.ends_with('{') {
            continue;
        }
        let indent = indent_of(line);
        let is_open =
            |other: &&&str| indent_of(other) > indent || !other.trim_start().starts_with('}');
        let body: Vec<&str> = lines[at + 1..].iter().take_while(is_open).copied().collect();
        end = at + body.len() + 1;
        let is_code = |line: &&&str| !line.is_empty() && !line.trim_start().starts_with("//");
        found.push((at + 1, body.iter().filter(is_code).count()));
    }
    found
}

/// The same of a Python file, without what a function says of itself in its first lines.
fn python_functions(text: &str) -> Vec<(usize, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let start = line.trim_start();
        if !start.starts_with("def ") && !start.starts_with("async def ") {
            continue;
        }
        let indent = indent_of(line);
        let is_within = |other: &&&str| {
            other.is_empty() || indent_of(other) > indent || other.trim_start().starts_with(')')
        };
        let mut is_text = false;
        let is_code = |other: &&&str| {
            let quotes = other.matches("\"\"\"").count();
            let is_prose = is_text || other.trim_start().starts_with("\"\"\"");
            is_text ^= quotes % 2 == 1;
            !is_prose && !other.is_empty() && !other.trim_start().starts_with('#')
        };
        let body = lines[at + 1..].iter().take_while(is_within);
        found.push((at + 1, body.filter(is_code).count()));
    }
    found
}

#[test]
fn functions_of_cpp_and_python_fit_on_one_screen() {
    let mut offences = Vec::new();
    let mut seen = 0;
    for file in project_files().iter().filter(|file| file.is_handwritten()) {
        let functions = match file {
            File { path, text } if path.starts_with("cpp/") && path.ends_with(".h") => {
                cpp_functions(text)
            }
            File { path, text } if path.starts_with("python/") && path.ends_with(".py") => {
                python_functions(text)
            }
            _ => continue,
        };
        seen += functions.len();
        let long = functions.iter().filter(|(_, lines)| *lines > FUNCTION_LINES_MAX);
        offences.extend(long.map(|(line, lines)| format!("{}:{line}: {lines} lines", file.path)));
    }
    assert!(seen > 200, "only {seen} functions were found: the rule is blind");
    assert_none(&format!("functions of more than {FUNCTION_LINES_MAX} lines"), &offences);
}

#[test]
fn functions_are_measured() {
    let cpp = "namespace a {\nclass B : public C {\n  public:\n    int d(int e) const {\n\
               \x20       // f\n\n        if (e) {\n        }\n    }\n    B() : C() {\n    }\n};\n\
               } // namespace a\n";
    assert_eq!(cpp_functions(cpp), [(4, 2), (10, 0)]);
    let python = "class A:\n    def b(\n        self,\n    ):\n        \"\"\"C\n        d.\"\"\"\n\
                  \x20       pass\n\n        # e\n        return 1\n\n\
                  \x20   async def c(self):\n        pass\n\n\nx = 1\n";
    assert_eq!(python_functions(python), [(2, 4), (12, 1)]);
}
