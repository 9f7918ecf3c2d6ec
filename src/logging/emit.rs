//! Delivery of a message to its outputs: the program's own logger, standard output, the sink.

use std::cell::Cell;
use std::fmt;
use std::panic::Location;
use std::sync::atomic::Ordering;

use super::limit::{self, Summary, Verdict};
use super::queue::{self, Message, Outputs};
use super::settings::{admits_foreign, notice_foreign_logger, Threshold, FOREIGN};
use super::{emit_stdout, output, Level, LogSink, Record};
use crate::clock;
use crate::error::caught;
use crate::peer::Origin;
use crate::process::{self, StandardOutput};

pub(super) fn emit(name: &str, threshold: &Threshold, level: Level, text: fmt::Arguments<'_>) {
    notice_foreign_logger();
    let foreign = admits_foreign(level);
    if foreign && !process::is_on_duty() {
        tell_foreign(name, level, text);
    }
    if threshold.admits_own(level) {
        emit_own(name, level, text, foreign);
    } else if foreign && process::is_on_duty() {
        let outputs = Outputs { foreign, ..Outputs::default() };
        queue::push(Message { outputs, ..message(name, level, text.to_string()) });
    }
}

/// Logs a message that a peer can cause any number of times: passes on the first few from one
/// place, about one peer, then counts and summarises.
pub(super) fn emit_limited(
    (name, threshold): (&str, &Threshold),
    place: &'static Location<'static>,
    peer: Option<Origin>,
    level: Level,
    text: fmt::Arguments<'_>,
) {
    let key = limit::key(place, name, peer);
    match limit::judge(key, name, level, clock::now()) {
        Verdict::Suppress { is_first: true } => queue::note_suppression(),
        Verdict::Suppress { is_first: false } => {}
        Verdict::Pass(summary) => {
            if let Some(Summary { name, level, text }) = summary {
                emit(&name, threshold, level, format_args!("{text}"));
            }
            let text = text.to_string();
            limit::keep_text(key, &text);
            emit(name, threshold, level, format_args!("{text}"));
        }
    }
}

fn tell_foreign(name: &str, level: Level, text: fmt::Arguments<'_>) {
    let metadata = log::Metadata::builder().level(level.to_log()).target(name).build();
    let logger = log::logger();
    if logger.enabled(&metadata) {
        logger.log(&log::Record::builder().metadata(metadata).args(text).build());
    }
}

thread_local! {
    /// Whether this thread is inside the sink.
    static IN_SINK: Cell<bool> = const { Cell::new(false) };
    /// The last process and thread ids; another process id tells a forked child to look again.
    static THREAD_ID: Cell<(u32, u64)> = const { Cell::new((0, 0)) };
}

/// A message with the present time, for every output that is active.
pub(super) fn message(name: &str, level: Level, text: String) -> Message {
    let foreign = admits_foreign(level);
    let stdout = emit_stdout() && !FOREIGN.load(Ordering::Relaxed);
    Message {
        name: name.to_owned(),
        level,
        time: clock::since_1970(),
        text,
        thread_id: 0,
        outputs: Outputs { stdout, sink: true, foreign },
    }
}

/// The log's own warning about dropped messages.
pub(super) fn dropped_message(dropped: u64) -> Message {
    let text = format!(
        "{dropped} messages were dropped, because standard output or the program's sink takes them \
         too slowly"
    );
    message("pyrogue.logging", Level::WARNING, text)
}

/// Delivers a message to standard output and the sink; on a thread that others depend on, through
/// the log's thread.
pub(super) fn emit_own(name: &str, level: Level, text: fmt::Arguments<'_>, foreign: bool) {
    let stdout = emit_stdout() && !FOREIGN.load(Ordering::Relaxed);
    let in_sink = IN_SINK.try_with(Cell::get).unwrap_or(true);
    let sink = if in_sink { None } else { super::sink().clone() };
    let is_on_duty = process::is_on_duty();
    let foreign = foreign && is_on_duty;
    if !stdout && sink.is_none() && !foreign {
        return;
    }
    let thread_id = if sink.is_some() { thread_id() } else { 0 };
    let outputs = Outputs { stdout, sink: sink.is_some(), foreign };
    let message = Message { thread_id, outputs, ..message(name, level, text.to_string()) };
    if is_on_duty {
        return queue::push(message);
    }
    if stdout {
        queue::print(&message.record());
    }
    if let Some(sink) = sink {
        call_sink(&*sink, &message.record());
    }
}

fn call_sink(sink: &dyn LogSink, record: &Record<'_>) {
    IN_SINK.with(|in_sink| in_sink.set(true));
    // A log of the panic could end in the same sink.
    let _ = caught(|| sink.accept(record));
    IN_SINK.with(|in_sink| in_sink.set(false));
}

/// Delivers a message on the log's thread.
pub(super) fn deliver(message: &Message) {
    let record = message.record();
    if message.outputs.foreign {
        tell_foreign(record.name, record.level, format_args!("{}", record.text));
    }
    if message.outputs.stdout {
        // A closed standard output must not disturb the caller.
        let _ = output::write_line(&mut StandardOutput, &output::line(&record));
    }
    if message.outputs.sink {
        let sink = super::sink().clone();
        if let Some(sink) = sink {
            call_sink(&*sink, &record);
        }
    }
}

/// The kernel's id of the calling thread; 0 where it is unknown.
pub(super) fn thread_id() -> u64 {
    let process = std::process::id();
    let (known_process, known_thread) = THREAD_ID.try_with(Cell::get).unwrap_or((0, 0));
    if known_process == process {
        return known_thread;
    }
    // Linux: a link that reads `<process>/task/<thread>`.
    let link = std::fs::read_link("/proc/thread-self").unwrap_or_default();
    let last = link.file_name().and_then(|last| last.to_str());
    let thread = last.and_then(|last| last.parse().ok()).unwrap_or(0);
    let _ = THREAD_ID.try_with(|id| id.set((process, thread)));
    thread
}
