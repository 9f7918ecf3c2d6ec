use super::*;
use crate::sync::Mutex;

struct Recorder {
    base: SlaveBase,
    name: u8,
    log: Arc<Mutex<Vec<u8>>>,
}

impl Recorder {
    fn new(name: u8, log: &Arc<Mutex<Vec<u8>>>) -> Arc<Recorder> {
        Arc::new(Recorder { base: SlaveBase::new(), name, log: log.clone() })
    }
}

impl Slave for Recorder {
    fn base(&self) -> &SlaveBase {
        &self.base
    }

    fn accept_frame(&self, frame: Arc<Frame>) {
        self.base.count(frame.lock().payload());
        self.log.lock().push(self.name);
    }
}

#[test]
fn the_slave_connected_first_allocates_frames_and_receives_them_last() {
    let log = Arc::default();
    let slaves: Vec<_> = (1..=3).map(|name| Recorder::new(name, &log)).collect();
    let master = Master::new();
    for slave in &slaves {
        master.add_slave(slave.clone()).unwrap();
    }
    let frame = master.req_frame(16, true).unwrap();
    assert_eq!(slaves[0].base.pool().alloc_bytes(), 16);
    frame.lock().set_payload(5).unwrap();
    assert_eq!(master.send_frame(frame), 3);
    assert_eq!(*log.lock(), [3, 2, 1]);
    for slave in &slaves {
        assert_eq!((slave.base.frame_count(), slave.base.byte_count()), (1, 5));
    }
    assert_eq!(slaves[0].base.pool().alloc_bytes(), 0, "the frame is gone");
}

#[test]
fn a_master_without_slaves_gives_frames_and_discards_them() {
    let master = Master::new();
    let frame = master.req_frame(8, false).unwrap();
    let watch = Arc::downgrade(&frame);
    assert_eq!(frame.lock().size(), 8);
    assert_eq!(master.send_frame(frame), 0);
    assert!(watch.upgrade().is_none());
}

#[test]
fn stop_lets_go_of_the_slaves() {
    let master = Master::new();
    let sink = Sink::new();
    master.add_slave(sink.clone()).unwrap();
    assert_eq!((master.slave_count(), Arc::strong_count(&sink)), (1, 2));
    master.stop();
    master.stop();
    assert_eq!((master.slave_count(), Arc::strong_count(&sink)), (0, 1));
    master.send_frame(Frame::new(4).unwrap());
    assert_eq!(sink.base.frame_count(), 0);
}

#[test]
fn a_slave_may_change_the_connections_while_it_receives() {
    struct Leaver {
        base: SlaveBase,
        master: Arc<Master>,
    }
    impl Slave for Leaver {
        fn base(&self) -> &SlaveBase {
            &self.base
        }
        fn accept_frame(&self, frame: Arc<Frame>) {
            self.master.stop();
            self.master.add_slave(Sink::new()).unwrap();
            self.master.send_frame(frame);
        }
    }
    let master = Master::new();
    let leaver = Leaver { base: SlaveBase::new(), master: master.clone() };
    master.add_slave(Arc::new(leaver)).unwrap();
    assert_eq!(master.send_frame(Frame::new(4).unwrap()), 1);
    assert_eq!(master.slave_count(), 1);
}

#[test]
fn a_fanout_follows_the_connected_slaves_and_keeps_no_others_alive() {
    let (master, mut fanout) = (Master::new(), Fanout::default());
    assert_eq!(master.update(&mut fanout), 0);
    assert_eq!(master.req_frame_by(&mut fanout, 8, false).unwrap().lock().size(), 8);
    let sinks = [Sink::new(), Sink::new()];
    for (count, sink) in (1..).zip(&sinks) {
        master.add_slave(sink.clone()).unwrap();
        let frame = master.req_frame_by(&mut fanout, 4, false).unwrap();
        assert_eq!(sinks[0].base.pool().alloc_count(), 1, "the first one is asked");
        assert_eq!(master.send_frame_by(&mut fanout, frame), count);
    }
    assert_eq!(sinks.each_ref().map(|sink| sink.base.frame_count()), [2, 1]);
    master.stop();
    assert_eq!(master.send_frame_by(&mut fanout, Frame::new(4).unwrap()), 0);
    assert_eq!(sinks.each_ref().map(Arc::strong_count), [1, 1]);
    assert_eq!(sinks.each_ref().map(|sink| sink.base.frame_count()), [2, 1]);
}

#[test]
fn no_more_slaves_than_the_limit_are_connected() {
    let master = Master::new();
    let sink = Sink::new();
    for _ in 0..SLAVES_COUNT_MAX {
        master.add_slave(sink.clone()).unwrap();
    }
    let error = master.add_slave(sink.clone()).unwrap_err();
    assert_eq!(error.status(), Status::OutOfResources);
    assert_eq!(master.slave_count(), SLAVES_COUNT_MAX);
}
