//! Small text files: keys, access lists.

use std::fs::OpenOptions;
use std::io::Read;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use zeroize::Zeroizing;

use crate::net::make_descriptor;
use crate::net::socket::cause_text;

/// Octets of the largest file: some 10 000 lines.
const FILE_OCTETS_MAX: u64 = 1 << 20;

/// Reads a whole file of `what`. The text is wiped when it is dropped. `objection` says what is wrong
/// with the permissions, if that is so.
///
/// # Errors
///
/// The error's text, with the path.
pub(super) fn read(
    path: &Path,
    what: &str,
    objection: impl FnOnce(u32) -> Option<String>,
) -> Result<Zeroizing<String>, String> {
    let shown = path.display();
    let failed = |error: std::io::Error| {
        format!("Cannot read the {what} in {shown}: {}", cause_text(&error))
    };
    // The open of a pipe would wait for somebody to write to it.
    let mut options = OpenOptions::new();
    options.read(true).custom_flags(libc::O_NONBLOCK);
    let mut file = make_descriptor(|| options.open(path)).map_err(failed)?;
    let about = file.metadata().map_err(failed)?;
    if !about.is_file() {
        return Err(format!("Cannot read the {what} in {shown}: it is no regular file"));
    }
    if let Some(objection) = objection(about.mode() & 0o7777) {
        return Err(objection);
    }
    if about.len() > FILE_OCTETS_MAX {
        return Err(format!(
            "{shown} has {} bytes; a file of {what} has at most {FILE_OCTETS_MAX}",
            about.len()
        ));
    }
    // Of its final size, because a buffer that grows leaves copies behind.
    let mut octets = Zeroizing::new(vec![0; about.len() as usize]);
    file.read_exact(&mut octets).map_err(failed)?;
    let octets = std::mem::take(&mut *octets);
    String::from_utf8(octets).map(Zeroizing::new).map_err(|error| {
        drop(Zeroizing::new(error.into_bytes()));
        format!("{shown} is no file of {what}: it is no text")
    })
}
