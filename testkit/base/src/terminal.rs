//! A terminal for programs that draw: a window of tmux with a shell in it.

use std::io;
use std::process::{Command, Output, Stdio};

use crate::directory::Directory;
use crate::wait::wait_until;

/// What the shell prints before a command.
const PROMPT: &str = "shell> ";

/// A terminal of 100 columns and 24 lines. It ends with its test.
pub struct Terminal {
    folder: Directory,
}

impl Default for Terminal {
    fn default() -> Terminal {
        Terminal::new()
    }
}

impl Terminal {
    /// Starts a shell in a new terminal.
    pub fn new() -> Terminal {
        let terminal = Terminal { folder: Directory::new() };
        let window = ["new-session", "-d", "-x", "100", "-y", "24"];
        terminal.tmux(&[&window[..], &["bash", "--noprofile", "--norc"]].concat());
        terminal.wait_for(PROMPT.trim_end());
        terminal
    }

    /// Types a line, and the key Enter.
    pub fn type_line(&self, line: &str) {
        self.tmux(&["send-keys", "-l", line]);
        self.key("Enter");
    }

    /// Presses a key by the name that tmux has for it: `q`, `C-c`, `Down`.
    pub fn key(&self, name: &str) {
        self.tmux(&["send-keys", name]);
    }

    /// The lines that the terminal shows.
    pub fn screen(&self) -> String {
        self.tmux(&["capture-pane", "-p"])
    }

    /// The lines with the escape sequences of their colours.
    pub fn coloured_screen(&self) -> String {
        self.tmux(&["capture-pane", "-p", "-e"])
    }

    /// Waits until the terminal shows a text; returns what it shows then.
    #[track_caller]
    pub fn wait_for(&self, text: &str) -> String {
        let mut screen = String::new();
        wait_until(&format!("a terminal that shows {text:?}"), || {
            screen = self.screen();
            screen.contains(text)
        });
        screen
    }

    /// Whether a program draws on the second screen, which hides the lines of the shell.
    pub fn is_alternate(&self) -> bool {
        self.is_set("#{alternate_on}")
    }

    /// Whether the cursor is shown.
    pub fn has_cursor(&self) -> bool {
        self.is_set("#{cursor_flag}")
    }

    /// Changes the size.
    pub fn resize(&self, columns: u32, lines: u32) {
        self.tmux(&["resize-window", "-x", &columns.to_string(), "-y", &lines.to_string()]);
    }

    fn is_set(&self, flag: &str) -> bool {
        self.tmux(&["display-message", "-p", flag]).trim() == "1"
    }

    fn tmux(&self, words: &[&str]) -> String {
        let output = self.run(words).expect("tmux is installed: scripts/bootstrap test");
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "tmux {words:?}: {error}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn run(&self, words: &[&str]) -> io::Result<Output> {
        let socket = self.folder.file("tmux");
        let mut command = Command::new("tmux");
        command.args(["-u", "-f", "/dev/null", "-S"]).arg(socket).args(words);
        // That of a user's session would have another server.
        command.env_remove("TMUX").env("PS1", PROMPT).stdin(Stdio::null()).output()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // Ends the server, the shell, and what runs in it; one that is gone is no fault here.
        let _ = self.run(&["kill-server"]);
    }
}
