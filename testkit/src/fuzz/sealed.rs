//! Two ends whose mechanism seals what they send, with a stranger on the wire between them.
//! Random octets are constants here, so that a run can be repeated.

use std::sync::OnceLock;

use rogue_mem::proto::zmtp::frame::encode_message;
use rogue_mem::proto::zmtp::greeting::Greeting;
use rogue_mem::proto::zmtp::mechanism::curve::keys::{KeyPair, SecretKey};
use rogue_mem::proto::zmtp::mechanism::curve::{CurveClient, CurveServer};
use rogue_mem::proto::zmtp::{Event, Limits, Mechanism, Role, Sealer, SendError, Session};

use super::heap::bounded;
use super::input::{Input, Pieces};
use super::mechanism::toy::Toy;

/// The most messages of one run.
const MESSAGES_MAX: usize = 16;
/// Heap of both ends beside what is sent.
const ENDS_BYTES: usize = 32 * 1024;

/// One end and what it has got.
struct End {
    session: Session,
    is_ready_sent: bool,
    sealer: Option<Box<dyn Sealer>>,
    /// Octets of its peer's messages, each part with its flag and length before it.
    received: Vec<u8>,
    failed: bool,
    /// To be written, unsealed where the first number says so.
    out: Vec<u8>,
}

impl End {
    fn new(role: Role, mechanism: Box<dyn Mechanism>) -> End {
        End {
            session: Session::with_mechanism(role, Limits::default(), mechanism),
            is_ready_sent: false,
            sealer: None,
            received: Vec::new(),
            failed: false,
            out: Vec::new(),
        }
    }

    /// Puts what the session wants to say on the wire.
    fn flush(&mut self) {
        if !self.is_ready_sent && !self.failed {
            match self.session.send_ready(&[("X-Test", b"1")]) {
                Ok(()) => self.is_ready_sent = true,
                // The server of a mechanism sends it when it knows its client.
                Err(error) => assert_eq!(error, SendError::NotReady),
            }
        }
        let mut queued = Vec::new();
        let clear = self.session.take_output(&mut queued);
        self.out.extend_from_slice(&queued[..clear]);
        self.sealer = self.sealer.take().or_else(|| self.session.take_sealer());
        match &mut self.sealer {
            Some(sealer) => sealer.seal_all(&queued[clear..], &[], &mut self.out),
            None => assert_eq!(clear, queued.len(), "nothing is sealed before the handshake"),
        }
    }

    /// Takes octets from the wire, as much at once as the session allows.
    fn hear(&mut self, piece: &[u8]) {
        let mut rest = piece;
        while !rest.is_empty() && !self.failed {
            let count = self.session.read_limit(64).min(rest.len());
            assert!(count > 0);
            let (wire, after) = rest.split_at(count);
            rest = after;
            let mut octets = Vec::new();
            let opened = self.session.open(wire, &mut octets);
            self.failed = opened.is_err();
            let mut left = &octets[opened.unwrap_or(octets.len())..];
            while !left.is_empty() && !self.failed {
                match self.session.receive(left) {
                    Ok((used, event)) => {
                        left = &left[used..];
                        note(&mut self.received, event);
                    }
                    Err(error) => {
                        assert!(!error.to_string().is_empty());
                        self.failed = true;
                    }
                }
            }
        }
        self.flush();
    }
}

fn note(received: &mut Vec<u8>, event: Option<Event<'_>>) {
    match event {
        Some(Event::PartStart { len, more }) => {
            received.push(u8::from(more));
            received.extend_from_slice(&len.to_le_bytes());
        }
        Some(Event::PartData { bytes, .. }) => received.extend_from_slice(bytes),
        _ => (),
    }
}

/// Both ends with the same mechanism: the one that sends messages, and the one that gets them.
type Ends = (Box<dyn Mechanism>, Box<dyn Mechanism>);

/// With the test mechanism, which is quick. Its tag is no cryptography: only changes of single bits
/// are sure to be found.
pub fn toy(data: &[u8]) {
    let ends: Ends = (Box::new(Toy::new(Role::Push, 7, 1)), Box::new(Toy::new(Role::Pull, 7, 2)));
    bounded(ENDS_BYTES + 64 * data.len(), || run(ends, &mut Input(data)));
}

/// The key pairs of the client and of the server. Computed once: a run would take a fifth longer.
fn keys() -> &'static [KeyPair; 2] {
    static KEYS: OnceLock<[KeyPair; 2]> = OnceLock::new();
    KEYS.get_or_init(|| [1, 2].map(|octet| KeyPair::new(SecretKey::new(&[octet; 32]))))
}

/// Makes the mechanism of one end.
type Make = fn(Role) -> Box<dyn Mechanism>;

fn curve_client(role: Role) -> Box<dyn Mechanism> {
    let [client, server] = keys();
    let mut random = std::array::from_fn(|at| at as u8);
    Box::new(CurveClient::new(role, client.clone(), *server.public(), &mut random))
}

fn curve_server(role: Role) -> Box<dyn Mechanism> {
    let mut random = std::array::from_fn(|at| 0x80 ^ at as u8);
    Box::new(CurveServer::new(role, keys()[1].clone(), &mut random))
}

/// With CURVE. The first byte decides whether both ends are ours; if not, one of them gets any octets.
pub fn curve(data: &[u8]) {
    let mut input = Input(data);
    let options = input.u8();
    let (push, pull): (Make, Make) = match options & 1 {
        0 => (curve_client, curve_server),
        _ => (curve_server, curve_client),
    };
    bounded(ENDS_BYTES + 64 * data.len(), || match options & 2 {
        0 => run((push(Role::Push), pull(Role::Pull)), &mut input),
        _ => stranger(push(Role::Push), input.rest()),
    });
}

/// An end whose peer says anything is never complete: the peer has no key.
fn stranger(mechanism: Box<dyn Mechanism>, octets: &[u8]) {
    let (name, is_server) = (mechanism.name(), mechanism.is_server());
    let mut end = End::new(Role::Push, mechanism);
    let greeting = Greeting { as_server: !is_server, ..Greeting::new(name) };
    let octets = [&greeting.encode()[..], octets].concat();
    Pieces::mixed(&octets).for_each(|piece| end.hear(piece));
    assert!(!end.session.traffic_allowed() && end.received.is_empty());
}

/// Exchanges messages, damages the wire at the place that the bytes name, and repeats what was sent
/// before. The receiver gets what was sent, or a beginning of it.
fn run((push, pull): Ends, input: &mut Input<'_>) {
    // Where the wire to the receiver is damaged: octet and bit; beyond its end it is not.
    let (damage, bit) = (usize::from(input.u16()), input.u8() % 8);
    let is_damaged_back = input.u8() & 1 == 1;
    let (mut push, mut pull) = (End::new(Role::Push, push), End::new(Role::Pull, pull));
    let mut positions = [0, 0];
    let mut carry = |from: &mut End, to: &mut End, is_back: bool| {
        from.flush();
        let mut wire = std::mem::take(&mut from.out);
        let start = &mut positions[usize::from(is_back)];
        if is_back == is_damaged_back {
            let place = damage.checked_sub(*start).and_then(|at| wire.get_mut(at));
            place.into_iter().for_each(|octet| *octet ^= 1 << bit);
        }
        *start += wire.len();
        Pieces::mixed(&wire).for_each(|piece| to.hear(piece));
        wire
    };
    loop {
        let there = carry(&mut push, &mut pull, false);
        let back = carry(&mut pull, &mut push, true);
        if there.is_empty() && back.is_empty() {
            break;
        }
    }
    let (mut sent, mut is_repeated) = (Vec::new(), false);
    for _ in 0..MESSAGES_MAX {
        if input.is_empty() || !push.session.traffic_allowed() {
            break;
        }
        let choice = input.u8();
        let parts: Vec<&[u8]> = (0..1 + choice % 3).map(|_| input.chunk()).collect();
        push.flush();
        let mut frames = Vec::new();
        encode_message(&parts, &mut frames);
        for (index, part) in parts.iter().enumerate() {
            sent.push(u8::from(index + 1 < parts.len()));
            sent.extend_from_slice(&(part.len() as u64).to_le_bytes());
            sent.extend_from_slice(part);
        }
        let End { sealer, out, .. } = &mut push;
        sealer.as_mut().expect("traffic is allowed").seal_all(&frames, &[], out);
        let wire = carry(&mut push, &mut pull, false);
        if choice >= 0xF0 && !pull.failed {
            pull.hear(&wire);
            // A damaged length may have it wait for more.
            assert!(pull.failed || pull.received != sent, "what is repeated is refused");
            is_repeated = true;
        }
    }
    // A length is known before the octets behind it; nothing of a damaged frame is.
    assert!(sent.starts_with(&pull.received), "what arrives is what was sent");
    let was_damaged = damage < positions[usize::from(is_damaged_back)];
    if !was_damaged && !is_repeated {
        assert_eq!(pull.received, sent);
        assert!(!pull.failed && !push.failed && pull.session.traffic_allowed());
    }
}
