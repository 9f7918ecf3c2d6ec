//! A server from the moment when it listens to its end.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use indicatif::ProgressBar;
use rogue_mem::bridge::TcpServer;
use sd_notify::NotifyState;
use serde_json::json;

use super::guards::Guards;
use super::manager;
use super::plan::Plan;
use super::regions::Regions;
use super::signals::{stop, Signal};
use super::state::Watch;
use super::timers::Timer;
use super::DRAIN_TIME;
use crate::arguments::Serve;
use crate::failure::{Failure, Kind, Outcome};
use crate::output;

/// Time between two states on a terminal, by default: as often as a reader follows.
const TERMINAL_PERIOD: Duration = Duration::from_secs(1);
/// The same for a service manager, which shows the latest when it is asked.
const MANAGER_PERIOD: Duration = Duration::from_secs(10);

/// How long the last records of accesses may take to the disk, which drains nothing.
const RECORD_TIME: Duration = Duration::from_secs(5);

/// A server that listens.
pub struct Running<'a> {
    serve: &'a Serve,
    /// What it was started with.
    plan: Plan,
    server: Arc<TcpServer>,
    guards: Guards,
    watch: Watch,
    json: bool,
    /// A line on a terminal.
    line: ProgressBar,
    has_manager: bool,
    /// What the manager was told last.
    status: String,
    /// Why nothing is printed any more: clients are served all the same.
    unsaid: Option<Failure>,
}

impl Running<'_> {
    /// One that has just begun.
    pub fn new(
        serve: &Serve,
        plan: Plan,
        server: Arc<TcpServer>,
        regions: Arc<Regions>,
        guards: Guards,
        json: bool,
    ) -> Running<'_> {
        let line = if json { ProgressBar::hidden() } else { output::status_line() };
        let watch = Watch::new(server.clone(), regions);
        let (has_manager, status) = (manager::is_there(), String::new());
        let unsaid = None;
        Running { serve, plan, server, guards, watch, json, line, has_manager, status, unsaid }
    }

    /// Serves until a signal asks for the end, and ends then.
    pub fn until_end(mut self, signals: &Receiver<Signal>) -> Outcome {
        manager::tell(&[NotifyState::Ready]);
        self.run(signals);
        manager::tell(&[NotifyState::Stopping, NotifyState::Status("draining")]);
        let drain = self.plan.settings.drain.unwrap_or(DRAIN_TIME);
        self.event(json!({ "event": "draining" }));
        self.line.set_message("ends when the device has answered; again to end at once");
        // A device that does not answer is no reason to stay.
        let left = match self.server.drain(drain) {
            Ok(left) => left,
            // A second signal has stopped it, and ends the process.
            Err(_) => loop {
                thread::park();
            },
        };
        stop(&self.server);
        let recorded = self.guards.audit.as_ref().map_or(Ok(()), |audit| audit.flush(RECORD_TIME));
        let state = self.watch.look();
        if !self.line.is_hidden() {
            output::end_status_line();
            output::error_line(state.summary());
        }
        let mut event = state.json("stopped");
        event["unanswered"] = json!(left);
        self.event(event);
        self.unsaid.map_or(Ok(()), Err).and(recorded.map_err(Failure::of(Kind::File)))
    }

    fn run(&mut self, signals: &Receiver<Signal>) {
        let now = Instant::now();
        let mut watchdog = Timer::new(manager::watchdog_period(), now);
        let mut state = Timer::new(self.state_period(), now);
        loop {
            let now = Instant::now();
            if watchdog.take_due(now) {
                manager::tell(&[NotifyState::Watchdog]);
            }
            if state.take_due(now) {
                self.show();
            }
            let due = [watchdog.due(), state.due()].into_iter().flatten().min();
            let signal = match due {
                Some(due) => signals.recv_timeout(due.saturating_duration_since(Instant::now())),
                None => signals.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            match signal {
                Ok(Signal::Reload) => self.reload(),
                Ok(Signal::End) | Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }

    fn state_period(&self) -> Option<Duration> {
        let asked = self.plan.settings.interval;
        match (self.line.is_hidden(), self.has_manager) {
            (false, _) => Some(asked.unwrap_or(TERMINAL_PERIOD)),
            (true, true) => Some(asked.unwrap_or(MANAGER_PERIOD)),
            (true, false) if self.json => asked,
            (true, false) => None,
        }
    }

    fn show(&mut self) {
        let state = self.watch.look();
        let text = state.text();
        if self.has_manager && text != self.status {
            manager::tell(&[NotifyState::Status(&text)]);
            self.status.clone_from(&text);
        }
        self.line.set_message(text);
        if self.plan.settings.interval.is_some() {
            self.event(state.json("state"));
        }
    }

    /// Prints an event, as JSON only. Where nobody reads them any more, or the disk is full, that is
    /// said once: it is no reason to serve nobody.
    fn event(&mut self, event: serde_json::Value) {
        if !self.json || self.unsaid.is_some() {
            return;
        }
        if let Err(failure) = output::line(event) {
            let why = match failure.text() {
                "" => "nobody reads standard output",
                text => text,
            };
            output::error_line(format!("rogue-mem: {why}; the server goes on, and prints no more"));
            self.unsaid = Some(failure);
        }
    }

    /// Reads the options and their files again, and says what has come of it.
    fn reload(&mut self) {
        if self.has_manager {
            manager::tell_reloading();
        }
        let (failures, later) = match Plan::of(self.serve, true) {
            Ok(plan) => (self.guards.reload(&plan.settings), plan.changes_since(&self.plan)),
            Err(failure) => (vec![failure], Vec::new()),
        };
        if self.has_manager {
            manager::tell(&[NotifyState::Ready]);
        }
        if self.json {
            let errors: Vec<&str> = failures.iter().map(Failure::text).collect();
            return self.event(json!({
                "event": "reloaded", "errors": errors, "restart_needed_for": later
            }));
        }
        for failure in &failures {
            output::error_line(format!(
                "rogue-mem: {}; what was read before holds",
                failure.text()
            ));
        }
        if !later.is_empty() {
            let later = later.join(", ");
            output::error_line(format!("rogue-mem: For these a new start is needed: {later}"));
        }
        if failures.is_empty() {
            output::error_line("rogue-mem: The access list and the keys have been read again");
        }
    }
}
