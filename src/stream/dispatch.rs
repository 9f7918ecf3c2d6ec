//! Frames that are sent together.

use std::sync::Arc;

use super::drops::watch_drops;
use super::frame::Frame;

/// A frame that is sent together with others, and what becomes of it.
#[derive(Default, Debug)]
pub struct Dispatch {
    /// `None` once a node has taken it.
    pub frame: Option<Arc<Frame>>,
    /// Why a node has dropped it, as far as that is known when the call returns that sends it; see
    /// [`report_drop`](super::report_drop).
    pub dropped: Option<String>,
}

impl Dispatch {
    /// Takes the frame, if it is still here, for `send`, and keeps why it is dropped there.
    pub fn pass(&mut self, send: impl FnOnce(Arc<Frame>)) {
        if let Some(frame) = self.frame.take() {
            let ((), dropped) = watch_drops(|| send(frame));
            self.dropped = dropped;
        }
    }
}

impl From<Arc<Frame>> for Dispatch {
    fn from(frame: Arc<Frame>) -> Dispatch {
        Dispatch { frame: Some(frame), dropped: None }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{report_drop, Fanout, Master, Slave, SlaveBase};
    use super::*;
    use crate::sync::Mutex;

    /// Keeps the first byte of each frame, and drops those that are odd.
    #[derive(Default)]
    struct Even {
        base: SlaveBase,
        seen: Mutex<Vec<u8>>,
    }

    impl Slave for Even {
        fn base(&self) -> &SlaveBase {
            &self.base
        }

        fn accept_frame(&self, frame: Arc<Frame>) {
            let first = frame.lock().to_vec()[0];
            self.seen.lock().push(first);
            if first % 2 == 1 {
                report_drop(|| format!("{first} is odd"));
            }
        }
    }

    fn frames(range: std::ops::Range<u8>) -> Vec<Dispatch> {
        range.map(|n| Arc::new(Frame::from(vec![n])).into()).collect()
    }

    fn drops(frames: &[Dispatch]) -> Vec<Option<&str>> {
        assert!(frames.iter().all(|dispatch| dispatch.frame.is_none()), "all are taken");
        frames.iter().map(|dispatch| dispatch.dropped.as_deref()).collect()
    }

    #[test]
    fn frames_that_are_sent_together_arrive_in_order_and_each_has_the_reason_of_its_own_drop() {
        let (master, even) = (Master::new(), Arc::new(Even::default()));
        master.add_slave(even.clone()).unwrap();
        let mut sent = frames(0..4);
        assert_eq!(master.send_frames_by(&mut Fanout::default(), &mut sent), 1);
        assert_eq!(drops(&sent), [None, Some("1 is odd"), None, Some("3 is odd")]);
        assert_eq!(*even.seen.lock(), [0, 1, 2, 3]);
    }

    #[test]
    fn each_of_several_slaves_gets_all_frames_and_the_first_one_gives_the_reasons() {
        let master = Master::new();
        let slaves = [(); 2].map(|()| Arc::new(Even::default()));
        slaves.iter().for_each(|slave| master.add_slave(slave.clone()).unwrap());
        let mut sent = frames(0..3);
        assert_eq!(master.send_frames_by(&mut Fanout::default(), &mut sent), 2);
        assert_eq!(drops(&sent), [None, Some("1 is odd"), None]);
        slaves.iter().for_each(|slave| assert_eq!(*slave.seen.lock(), [0, 1, 2]));
    }

    #[test]
    fn without_a_slave_the_frames_are_gone() {
        let (master, mut sent) = (Master::new(), frames(0..3));
        assert_eq!(master.send_frames_by(&mut Fanout::default(), &mut sent), 0);
        assert_eq!(drops(&sent), [None, None, None]);
    }
}
