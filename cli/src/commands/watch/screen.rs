//! The table on a terminal, with its keys.

use std::io;
use std::panic;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use ratatui::crossterm::event::{self, KeyCode, KeyEvent, KeyModifiers};
use signal_hook::consts::SIGCONT;
use signal_hook::iterator::Signals;

use super::sampler::{Reading, Sample, Sampler};
use super::session::{self, Session};
use super::table::Table;
use crate::arguments::Watch;
use crate::failure::{Failure, Kind, Outcome};
use crate::interrupt::{self, Interrupt};
use crate::target::Target;

/// The longest time between two frames: the ages of changes are shown in seconds.
const FRAME_PERIOD: Duration = Duration::from_secs(1);
/// Rows that a page has.
const PAGE: isize = 10;

/// What the table waits for.
enum Event {
    Sample(Sample),
    Terminal(event::Event),
    /// A signal asks for the end.
    Signal,
    /// The process goes on after a stop.
    Resumed,
    /// There are no more samples.
    Done,
}

/// What the table does beside showing what it has.
enum Step {
    End(End),
    /// Gives the terminal back, and stops.
    Suspend,
    /// Takes the terminal again.
    Resume,
}

/// Why the table ends.
enum End {
    /// By a key.
    Key,
    /// By a signal, or its key.
    Interrupt,
    /// There are no more samples.
    Done,
}

/// Shows the table until it ends.
pub fn run(watch: &Watch, target: &Target) -> Outcome {
    let (events, inbox) = mpsc::channel();
    let (sender, client) = (events.clone(), target.client());
    let stop = move || {
        // Nobody waits any more if the table has ended.
        let _ = sender.send(Event::Signal);
        client.stop();
    };
    let interrupt = Interrupt::with(stop, session::close)?;
    let mut session = Session::open().map_err(no_terminal)?;
    let sampler = Sampler::new(watch, target.master.clone());
    let sampling = sample(sampler, interrupt.clone(), events.clone()).map_err(no_terminal)?;
    pass_resumptions(events.clone())?;
    read_terminal(events).map_err(no_terminal)?;
    let mut view = View { table: Table::new(watch), last: Vec::new() };
    let end = view.show(&mut session, &inbox);
    drop(session);
    // A signal also ends the sampler, which may say so first.
    let is_interrupted = interrupt.has_come() || matches!(end, Ok(End::Interrupt));
    // The sampler may be waiting for an answer, or for its next time.
    interrupt.raise();
    target.client().stop();
    sampling.join().unwrap_or_else(|panicked| panic::resume_unwind(panicked));
    match end.map_err(no_terminal)? {
        End::Key => Ok(()),
        End::Interrupt | End::Done => super::end(watch, is_interrupted, &view.last),
    }
}

struct View {
    table: Table,
    /// What the last sample said.
    last: Vec<Reading>,
}

impl View {
    fn show(&mut self, session: &mut Session, inbox: &Receiver<Event>) -> io::Result<End> {
        loop {
            session.draw(|frame| self.table.draw(frame, Instant::now()))?;
            let first = match inbox.recv_timeout(FRAME_PERIOD) {
                Err(RecvTimeoutError::Disconnected) => return Ok(End::Done),
                first => first.ok(),
            };
            // What has come together is drawn together.
            for event in first.into_iter().chain(inbox.try_iter()) {
                match self.take(event) {
                    Some(Step::End(end)) => return Ok(end),
                    Some(Step::Suspend) => session.suspend()?,
                    Some(Step::Resume) => session.resume()?,
                    None => {}
                }
            }
        }
    }

    fn take(&mut self, event: Event) -> Option<Step> {
        match event {
            Event::Sample(sample) => {
                self.table.add(&sample, Instant::now());
                self.last = sample.readings;
                None
            }
            Event::Terminal(event) => self.take_key(event.as_key_press_event()?),
            Event::Signal => Some(Step::End(End::Interrupt)),
            Event::Resumed => Some(Step::Resume),
            Event::Done => Some(Step::End(End::Done)),
        }
    }

    fn take_key(&mut self, key: KeyEvent) -> Option<Step> {
        match key.code {
            // The terminal sends no signals for these keys while each key is the program's.
            KeyCode::Char('c') if key.modifiers == KeyModifiers::CONTROL => {
                return Some(Step::End(End::Interrupt));
            }
            KeyCode::Char('z') if key.modifiers == KeyModifiers::CONTROL => {
                return Some(Step::Suspend);
            }
            KeyCode::Char('q') | KeyCode::Esc => return Some(Step::End(End::Key)),
            KeyCode::Up => self.table.scroll(-1),
            KeyCode::Down => self.table.scroll(1),
            KeyCode::PageUp => self.table.scroll(-PAGE),
            KeyCode::PageDown => self.table.scroll(PAGE),
            _ => {}
        }
        None
    }
}

/// Says that there are no more samples, also after a panic.
struct Notice(Sender<Event>);

impl Drop for Notice {
    fn drop(&mut self) {
        // Nobody waits any more if the table has ended first.
        let _ = self.0.send(Event::Done);
    }
}

fn sample(
    mut sampler: Sampler,
    interrupt: Interrupt,
    events: Sender<Event>,
) -> io::Result<JoinHandle<()>> {
    let samples = move || {
        let notice = Notice(events);
        while let Some(sample) = sampler.next(&interrupt) {
            if notice.0.send(Event::Sample(sample)).is_err() {
                break;
            }
        }
    };
    thread::Builder::new().name("sampler".to_owned()).spawn(samples)
}

/// Passes on keys and changes of the size. The thread ends with the process: it waits for a key.
fn read_terminal(events: Sender<Event>) -> io::Result<()> {
    let keys = move || {
        while let Ok(event) = event::read() {
            if events.send(Event::Terminal(event)).is_err() {
                break;
            }
        }
    };
    thread::Builder::new().name("keys".to_owned()).spawn(keys).map(drop)
}

/// Passes on that the process goes on after a stop, whoever has stopped it. The thread ends with the
/// process.
fn pass_resumptions(events: Sender<Event>) -> Outcome {
    let mut signals = Signals::new([SIGCONT]).map_err(interrupt::no_signals)?;
    let resumptions = move || {
        for _ in signals.forever() {
            if events.send(Event::Resumed).is_err() {
                break;
            }
        }
    };
    let thread = thread::Builder::new().name("resumptions".to_owned());
    thread.spawn(resumptions).map(drop).map_err(no_terminal)
}

fn no_terminal(error: io::Error) -> Failure {
    Failure::new(
        Kind::File,
        format!("The terminal: {error}; through a pipe, or with --csv, `watch` needs none"),
    )
}
