//! `dump`: reads a range of memory.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use indicatif::ProgressBar;
use serde_json::json;

use crate::arguments::{Dump, Format};
use crate::failure::{Failure, Kind, Outcome};
use crate::images;
use crate::interrupt::Interrupt;
use crate::output;
use crate::target::Target;
use crate::transfer::{progress_bar, rate, Transfer};

pub fn run(dump: &Dump, json: bool) -> Outcome {
    let format = check(dump)?;
    // Before there is a file, and while a signal still ends the program.
    let target = Target::connect(&dump.server)?;
    let interrupt = Interrupt::of(&target)?;
    let source = Source { dump, target: &target, interrupt: &interrupt };
    let started = Instant::now();
    let read = match (&dump.output, format) {
        (Some(path), Format::Bin) if special_of(dump).is_some() => source.write_to(path)?,
        (Some(path), Format::Bin) => source.store_in(path)?,
        (None, Format::Bin) => {
            let bar = ProgressBar::hidden();
            source.read(&bar, 0, output::write)?;
            dump.length
        }
        (path, format) => {
            source.to_text(path.as_deref(), format)?;
            dump.length
        }
    };
    let Some(path) = &dump.output else { return Ok(()) };
    match json {
        true => output::line(json!({
            "address": dump.address, "length": dump.length, "file": path, "read": read,
            "seconds": started.elapsed().as_secs_f64()
        })),
        false => {
            output::error_line(format_args!("{}: {}", path.display(), rate(read, started)));
            Ok(())
        }
    }
}

/// Refuses what cannot be done before anything is read. Returns the format.
fn check(dump: &Dump) -> Outcome<Format> {
    if dump.length == 0 || dump.address.checked_add(dump.length - 1).is_none() {
        return Err(Failure::new(
            Kind::Usage,
            format!(
                "0x{:x} bytes from 0x{:x} on: there is nothing, or not so much",
                dump.length, dump.address
            ),
        ));
    }
    let format = dump.format.unwrap_or_else(|| match &dump.output {
        Some(path) => images::format_of(path),
        None => Format::Hex,
    });
    if dump.output.is_none() && format == Format::Bin && output::is_terminal() {
        let text = "A terminal cannot show bytes: give a file with --output, or --format hex";
        return Err(Failure::new(Kind::Usage, text));
    }
    if format == Format::Ihex && dump.length > images::IHEX_BYTES_MAX {
        return Err(images::too_large());
    }
    if let Some(path) = dump.output.as_deref().filter(|path| path.is_dir()) {
        let text = format!("{} is a directory: add the name of a file", path.display());
        return Err(Failure::new(Kind::Usage, text));
    }
    if let (Some(path), true) = (special_of(dump), dump.resume) {
        let text = format!("{} is no regular file: there is nothing to go on with", path.display());
        return Err(Failure::new(Kind::Usage, text));
    }
    if dump.resume && format != Format::Bin {
        let text = "Only bytes (--format bin) are gone on with: of a text no part is kept";
        return Err(Failure::new(Kind::Usage, text));
    }
    Ok(format)
}

/// The memory that is read.
struct Source<'a> {
    dump: &'a Dump,
    target: &'a Target,
    interrupt: &'a Interrupt,
}

impl Source<'_> {
    /// Reads all but the first `offset` bytes.
    fn read(
        &self,
        bar: &ProgressBar,
        offset: u64,
        mut take: impl FnMut(&[u8]) -> Outcome,
    ) -> Outcome {
        let (dump, master, interrupt) = (self.dump, &*self.target.master, self.interrupt);
        let transfer = Transfer { master, pieces: &dump.pieces, interrupt, bar };
        let (address, length) = (dump.address + offset, dump.length - offset);
        transfer.read(address, length, |_, bytes| take(bytes)).map_err(|stop| stop.failure)
    }

    fn to_text(&self, path: Option<&Path>, format: Format) -> Outcome {
        let mut address = self.dump.address;
        let Some(path) = path else {
            let bar = ProgressBar::hidden();
            if format == Format::Hex {
                return self.read(&bar, 0, |bytes| {
                    let text = images::hex_lines(address, bytes);
                    // Behind the last address there is none.
                    address = address.wrapping_add(bytes.len() as u64);
                    output::write(text.as_bytes())
                });
            }
            return output::write(images::ihex(&self.all(&bar)?)?.as_bytes());
        };
        let bar = progress_bar(self.dump.length, "reading");
        let all = self.all(&bar);
        bar.finish_and_clear();
        let text = match format {
            Format::Ihex => images::ihex(&all?)?,
            _ => images::hex_lines(address, &all?),
        };
        let failed = |error: io::Error| Failure::of_file(path, "writing it", &error);
        if is_special(path) {
            return open_special(path)
                .and_then(|mut file| file.write_all(text.as_bytes()))
                .map_err(failed);
        }
        let part = part_of(path);
        fs::write(&part, text).and_then(|()| fs::rename(&part, path)).map_err(|error| {
            // Nothing goes on with a part of a text.
            let _ = fs::remove_file(&part);
            failed(error)
        })
    }

    /// Reads into a file that is none, such as a device or a pipe; returns the bytes that were read.
    fn write_to(&self, path: &Path) -> Outcome<u64> {
        let failed = |error: io::Error| Failure::of_file(path, "writing it", &error);
        let mut file = open_special(path).map_err(failed)?;
        let bar = progress_bar(self.dump.length, "reading");
        let outcome = self.read(&bar, 0, |bytes| file.write_all(bytes).map_err(failed));
        bar.finish_and_clear();
        outcome.map(|()| self.dump.length)
    }

    fn all(&self, bar: &ProgressBar) -> Outcome<Vec<u8>> {
        let mut all = Vec::new();
        self.read(bar, 0, |bytes| {
            all.extend_from_slice(bytes);
            Ok(())
        })?;
        Ok(all)
    }

    /// Reads into a file; returns the bytes that were read now.
    fn store_in(&self, path: &Path) -> Outcome<u64> {
        let (dump, part) = (self.dump, part_of(path));
        let failed = |error: io::Error| Failure::of_file(&part, "writing it", &error);
        let (mut file, offset) = open_part(&part, dump).map_err(failed)?;
        if offset > dump.length {
            return Err(Failure::new(
                Kind::File,
                format!(
                    "{} has {offset} bytes, more than the {} of this dump: it is of another one",
                    part.display(),
                    dump.length
                ),
            ));
        }
        let bar = progress_bar(dump.length, "reading");
        bar.set_position(offset);
        bar.reset_eta();
        let outcome = self.read(&bar, offset, |bytes| file.write_all(bytes).map_err(failed));
        bar.finish_and_clear();
        let has = file.metadata().map_err(failed)?.len();
        match outcome {
            Ok(()) => fs::rename(&part, path)
                .map(|()| dump.length - offset)
                .map_err(|error| Failure::of_file(path, "naming it", &error)),
            // Nothing that a later attempt could go on with.
            Err(failure) if has == 0 => {
                fs::remove_file(&part).map_err(failed)?;
                Err(failure)
            }
            Err(failure) => Err(failure.with_remedy(&format!(
                "; {} has the first {has} of {} bytes: --resume goes on from there",
                part.display(),
                dump.length
            ))),
        }
    }
}

/// The output, if it is [special](is_special).
fn special_of(dump: &Dump) -> Option<&Path> {
    dump.output.as_deref().filter(|path| is_special(path))
}

/// Whether a file cannot take the place of `path`: it is a device, a pipe or a socket, or one of the
/// names that stand for an open file.
fn is_special(path: &Path) -> bool {
    let Ok(file) = fs::metadata(path) else { return false };
    // Such as /dev/stdout, which stands for a file where standard output is one.
    let is_name_of_open = || {
        let is_link = fs::symlink_metadata(path).is_ok_and(|link| link.is_symlink());
        is_link && (path.starts_with("/dev") || path.starts_with("/proc"))
    };
    !file.is_dir() && (!file.is_file() || is_name_of_open())
}

fn open_special(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).truncate(true).open(path)
}

/// The file that has the bytes until all are there.
fn part_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".part");
    name.into()
}

fn open_part(part: &Path, dump: &Dump) -> io::Result<(File, u64)> {
    if !dump.resume {
        return Ok((File::create(part)?, 0));
    }
    let file = OpenOptions::new().append(true).create(true).open(part)?;
    let has = file.metadata()?.len();
    Ok((file, has))
}
