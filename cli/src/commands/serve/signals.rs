//! The signals of a server.

use std::process;
use std::sync::mpsc::{self, Receiver};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use rogue_mem::bridge::TcpServer;
use rogue_mem::security::Audit;
use signal_hook::consts::SIGHUP;
use signal_hook::iterator::Signals;

use crate::failure::{Kind, Outcome};
use crate::interrupt::{no_signals, ENDS};
use crate::output;

/// What a signal asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Signal {
    /// SIGHUP: to read the options again.
    Reload,
    /// SIGINT or SIGTERM: to end.
    End,
}

/// How long a server that has been stopped may take to remove its files: it does so at once, if its
/// thread gets a processor and the device does not block it.
const REMOVAL_TIME_MAX: Duration = Duration::from_secs(1);
/// How long the end at once waits for a disk that takes the last records.
const RECORDS_TIME_MAX: Duration = Duration::from_millis(100);
/// How often that is looked at.
const LOOK_PERIOD: Duration = Duration::from_millis(1);

/// Stops the server, and waits until its files at paths are gone, but not for a device that blocks.
pub fn stop(server: &TcpServer) {
    server.stop();
    let limit = Instant::now() + REMOVAL_TIME_MAX;
    // Its thread drops the listeners, and then the last other reference to the master.
    while Arc::strong_count(server.master()) > 1 && Instant::now() < limit {
        thread::sleep(LOOK_PERIOD);
    }
}

/// What signals ask for from now on. The second one that asks for the end stops the server and ends
/// the process at once, but for the records that `audit` can still write.
pub fn watch(server: &Arc<TcpServer>, audit: Option<Arc<Audit>>) -> Outcome<Receiver<Signal>> {
    let mut signals = Signals::new(ENDS).map_err(no_signals)?;
    let server = server.clone();
    let (sender, receiver) = mpsc::channel();
    let watch = move || {
        let mut is_ending = false;
        for signal in signals.forever() {
            let signal = if signal == SIGHUP { Signal::Reload } else { Signal::End };
            if signal == Signal::End && std::mem::replace(&mut is_ending, true) {
                stop(&server);
                // Nobody is left to be told of a disk that takes longer.
                let _ = audit.map(|audit| audit.flush(RECORDS_TIME_MAX));
                output::end_status_line();
                process::exit(Kind::Interrupted as i32);
            }
            // Nobody listens any more while the process ends.
            let _ = sender.send(signal);
        }
    };
    thread::Builder::new().name("signals".to_owned()).spawn(watch).map_err(no_signals)?;
    Ok(receiver)
}
