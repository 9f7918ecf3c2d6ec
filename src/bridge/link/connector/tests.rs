use super::*;

const PORT: u16 = 9000;
const MS: Duration = Duration::from_millis(1);

fn host(last: u8) -> HostAddress {
    HostAddress::from(std::net::IpAddr::from([192, 0, 2, last]))
}

fn address(last: u8) -> Address {
    Address::Ip(host(last))
}

fn addresses(range: std::ops::RangeInclusive<u8>) -> Vec<HostAddress> {
    range.map(host).collect()
}

/// Attempts at a time that only the test moves.
struct World {
    attempts: Attempts,
    now: Time,
}

impl World {
    /// With a name that has these addresses, which are known already.
    fn with(addresses: Vec<HostAddress>) -> World {
        let mut world = World::unresolved();
        assert_eq!(world.steps(), [Step::LookUp]);
        world.attempts.resolved(Ok(addresses), world.now, 0);
        world
    }

    fn unresolved() -> World {
        let attempts =
            Attempts::new(&Destination::Host(RemoteHost::Name("board.test".to_owned()), PORT));
        World { attempts, now: Time(1_000_000_000) }
    }

    /// All that is to be done now.
    fn steps(&mut self) -> Vec<Step> {
        let mut steps = Vec::new();
        while let Some(step) = self.attempts.next(self.now) {
            if let Step::GiveUp(address) = &step {
                self.fail(address.clone());
            }
            steps.push(step);
        }
        steps
    }

    /// Lets the time pass until something is to be done, and returns how long that was.
    fn wait(&mut self) -> Duration {
        let until = self.attempts.deadline().expect("something is to come");
        let time = until.since(self.now);
        self.now = self.now.max(until);
        time
    }

    fn fail(&mut self, address: Address) {
        let failure = format!("{}: Connection refused", address.with_port(PORT));
        self.attempts.failed(&address, failure, false, self.now, 0);
    }

    fn win(&mut self, address: Address) {
        self.attempts.connected(&address, self.now);
        self.attempts.won(&address, self.now);
        self.attempts.completed();
    }

    fn obstacle(&self) -> String {
        self.attempts.obstacle().text_at(self.now)
    }
}

#[test]
fn f20_the_next_address_is_tried_beside_one_that_does_not_answer() {
    let mut world = World::with(addresses(1..=3));
    for last in 1..=3 {
        assert_eq!(world.steps(), [Step::Begin(address(last))]);
        assert!(world.attempts.is_running(&address(1)), "the first one goes on");
        assert_eq!(world.wait(), if last < 3 { 250 * MS } else { 9500 * MS });
    }
    assert_eq!(world.steps()[0], Step::GiveUp(address(1)));
}

#[test]
fn f20_an_address_that_fails_leaves_its_turn_to_the_next_at_once() {
    let mut world = World::with(addresses(1..=2));
    assert_eq!(world.steps(), [Step::Begin(address(1))]);
    world.now = world.now + 3 * MS;
    world.fail(address(1));
    assert_eq!(world.steps(), [Step::Begin(address(2))]);
}

#[test]
fn f20_the_first_to_answer_wins_and_is_the_first_to_be_tried_afterwards() {
    let mut world = World::with(addresses(1..=3));
    assert_eq!(world.steps(), [Step::Begin(address(1))]);
    world.wait();
    assert_eq!(world.steps(), [Step::Begin(address(2))]);
    // The TCP connections with the first stand, but nobody says anything there.
    world.attempts.connected(&address(1), world.now);
    assert!(world.attempts.is_connected());
    world.win(address(2));
    assert!(!world.attempts.is_running(&address(1)) && world.attempts.is_running(&address(2)));
    assert_eq!(world.steps(), []);
    let since = world.now;
    world.now = world.now + 3600 * 1000 * MS;
    world.attempts.lost("lost".to_owned(), false, since, world.now, 0);
    assert_eq!(world.obstacle(), "lost");
    assert_eq!(world.wait(), 50 * MS);
    assert_eq!(world.steps(), [Step::LookUp, Step::Begin(address(2))]);
    assert_eq!(world.wait(), 250 * MS);
    assert_eq!(world.steps(), [Step::Begin(address(1))]);
}

#[test]
fn f20_an_address_without_an_answer_does_not_keep_another_from_being_tried_again() {
    let mut world = World::with(addresses(1..=2));
    assert_eq!(world.steps(), [Step::Begin(address(1))]);
    world.wait();
    assert_eq!(world.steps(), [Step::Begin(address(2))]);
    let mut times = Vec::new();
    for _ in 0..6 {
        world.fail(address(2));
        times.push(world.wait());
        assert_eq!(world.steps().last(), Some(&Step::Begin(address(2))));
        world.attempts.resolved(Ok(addresses(1..=2)), world.now, 0);
    }
    assert_eq!(times, [50 * MS, 100 * MS, 200 * MS, 400 * MS, 800 * MS, 1000 * MS]);
    assert!(world.attempts.is_running(&address(1)));
}

#[test]
fn f20_what_does_not_answer_is_said_to_be_connecting_and_for_how_long() {
    let mut world = World::with(addresses(1..=6));
    assert_eq!(world.obstacle(), "no attempt has been completed yet");
    world.steps();
    world.now = world.now + 100 * MS;
    assert_eq!(world.obstacle(), "connecting to 192.0.2.1:9000, no answer yet for 0.1 s");
    world.fail(address(1));
    world.steps();
    world.now = world.now + 2300 * MS;
    assert_eq!(
        world.obstacle(),
        "192.0.2.1:9000: Connection refused; connecting to 192.0.2.2:9000, no answer yet for 2.3 s"
    );
    world.steps();
    assert!(world.obstacle().contains(
        "connecting to 192.0.2.1:9000, no answer yet for 0.0 s (the attempt before failed: \
         192.0.2.1:9000: Connection refused)"
    ));
    for _ in 0..4 {
        world.wait();
        world.steps();
    }
    assert!(world.obstacle().ends_with("; and 2 more addresses"), "{}", world.obstacle());
    world.attempts.connected(&address(2), world.now);
    world.attempts.won(&address(2), world.now);
    assert_eq!(
        world.obstacle(),
        "connected to 192.0.2.2:9000, but the server has not completed the handshake"
    );
}

#[test]
fn f19_a_host_is_said_to_be_looked_up_only_while_no_address_is_known() {
    let mut world = World::unresolved();
    world.steps();
    world.now = world.now + 4000 * MS;
    let looking = "the host name is being looked up, no answer yet for ";
    assert_eq!(world.obstacle(), format!("{looking}4.0 s"));
    assert_eq!(world.attempts.deadline(), None, "nothing to be done but to wait for the answer");
    world.attempts.resolved(Err("no such name".to_owned()), world.now, 0);
    assert_eq!(world.obstacle(), "no such name");
    assert_eq!(world.wait(), 50 * MS);
    assert_eq!(world.steps(), [Step::LookUp]);
    assert_eq!(
        world.obstacle(),
        format!("{looking}0.0 s (the attempt before failed: no such name)")
    );
    world.attempts.resolved(Err("no such name".to_owned()), world.now, 0);
    assert_eq!(world.wait(), 100 * MS);
}

#[test]
fn f19_the_last_addresses_are_tried_while_the_name_is_looked_up_again() {
    let mut world = World::with(addresses(1..=1));
    world.steps();
    world.win(address(1));
    world.attempts.lost("lost".to_owned(), false, world.now, world.now, 0);
    world.wait();
    assert_eq!(world.steps(), [Step::LookUp, Step::Begin(address(1))]);
    // No answer comes: it is not looked up a second time meanwhile, and the address is used.
    for _ in 0..3 {
        world.fail(address(1));
        world.wait();
        assert_eq!(world.steps(), [Step::Begin(address(1))]);
    }
    // A lookup that fails leaves the addresses as they are, and is made again.
    world.attempts.resolved(Err("the name service is dead".to_owned()), world.now, 0);
    assert!(world.attempts.is_running(&address(1)));
    assert!(world.obstacle().ends_with("; the name service is dead"), "{}", world.obstacle());
    assert_eq!(world.wait(), 50 * MS);
    assert_eq!(world.steps(), [Step::LookUp]);
    world.win(address(1));
    assert_eq!(world.steps(), []);
}

#[test]
fn f19_an_answer_replaces_the_addresses_and_with_them_the_connection() {
    let mut world = World::with(addresses(1..=2));
    assert_eq!(world.steps(), [Step::Begin(address(1))]);
    world.fail(address(1));
    assert_eq!(world.steps(), [Step::Begin(address(2))]);
    world.wait();
    assert_eq!(world.steps(), [Step::LookUp]);
    world.wait();
    assert_eq!(world.steps(), [Step::Begin(address(1))]);
    world.attempts.resolved(Ok(addresses(2..=3)), world.now, 0);
    assert!(!world.attempts.is_running(&address(1)), "the host has this address no more");
    assert!(world.attempts.is_running(&address(2)), "and still this one");
    world.win(address(2));
    assert_eq!(world.attempts.resolved(Ok(addresses(2..=4)), world.now, 0), None);
    assert!(world.attempts.is_running(&address(2)));
    // What is at this address now may be another host.
    let gone = world.attempts.resolved(Ok(addresses(3..=4)), world.now, 0);
    assert_eq!(gone, Some(address(2)));
    world.attempts.lost("gone".to_owned(), false, world.now, world.now, 0);
    assert_eq!(world.steps(), [Step::Begin(address(3))]);
    world.win(address(3));
    // A full answer may be incomplete, so an address that it lacks may still be valid.
    assert_eq!(world.attempts.resolved(Ok(addresses(11..=26)), world.now, 0), None);
    assert!(world.attempts.is_running(&address(3)));
}

#[test]
fn what_was_refused_in_words_is_not_asked_again_soon() {
    let mut world = World::with(addresses(1..=1));
    world.steps();
    world.attempts.connected(&address(1), world.now);
    world.attempts.won(&address(1), world.now);
    world.attempts.failed(&address(1), "not today".to_owned(), true, world.now, 0);
    assert_eq!(world.wait(), 5000 * MS);
}

#[test]
fn a_handshake_that_is_not_completed_is_given_up() {
    let destination = Destination::Host(RemoteHost::Address(host(1)), PORT);
    let mut world = World { attempts: Attempts::new(&destination), now: Time(1) };
    assert_eq!(world.steps(), [Step::Begin(address(1))]);
    assert_eq!(world.wait(), 10_000 * MS);
    assert_eq!(world.steps(), [Step::GiveUp(address(1))]);
    world.wait();
    assert_eq!(world.steps(), [Step::Begin(address(1))]);
    world.attempts.connected(&address(1), world.now);
    world.attempts.won(&address(1), world.now);
    assert_eq!(world.wait(), HANDSHAKE_TIME_MAX);
    assert_eq!(world.steps(), [Step::GiveUp(address(1))]);
}

#[test]
fn a_path_is_tried_again_for_ever_and_named_by_itself() {
    let path = UnixPath::parse("unix:/run/board.sock").unwrap().unwrap();
    let attempts = Attempts::new(&Destination::Unix(path.clone()));
    let mut world = World { attempts, now: Time(1) };
    for _ in 0..3 {
        assert_eq!(world.steps(), [Step::Begin(Address::Unix(path.clone()))]);
        let failure = format!("{path}: No such file or directory");
        world.attempts.failed(&Address::Unix(path.clone()), failure, false, world.now, 0);
        assert_eq!(world.obstacle(), "unix:/run/board.sock: No such file or directory");
        world.wait();
    }
    world.steps();
    world.win(Address::Unix(path));
    assert_eq!(world.steps(), []);
}

#[test]
fn many_clients_do_not_come_at_once() {
    assert_eq!(jittered(100 * MS, 0), 100 * MS);
    assert!(jittered(100 * MS, 255) > 149 * MS && jittered(100 * MS, 255) <= 150 * MS);
}

#[test]
fn a_client_that_was_sent_away_comes_back_late_or_when_it_is_needed() {
    for is_needed in [false, true] {
        let mut world = World::with(addresses(1..=2));
        assert_eq!(world.steps(), [Step::Begin(address(1))]);
        world.win(address(1));
        let since = world.now;
        world.now = world.now + 10 * SUCCESS_TIME_MIN;
        world.attempts.lost("idle".to_owned(), true, since, world.now, 0);
        if is_needed {
            world.attempts.hurry();
        }
        let wait = if is_needed { RETRY_MIN } else { RETRY_REFUSED };
        assert_eq!(world.wait(), wait);
        assert_eq!(world.steps(), [Step::LookUp, Step::Begin(address(1))]);
        world.fail(address(1));
        // Only what was a courtesy is cut short.
        let before = world.attempts.deadline();
        world.attempts.hurry();
        assert_eq!(world.attempts.deadline(), before);
    }
}
