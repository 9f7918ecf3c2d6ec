//! The device behind the server: registers that hold the data of writes.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rogue_mem::memory::{Slave, SlaveBase, Transaction};
use testkit::wait::let_pass;

use crate::journal::{fill, number_of, Counter, Journal, CLIENT_BYTES, REGISTER_BYTES};

/// The longest pause of the device.
const PAUSE_MAX: Duration = Duration::from_millis(4);

/// A slave over the registers of a journal. Most accesses are answered at once, some after a pause
/// of the device, and some by another thread, later than those behind them.
pub struct Device {
    base: SlaveBase,
    journal: Journal,
    rng: Mutex<ChaCha8Rng>,
    later: Arc<(Mutex<VecDeque<Arc<Transaction>>>, Condvar)>,
}

impl Device {
    /// A device over the journal at `path`.
    pub fn new(path: &Path, seed: u64) -> Arc<Device> {
        let later = Arc::<(Mutex<VecDeque<_>>, Condvar)>::default();
        let own = later.clone();
        thread::spawn(move || loop {
            let waiting = own.0.lock().unwrap();
            let mut waiting = own.1.wait_while(waiting, |waiting| waiting.is_empty()).unwrap();
            let some = std::mem::take(&mut *waiting);
            drop(waiting);
            let_pass(Duration::from_millis(1));
            some.iter().for_each(|tran: &Arc<Transaction>| tran.done());
        });
        Arc::new(Device {
            base: SlaveBase::new(4, 0xFFFF_FFFF),
            journal: Journal::open(path),
            rng: Mutex::new(ChaCha8Rng::seed_from_u64(seed)),
            later,
        })
    }

    /// Carries a transaction out, all but its end.
    fn carry_out(&self, tran: &Arc<Transaction>) {
        let (client, place) = (tran.address() / CLIENT_BYTES, tran.address() % CLIENT_BYTES);
        let register = self.journal.register(client, place / REGISTER_BYTES);
        let Some(mut data) = tran.data() else { return };
        if !tran.ty().is_write() {
            return fill(&mut data, client, register.load(Ordering::SeqCst));
        }
        match number_of(&data, client) {
            Some(number) => {
                self.journal.carry_out(client, number);
                register.store(number, Ordering::SeqCst);
            }
            None => {
                self.journal.counter(client, Counter::Corrupt).fetch_add(1, Ordering::SeqCst);
            }
        }
    }
}

impl Slave for Device {
    fn base(&self) -> &SlaveBase {
        &self.base
    }

    fn do_transaction(&self, tran: &Arc<Transaction>) {
        let choice = self.rng.lock().unwrap().random_range(0..1000);
        // At once: the server has just found that it is not too late.
        self.carry_out(tran);
        match choice {
            0 => {
                let_pass(PAUSE_MAX.mul_f64(self.rng.lock().unwrap().random()));
                tran.done();
            }
            1..50 => {
                self.later.0.lock().unwrap().push_back(tran.clone());
                self.later.1.notify_all();
            }
            _ => tran.done(),
        }
    }
}
