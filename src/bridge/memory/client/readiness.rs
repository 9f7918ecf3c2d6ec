//! Waiting until the server is ready.

use std::time::Duration;

use super::core::{ClientCore, CoreState};
use crate::bridge::link::dialer::ClientState;
use crate::clock::{self, Time};
use crate::error::{Error, Result, Status};
use crate::logging::log_warning;
use crate::proto::bridge::{encode_request, Header, Timing, TYPE_PROBE};

/// Shortest time between two probes.
const PROBE_PERIOD_MIN: Duration = Duration::from_millis(1);
const WAIT_READY: &str = "memory::TcpClient::waitReady";

impl ClientCore {
    pub(super) fn wait_ready(&self, timeout: Duration, period: Duration) -> Result<()> {
        if self.is_inherited() {
            return Err(Error::new(Status::Stopped, WAIT_READY, self.inherited_text()));
        }
        let outcome = self.ask_until(clock::now() + timeout, period);
        if let Err(error) = &outcome {
            log_warning!(self.log, "{}", error.text());
        }
        outcome
    }

    fn ask_until(&self, limit: Time, period: Duration) -> Result<()> {
        let mut state = self.state.lock();
        let before = state.last_probe;
        let mut next_ask = Time::default();
        let mut asked_in = 0;
        loop {
            self.call_back(&mut state);
            if state.phase == ClientState::Stopped {
                return Err(Error::new(Status::Stopped, WAIT_READY, self.stopped_text()));
            }
            let now = clock::now();
            if now >= limit {
                let obstacle = match state.phase {
                    ClientState::Connected => "connected, but the server does not answer".into(),
                    _ => state.obstacle.to_string(),
                };
                let text = format!(
                    "Timed out waiting for bridge readiness on port tcp://{}: {obstacle}",
                    self.name
                );
                return Err(Error::new(Status::Timeout, WAIT_READY, text));
            }
            let mut until = limit;
            if state.phase == ClientState::Connected {
                if !state.peer.answers_probes() && !self.options.probe_legacy {
                    return Ok(());
                }
                // The answer to a later probe of another call counts as well.
                if state.answered_probe.is_some_and(|id| is_later(id, before)) {
                    return Ok(());
                }
                if asked_in != state.requests.stats.connects || now >= next_ask {
                    asked_in = state.requests.stats.connects;
                    next_ask = now + period.max(PROBE_PERIOD_MIN);
                    state.queue_probe();
                    self.pump(state);
                    state = self.state.lock();
                    continue;
                }
                until = limit.min(next_ask);
            }
            state = self.changed.wait_until(state, until);
        }
    }
}

impl CoreState {
    /// Queues a probe, unless urgent output waits to be sent already.
    fn queue_probe(&mut self) {
        if self.requests.urgent.is_empty() {
            self.last_probe = self.last_probe.wrapping_add(1);
            let header = Header { id: self.last_probe, address: 0, size: 0, ty: TYPE_PROBE };
            // A probe has no effect that could come too late.
            let timing = Timing { sent: clock::now().0, remaining: u64::MAX, timeout: u64::MAX };
            let timing = self.peer.clock.is_some().then_some(&timing);
            encode_request(&header, timing, &[], &mut self.requests.urgent);
            self.requests.stats.requests += 1;
        }
    }

    /// Notes that the probe with this id has been answered.
    pub(super) fn note_probe(&mut self, id: u32) {
        let is_news = self.answered_probe.is_none_or(|latest| is_later(id, latest));
        // The id must be that of a probe that has been made.
        if is_news && !is_later(id, self.last_probe) {
            self.answered_probe = Some(id);
        }
    }
}

/// Whether the probe `id` was made after `other`.
fn is_later(id: u32, other: u32) -> bool {
    (id.wrapping_sub(other) as i32) > 0
}
