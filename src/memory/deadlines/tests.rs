use std::sync::mpsc::{channel, Sender};
use std::time::Duration;

use super::*;
use crate::memory::{Claimant, DataBuffer, Master, Slave, SlaveBase, TransactionType};
use crate::sync::Mutex;

/// Keeps every transaction and answers none.
struct Silent(SlaveBase, Mutex<Sender<Arc<Transaction>>>);

impl Slave for Silent {
    fn base(&self) -> &SlaveBase {
        &self.0
    }

    fn do_transaction(&self, tran: &Arc<Transaction>) {
        self.0.add_transaction(tran);
        self.1.lock().send(tran.clone()).unwrap();
    }
}

struct Told(Sender<Result<()>>);

impl Claimant for Told {
    fn ended(&self, _: u32, outcome: Result<()>, _: Option<DataBuffer>) {
        self.0.send(outcome).unwrap();
    }
}

fn watched_time(tran: &Arc<Transaction>) -> Option<Time> {
    lock().transactions.get(&key_of(tran)).map(|(time, _)| *time)
}

#[test]
fn f05_a_deadline_is_watched_as_long_as_the_transaction_is_observed_and_pending() {
    let (sender, arrivals) = channel();
    let (told, ends) = channel();
    let master = Master::new();
    master.set_slave(Arc::new(Silent(SlaveBase::new(4, 0), Mutex::new(sender))));
    master.set_timeout(Duration::from_secs(60));
    let id = master.request(0, vec![0; 4].into(), TransactionType::Read).unwrap();
    let tran = arrivals.recv().unwrap();
    assert_eq!(watched_time(&tran), None);
    master.observe(id, Arc::new(Told(told))).unwrap();
    assert_eq!(watched_time(&tran), Some(tran.deadline()));

    // The check is due, and the deadline has moved.
    let taken = lock().take(key_of(&tran)).unwrap();
    tran.refresh_timer(None);
    end_late(&taken);
    assert_eq!(watched_time(&tran), Some(tran.deadline()));
    assert!(!tran.is_done());

    tran.done();
    ends.recv().unwrap().unwrap();
    assert_eq!(watched_time(&tran), None, "nobody wakes for it");
    watch(&tran);
    assert_eq!(watched_time(&tran), None, "it has ended");
}

#[test]
fn f05_a_panic_of_an_observer_takes_nothing_from_the_others() {
    struct Panicking;
    impl Claimant for Panicking {
        fn ended(&self, _: u32, _: Result<()>, _: Option<DataBuffer>) {
            panic!("the observer's own fault");
        }
    }
    let (sender, arrivals) = channel();
    let (told, ends) = channel();
    let master = Master::new();
    master.set_slave(Arc::new(Silent(SlaveBase::new(4, 0), Mutex::new(sender))));
    for timeout_us in [1, 2000] {
        master.set_timeout(Duration::from_micros(timeout_us));
        let id = master.request(0, vec![0; 4].into(), TransactionType::Read).unwrap();
        let observer: Arc<dyn Claimant> =
            if timeout_us == 1 { Arc::new(Panicking) } else { Arc::new(Told(told.clone())) };
        // Only the deadline thread may be called within this call.
        master.observe(id, observer).unwrap();
    }
    let error = ends.recv_timeout(Duration::from_secs(60)).unwrap().unwrap_err();
    assert_eq!(error.status(), Status::TransactionTimeout);
    assert_eq!(arrivals.try_iter().count(), 2);
}
