//! Causes of failures, in words.

use std::io;

/// The system's text for `error`, without its number: `Connection refused`. Where it is out of
/// descriptors, with what to do.
pub fn cause_text(error: &io::Error) -> String {
    let text = error.to_string();
    let end = text.rfind(" (os error ").unwrap_or(text.len());
    format!("{}{}", &text[..end], shortage_remedy(error))
}

/// Whether an error means that no descriptors are left.
pub fn is_shortage(error: &io::Error) -> bool {
    !shortage_remedy(error).is_empty()
}

/// What to do where no descriptors are left, for the end of a text; empty for other errors.
pub fn shortage_remedy(error: &io::Error) -> &'static str {
    match error.raw_os_error() {
        Some(libc::EMFILE) => "; raise the limit of this process (ulimit -n), or close some files",
        Some(libc::ENFILE) => "; raise the limit of the system (fs.file-max), or close some files",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lack_of_descriptors_is_said_with_what_to_do() {
        for (code, words) in [(libc::EMFILE, "ulimit -n"), (libc::ENFILE, "fs.file-max")] {
            let error = io::Error::from_raw_os_error(code);
            let text = cause_text(&error);
            assert!(text.contains("open files") && text.ends_with("close some files"), "{text}");
            assert!(text.contains(words) && is_shortage(&error), "{text}");
        }
        let other = io::Error::from_raw_os_error(libc::ECONNREFUSED);
        assert_eq!((&cause_text(&other)[..], is_shortage(&other)), ("Connection refused", false));
    }
}
