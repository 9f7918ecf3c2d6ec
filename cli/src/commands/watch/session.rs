//! The terminal while the program draws on it, and how it becomes again what it was.

use std::io::{self, stdout};
use std::panic;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::Show;
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{
    disable_raw_mode, enable_raw_mode, Clear, ClearType, EnterAlternateScreen, LeaveAlternateScreen,
};
use ratatui::{DefaultTerminal, Frame, Terminal};
use rustix::process::{kill_current_process_group, Signal};

/// Whether a session is open.
static IS_OPEN: AtomicBool = AtomicBool::new(false);
/// Several threads may close a session. One of them does, and the others wait for it: the program
/// may end when they go on.
static CLOSING: Mutex<()> = Mutex::new(());

/// Draws on the alternate screen of the terminal, without echo. The end of it, a panic of any
/// thread, and [`close`] make the terminal what it was.
pub struct Session {
    terminal: DefaultTerminal,
    /// It has begun again after a stop of its own, of which the signal will tell too.
    has_resumed: bool,
}

impl Session {
    /// Begins.
    pub fn open() -> io::Result<Session> {
        let former = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            // First, so that the message is on the screen that stays.
            close();
            former(info);
        }));
        Ok(Session { terminal: begin()?, has_resumed: false })
    }

    /// Draws a frame; nothing once the session is closed.
    pub fn draw(&mut self, render: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        // No lock: a panic of `render` closes the session.
        if IS_OPEN.load(Ordering::Relaxed) {
            self.terminal.draw(render)?;
        }
        Ok(())
    }

    /// Gives the terminal back, and stops the programs that the shell has started together with
    /// this one, as Ctrl-Z does elsewhere, until they are told to go on.
    pub fn suspend(&mut self) -> io::Result<()> {
        close();
        // Where no shell could have them go on, the system stops nothing.
        kill_current_process_group(Signal::TSTP)?;
        self.terminal = begin()?;
        self.has_resumed = true;
        Ok(())
    }

    /// At the signal that the process goes on: takes the terminal again, which others have used
    /// meanwhile. Does nothing once the session is closed.
    pub fn resume(&mut self) -> io::Result<()> {
        if std::mem::take(&mut self.has_resumed) || !IS_OPEN.load(Ordering::Relaxed) {
            return Ok(());
        }
        // The modes too are those that the shell has left.
        close();
        self.terminal = begin()?;
        Ok(())
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        close();
    }
}

/// Takes the terminal. A new one in place of `Terminal::clear`, which asks the terminal where the
/// cursor is, and the answer would come to the thread that reads keys.
fn begin() -> io::Result<DefaultTerminal> {
    IS_OPEN.store(true, Ordering::Relaxed);
    let enter = || {
        enable_raw_mode()?;
        execute!(stdout(), EnterAlternateScreen, Clear(ClearType::All))?;
        Terminal::new(CrosstermBackend::new(stdout()))
    };
    enter().inspect_err(|_| close())
}

/// Makes the terminal what it was, if a session is open.
pub fn close() {
    let _closing = CLOSING.lock().unwrap_or_else(PoisonError::into_inner);
    if IS_OPEN.swap(false, Ordering::Relaxed) {
        // A terminal that is gone needs nothing.
        let _ = disable_raw_mode();
        let _ = execute!(stdout(), Show, LeaveAlternateScreen);
    }
}

#[cfg(test)]
mod tests {
    use std::env;
    use std::ffi::OsStr;

    use testkit_base::terminal::Terminal;

    use super::*;

    /// Said by the panic.
    const TEXT: &str = "a panic inside of a session";
    /// Set where the test starts itself in a terminal, to panic there: in which thread.
    const PANICS: &str = "ROGUE_MEM_PANICS";

    fn panic_in_a_session(thread: &OsStr) {
        let mut session = Session::open().unwrap();
        session.draw(|frame| frame.render_widget("drawn", frame.area())).unwrap();
        assert!(thread == "another", "{TEXT}");
        let panicked = std::thread::spawn(|| panic!("{TEXT}")).join();
        // The session is closed, and nothing is drawn any more.
        session.draw(|frame| frame.render_widget("drawn again", frame.area())).unwrap();
        drop(session);
        panicked.unwrap_err();
    }

    #[test]
    fn a_panic_leaves_the_terminal_as_it_was() {
        if let Some(thread) = env::var_os(PANICS) {
            return panic_in_a_session(&thread);
        }
        let program = env::current_exe().unwrap();
        let name = "commands::watch::session::tests::a_panic_leaves_the_terminal_as_it_was";
        let words = format!("--exact {name} --nocapture");
        for thread in ["this", "another"] {
            let terminal = Terminal::new();
            // A trace would move the message out of sight.
            terminal.type_line("export RUST_BACKTRACE=0; before=$(stty -g)");
            terminal.type_line(&format!("{PANICS}={thread} {} {words}", program.display()));
            // In two parts, for the line itself is shown too.
            terminal.type_line("[ $before = $(stty -g) ] && echo the 'same modes'");
            let screen = terminal.wait_for("the same modes");
            assert!(screen.contains(TEXT) && !screen.contains("drawn"), "{screen}");
            assert!(terminal.has_cursor() && !terminal.is_alternate(), "{screen}");
        }
    }
}
