//! A client process that does everything at once that programs do with a client: several threads
//! that wait for answers, requests that nobody waits for, bursts, large blocks, long pauses, short
//! timeouts; and a server that comes and goes meanwhile.

use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rogue_mem::bridge::TcpClient;
use rogue_mem::memory::{
    Emulate, Master, Observer, Slave, SlaveBase, Transaction, TransactionType,
};

use crate::speed::Speed;
use testkit::bridge::Client;
use testkit::bus::{master_of, Telling};
use testkit::slaves::{answer, answer_at};
use testkit::wait::{let_pass, LONG};

/// Threads of one process, each with addresses of its own.
const THREADS_COUNT: u64 = 3;
/// Bytes of the address window of each.
const WINDOW_BYTES: usize = 512 << 10;
/// Bytes of a block that does not fit into one reading of a socket.
const LARGE_BYTES: usize = 64 << 10;
/// Requests of a thread that may be outstanding.
const OUTSTANDING_COUNT_MAX: usize = 50;
const BURST_COUNT: usize = 64;
/// Addresses from here on are answered late, with themselves.
const SLOW: u64 = 1 << 63;
const SLOW_TIME_MAX: Duration = Duration::from_millis(20);
/// Longer than the event loop leaves a connection alone, and not quite so long.
const PAUSES: [Duration; 4] = [
    Duration::from_millis(1),
    Duration::from_millis(9),
    Duration::from_millis(25),
    Duration::from_millis(230),
];

/// Memory, and addresses whose answers take a while.
pub struct Far {
    base: SlaveBase,
    memory: Arc<Emulate>,
    slow: Mutex<Sender<Arc<Transaction>>>,
}

impl Far {
    pub fn new() -> Arc<Far> {
        let (slow, late) = mpsc::channel::<Arc<Transaction>>();
        thread::spawn(move || {
            let mut rng = ChaCha8Rng::seed_from_u64(1);
            while let Ok(tran) = late.recv() {
                let_pass(rng.random_range(Duration::ZERO..SLOW_TIME_MAX));
                answer(&tran);
            }
        });
        let memory = Emulate::new(4, 0xFFFF_FFFF);
        Arc::new(Far { base: SlaveBase::new(4, 0xFFFF_FFFF), memory, slow: Mutex::new(slow) })
    }
}

impl Slave for Far {
    fn base(&self) -> &SlaveBase {
        &self.base
    }

    fn do_transaction(&self, tran: &Arc<Transaction>) {
        match tran.address() >= SLOW {
            true => self.slow.lock().unwrap().send(tran.clone()).unwrap(),
            false => self.memory.do_transaction(tran),
        }
    }
}

/// Does `count` operations in each thread, and goes on until the input ends. Meanwhile the server
/// is started anew so many times.
pub fn mixed_client(port: u16, number: u64, (count, restarts): (usize, usize), speed: Speed) {
    let client = Client::with(port, speed.client());
    client.wait_ready();
    static IS_OVER: AtomicBool = AtomicBool::new(false);
    thread::spawn(|| {
        let _ = io::stdin().lines().count();
        IS_OVER.store(true, Ordering::SeqCst);
    });
    thread::scope(|scope| {
        for thread in 0..THREADS_COUNT {
            let tcp = client.tcp.clone();
            scope.spawn(move || {
                let mut worker = Worker::new(tcp, number * THREADS_COUNT + thread);
                for done in 0.. {
                    if done >= count && IS_OVER.load(Ordering::SeqCst) {
                        break;
                    }
                    worker.operate();
                    if done % 100 == 0 {
                        println!("hundred");
                    }
                }
                worker.finish();
            });
        }
    });
    let stats = client.tcp.stats();
    assert!(stats.disconnects <= restarts as u64, "{speed}: {stats:?}");
}

/// A request on its way, and what a read must find.
struct Asked {
    expected: Option<Vec<u8>>,
    how: How,
}

enum How {
    /// By its id at the master.
    Waited(u32),
    /// Somebody is told of its end, and nobody waits for it.
    Told(Arc<Transaction>),
}

/// Works in a window of its own, and compares all it reads with a model.
struct Worker {
    tcp: Arc<TcpClient>,
    master: Master,
    rng: ChaCha8Rng,
    seed: u64,
    base: u64,
    model: Vec<u8>,
    asked: VecDeque<Asked>,
    observer: Arc<dyn Observer>,
    ends: Receiver<u32>,
    /// Connections lost when the model was last known to be right.
    losses: u64,
    /// Something has failed, or was not right: only a loss of the connection excuses it.
    is_in_doubt: bool,
}

impl Worker {
    fn new(tcp: Arc<TcpClient>, number: u64) -> Worker {
        let master = master_of(tcp.clone());
        master.set_timeout(3 * LONG);
        let seed = 0x31E_D000 + number;
        let (sender, ends) = mpsc::channel();
        let mut worker = Worker {
            tcp,
            master,
            rng: ChaCha8Rng::seed_from_u64(seed),
            seed,
            base: 0x10_0000_0000 * (number + 1),
            model: vec![0; WINDOW_BYTES],
            asked: VecDeque::new(),
            observer: Telling::new(move |tran| {
                let _ = sender.send(tran.id());
            }),
            ends,
            losses: 0,
            is_in_doubt: false,
        };
        worker.write_all();
        worker
    }

    fn operate(&mut self) {
        match self.rng.random_range(0..1000) {
            0..400 => {
                self.ask_small(false);
                self.settle_last();
            }
            400..650 => self.ask_small(false),
            650..800 => self.ask_small(true),
            800..810 => (0..BURST_COUNT).for_each(|_| self.ask_small(false)),
            810..820 => self.ask_large(),
            820..840 => self.ask_slowly(),
            840..850 => self.give_up(),
            850..860 => self.settle_all(),
            860..863 => let_pass(PAUSES[self.rng.random_range(0..PAUSES.len())]),
            _ => self.settle_one(),
        }
        while self.asked.len() > OUTSTANDING_COUNT_MAX {
            self.settle_one();
        }
        if self.is_in_doubt {
            self.write_all();
        }
    }

    fn finish(mut self) {
        self.settle_all();
        let all = self.master.read(self.base, WINDOW_BYTES as u32);
        self.check(all.map_err(|error| error.to_string()), Some(self.model.clone()));
        if self.is_in_doubt {
            self.write_all();
        }
        // A posted write that was lost with a connection is kept for whoever asks.
        let _ = self.master.wait(0);
        assert_eq!(self.master.outstanding_count(), 0);
    }

    fn ask_small(&mut self, is_told: bool) {
        let size = match self.rng.random_range(0..10) {
            0 => self.rng.random_range(0..5000),
            _ => self.rng.random_range(1..=8),
        };
        let ty = [
            TransactionType::Read,
            TransactionType::Write,
            TransactionType::Post,
            TransactionType::Verify,
        ][self.rng.random_range(0..4)];
        self.ask(size, ty, is_told);
    }

    fn ask_large(&mut self) {
        let size = self.rng.random_range(LARGE_BYTES..4 * LARGE_BYTES);
        let ty = [TransactionType::Read, TransactionType::Write, TransactionType::Post]
            [self.rng.random_range(0..3)];
        let is_told = self.rng.random();
        self.ask(size, ty, is_told);
    }

    fn ask(&mut self, size: usize, ty: TransactionType, is_told: bool) {
        let at = self.rng.random_range(0..WINDOW_BYTES - size);
        let range = at..at + size;
        let mut data = vec![0xEE; size];
        if ty == TransactionType::Write || ty == TransactionType::Post {
            self.rng.fill(&mut data[..]);
            self.model[range.clone()].copy_from_slice(&data);
        }
        let expected = matches!(ty, TransactionType::Read | TransactionType::Verify)
            .then(|| self.model[range].to_vec());
        let address = self.base + at as u64;
        let how = match is_told {
            true => {
                let tran = self.master.prepare(address, data.into(), ty).unwrap();
                let early = self.rng.random();
                if early {
                    tran.observe(self.observer.clone());
                }
                self.master.launch(&tran);
                if !early {
                    tran.observe(self.observer.clone());
                }
                How::Told(tran)
            }
            false => How::Waited(self.master.request(address, data.into(), ty).unwrap()),
        };
        // Of a posted write the master knows no more once it has been sent.
        if ty == TransactionType::Post && !is_told {
            return;
        }
        self.asked.push_back(Asked { expected, how });
    }

    /// Asks with little patience: for an answer that may come too late.
    fn ask_slowly(&mut self) {
        let address = SLOW + self.rng.random_range(0..0x1000) * 8;
        self.master.set_timeout(Duration::from_micros(self.rng.random_range(100..20_000)));
        let id = self.master.request(address, vec![0; 8].into(), TransactionType::Read).unwrap();
        self.master.set_timeout(3 * LONG);
        match self.master.wait_buffer(id) {
            Ok(found) => assert_eq!(found, answer_at(address, 8), "seed {}", self.seed),
            Err(error) if error.text().starts_with("Timeout") => {}
            Err(error) => self.check(Err(error.to_string()), None),
        }
    }

    fn give_up(&mut self) {
        let tran = self.master.prepare(SLOW, vec![0; 8].into(), TransactionType::Read).unwrap();
        self.master.launch(&tran);
        if self.rng.random() {
            let_pass(self.rng.random_range(Duration::ZERO..SLOW_TIME_MAX));
        }
        tran.give_up("given up");
        let (outcome, buffer) = tran.collect().expect("nobody else has collected it");
        match outcome {
            Ok(()) => assert_eq!(buffer.into_vec(), answer_at(SLOW, 8), "seed {}", self.seed),
            Err(error) if error.text() == "given up" => {}
            Err(error) => self.check(Err(error.to_string()), None),
        }
    }

    fn settle_all(&mut self) {
        while !self.asked.is_empty() {
            self.settle_one();
        }
    }

    /// Takes the answer of any request.
    fn settle_one(&mut self) {
        if !self.asked.is_empty() {
            let at = self.rng.random_range(0..self.asked.len());
            self.settle(at);
        }
    }

    fn settle_last(&mut self) {
        self.settle(self.asked.len().saturating_sub(1));
    }

    fn settle(&mut self, at: usize) {
        let Some(Asked { expected, how }) = self.asked.remove(at) else { return };
        let found = match how {
            How::Waited(id) => self.master.wait_buffer(id).map_err(|error| error.to_string()),
            How::Told(tran) => {
                while !tran.is_done() {
                    let end = self.ends.recv_timeout(LONG);
                    assert!(end.is_ok(), "seed {}: nobody is told of the end", self.seed);
                }
                let (outcome, buffer) = tran.collect().expect("nobody else has collected it");
                outcome.map(|()| buffer.into_vec()).map_err(|error| error.to_string())
            }
        };
        self.check(found, expected);
    }

    fn check(&mut self, found: Result<Vec<u8>, String>, expected: Option<Vec<u8>>) {
        let is_right = match (&found, &expected) {
            (Ok(found), Some(expected)) => found == expected,
            (Ok(_), None) => true,
            (Err(_), _) => false,
        };
        if is_right || self.is_in_doubt {
            return;
        }
        let is_excused = self.tcp.stats().disconnects > self.losses;
        let seed = self.seed;
        assert!(is_excused, "seed {seed}: {found:02x?} instead of {expected:02x?}");
        self.is_in_doubt = true;
    }

    /// Brings memory and model together again: nobody knows what became of what was on its way
    /// when the connection was lost.
    fn write_all(&mut self) {
        self.is_in_doubt = true;
        self.settle_all();
        self.rng.fill(&mut self.model[..]);
        loop {
            self.losses = self.tcp.stats().disconnects;
            match self.master.write(self.base, &self.model) {
                Ok(()) => break,
                Err(error) => assert!(error.text().contains("was lost"), "{error}"),
            }
        }
        self.is_in_doubt = false;
    }
}
