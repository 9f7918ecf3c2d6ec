//! `Prbs`: sends frames of pseudo-random bits, and checks received ones.

mod background;
mod checker;
mod generator;
mod meter;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::Arc;
use std::time::Duration;

use self::background::Background;
use self::checker::FrameChecker;
use self::generator::Generator;
use self::meter::Meter;
use crate::clock;
use crate::debug::impl_debug;
use crate::error::{Error, Result, Status};
use crate::logging::{log_warning, static_logger};
use crate::process::{self, Generation};
use crate::proto::prbs::{
    Payload, ShiftRegister, TAPS_DEFAULT, WIDTH_BITS_DEFAULT, WIDTH_BITS_MAX,
};
use crate::stream::{Master, Node, Slave};
use crate::sync::Mutex;

static_logger!(TX_LOG, "prbs.tx");
static_logger!(RX_LOG, "prbs.rx");

/// What both halves of a `Prbs` share.
struct Settings {
    generation: Generation,
    chosen: Mutex<Chosen>,
    send_count: AtomicBool,
    gen_payload: AtomicBool,
    check_payload: AtomicBool,
    period_ns: AtomicU64,
}

struct Chosen {
    width_bits: u32,
    taps: Vec<u8>,
    register: Arc<ShiftRegister>,
}

impl Settings {
    /// In a child of the process that has made the object a thread of the parent may hold its locks
    /// for ever.
    fn is_inherited(&self) -> bool {
        self.generation.is_inherited()
    }

    fn check_process(&self, source: &'static str) -> Result<()> {
        match self.is_inherited() {
            true => Err(Error::new(Status::Stopped, source, process::inherited_text("The Prbs"))),
            false => Ok(()),
        }
    }

    fn register(&self) -> Arc<ShiftRegister> {
        self.chosen.lock().register.clone()
    }

    /// Checks the process, and the size of a frame.
    fn check_size(&self, size: u32, source: &'static str) -> Result<()> {
        self.check_process(source)?;
        let register = self.register();
        if register.fits(size as usize) {
            return Ok(());
        }
        let word_bytes = register.word_bytes();
        let text = format!(
            "Invalid frame size: {size} bytes; a frame is a multiple of {word_bytes} bytes, the \
             width, and has at least three words"
        );
        Err(Error::new(Status::InvalidArgument, source, text))
    }

    fn payload(&self) -> Payload {
        match (self.gen_payload.load(Ordering::Relaxed), self.send_count.load(Ordering::Relaxed)) {
            (false, _) => Payload::None,
            (true, true) => Payload::Count,
            (true, false) => Payload::Random,
        }
    }
}

/// What one half of a `Prbs` has counted.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct PrbsCounters {
    /// Frames sent, or good frames received; wraps.
    pub count: u32,
    /// Frames that could not be sent, or bad frames received; wraps.
    pub errors: u32,
    /// Bytes of the counted frames.
    pub bytes: u64,
    /// Frames a second, over the last second or more at whose end there was a frame.
    pub rate: f64,
    /// Bytes a second, in the same time.
    pub bandwidth: f64,
}

/// What `stats` returns: the counters of both halves.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct PrbsStats {
    /// Frames sent.
    pub tx_count: u64,
    /// Frames that could not be sent.
    pub tx_errors: u64,
    /// Bytes sent.
    pub tx_bytes: u64,
    /// Good frames received.
    pub rx_count: u64,
    /// Bad frames received.
    pub rx_errors: u64,
    /// Bytes of good frames received.
    pub rx_bytes: u64,
}

/// Generates frames of pseudo-random bits and checks received ones: a link test whose twin is in
/// the firmware (`SsiPrbsTx`, `SsiPrbsRx`). Width and taps must be equal at both ends.
///
/// Each frame carries a sequence number, from 0 on; that of a frame with number 0 has a payload of
/// zeros. Frames are sent by [`gen_frame`](Self::gen_frame) or, after [`enable`](Self::enable), by
/// a thread of its own. Received frames are checked in the thread that brings them. No lock is held
/// while a frame is delivered. Dropping the last handle ends the thread.
pub struct Prbs {
    settings: Arc<Settings>,
    generator: Arc<Generator>,
    checker: Arc<FrameChecker>,
    /// The running thread, if there is one.
    background: Mutex<Option<Arc<Background>>>,
}

impl_debug!(Prbs);

impl Prbs {
    /// A generator and checker with words of 32 bits and firmware's default taps.
    pub fn new() -> Arc<Prbs> {
        let (width_bits, taps) = (WIDTH_BITS_DEFAULT, TAPS_DEFAULT.to_vec());
        let register = ShiftRegister::new(width_bits, &taps).expect("the default is possible");
        let register = Arc::new(register);
        let settings = Arc::new(Settings {
            generation: Generation::current(),
            chosen: Mutex::new(Chosen { width_bits, taps, register }),
            send_count: AtomicBool::new(false),
            gen_payload: AtomicBool::new(true),
            check_payload: AtomicBool::new(true),
            period_ns: AtomicU64::new(0),
        });
        Arc::new(Prbs {
            generator: Arc::new(Generator::new(settings.clone())),
            checker: Arc::new(FrameChecker::new(settings.clone())),
            settings,
            background: Mutex::new(None),
        })
    }

    /// Sets the width of a word, in bits: a multiple of 32, at most 512. For later frames.
    ///
    /// # Errors
    ///
    /// [`Status::InvalidArgument`] for any other width; nothing changes then. [`Status::Stopped`] in
    /// a child by `fork`.
    pub fn set_width(&self, bits: u32) -> Result<()> {
        self.settings.check_process("Prbs::setWidth")?;
        let mut chosen = self.settings.chosen.lock();
        let Some(register) = ShiftRegister::new(bits, &chosen.taps) else {
            let text =
                format!("Invalid width. {bits} bits are no multiple of 32 up to {WIDTH_BITS_MAX}");
            return Err(Error::new(Status::InvalidArgument, "Prbs::setWidth", text));
        };
        (chosen.width_bits, chosen.register) = (bits, Arc::new(register));
        Ok(())
    }

    /// Sets the taps of the shift register: numbers of bits. One listed twice cancels itself; those
    /// beyond the width have no effect. For later frames. Does nothing in a child by `fork`.
    pub fn set_taps(&self, taps: &[u8]) {
        if self.settings.is_inherited() {
            return;
        }
        let mut chosen = self.settings.chosen.lock();
        let register = ShiftRegister::new(chosen.width_bits, taps);
        chosen.register = Arc::new(register.expect("the width is possible"));
        chosen.taps = taps.to_vec();
        let width = chosen.width_bits;
        drop(chosen);
        if let Some(tap) = taps.iter().find(|tap| u32::from(**tap) >= width) {
            log_warning!(TX_LOG, "Tap {tap} has no effect while the width is {width} bits");
        }
    }

    /// Chooses whether the payload of sent frames counts its words instead of being random. A
    /// checker has to [leave it unchecked](Self::check_payload) then.
    pub fn send_count(&self, state: bool) {
        self.settings.send_count.store(state, Ordering::Relaxed);
    }

    /// Chooses whether sent frames have a payload at all; otherwise it is zeros.
    pub fn gen_payload(&self, state: bool) {
        self.settings.gen_payload.store(state, Ordering::Relaxed);
    }

    /// Chooses whether the payload of received frames is checked, besides their size and number.
    pub fn check_payload(&self, state: bool) {
        self.settings.check_payload.store(state, Ordering::Relaxed);
    }

    /// Chooses whether frames are received. While they are not, a thread that brings one waits, so
    /// that its sender is held up and nothing is lost.
    pub fn set_rx_enable(&self, state: bool) {
        if !self.settings.is_inherited() {
            self.checker.set_enabled(state);
        }
    }

    /// Whether frames are received.
    pub fn rx_enable(&self) -> bool {
        !self.settings.is_inherited() && self.checker.is_enabled()
    }

    /// Sets the pause after each frame of the thread; also while it runs.
    pub fn set_tx_period(&self, period: Duration) {
        self.settings.period_ns.store(clock::nanoseconds(period), Ordering::Relaxed);
    }

    /// The pause after each frame of the thread.
    pub fn tx_period(&self) -> Duration {
        Duration::from_nanos(self.settings.period_ns.load(Ordering::Relaxed))
    }

    /// Sends one frame of `size` bytes, in this thread. Frames leave in the order of their numbers:
    /// where threads contend, one waits for the other. A frame that cannot be made counts as an
    /// error, and the log says why.
    ///
    /// # Errors
    ///
    /// [`Status::InvalidArgument`] if `size` is no multiple of the width or less than three words;
    /// nothing is counted then. [`Status::Stopped`] in a child by `fork`.
    pub fn gen_frame(&self, size: u32) -> Result<()> {
        self.settings.check_size(size, "Prbs::genFrame")?;
        self.generator.send(size);
        Ok(())
    }

    /// Starts a thread that sends frames of `size` bytes until [`disable`](Self::disable). Does
    /// nothing if it runs already.
    ///
    /// # Errors
    ///
    /// As [`gen_frame`](Self::gen_frame); [`Status::OutOfResources`] if the system refuses a
    /// thread.
    pub fn enable(&self, size: u32) -> Result<()> {
        self.settings.check_size(size, "Prbs::enable")?;
        let mut background = self.background.lock();
        if background.as_ref().is_some_and(|running| running.is_running()) {
            return Ok(());
        }
        *background = Some(Background::start(&self.generator, size)?);
        Ok(())
    }

    /// Ends the thread, after the frame that it is sending. Returns within 100 ms, also if the
    /// receiver of that frame does not. May be called more than once, and from any thread.
    pub fn disable(&self) {
        let background = self.background.lock_own(self.settings.generation);
        let running = background.and_then(|mut background| background.take());
        if let Some(running) = running {
            running.stop();
        }
    }

    /// Sets all counters and rates to zero. The sequence of frames goes on.
    pub fn reset_count(&self) {
        if self.settings.is_inherited() {
            return;
        }
        self.generator.meter.reset();
        self.checker.meter.reset();
    }

    /// What has been sent.
    pub fn tx(&self) -> PrbsCounters {
        self.counters(&self.generator.meter)
    }

    /// What has been received.
    pub fn rx(&self) -> PrbsCounters {
        self.counters(&self.checker.meter)
    }

    fn counters(&self, meter: &Meter) -> PrbsCounters {
        match self.settings.is_inherited() {
            true => PrbsCounters::default(),
            false => meter.read(),
        }
    }

    /// The counters of both halves.
    pub fn stats(&self) -> PrbsStats {
        let (tx, rx) = (self.tx(), self.rx());
        PrbsStats {
            tx_count: tx.count.into(),
            tx_errors: tx.errors.into(),
            tx_bytes: tx.bytes,
            rx_count: rx.count.into(),
            rx_errors: rx.errors.into(),
            rx_bytes: rx.bytes,
        }
    }

    /// Ends the thread, disconnects the slaves, and releases threads that wait for
    /// [`set_rx_enable`](Self::set_rx_enable); their frames are dropped.
    pub fn stop(&self) {
        if self.settings.is_inherited() {
            return;
        }
        self.disable();
        self.generator.master.stop();
        self.checker.release();
    }
}

impl Node for Prbs {
    fn stream_master(&self) -> Arc<Master> {
        self.generator.master.clone()
    }

    fn stream_slave(&self) -> Arc<dyn Slave> {
        self.checker.clone()
    }
}

impl Drop for Prbs {
    fn drop(&mut self) {
        self.disable();
    }
}

/// How often a thread that waits for its turn to send says so.
const REPORT_PERIOD: Duration = Duration::from_secs(1);
