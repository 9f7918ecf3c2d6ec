use std::collections::{BTreeMap, BTreeSet};

use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;

const SETTLE: Duration = Duration::from_millis(400);

fn ms(n: u64) -> Time {
    Time((n + 1) * 1_000_000)
}

fn address(last: u8) -> IpAddr {
    IpAddr::from([10, 0, 0, last])
}

fn session(n: u8) -> Identity {
    Identity::Session([n; 16])
}

/// A pairing with the actions it has asked for.
struct Bench {
    pairing: Pairing,
    actions: Vec<Action>,
}

impl Bench {
    fn new() -> Bench {
        Bench { pairing: Pairing::new(SETTLE, Time::default()), actions: Vec::new() }
    }

    fn arrive(&mut self, id: usize, side: Side, identity: Identity, now: Time) -> Vec<Action> {
        self.pairing.opened(id, side, address(1), now);
        self.announce(id, identity, now)
    }

    fn announce(&mut self, id: usize, identity: Identity, now: Time) -> Vec<Action> {
        self.pairing.announced(id, identity, now, &mut self.actions);
        std::mem::take(&mut self.actions)
    }

    fn close(&mut self, id: usize, now: Time) -> Vec<Action> {
        self.pairing.closed(id, now, &mut self.actions);
        std::mem::take(&mut self.actions)
    }

    /// Lets time pass until `until`, calling `timeout` whenever it is due.
    fn pass(&mut self, until: Time) -> Vec<Action> {
        for _ in 0..1000 {
            match self.pairing.deadline() {
                Some(due) if due <= until => self.pairing.timeout(due, &mut self.actions),
                _ => return std::mem::take(&mut self.actions),
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
    assert_eq!(bench.pairing.twin(1), Some(3));
    assert_eq!(bench.pairing.held_count(), 0);
    assert_eq!(bench.pairing.deadline(), None);
}

#[test]
fn a_session_that_comes_back_replaces_its_old_connections() {
    let mut bench = Bench::new();
    bench.arrive(1, Side::Response, session(1), ms(0));
    bench.arrive(2, Side::Request, session(1), ms(0));
    let actions = bench.arrive(3, Side::Request, session(1), ms(5));
    let mut closed = closes(&actions);
    closed.sort_unstable();
    assert_eq!((closed, pairs(&actions)), (vec![1, 2], vec![]));
    assert_eq!(pairs(&bench.arrive(4, Side::Response, session(1), ms(6))), [(3, 4)]);
}

#[test]
fn the_twin_of_a_closed_connection_is_closed() {
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
    bench.pairing.opened(9, Side::Request, address(1), at);
    bench.arrive(1, Side::Response, one, at);
    assert!(bench.arrive(2, Side::Request, one, at).is_empty(), "it may be of the same process");
    bench.pairing.owned(9, other);
    let actions = bench.arrive(3, Side::Response, other, at);
    assert_eq!(pairs(&actions), [(2, 1)], "it is not");
    bench.pairing.opened(10, Side::Request, address(1), at + GREETING_GRACE);
    bench.pairing.owned(10, Identity::Process(9, 1));
    let paired = bench.announce(9, other, at + GREETING_GRACE);
    assert_eq!(pairs(&paired), [(9, 3)], "another process is silent, this one is not");
}

/// Clients of one process find a server that has just started; each retries each connection by
/// itself, every 100 to 199 ms.
#[test]
fn d14_two_clients_of_a_process_are_never_crossed_by_a_restart() {
    let process = Identity::Process(7, 1);
    for seed in 0..500 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut bench = Bench::new();
        let mut arrivals: Vec<(u64, usize, Side)> = (0..4)
            .map(|id| (rng.random_range(0..200), id, [Side::Request, Side::Response][id % 2]))
            .collect();
        arrivals.sort_by_key(|&(time, ..)| time);
        let mut actions = Vec::new();
        for (time, id, side) in arrivals {
            actions.extend(bench.pass(ms(time)));
            actions.extend(bench.arrive(id, side, process, ms(time)));
        }
        actions.extend(bench.pass(ms(60_000)));
        assert!(pairs(&actions).is_empty(), "seed {seed}");
        assert_eq!(bench.pairing.held_count(), 4);
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
    bench.pairing.opened(1, Side::Response, address(1), ms(0));
    bench.pairing.opened(2, Side::Response, address(1), ms(0));
    bench.pairing.opened(3, Side::Request, address(1), ms(0));
    bench.pairing.opened(4, Side::Request, address(1), ms(0));
    let mut actions = Vec::new();
    for id in [1, 3, 2, 4] {
        actions.extend(bench.announce(id, process, ms(1)));
    }
    assert!(pairs(&actions).is_empty());
    assert!(matches!(&actions[..], [Action::Report(text)] if text.contains("process 7")));
}

#[test]
fn one_client_of_an_address_is_paired_after_the_settle_time() {
    let mut bench = Bench::new();
    let who = Identity::Address(address(1));
    bench.arrive(1, Side::Response, who, ms(0));
    bench.arrive(2, Side::Request, who, ms(100));
    assert!(bench.pass(ms(499)).is_empty());
    assert_eq!(pairs(&bench.pass(ms(500))), [(2, 1)]);
}

#[test]
fn a_newcomer_within_the_settle_time_makes_the_address_ambiguous() {
    let mut bench = Bench::new();
    let who = Identity::Address(address(1));
    bench.arrive(1, Side::Response, who, ms(0));
    bench.arrive(2, Side::Request, who, ms(0));
    let actions = bench.arrive(3, Side::Response, who, ms(300));
    assert!(matches!(&actions[..], [Action::Report(_)]));
    assert!(bench.pass(ms(10_000)).is_empty());
    bench.close(3, ms(10_000));
    assert!(bench.pass(ms(10_399)).is_empty(), "the settle time starts anew");
    assert_eq!(pairs(&bench.pass(ms(10_400))), [(2, 1)]);
}

#[test]
fn a_silent_connection_holds_others_up_for_two_seconds_at_most() {
    let mut bench = Bench::new();
    let who = Identity::Address(address(1));
    bench.pairing.opened(9, Side::Request, address(1), ms(0));
    bench.arrive(1, Side::Response, who, ms(0));
    bench.arrive(2, Side::Request, who, ms(0));
    assert!(bench.pass(ms(2399)).is_empty());
    assert_eq!(pairs(&bench.pass(ms(2400))), [(2, 1)]);
    assert_eq!(bench.pairing.deadline(), None, "nothing more can come of time alone");
}

#[test]
fn a_second_client_of_an_address_is_held_until_the_first_has_left() {
    let mut bench = Bench::new();
    let who = Identity::Address(address(1));
    bench.arrive(1, Side::Response, who, ms(0));
    bench.arrive(2, Side::Request, who, ms(0));
    assert_eq!(pairs(&bench.pass(ms(400))), [(2, 1)]);
    let actions = bench.arrive(3, Side::Response, who, ms(500));
    assert!(matches!(&actions[..], [Action::Report(text)] if text.contains("Second")));
    assert!(bench.arrive(4, Side::Request, who, ms(500)).is_empty(), "reported once");
    assert!(bench.pass(ms(20_000)).is_empty());
    assert_eq!(closes(&bench.close(1, ms(20_000))), [2]);
    assert_eq!(pairs(&bench.pass(ms(20_400))), [(4, 3)]);
}

#[test]
fn refused_clients_are_never_paired() {
    let mut bench = Bench::new();
    let actions = bench.arrive(1, Side::Response, Identity::Refused, ms(0));
    assert!(matches!(&actions[..], [Action::Report(_)]));
    assert!(bench.arrive(2, Side::Request, Identity::Refused, ms(0)).is_empty());
    assert!(bench.pass(ms(100_000)).is_empty());
}

/// Checks the pairs that were made, forgets what is closed, and counts the pairs.
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

/// Clients of one host connect, die and come back at random; every pair that is ever made must
/// be of one client.
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
                bench.pairing.opened(next_id, side, address(1), now);
                actions.extend(bench.announce(next_id, identify(client), now));
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
    }
    assert!(exact > 10_000, "clients were served: {exact}");
}
