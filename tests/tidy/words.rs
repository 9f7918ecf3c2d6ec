//! Words that may not stand in the project, and names that must mean something.

use std::ops::RangeInclusive;

use crate::assert_none;
use crate::files::{project_files, File};
use crate::source::Source;

/// Longest list of defects of the reference that a test can be named for.
const DEFECT_NUMBER_MAX: u32 = 99;
/// The defects that lie in what this library does; each has a test that is named for it. The rest
/// lie in the Python binding (29..=38, 40, 89, 99), in SRPv0 (49), in the C++ interface of blocks and
/// variables (76, 78, 80, 82, 83) or in formats that the compiler checks here (93).
const DEFECTS_WITH_TESTS: &[RangeInclusive<u32>] =
    &[1..=28, 39..=39, 41..=48, 50..=75, 77..=77, 79..=79, 81..=81, 84..=88, 90..=92, 94..=98];
/// Each waits for time to pass where it could wait for what it means.
const SLEEPS_IN_TESTS_MAX: usize = 5;

/// The lines of `files` in which one of `words` stands.
fn lines_with(files: &[File], words: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    for file in files {
        for (index, line) in file.text.lines().enumerate() {
            if words.iter().any(|word| line.contains(word.as_str())) {
                found.push(format!("{}:{}: {}", file.path, index + 1, line.trim()));
            }
        }
    }
    found
}

/// Whether `text` contains `word` as a whole word.
fn has_word(text: &str, word: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word).any(|(at, _)| {
        !text[..at].ends_with(is_part) && !text[at + word.len()..].starts_with(is_part)
    })
}

/// Words glued together here, so that this file does not contain what it looks for.
fn glued(pairs: &[(&str, &str)]) -> Vec<String> {
    pairs.iter().map(|(one, other)| format!("{one}{other}")).collect()
}

#[test]
fn nothing_is_left_for_later() {
    let files: Vec<File> = project_files().into_iter().filter(File::is_code).collect();
    let markers = glued(&[("FIX", "ME"), ("XX", "X"), ("TO", "DO")]);
    assert_none("leftover markers", &lines_with(&files, &markers));
}

#[test]
fn no_file_knows_the_machine_it_was_written_on() {
    let files: Vec<File> = project_files().into_iter().filter(File::is_handwritten).collect();
    let places = glued(&[("/ro", "ot/"), ("/wo", "rk/"), ("/fa", "rm/"), ("/ho", "me/")]);
    assert_none("paths of one machine", &lines_with(&files, &places));
}

#[test]
fn prose_is_plain() {
    const TOPS: &[&str] = &["src/", "cpp/", "include/", "python/", "docs/"];
    let is_checked = |file: &File| {
        TOPS.iter().any(|top| file.path.starts_with(top))
            || ["README.md", "CONTRIBUTING.md"].contains(&file.path.as_str())
    };
    // Each hides what a sentence is about, or is an old or rare word for it.
    let discouraged = glued(&[
        ("wh", "o"),
        ("wh", "om"),
        ("who", "ever"),
        ("whom", "ever"),
        ("there", "by"),
        ("in va", "in"),
        ("has done wi", "th"),
        ("have done wi", "th"),
        ("de", "ar"),
        ("so ma", "ny"),
    ]);
    let mut offences = Vec::new();
    for file in project_files().into_iter().filter(is_checked) {
        for (index, line) in file.text.lines().enumerate() {
            let lower = line.to_lowercase();
            if discouraged.iter().any(|word| has_word(&lower, word)) {
                offences.push(format!("{}:{}: {}", file.path, index + 1, line.trim()));
            }
        }
    }
    assert_none("words to replace by plain ones", &offences);
}

#[test]
fn tests_run_and_wait_for_events() {
    let is_test = |file: &File| ["tests/", "testkit/"].iter().any(|top| file.path.starts_with(top));
    let files: Vec<File> = project_files().into_iter().filter(is_test).collect();
    let sleeps =
        glued(&[("thread::sle", "ep"), ("sleep_f", "or"), ("usle", "ep("), ("time.sle", "ep")]);
    let found = lines_with(&files, &sleeps);
    assert!(found.len() <= SLEEPS_IN_TESTS_MAX, "sleeps in tests:\n  {}", found.join("\n  "));
    let skips = glued(&[("#[igno", "re"), ("pytest.mark.sk", "ip"), ("GTEST_SK", "IP")]);
    assert_none("tests that do not run", &lines_with(&files, &skips));
}

/// The number in a name like `d14_second_client_gets_its_own_answers`, if it is of that form.
fn defect_number(name: &str) -> Option<Result<u32, String>> {
    let digits: String = name.strip_prefix('d')?.chars().take_while(char::is_ascii_digit).collect();
    let rest = &name[1 + digits.len()..];
    let number: u32 = digits.parse().ok()?;
    if !rest.starts_with('_') {
        return None;
    }
    let plausible = digits.len() == 2 && (1..=DEFECT_NUMBER_MAX).contains(&number);
    let says_what = rest.split('_').filter(|word| !word.is_empty()).count() >= 2;
    Some(if plausible && says_what { Ok(number) } else { Err(name.to_owned()) })
}

#[test]
fn defect_tests_carry_a_number_that_exists_and_say_what_they_test() {
    let mut offences = Vec::new();
    for file in project_files().iter().filter(|file| file.has_extension(&["rs"])) {
        for (name, line) in Source::new(file).functions {
            if let Some(Err(name)) = defect_number(&name) {
                offences.push(format!("{}:{line}: {name}", file.path));
            }
        }
    }
    assert_none("names of defect tests", &offences);
}

/// Whether a name in `text` begins with `start`.
fn begins_a_name(text: &str, start: &str) -> bool {
    text.match_indices(start)
        .any(|(at, _)| !text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_'))
}

#[test]
fn every_defect_on_our_path_has_a_test() {
    let files = project_files();
    let tests: Vec<_> = files
        .iter()
        .filter(|file| file.has_extension(&["rs", "c", "cpp", "py"]))
        .filter(|file| file.path != "tests/tidy/words.rs")
        .collect();
    let missing: Vec<String> = DEFECTS_WITH_TESTS
        .iter()
        .flat_map(|range| range.clone())
        .map(|number| format!("d{number:02}_"))
        .filter(|name| !tests.iter().any(|file| begins_a_name(&file.text, name)))
        .collect();
    assert_none("defects without a test", &missing);
}

#[test]
fn words_are_found_whole() {
    assert!(has_word("a word, and", "word") && has_word("word", "word"));
    assert!(!has_word("two words, a_word", "word"));
}

#[test]
fn defect_numbers_are_read_from_names() {
    assert_eq!(defect_number("d14_second_client_waits"), Some(Ok(14)));
    assert_eq!(defect_number("d100_no_such_one"), Some(Err("d100_no_such_one".to_owned())));
    assert_eq!(defect_number("d00_none_such"), Some(Err("d00_none_such".to_owned())));
    assert_eq!(defect_number("d07_"), Some(Err("d07_".to_owned())));
    assert_eq!(defect_number("delay"), None);
    assert_eq!(defect_number("d2"), None);
}
