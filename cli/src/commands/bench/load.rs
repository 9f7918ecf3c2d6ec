//! Accesses as fast as a server answers them.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use rogue_mem::memory::{Master, TransactionType};
use serde_json::{json, Map, Value};

use crate::failure::Outcome;
use crate::interrupt::Interrupt;

/// How long a measurement goes on: for a count of accesses, or else for a time.
#[derive(Clone, Copy)]
pub struct Limit {
    /// Accesses.
    pub count: Option<u64>,
    /// The time.
    pub duration: Duration,
}

impl Limit {
    fn allows(self, started: u64, since: Instant) -> bool {
        match self.count {
            Some(count) => started < count,
            // A server that is slower than the time allows is measured by one access.
            None => started == 0 || since.elapsed() < self.duration,
        }
    }
}

/// Puts a server under load.
pub struct Load<'a> {
    /// Creates the accesses.
    pub master: &'a Master,
    /// Ends a measurement.
    pub interrupt: &'a Interrupt,
    /// How long each takes.
    pub limit: Limit,
}

/// How fast a server was.
#[derive(Clone, Copy)]
pub struct Rate {
    /// Accesses that have ended.
    pub accesses: u64,
    time: Duration,
}

impl Load<'_> {
    /// Starts a read.
    pub fn read(&self, address: u64, size: u32) -> Outcome<u32> {
        Ok(self.master.request(address, vec![0; size as usize].into(), TransactionType::Read)?)
    }

    /// Starts a write.
    pub fn write(&self, address: u64, bytes: &[u8]) -> Outcome<u32> {
        Ok(self.master.request(address, bytes.to_vec().into(), TransactionType::Write)?)
    }

    /// Keeps `window` accesses under way: waits for the oldest, and starts the next one by its
    /// index. Hands the time of each to `take`.
    pub fn run(
        &self,
        window: usize,
        start: impl Fn(u64) -> Outcome<u32>,
        mut take: impl FnMut(Duration),
    ) -> Outcome<Rate> {
        let begin = Instant::now();
        let mut under_way = VecDeque::with_capacity(window);
        let mut started = 0;
        loop {
            self.interrupt.check()?;
            while under_way.len() < window && self.limit.allows(started, begin) {
                let time = Instant::now();
                under_way.push_back((start(started)?, time));
                started += 1;
            }
            let Some((id, time)) = under_way.pop_front() else { break };
            self.master.wait(id).map_err(|error| self.interrupt.or(error))?;
            take(time.elapsed());
        }
        Ok(Rate { accesses: started, time: begin.elapsed() })
    }
}

impl Rate {
    /// The time that they have taken; never 0.
    pub fn seconds(self) -> f64 {
        self.time.as_secs_f64().max(1e-9)
    }

    /// The rate, for people.
    pub fn per_second(self) -> String {
        let rate = self.accesses as f64 / self.seconds();
        format!("{:.1} k/s ({} in {:.2} s)", rate / 1e3, self.accesses, self.seconds())
    }

    /// The rate, as the fields of an object; `what` names the accesses.
    pub fn json(self, what: &str) -> Map<String, Value> {
        Map::from_iter([
            (what.to_owned(), json!(self.accesses)),
            ("seconds".to_owned(), json!(self.seconds())),
            (format!("{what}_per_second"), json!(self.accesses as f64 / self.seconds())),
        ])
    }
}
