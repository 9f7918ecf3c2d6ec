use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use super::*;
use crate::stream::CancelToken;

use testkit_base::wait::{wait_until, LONG};

fn outbox(queue_bytes_max: usize, send_wait_max: Option<Duration>) -> Outbox {
    let limits = StreamLimits { queue_bytes_max, send_wait_max, ..StreamLimits::default() };
    Outbox::new("The stream of a test".to_owned(), Logger::new("test"), limits)
}

fn frame(bytes: usize) -> Arc<Frame> {
    Arc::new(Frame::from(vec![7; bytes]))
}

/// The token of a request that is given up when its owner says so.
#[derive(Default)]
struct Token(AtomicBool);

impl CancelToken for Token {
    fn cancel_if_late(self: Arc<Self>, now: Time) -> bool {
        self.is_cancelled(now)
    }

    fn is_cancelled(&self, _now: Time) -> bool {
        self.0.load(Ordering::SeqCst)
    }

    fn deadline(&self) -> Time {
        Time(u64::MAX)
    }
}

#[test]
fn f78_a_frame_whose_request_is_given_up_while_it_is_queued_is_not_sent() {
    let outbox = outbox(100, None);
    outbox.joined();
    let token = Arc::new(Token::default());
    for bytes in 1..=4 {
        let frame = frame(bytes);
        if bytes % 2 == 0 {
            frame.set_cancel_token(token.clone());
        }
        outbox.send(frame);
    }
    let mut batch = VecDeque::new();
    let mut next = || outbox.next(&mut batch, 100).map(|frame| frame.bytes());
    assert_eq!(next(), Some(1));
    token.0.store(true, Ordering::SeqCst);
    assert_eq!([next(), next()], [Some(3), None]);
    assert_eq!((outbox.stats().queued, outbox.stats().dropped_out), (2, 2));
}

/// Takes and sends about this many bytes.
fn send_out(outbox: &Outbox, bytes_min: usize) -> u64 {
    let mut batch = VecDeque::new();
    outbox.take(&mut batch, bytes_min);
    let bytes = batch.iter().map(|frame| frame.bytes() as u64).sum();
    outbox.sent(Amount { frames: batch.len() as u64, bytes });
    batch.len() as u64
}

/// Sends frames of 10 bytes in a thread of its own until the outbox drops one; the receiver gets
/// the number of those that have been queued after each.
fn flood(outbox: &Arc<Outbox>) -> (thread::JoinHandle<()>, mpsc::Receiver<u64>) {
    let (told, told_to) = mpsc::channel();
    let outbox = outbox.clone();
    let sender = thread::spawn(move || {
        for count in 1.. {
            outbox.send(frame(10));
            if outbox.stats().dropped_out > 0 || told.send(count).is_err() {
                return;
            }
        }
    });
    (sender, told_to)
}

fn wait_for_waiting(outbox: &Outbox) {
    wait_until("a sender waits", || outbox.state.lock().waiting == 1);
}

#[test]
fn a_sender_waits_for_a_peer_then_for_room_and_not_for_each_frame_that_is_taken() {
    let outbox = Arc::new(outbox(100, None));
    let (sender, told) = flood(&outbox);
    wait_for_waiting(&outbox);
    assert_eq!(outbox.stats().queued, 0, "nothing is queued without a peer");
    outbox.joined();
    assert!((1..=10).all(|count| told.recv_timeout(LONG) == Ok(count)));
    wait_for_waiting(&outbox);
    assert_eq!(outbox.stats().queued, 10);
    assert_eq!(send_out(&outbox, 40), 4);
    assert_eq!(outbox.state.lock().waiting, 1, "half of the room is not free yet");
    assert!(told.try_recv().is_err());
    assert_eq!(send_out(&outbox, 1), 1);
    assert!((11..=15).all(|count| told.recv_timeout(LONG) == Ok(count)));
    wait_for_waiting(&outbox);
    outbox.close();
    sender.join().unwrap();
    let stats = outbox.stats();
    assert_eq!((stats.frames_out, stats.bytes_out), (5, 50));
    assert_eq!((stats.queued, stats.dropped_out), (10, 1));
    outbox.abandon();
    assert_eq!((outbox.stats().queued, outbox.stats().dropped_out), (0, 11));
}

#[test]
fn a_frame_larger_than_the_queue_is_queued_alone() {
    let outbox = outbox(100, Some(Duration::ZERO));
    outbox.joined();
    outbox.send(frame(1000));
    outbox.send(frame(1));
    assert_eq!((outbox.stats().queued, outbox.stats().dropped_out), (1, 1));
    assert_eq!(send_out(&outbox, 1), 1);
    outbox.send(frame(1));
    assert_eq!((outbox.stats().queued, outbox.stats().dropped_out), (1, 1));
}

#[test]
fn a_wait_with_a_limit_ends_with_a_frame_that_is_counted() {
    let outbox = outbox(100, Some(Duration::from_millis(1)));
    outbox.send(frame(10));
    assert_eq!((outbox.stats().queued, outbox.stats().dropped_out), (0, 1));
    outbox.joined();
    outbox.send(frame(100));
    outbox.send(frame(10));
    assert_eq!((outbox.stats().queued, outbox.stats().dropped_out), (1, 2));
}

#[test]
fn an_end_that_passes_frames_on_does_not_wait_but_receives_no_more_until_there_is_room() {
    let outbox = outbox(100, None);
    let intake = Arc::new(Intake::default());
    // Without a peer, as with one, it may fill the queue.
    intake.passing(|| outbox.send(frame(99)));
    assert!(!intake.is_paused());
    outbox.joined();
    intake.passing(|| {
        outbox.send(frame(1));
        assert!(!intake.is_paused());
        (0..5).for_each(|_| outbox.send(frame(10)));
    });
    assert!(intake.is_paused());
    assert_eq!((outbox.stats().queued, outbox.stats().dropped_out), (7, 0));
    assert_eq!(send_out(&outbox, 99), 1);
    assert!(intake.is_paused(), "more than half of the limit is queued");
    assert_eq!(send_out(&outbox, 10), 2);
    assert!(!intake.is_paused());
    // Two full outboxes: both must have room.
    let other = self::outbox(10, None);
    intake.passing(|| {
        for outbox in [&outbox, &other] {
            (0..3).for_each(|_| outbox.send(frame(100)));
        }
    });
    other.close();
    assert!(intake.is_paused());
    send_out(&outbox, 1000);
    assert!(!intake.is_paused());
    assert!(Intake::of_this_thread().is_none());
}

#[test]
fn f63_an_end_whose_peers_send_nothing_again_neither_waits_nor_pauses() {
    let outbox = outbox(100, None);
    let intake = Arc::new(Intake::lossy());
    intake.passing(|| outbox.send(frame(10)));
    assert_eq!((outbox.stats().queued, outbox.stats().dropped_out), (0, 1), "no peer is there");
    outbox.joined();
    intake.passing(|| (0..12).for_each(|_| outbox.send(frame(10))));
    assert_eq!((outbox.stats().queued, outbox.stats().dropped_out), (10, 3));
    assert!(!intake.is_paused());
    send_out(&outbox, 100);
    intake.passing(|| outbox.send(frame(10)));
    assert_eq!((outbox.stats().queued, outbox.stats().dropped_out), (1, 3));
}

#[test]
fn frames_of_a_lost_connection_are_counted_and_the_others_stay() {
    let outbox = outbox(100, None);
    outbox.joined();
    (0..5).for_each(|_| outbox.send(frame(10)));
    let mut batch = VecDeque::new();
    outbox.take(&mut batch, 20);
    assert_eq!(batch.len(), 2);
    outbox.left(&"a peer", 2);
    let stats = outbox.stats();
    assert_eq!((stats.queued, stats.dropped_out), (3, 2));
    assert_eq!((stats.peers, stats.connects, stats.disconnects), (0, 1, 1));
}

#[test]
fn a_stop_waits_for_frames_that_are_being_sent_and_not_without_a_peer() {
    let outbox = Arc::new(outbox(100, None));
    outbox.joined();
    outbox.send(frame(10));
    outbox.close();
    let own = outbox.clone();
    let waiting = thread::spawn(move || own.drain(clock::now() + LONG));
    assert_eq!(send_out(&outbox, 1), 1);
    waiting.join().unwrap();
    outbox.send(frame(10));
    assert_eq!(outbox.stats().dropped_out, 1, "it is closed");
    let lonely = self::outbox(100, None);
    lonely.joined();
    lonely.send(frame(10));
    lonely.left(&"a peer", 0);
    lonely.drain(clock::now() + LONG);
}
