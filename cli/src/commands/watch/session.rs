//! The terminal while the program draws on it, and how it becomes again what it was.

use std::io::{self, stdout};
use std::panic;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::Show;
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{
    disable_raw_mode, enable_raw_mode, EnterAlternateScreen, LeaveAlternateScreen,
};
use ratatui::{DefaultTerminal, Frame, Terminal};

/// Whether a session is open.
static IS_OPEN: AtomicBool = AtomicBool::new(false);
/// Several threads may close a session. One of them does, and the others wait for it: the program
/// may end when they go on.
static CLOSING: Mutex<()> = Mutex::new(());

/// Draws on the alternate screen of the terminal, without echo. The end of it, a panic of any
/// thread, and [`close`] make the terminal what it was.
pub struct Session {
    terminal: DefaultTerminal,
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
        enter().inspect_err(|_| close())?;
        let terminal = Terminal::new(CrosstermBackend::new(stdout())).inspect_err(|_| close())?;
        Ok(Session { terminal })
    }

    /// Draws a frame; nothing once the session is closed.
    pub fn draw(&mut self, render: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        // No lock: a panic of `render` closes the session.
        if IS_OPEN.load(Ordering::Relaxed) {
            self.terminal.draw(render)?;
        }
        Ok(())
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        close();
    }
}

fn enter() -> io::Result<()> {
    IS_OPEN.store(true, Ordering::Relaxed);
    enable_raw_mode()?;
    execute!(stdout(), EnterAlternateScreen)
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
