//! The signals of a server.

use std::process;
use std::sync::mpsc::{self, Receiver};
use std::sync::Arc;
use std::thread;

use rogue_mem::bridge::TcpServer;
use signal_hook::consts::SIGHUP;
use signal_hook::iterator::Signals;

use crate::failure::{Kind, Outcome};
use crate::interrupt::{no_signals, ENDS};

/// What a signal asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Signal {
    /// SIGHUP: to read the options again.
    Reload,
    /// SIGINT or SIGTERM: to end.
    End,
}

/// What signals ask for from now on. The second one that asks for the end stops the server and ends
/// the process at once.
pub fn watch(server: &Arc<TcpServer>) -> Outcome<Receiver<Signal>> {
    let mut signals = Signals::new(ENDS).map_err(no_signals)?;
    let server = server.clone();
    let (sender, receiver) = mpsc::channel();
    let watch = move || {
        let mut is_ending = false;
        for signal in signals.forever() {
            let signal = if signal == SIGHUP { Signal::Reload } else { Signal::End };
            if signal == Signal::End && std::mem::replace(&mut is_ending, true) {
                // Removes the files at paths, and takes a moment, whatever the device does.
                server.stop();
                process::exit(Kind::Interrupted as i32);
            }
            // Nobody listens any more while the process ends.
            let _ = sender.send(signal);
        }
    };
    thread::Builder::new().name("signals".to_owned()).spawn(watch).map_err(no_signals)?;
    Ok(receiver)
}
