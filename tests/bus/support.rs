//! Slaves whose behaviour a test decides, and what else the tests share.

use std::sync::mpsc::{channel, Receiver, Sender};
use std::sync::{Arc, Mutex, Once};

use rogue_mem::logging::{self, Level, Record};
use rogue_mem::memory::{Buffer, Master, Slave, SlaveBase, Transaction};

/// A timeout that passes quickly, for those tests in which one must pass.
pub const SHORT_US: u64 = 20_000;
/// A timeout that passes only where something else went wrong.
pub const LONG_US: u64 = 60_000_000;

/// A slave that does what a closure says.
pub struct Acting<F> {
    base: SlaveBase,
    act: F,
}

impl<F: Fn(&SlaveBase, &Arc<Transaction>) + Send + Sync + 'static> Acting<F> {
    pub fn new(min: u32, max: u32, act: F) -> Arc<Acting<F>> {
        Arc::new(Acting { base: SlaveBase::new(min, max), act })
    }
}

impl<F: Fn(&SlaveBase, &Arc<Transaction>) + Send + Sync + 'static> Slave for Acting<F> {
    fn base(&self) -> &SlaveBase {
        &self.base
    }

    fn do_transaction(&self, tran: &Arc<Transaction>) {
        (self.act)(&self.base, tran);
    }
}

/// A slave that hands its transactions to the test, and keeps them in its table.
pub struct Keeping {
    base: SlaveBase,
    arrivals: Mutex<Sender<Arc<Transaction>>>,
}

impl Keeping {
    pub fn new(min: u32, max: u32) -> (Arc<Keeping>, Receiver<Arc<Transaction>>) {
        let (sender, receiver) = channel();
        let base = SlaveBase::new(min, max);
        (Arc::new(Keeping { base, arrivals: Mutex::new(sender) }), receiver)
    }

    pub fn take(&self, tran: &Transaction) -> Option<Arc<Transaction>> {
        self.base.take_transaction(tran.id())
    }
}

impl Slave for Keeping {
    fn base(&self) -> &SlaveBase {
        &self.base
    }

    fn do_transaction(&self, tran: &Arc<Transaction>) {
        self.base.add_transaction(tran);
        let _ = self.arrivals.lock().expect("no test panics here").send(tran.clone());
    }
}

/// A master of `slave` whose transactions have all the time they need.
pub fn master_of(slave: Arc<dyn Slave>) -> Master {
    let master = Master::new();
    master.set_slave(slave);
    master.set_timeout(LONG_US);
    master
}

/// A buffer of `size` zeros.
pub fn zeros(size: usize) -> Buffer {
    vec![0; size].into()
}

/// The text of a failed result.
pub fn text_of<T: std::fmt::Debug>(outcome: rogue_mem::error::Result<T>) -> String {
    outcome.expect_err("a failure").text().to_owned()
}

/// What the bus has logged since [`capture_log`], by logger.
static LOGGED: Mutex<Vec<(String, String)>> = Mutex::new(Vec::new());

/// Has everything that the bus logs kept for [`logged`]; the tests share one log.
pub fn capture_log() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        logging::set_emit_stdout(false);
        logging::set_filter("memory", Level::DEBUG);
        logging::set_sink(Some(Arc::new(|record: &Record<'_>| {
            let entry = (record.name.to_owned(), record.text.to_owned());
            LOGGED.lock().expect("nothing panics with it").push(entry);
        })));
    });
}

/// The texts that `logger` has logged.
pub fn logged(logger: &str) -> Vec<String> {
    let all = LOGGED.lock().expect("nothing panics with it");
    all.iter().filter(|(name, _)| name == logger).map(|(_, text)| text.clone()).collect()
}
