//! The owners of legacy connections of this host, looked up on another thread, one pass at a time.
//!
//! A pass answers for all connections that are queued at its start; later ones are for the next
//! pass. Only these connections wait. An answer carries the id of its connection, so a late one
//! has no effect.

use std::collections::BTreeSet;
use std::io;
use std::time::Duration;

use super::connection::{Connection, Connections, Ends};
use super::pairing::{Action, ConnectionId, Identity};
use crate::clock::{self, Time};
use crate::net::owner::{Finder, Owner, OwnerLookup};
use crate::net::DriverHandle;
use crate::peer::Origin;

/// Delay before the next attempt when the system has no thread for a pass.
const THREAD_RETRY: Duration = Duration::from_millis(100);
/// Pause after a pass, as a multiple of its duration: passes take no more than a quarter of the time
/// of one processor, however many connections ask for them.
const PAUSE_FACTOR: u32 = 3;
/// The longest pause: connections that wait for a pass hold their clients up.
const PAUSE_MAX: Duration = Duration::from_millis(500);

/// A question for the owners of connections.
#[derive(Clone, PartialEq, Eq)]
pub enum Question {
    /// The owner of this one.
    Identify(ConnectionId),
    /// Whether the connections of a decision have the same owner as before: a socket may have
    /// changed hands.
    Confirm(Action),
}

impl Question {
    fn connections(&self) -> Vec<ConnectionId> {
        match self {
            Question::Identify(id) => vec![*id],
            Question::Confirm(decision) => connections_of(decision),
        }
    }
}

/// The queued questions and the running pass.
pub struct Owners {
    find: Finder,
    handle: DriverHandle,
    queued: Vec<Question>,
    /// The connections of the queued questions for one owner.
    asked: BTreeSet<ConnectionId>,
    /// With its start, and its questions in order.
    pass: Option<(OwnerLookup, Time, Vec<Question>)>,
    /// When the next pass may start: after a pause, or if the system had no thread.
    again: Option<Time>,
}

impl Owners {
    pub fn new(find: Finder, handle: DriverHandle) -> Owners {
        let (queued, asked) = (Vec::new(), BTreeSet::new());
        Owners { find, handle, queued, asked, pass: None, again: None }
    }

    /// Queues a question.
    pub fn ask(&mut self, question: Question) {
        if let Question::Identify(id) = question {
            self.asked.insert(id);
        }
        self.queued.push(question);
    }

    /// Whether the owner of a connection has been asked for since the start of the running pass.
    pub fn is_asked(&self, id: ConnectionId) -> bool {
        self.asked.contains(&id)
    }

    /// When a pass may start for which questions wait.
    pub fn deadline(&self) -> Option<Time> {
        self.again.filter(|_| !self.queued.is_empty())
    }

    /// Ends the delay if the [`deadline`](Self::deadline) has come.
    pub fn timeout(&mut self, now: Time) {
        self.again = self.again.filter(|&again| now < again);
    }

    /// Starts a pass for all questions, unless one is running or has just ended; `stands` tells which
    /// decisions are still valid. Silent connections from the same addresses are looked up too, so
    /// that they do not delay others.
    ///
    /// # Errors
    ///
    /// The system has no thread for it: the pass starts after the [`deadline`](Self::deadline).
    pub fn start<C>(
        &mut self,
        connections: &Connections<C>,
        stands: impl Fn(&Action) -> bool,
    ) -> io::Result<()> {
        let now = clock::now();
        let is_paused = self.again.is_some_and(|again| now < again);
        if self.pass.is_some() || is_paused || self.queued.is_empty() {
            return Ok(());
        }
        let mut addresses = BTreeSet::new();
        self.queued.retain(|question| match question {
            Question::Confirm(decision) => stands(decision),
            Question::Identify(id) => {
                let connection = connections.get(id);
                connection.map(|one| addresses.insert(one.peer.origin())).is_some()
            }
        });
        let is_silent =
            |one: &Connection<C>| one.announced.is_none() && addresses.contains(&one.peer.origin());
        let silent = connections.iter().filter(|(_, one)| is_silent(one));
        // Their owners decide which others are delayed, so they come first.
        let mut questions: Vec<_> = silent.map(|(&id, _)| Question::Identify(id)).collect();
        questions.extend_from_slice(&self.queued);
        let ends_of = |id| connections.get(&id).and_then(|one| one.ends);
        let (questions, ends) = with_ends(questions, ends_of);
        match OwnerLookup::start(self.find, ends, self.handle.clone()) {
            Ok(lookup) => {
                self.queued.clear();
                self.asked.clear();
                self.pass = Some((lookup, now, questions));
                Ok(())
            }
            Err(cause) => {
                self.again = Some(now + THREAD_RETRY);
                Err(cause)
            }
        }
    }

    /// The answers of the pass, if it has ended: for each question, silent connections included,
    /// the owners of its connections.
    pub fn take(&mut self) -> Option<Vec<(Question, Vec<Owner>)>> {
        let found = self.pass.as_mut()?.0.take()?;
        let (_, started, questions) = self.pass.take()?;
        let now = clock::now();
        self.again = Some(now + (now.since(started) * PAUSE_FACTOR).min(PAUSE_MAX));
        let mut found = found.into_iter();
        let answer = |question: Question| {
            let count = question.connections().len();
            (question, found.by_ref().take(count).collect())
        };
        Some(questions.into_iter().map(answer).collect())
    }
}

/// The questions whose connections all exist, and the ends of these connections in the same order.
/// The answers are told apart by their order alone.
fn with_ends(
    mut questions: Vec<Question>,
    ends_of: impl Fn(ConnectionId) -> Option<Ends>,
) -> (Vec<Question>, Vec<Ends>) {
    let mut ends = Vec::new();
    questions.retain(|question| {
        let own: Option<Vec<Ends>> = question.connections().into_iter().map(&ends_of).collect();
        let exists = own.is_some();
        ends.extend(own.into_iter().flatten());
        exists
    });
    (questions, ends)
}

/// The connections that a decision serves, in lookup order.
pub fn connections_of(action: &Action) -> Vec<ConnectionId> {
    match *action {
        Action::Pair { request, response } | Action::ShareRequests { request, response } => {
            vec![request, response]
        }
        Action::ShareAnswers(response) => vec![response],
        Action::Check { .. } | Action::Close(..) | Action::Report { .. } => Vec::new(),
    }
}

/// The identity of a connection of `origin` with this owner.
pub fn identity_of(owner: Owner, origin: Origin) -> Identity {
    match owner {
        Owner::Process(process) => Identity::Process(process.pid, process.start_ticks),
        Owner::Context(process, epoll) => {
            Identity::Context(process.pid, process.start_ticks, epoll)
        }
        Owner::User(user) => Identity::User(user, origin),
        Owner::Unknown => Identity::Origin(origin),
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;

    fn ends(id: ConnectionId) -> Ends {
        let address = |port: ConnectionId| SocketAddr::from(([127, 0, 0, 1], port as u16));
        (address(9000), address(id))
    }

    #[test]
    fn f42_a_connection_that_is_gone_does_not_shift_the_answers_for_others() {
        let gone = |id| (id != 3).then(|| ends(id));
        let questions = vec![
            Question::Identify(1),
            Question::Confirm(Action::Pair { request: 2, response: 3 }),
            Question::Identify(4),
            Question::Confirm(Action::ShareAnswers(5)),
        ];
        let (questions, found) = with_ends(questions, gone);
        assert_eq!(found, [ends(1), ends(4), ends(5)]);
        let connections: Vec<_> = questions.iter().flat_map(Question::connections).collect();
        assert_eq!(connections, [1, 4, 5]);
    }
}
