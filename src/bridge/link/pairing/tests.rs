use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::proto::bridge::SessionId;
use crate::proto::zmtp::mechanism::curve::keys::PublicKey;

const SETTLE: Duration = Duration::from_millis(400);

fn ms(n: u64) -> Time {
    Time((n + 1) * 1_000_000)
}

fn address(last: u8) -> Origin {
    Origin::Ip([10, 0, 0, last].into())
}

/// An end of a connection from address 1.
fn peer(id: usize) -> PeerAddress {
    SocketAddr::from(([10, 0, 0, 1], 40_000 + id as u16)).into()
}

fn session(n: u8) -> Identity {
    Identity::Session(SessionId([n; 16]))
}

/// A pairing, and a server that carries its actions out.
struct Bench {
    pairing: Pairing,
    /// Decisions to serve are carried out later.
    looks_twice: bool,
}

impl Bench {
    fn with(shares: bool) -> Bench {
        Bench { pairing: Pairing::new(SETTLE, shares, Time::default()), looks_twice: false }
    }

    fn new() -> Bench {
        Bench::with(false)
    }

    /// The clients of a process share their answers.
    fn sharing() -> Bench {
        Bench::with(true)
    }

    fn arrive(&mut self, id: usize, side: Side, identity: Identity, now: Time) -> Vec<Action> {
        self.pairing.opened(id, peer(id), now);
        self.announce(id, side, identity, now)
    }

    fn announce(&mut self, id: usize, side: Side, identity: Identity, now: Time) -> Vec<Action> {
        self.pairing.announced(id, side, identity, now);
        self.turn(now)
    }

    fn close(&mut self, id: usize, now: Time) -> Vec<Action> {
        self.pairing.closed(id, now);
        self.turn(now)
    }

    /// The end of a loop turn.
    fn turn(&mut self, now: Time) -> Vec<Action> {
        if self.pairing.deadline().is_some_and(|due| due <= now) {
            self.pairing.timeout(now);
        }
        self.carry_out()
    }

    fn carry_out(&mut self) -> Vec<Action> {
        let actions = self.pairing.take_actions();
        for action in actions.iter().filter(|_| !self.looks_twice) {
            if let Action::ShareAnswers(id) | Action::ShareRequests { request: id, .. } = action {
                self.pairing.served(*id);
            }
        }
        actions
    }

    /// Advances the time to `until`, calling `timeout` whenever it is due.
    fn pass(&mut self, until: Time) -> Vec<Action> {
        for _ in 0..1000 {
            match self.pairing.deadline() {
                Some(due) if due <= until => self.pairing.timeout(due),
                _ => return self.carry_out(),
            }
        }
        panic!("the deadline does not move on");
    }
}

fn pairs(actions: &[Action]) -> Vec<(usize, usize)> {
    let pair = |action: &Action| match action {
        Action::Pair { request, response } => Some((*request, *response)),
        _ => None,
    };
    actions.iter().filter_map(pair).collect()
}

fn closes(actions: &[Action]) -> Vec<usize> {
    let close = |action: &Action| match action {
        Action::Close(id, _) => Some(*id),
        _ => None,
    };
    actions.iter().filter_map(close).collect()
}

#[test]
fn sessions_are_paired_at_once_in_either_order() {
    let mut bench = Bench::new();
    assert!(bench.arrive(1, Side::Response, session(1), ms(0)).is_empty());
    assert!(bench.arrive(2, Side::Request, session(2), ms(1)).is_empty());
    assert_eq!(pairs(&bench.arrive(3, Side::Request, session(1), ms(2))), [(3, 1)]);
    assert_eq!(pairs(&bench.arrive(4, Side::Response, session(2), ms(3))), [(2, 4)]);
    assert_eq!(bench.pairing.partner(1), Some(3));
    assert_eq!(bench.pairing.deadline(), None);
}

#[test]
fn f82_a_session_that_is_presented_again_waits_for_the_end_of_its_pair() {
    let mut bench = Bench::new();
    bench.arrive(1, Side::Response, session(1), ms(0));
    bench.arrive(2, Side::Request, session(1), ms(0));
    let check = [Action::Check { request: 2, response: 1 }];
    assert_eq!(bench.arrive(3, Side::Request, session(1), ms(5)), check);
    assert_eq!(bench.arrive(4, Side::Response, session(1), ms(6)), check);
    let actions = bench.close(2, ms(9));
    assert_eq!((closes(&actions), pairs(&actions)), (vec![1], vec![(3, 4)]));
}

#[test]
fn the_partner_of_a_closed_connection_is_closed() {
    let mut bench = Bench::new();
    bench.arrive(1, Side::Response, session(1), ms(0));
    bench.arrive(2, Side::Request, session(1), ms(0));
    assert_eq!(closes(&bench.close(1, ms(9))), [2]);
    assert!(bench.close(2, ms(9)).is_empty(), "it is forgotten already");
}

#[test]
fn one_process_is_paired_without_delay() {
    let mut bench = Bench::new();
    let at = ms(5000);
    bench.arrive(1, Side::Response, Identity::Process(7, 1), at);
    bench.arrive(2, Side::Response, Identity::Process(8, 1), at);
    assert_eq!(pairs(&bench.arrive(3, Side::Request, Identity::Process(8, 1), at)), [(3, 2)]);
    assert_eq!(pairs(&bench.arrive(4, Side::Request, Identity::Process(7, 1), at)), [(4, 1)]);
}

#[test]
fn a_process_that_may_have_lost_connections_is_given_time_to_come_back() {
    let mut bench = Bench::new();
    let process = Identity::Process(7, 1);
    bench.arrive(1, Side::Response, process, ms(10));
    bench.arrive(2, Side::Request, process, ms(20));
    assert!(bench.pass(ms(398)).is_empty(), "the server has only just started");
    assert_eq!(pairs(&bench.pass(ms(400))), [(2, 1)]);
    assert_eq!(closes(&bench.close(1, ms(9000))), [2]);
    bench.arrive(3, Side::Request, process, ms(9100));
    bench.arrive(4, Side::Response, process, ms(9190));
    assert!(bench.pass(ms(9399)).is_empty());
    assert_eq!(pairs(&bench.pass(ms(9400))), [(3, 4)]);
}

#[test]
fn a_silent_connection_of_another_process_holds_nobody_up() {
    let mut bench = Bench::new();
    let (one, other) = (Identity::Process(7, 1), Identity::Process(8, 1));
    let at = ms(5000);
    bench.pairing.opened(9, peer(9), at);
    bench.arrive(1, Side::Response, one, at);
    assert!(bench.arrive(2, Side::Request, one, at).is_empty(), "it may be of the same process");
    bench.pairing.owned(9, other);
    let actions = bench.arrive(3, Side::Response, other, at);
    assert_eq!(pairs(&actions), [(2, 1)], "it is not");
    bench.pairing.opened(10, peer(10), at + GREETING_GRACE);
    bench.pairing.owned(10, Identity::Process(9, 1));
    let paired = bench.announce(9, Side::Request, other, at + GREETING_GRACE);
    assert_eq!(pairs(&paired), [(9, 3)], "another process is silent, this one is not");
}

/// Two clients connect to a server that has just started; each retries each connection separately,
/// every 100 to 199 ms. Connections 0 and 1 are the first client's. Returns what has been done a
/// minute later.
fn restart(seed: u64, identity: impl Fn(usize) -> Identity) -> (Bench, Vec<Action>) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut bench = Bench::new();
    let mut arrivals: Vec<(u64, usize, Side)> = (0..4)
        .map(|id| (rng.random_range(0..200), id, [Side::Request, Side::Response][id % 2]))
        .collect();
    arrivals.sort_by_key(|&(time, ..)| time);
    let mut actions = Vec::new();
    for (time, id, side) in arrivals {
        actions.extend(bench.pass(ms(time)));
        actions.extend(bench.arrive(id, side, identity(id), ms(time)));
    }
    actions.extend(bench.pass(ms(60_000)));
    (bench, actions)
}

#[test]
fn d14_two_clients_of_a_process_are_never_crossed_by_a_restart() {
    for seed in 0..500 {
        let (mut bench, actions) = restart(seed, |_| Identity::Process(7, 1));
        assert!(pairs(&actions).is_empty(), "seed {seed}");
        // One of them leaves, with both of its connections.
        bench.close(0, ms(60_000));
        bench.close(1, ms(60_000));
        assert_eq!(pairs(&bench.pass(ms(60_400))), [(2, 3)], "seed {seed}");
    }
}

#[test]
fn a_process_id_that_was_used_again_is_another_process() {
    let mut bench = Bench::new();
    bench.arrive(1, Side::Response, Identity::Process(7, 1), ms(0));
    assert!(bench.arrive(2, Side::Request, Identity::Process(7, 2), ms(1)).is_empty());
    assert!(bench.pass(ms(60_000)).is_empty());
}

#[test]
fn two_clients_of_one_process_are_held_and_reported() {
    let mut bench = Bench::new();
    let process = Identity::Process(7, 1);
    bench.pairing.opened(1, peer(1), ms(0));
    bench.pairing.opened(2, peer(2), ms(0));
    bench.pairing.opened(3, peer(3), ms(0));
    bench.pairing.opened(4, peer(4), ms(0));
    let mut actions = Vec::new();
    for id in [1, 3, 2, 4] {
        let side = if id < 3 { Side::Response } else { Side::Request };
        actions.extend(bench.announce(id, side, process, ms(1)));
    }
    assert!(actions.is_empty(), "it may be over in a moment");
    let actions = bench.pass(ms(500));
    assert!(matches!(&actions[..], [Action::Report { text, .. }] if text.contains("process 7")));
}

#[test]
fn one_client_of_an_address_is_paired_after_the_settle_time() {
    let mut bench = Bench::new();
    let identity = Identity::Origin(address(1));
    bench.arrive(1, Side::Response, identity, ms(0));
    bench.arrive(2, Side::Request, identity, ms(100));
    assert!(bench.pass(ms(499)).is_empty());
    assert_eq!(pairs(&bench.pass(ms(500))), [(2, 1)]);
}

#[test]
fn a_newcomer_within_the_settle_time_makes_the_address_ambiguous() {
    let mut bench = Bench::new();
    let identity = Identity::Origin(address(1));
    bench.arrive(1, Side::Response, identity, ms(0));
    bench.arrive(2, Side::Request, identity, ms(0));
    let mut actions = bench.arrive(3, Side::Response, identity, ms(300));
    actions.extend(bench.pass(ms(10_000)));
    assert!(matches!(&actions[..], [Action::Report { .. }]));
    bench.close(3, ms(10_000));
    assert!(bench.pass(ms(10_399)).is_empty(), "the settle time starts anew");
    assert_eq!(pairs(&bench.pass(ms(10_400))), [(2, 1)]);
}

#[test]
fn a_silent_connection_holds_others_up_for_two_seconds_at_most() {
    let mut bench = Bench::new();
    let identity = Identity::Origin(address(1));
    bench.pairing.opened(9, peer(9), ms(0));
    bench.arrive(1, Side::Response, identity, ms(0));
    bench.arrive(2, Side::Request, identity, ms(0));
    assert!(bench.pass(ms(1999)).is_empty());
    assert_eq!(pairs(&bench.pass(ms(2000))), [(2, 1)]);
    assert_eq!(bench.pairing.deadline(), None, "nothing more can come of time alone");
}

#[test]
fn a_second_client_of_an_address_is_held_until_the_first_has_left() {
    let mut bench = Bench::new();
    let identity = Identity::Origin(address(1));
    bench.arrive(1, Side::Response, identity, ms(0));
    bench.arrive(2, Side::Request, identity, ms(0));
    assert_eq!(pairs(&bench.pass(ms(400))), [(2, 1)]);
    let mut actions = bench.arrive(3, Side::Response, identity, ms(500));
    actions.extend(bench.arrive(4, Side::Request, identity, ms(500)));
    actions.extend(bench.pass(ms(20_000)));
    assert!(matches!(&actions[..], [Action::Report { text, .. }] if text.contains("second")));
    assert_eq!(closes(&bench.close(1, ms(20_000))), [2]);
    assert_eq!(pairs(&bench.pass(ms(20_400))), [(4, 3)]);
}

#[test]
fn refused_clients_are_never_paired() {
    let mut bench = Bench::new();
    let mut actions = bench.arrive(1, Side::Response, Identity::Refused, ms(0));
    actions.extend(bench.arrive(2, Side::Request, Identity::Refused, ms(0)));
    actions.extend(bench.pass(ms(100_000)));
    assert!(pairs(&actions).is_empty());
    assert_eq!(reports(&actions).iter().filter(|(_, is_again)| !is_again).count(), 1);
}

fn reports(actions: &[Action]) -> Vec<(&str, bool)> {
    fn report(action: &Action) -> Option<(&str, bool)> {
        match action {
            Action::Report { text, is_again } => Some((text, *is_again)),
            _ => None,
        }
    }
    actions.iter().filter_map(report).collect()
}

#[test]
fn f21_two_clients_of_one_process_with_a_context_each_are_both_served_by_a_restarted_server() {
    for seed in 0..500 {
        let (_, actions) = restart(seed, |id| Identity::Context(7, 1, id as u32 / 2));
        let mut pairs = pairs(&actions);
        pairs.sort_unstable();
        assert_eq!(pairs, [(0, 1), (2, 3)], "seed {seed}");
        assert!(reports(&actions).is_empty());
    }
}

/// Two clients of one context behave like two of one process: none is guessed.
#[test]
fn f21_two_clients_of_one_context_are_held() {
    for seed in 0..500 {
        let (_, actions) = restart(seed, |_| Identity::Context(7, 1, 11));
        assert!(pairs(&actions).is_empty(), "seed {seed}");
        let reports = reports(&actions);
        assert!(matches!(
            reports[..],
            [(text, false), (_, true)] if text.contains("ZeroMQ context of process 7")
        ));
    }
}

#[test]
fn f21_silent_strangers_hold_a_client_up_once_and_not_each() {
    for (identity, before) in [
        (Identity::Origin(address(1)), 400),
        (Identity::Process(7, 1), 0),
        (Identity::User(1000, address(1)), 400),
    ] {
        let mut bench = Bench::new();
        let start = 5000;
        let mut paired = Vec::new();
        // One new silent connection every second, which stays until the next one is there.
        for second in 0..20_usize {
            let now = ms(start + 1000 * second as u64);
            paired.extend(pairs(&bench.pass(now)).into_iter().map(|pair| (pair, now)));
            bench.pairing.opened(100 + second, peer(100 + second), now);
            if second > 0 {
                let closed = bench.close(99 + second, now);
                paired.extend(pairs(&closed).into_iter().map(|pair| (pair, now)));
            }
            if second == 3 {
                bench.arrive(1, Side::Response, identity, now);
                bench.arrive(2, Side::Request, identity, now);
            }
        }
        let [((2, 1), when)] = paired[..] else { panic!("{identity:?}: {paired:?}") };
        let waited = when.since(ms(start + 3000));
        assert!(waited >= Duration::from_millis(before), "{waited:?}");
        assert!(waited <= GREETING_GRACE, "{identity:?}: {waited:?}");
    }
}

#[test]
fn f21_a_silent_connection_of_another_user_holds_nobody_up() {
    let mut bench = Bench::new();
    let user = Identity::User(1000, address(1));
    for (id, owner) in [(8, Identity::User(1001, address(1))), (9, Identity::Process(7, 1))] {
        bench.pairing.opened(id, peer(id), ms(0));
        bench.pairing.owned(id, owner);
    }
    bench.arrive(1, Side::Response, user, ms(0));
    bench.arrive(2, Side::Request, user, ms(0));
    assert_eq!(pairs(&bench.pass(ms(400))), [(2, 1)]);
}

#[test]
fn f21_the_first_client_of_a_user_is_served_and_the_second_held() {
    let mut bench = Bench::new();
    let user = Identity::User(1000, address(1));
    bench.arrive(1, Side::Response, user, ms(0));
    bench.arrive(2, Side::Request, user, ms(0));
    assert_eq!(pairs(&bench.pass(ms(400))), [(2, 1)]);
    bench.arrive(3, Side::Response, Identity::User(1001, address(1)), ms(500));
    bench.arrive(4, Side::Request, Identity::User(1001, address(1)), ms(500));
    let mut actions = bench.arrive(5, Side::Response, user, ms(500));
    actions.extend(bench.arrive(6, Side::Request, user, ms(500)));
    actions.extend(bench.pass(ms(20_000)));
    assert_eq!(pairs(&actions), [(4, 3)], "another user's client is told apart");
    let reports = reports(&actions);
    assert!(matches!(reports[..], [(text, false)] if text.contains("user 1000")), "{reports:?}");
}

#[test]
fn f21_an_ambiguity_is_an_error_once_and_says_who_waits_and_what_helps() {
    let mut bench = Bench::new();
    let process = Identity::Process(7, 1);
    let mut actions = Vec::new();
    let mut at = 0;
    // Held clients give up after 30 seconds and reconnect at once.
    for round in 0..10 {
        for id in 0..4 {
            let side = [Side::Request, Side::Response][id % 2];
            actions.extend(bench.arrive(10 * round + id, side, process, ms(at)));
        }
        at += 30_000;
        actions.extend(bench.pass(ms(at)));
        for id in 0..4 {
            actions.extend(bench.close(10 * round + id, ms(at)));
        }
    }
    let reports = reports(&actions);
    let errors: Vec<_> = reports.iter().filter(|(_, is_again)| !is_again).collect();
    assert_eq!(errors.len(), 1);
    assert!(reports.len() >= 10, "said again every 30 seconds: {}", reports.len());
    let (text, _) = errors[0];
    for needed in [
        "10.0.0.1:40000 (requests), 10.0.0.1:40002 (requests), 10.0.0.1:40001 (responses)",
        "process 7",
        "legacy_shared_process",
        "TcpClient",
    ] {
        assert!(text.contains(needed), "{needed}: {text}");
    }
}

#[test]
fn f21_a_report_names_a_limited_number_of_peers() {
    let mut bench = Bench::new();
    let process = Identity::Process(7, 1);
    for id in 0..20 {
        assert!(bench.arrive(id, Side::Request, process, ms(0)).is_empty());
    }
    let actions = bench.pass(ms(2000));
    let reports = reports(&actions);
    assert!(matches!(reports[..], [(text, false)] if text.contains("and 12 more:")), "{reports:?}");
}

#[test]
fn f35_a_report_waits_for_the_other_connections_of_held_clients() {
    let mut bench = Bench::new();
    let context = Identity::Context(7, 1, 11);
    bench.arrive(1, Side::Response, context, ms(0));
    bench.arrive(3, Side::Response, context, ms(0));
    assert_eq!(bench.pass(ms(700)), [], "the requests' connections may still come");
    bench.arrive(2, Side::Request, context, ms(700));
    assert_eq!(bench.pass(ms(800)), []);
    let actions = bench.arrive(4, Side::Request, context, ms(900));
    let names = "10.0.0.1:40002 (requests), 10.0.0.1:40004 (requests), \
                 10.0.0.1:40001 (responses), 10.0.0.1:40003 (responses)";
    let reports = reports(&actions);
    assert!(matches!(reports[..], [(text, false)] if text.contains(names)), "{reports:?}");
    assert!(bench.pass(ms(30_899)).is_empty(), "complete reports have their interval");
}

#[test]
fn f35_a_report_without_all_connections_is_followed_by_one_with_them() {
    let mut bench = Bench::new();
    let context = Identity::Context(7, 1, 11);
    bench.arrive(1, Side::Response, context, ms(0));
    bench.arrive(3, Side::Response, context, ms(0));
    assert!(bench.pass(ms(1999)).is_empty());
    assert_eq!(reports(&bench.pass(ms(2000))).len(), 1);
    assert!(bench.arrive(2, Side::Request, context, ms(2500)).is_empty());
    let actions = bench.arrive(4, Side::Request, context, ms(2600));
    let names = "10.0.0.1:40002 (requests), 10.0.0.1:40004 (requests)";
    let reports = reports(&actions);
    assert!(matches!(reports[..], [(text, true)] if text.contains(names)), "{reports:?}");
    assert!(bench.pass(ms(32_599)).is_empty(), "and then as often as any");
}

#[test]
fn f21_what_is_over_in_a_moment_is_not_reported() {
    let mut bench = Bench::new();
    let identity = Identity::Origin(address(1));
    bench.arrive(1, Side::Response, identity, ms(0));
    bench.arrive(2, Side::Request, identity, ms(0));
    assert_eq!(pairs(&bench.pass(ms(400))), [(2, 1)]);
    // The client reconnects before the server sees the loss.
    let mut actions = bench.arrive(3, Side::Response, identity, ms(500));
    actions.extend(bench.arrive(4, Side::Request, identity, ms(501)));
    actions.extend(bench.close(1, ms(502)));
    actions.extend(bench.pass(ms(60_000)));
    assert_eq!((pairs(&actions), reports(&actions)), (vec![(4, 3)], vec![]));
}

#[test]
fn f09_what_changes_in_a_turn_is_looked_at_once_at_its_end() {
    let mut bench = Bench::new();
    let at = ms(5000);
    for client in 0..50 {
        for (id, side) in [(2 * client, Side::Request), (2 * client + 1, Side::Response)] {
            let identity = Identity::Process(client as u32, 1);
            bench.pairing.opened(id, peer(id), at);
            bench.pairing.announced(id, side, identity, at);
        }
    }
    assert!(bench.pairing.actions.is_empty(), "each would have looked at all the others");
    assert_eq!(bench.pairing.deadline(), Some(at));
    assert_eq!(pairs(&bench.turn(at)).len(), 50);
}

/// One that arrives in the turn in which another leaves starts anew.
#[test]
fn f21_a_member_that_leaves_and_one_that_comes_in_one_turn_are_no_pair_that_has_settled() {
    let mut bench = Bench::new();
    let identity = Identity::Origin(address(1));
    bench.arrive(1, Side::Response, identity, ms(0));
    bench.arrive(2, Side::Request, identity, ms(0));
    bench.pairing.closed(1, ms(399));
    bench.pairing.opened(3, peer(3), ms(399));
    assert!(bench.announce(3, Side::Response, identity, ms(399)).is_empty());
    assert!(bench.pass(ms(798)).is_empty());
    assert_eq!(pairs(&bench.pass(ms(799))), [(2, 3)]);
}

/// A monitoring probe that opens both ports and closes them again, beside a client of its host.
#[test]
fn f22_a_probe_that_connects_and_closes_keeps_no_client_out() {
    for period in [100, 150, 250, 400] {
        let mut bench = Bench::new();
        let identity = Identity::Origin(address(1));
        let mut paired = None;
        for round in 0..100_u64 {
            let now = ms(round * period);
            let mut actions = bench.pass(now);
            let ids = [1000 + 2 * round as usize, 1001 + 2 * round as usize];
            for id in ids {
                bench.pairing.opened(id, peer(id), now);
            }
            if round == 1 {
                actions.extend(bench.arrive(1, Side::Response, identity, now));
                actions.extend(bench.arrive(2, Side::Request, identity, now));
            }
            for id in ids {
                actions.extend(bench.close(id, now + Duration::from_millis(5)));
            }
            if !pairs(&actions).is_empty() {
                paired.get_or_insert(now);
            }
        }
        let waited = paired.expect("it is served").since(ms(period));
        assert!(waited <= SETTLE + Duration::from_millis(period), "{waited:?} of {period} ms");
    }
}

/// Carries out the actions for the sharers of a process, as the server does.
#[derive(Default)]
struct Shared {
    answers: BTreeSet<usize>,
    requests: BTreeMap<usize, usize>,
}

impl Shared {
    fn note(&mut self, actions: &[Action]) {
        for action in actions {
            match *action {
                Action::ShareAnswers(response) => assert!(self.answers.insert(response)),
                Action::ShareRequests { request, response } => {
                    assert!(self.answers.contains(&response), "its READY has gone out");
                    self.requests.insert(request, response);
                }
                Action::Close(id, _) => self.forget(id),
                Action::Pair { .. } | Action::Check { .. } | Action::Report { .. } => {
                    panic!("{action:?}")
                }
            }
        }
    }

    fn forget(&mut self, id: usize) {
        self.answers.remove(&id);
        self.requests.remove(&id);
    }
}

#[test]
fn f21_clients_of_a_process_that_shares_its_answers_are_all_served() {
    let process = Identity::Process(7, 1);
    let mut bench = Bench::sharing();
    let mut shared = Shared::default();
    shared.note(&bench.arrive(1, Side::Request, process, ms(0)));
    assert!(shared.requests.is_empty(), "nothing could be answered");
    shared.note(&bench.arrive(2, Side::Response, process, ms(1)));
    shared.note(&bench.arrive(3, Side::Request, process, ms(2)));
    assert_eq!(shared.requests.keys().copied().collect::<Vec<_>>(), [1], "the other one waits");
    shared.note(&bench.arrive(4, Side::Response, process, ms(3)));
    assert_eq!(shared.requests.keys().copied().collect::<Vec<_>>(), [1, 3]);
    assert_eq!(bench.pairing.sharers(1, Side::Response), [2, 4]);
    assert_eq!(bench.pairing.sharers(2, Side::Request), [1, 3]);
    // Another process is not affected.
    shared.note(&bench.arrive(5, Side::Response, Identity::Process(8, 1), ms(4)));
    assert_eq!(bench.pairing.sharers(1, Side::Response), [2, 4]);
    // A departure affects no other client, whichever response connection is whose.
    bench.close(1, ms(5));
    shared.forget(1);
    shared.note(&bench.close(4, ms(6)));
    assert_eq!(shared.requests.get(&3), Some(&2));
    shared.note(&bench.close(2, ms(7)));
    assert_eq!(shared.requests.get(&3), None, "nothing could be answered any more");
}

/// The owner of a connection may be looked up once more before it is served.
#[test]
fn f33_answers_pass_from_a_connection_that_is_gone_to_one_that_is_served() {
    let process = Identity::Process(7, 1);
    let mut bench = Bench::sharing();
    bench.pairing.opened(1, peer(1), ms(0));
    for (id, side) in [(2, Side::Response), (3, Side::Response), (4, Side::Request)] {
        bench.arrive(id, side, process, ms(0));
    }
    bench.looks_twice = true;
    assert_eq!(bench.announce(1, Side::Response, process, ms(1)), [Action::ShareAnswers(1)]);
    let waiting = bench.arrive(5, Side::Request, process, ms(1));
    assert_eq!(waiting, [Action::ShareRequests { request: 5, response: 2 }]);
    let replaced = [4, 5].map(|request| Action::ShareRequests { request, response: 3 });
    assert_eq!(bench.close(2, ms(2)), replaced);
    // What is not served yet is enough for a client that is not served either.
    let closed = "no connection for its answers is left";
    let left = [Action::Close(4, closed), Action::ShareRequests { request: 5, response: 1 }];
    assert_eq!(bench.close(3, ms(3)), left);
}

#[test]
fn f21_half_a_client_keeps_no_other_of_its_process_out() {
    let process = Identity::Process(7, 1);
    let mut bench = Bench::sharing();
    let mut shared = Shared::default();
    for (id, side) in [(1, Side::Request), (2, Side::Request), (3, Side::Response)] {
        shared.note(&bench.arrive(id, side, process, ms(0)));
    }
    assert_eq!(shared.requests.len(), 1);
    shared.note(&bench.pass(ms(400)));
    assert_eq!(shared.requests.len(), 2);
    assert_eq!(bench.pairing.deadline(), None);
}

#[test]
fn f21_clients_that_share_come_and_go_and_are_served_as_long_as_they_are_there() {
    let process = Identity::Process(7, 1);
    for seed in 0..200 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut bench = Bench::sharing();
        let mut shared = Shared::default();
        let mut open: Vec<(usize, Side)> = Vec::new();
        for id in 0..200 {
            let now = ms(100 * id as u64);
            shared.note(&bench.pass(now));
            if open.len() > 2 && rng.random_bool(0.5) {
                let (gone, _) = open.swap_remove(rng.random_range(0..open.len()));
                let actions = bench.close(gone, now);
                shared.forget(gone);
                shared.note(&actions);
                let closed = closes(&actions);
                open.retain(|(id, _)| !closed.contains(id));
            } else {
                let side = [Side::Request, Side::Response][rng.random_range(0..2)];
                open.push((id, side));
                shared.note(&bench.arrive(id, side, process, now));
            }
            for (request, response) in &shared.requests {
                assert!(shared.answers.contains(response), "{request} could not be answered");
            }
        }
        shared.note(&bench.pass(ms(60_000)));
        let requests = open.iter().filter(|(_, side)| *side == Side::Request).count();
        let is_answered = !shared.answers.is_empty();
        assert_eq!(shared.requests.len(), if is_answered { requests } else { 0 }, "seed {seed}");
    }
}

/// Checks the pairs that were made, removes closed connections, and counts the pairs.
fn note(
    actions: &[Action],
    owner: &BTreeMap<usize, (usize, Side)>,
    open: &mut BTreeSet<usize>,
) -> usize {
    for id in closes(actions) {
        open.remove(&id);
    }
    let pairs = pairs(actions);
    for (request, response) in &pairs {
        assert_eq!(owner[request].0, owner[response].0);
        assert_eq!((owner[request].1, owner[response].1), (Side::Request, Side::Response));
        assert!(open.contains(request) && open.contains(response));
    }
    pairs.len()
}

/// Clients of one host connect, die and reconnect at random; every pair ever made must be of one
/// client.
fn random_life(seed: u64, identify: impl Fn(usize) -> Identity) -> usize {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut bench = Bench::new();
    let mut owner: BTreeMap<usize, (usize, Side)> = BTreeMap::new();
    let mut open: BTreeSet<usize> = BTreeSet::new();
    let (mut now, mut next_id, mut pair_count) = (ms(0), 0, 0);
    for _ in 0..300 {
        now = now + Duration::from_micros(rng.random_range(0..450_000));
        pair_count += note(&bench.pass(now), &owner, &mut open);
        let client = rng.random_range(0..4);
        let mut sides = [Side::Request, Side::Response];
        sides.shuffle(&mut rng);
        let mine = |id: &&usize| owner[*id].0 == client;
        let alive: Vec<usize> = open.iter().filter(mine).copied().collect();
        let mut actions = Vec::new();
        if alive.is_empty() {
            for side in sides {
                next_id += 1;
                owner.insert(next_id, (client, side));
                open.insert(next_id);
                bench.pairing.opened(next_id, peer(next_id), now);
                actions.extend(bench.announce(next_id, side, identify(client), now));
            }
        } else if rng.random_bool(0.5) {
            let id = alive[rng.random_range(0..alive.len())];
            open.remove(&id);
            actions.extend(bench.close(id, now));
        }
        pair_count += note(&actions, &owner, &mut open);
    }
    pair_count
}

#[test]
fn d14_whoever_comes_and_goes_a_pair_is_always_of_one_client() {
    let mut exact = 0;
    for seed in 0..200 {
        exact += random_life(seed, |client| session(client as u8));
        exact += random_life(seed, |client| Identity::Process(client as u32, 1));
        exact += random_life(seed, |client| Identity::Context(7, 1, client as u32));
    }
    assert!(exact > 10_000, "clients were served: {exact}");
}

/// With CURVE the clients of one address need no process of their own: each has a key.
#[test]
fn legacy_clients_are_told_apart_by_their_keys() {
    let mut bench = Bench::new();
    let key = |n| Identity::Key(PublicKey([n; 32]));
    bench.arrive(1, Side::Request, key(1), ms(0));
    bench.arrive(2, Side::Request, key(2), ms(0));
    bench.arrive(3, Side::Response, key(2), ms(10));
    bench.arrive(4, Side::Response, key(1), ms(10));
    assert_eq!(pairs(&bench.pass(ms(1000))), [(1, 4), (2, 3)]);
    // Several clients with one key are held: the report says what to do.
    bench.arrive(5, Side::Request, key(3), ms(1000));
    bench.arrive(6, Side::Response, key(3), ms(1000));
    bench.arrive(7, Side::Request, key(3), ms(1000));
    bench.arrive(8, Side::Response, key(3), ms(1000));
    let actions = bench.pass(ms(5000));
    assert_eq!(pairs(&actions), []);
    let is_told = |action: &Action| match action {
        Action::Report { text, .. } => {
            text.contains(&PublicKey([3; 32]).to_string()) && text.contains("key pair of its own")
        }
        _ => false,
    };
    assert!(actions.iter().any(is_told), "{actions:?}");
}

#[test]
fn a_session_pairs_connections_of_one_key_only() {
    let mut bench = Bench::new();
    let of = |key| Identity::KeyedSession(SessionId([7; 16]), PublicKey([key; 32]));
    bench.arrive(1, Side::Request, of(1), ms(0));
    let stranger = bench.arrive(2, Side::Response, of(2), ms(0));
    let in_clear = bench.arrive(3, Side::Response, session(7), ms(0));
    assert_eq!((pairs(&stranger), pairs(&in_clear)), (vec![], vec![]));
    assert_eq!(pairs(&bench.arrive(4, Side::Response, of(1), ms(0))), [(1, 4)]);
}
