//! How long files, functions and lines may be.

use crate::assert_none;
use crate::c_source;
use crate::files::project_files;
use crate::rust_source::RustSource;

const FILE_LINES_MAX: usize = 1000;
const FUNCTION_LINES_MAX: usize = 70;
const LINE_COLUMNS_MAX: usize = 100;

#[test]
fn files_fit_into_one_head() {
    let offences: Vec<_> = project_files()
        .iter()
        .filter(|file| file.is_code())
        .map(|file| (&file.path, file.text.lines().count()))
        .filter(|(_, lines)| *lines > FILE_LINES_MAX)
        .map(|(path, lines)| format!("{path}: {lines} lines"))
        .collect();
    assert_none(&format!("files of more than {FILE_LINES_MAX} lines"), &offences);
}

#[test]
fn functions_fit_on_one_screen() {
    let mut offences = Vec::new();
    let mut seen = 0;
    for file in project_files().iter().filter(|file| file.is_handwritten()) {
        let functions = if file.has_extension(&["rs"]) {
            RustSource::new(file).functions()
        } else if file.has_extension(&["c", "h", "cpp"]) {
            c_source::functions(&file.text)
        } else {
            continue;
        };
        seen += functions.len();
        let long = functions.iter().filter(|function| function.lines > FUNCTION_LINES_MAX);
        offences.extend(long.map(|function| {
            format!("{}:{}: {} has {}", file.path, function.line, function.name, function.lines)
        }));
    }
    assert!(seen > 50, "only {seen} functions were found: the scanner is blind");
    assert_none(&format!("functions of more than {FUNCTION_LINES_MAX} lines"), &offences);
}

#[test]
fn lines_fit_in_one_window() {
    let mut offences = Vec::new();
    for file in project_files().iter().filter(|file| file.is_code()) {
        for (index, line) in file.text.lines().enumerate() {
            let columns = line.chars().count();
            if columns > LINE_COLUMNS_MAX {
                offences.push(format!("{}:{}: {columns} columns", file.path, index + 1));
            }
        }
    }
    assert_none(&format!("lines of more than {LINE_COLUMNS_MAX} columns"), &offences);
}
