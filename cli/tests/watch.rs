//! `watch` as a user runs it: in a pipe, and on a terminal. The tests wait for what is shown, and never
//! for a time.

mod support;

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::sync::{Arc, Mutex};

use rogue_mem::bridge::{ServerOptions, TcpServer};
use rogue_mem::memory::{Slave, SlaveBase, Transaction};
use serde_json::{json, Value};
use testkit_base::directory::Directory;
use testkit_base::terminal::Terminal;
use testkit_base::wait::wait_until;

use support::{program, Server, PROGRAM};

/// `watch` with a pipe for its output.
struct Watch {
    process: Child,
    output: BufReader<ChildStdout>,
}

impl Watch {
    fn start(command: &mut Command) -> Watch {
        let mut process = command.stdout(Stdio::piped()).spawn().unwrap();
        let output = BufReader::new(process.stdout.take().unwrap());
        Watch { process, output }
    }

    /// The next line; empty at the end.
    fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// Reads lines until one ends with `end`.
    fn read_until(&mut self, end: &str) {
        loop {
            let line = self.line();
            assert_ne!(line, "", "the output ended before {end:?}");
            if line.ends_with(end) {
                break;
            }
        }
    }

    /// Sends a signal; returns the exit code.
    fn end(mut self, signal: &str) -> Option<i32> {
        kill(signal, self.process.id());
        let mut rest = String::new();
        self.output.read_to_string(&mut rest).unwrap();
        self.process.wait().unwrap().code()
    }
}

fn kill(signal: &str, process: u32) {
    let status = Command::new("kill").args([signal, &process.to_string()]).status();
    assert!(status.unwrap().success());
}

/// Splits a line into its time, which has to be one, and the rest.
fn behind_time(line: &str) -> &str {
    let (time, rest) = line.split_once([' ', ',']).unwrap_or_else(|| panic!("{line:?}"));
    let shape: String = time.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    assert_eq!(shape, "0000-00-00T00:00:00.000Z", "{line}");
    rest
}

#[test]
fn lines_have_times_and_every_form_of_peek() {
    let server = Server::memory();
    server.run("poke 0x100 -2 0x3fc00000");
    let lines = |words: &str| -> Vec<String> {
        let words = format!("watch {words} --interval 0.001");
        server.run(&words).lines().map(str::to_owned).collect()
    };
    // Nothing changes: each register has one line.
    let found = lines("0x100 0x104 --count 3 --format signed");
    let rest: Vec<_> = found.iter().map(|line| behind_time(line)).collect();
    assert_eq!(rest, ["0x00000100: -2", "0x00000104: 1069547520"]);
    let found = lines("0x104 0x100 --count 3 --every-sample --width 2 --endian big");
    let rest: Vec<_> = found.iter().map(|line| behind_time(line)).collect();
    assert_eq!(rest, ["0x00000104: 0x0000, 0x00000100: 0xfeff"; 3]);
    let found = lines("0x104 --count 1 --csv --format float");
    assert_eq!(
        (found[0].as_str(), behind_time(&found[1])),
        ("time,address,value,error", "0x00000104,1.5,")
    );
    let found = lines("0x100 0x104 --count 2 --csv --every-sample");
    assert_eq!(found[0], "time,0x00000100,0x00000104,error");
    assert_eq!(behind_time(&found[2]), "0xfffffffe,0x3fc00000,");
    let found = lines("0x104 --count 1 --json");
    let said: Value = serde_json::from_str(&found[0]).unwrap();
    assert_eq!((&said["address"], &said["value"]), (&json!(0x104), &json!(0x3fc0_0000)));
    assert!(said["time"].is_string(), "{said}");
}

#[test]
fn a_change_is_a_line_and_a_server_that_comes_back_is_read_again() {
    let folder = Directory::new();
    let serve = format!("--bind {} --emulate 4k", folder.address("board.sock"));
    let server = Server::start(&serve);
    let words = "watch 0x100 0x104 --interval 0.001 --timeout 0.5";
    let mut watch = Watch::start(&mut server.command(words));
    assert_eq!(behind_time(&watch.line()), "0x00000100: 0x00000000");
    assert_eq!(behind_time(&watch.line()), "0x00000104: 0x00000000");
    server.run("poke 0x104 42");
    assert_eq!(behind_time(&watch.line()), "0x00000104: 0x0000002a");
    drop(server);
    assert!(watch.line().contains(": error: "));
    let server = Server::start(&serve);
    server.run("poke 0x104 43");
    watch.read_until("0x00000104: 0x0000002b");
    // Without a count it has no end of its own.
    assert_eq!(watch.end("-TERM"), Some(0));
    let mut watch = Watch::start(&mut server.command("watch 0 --count 2 --interval 3600"));
    watch.line();
    assert_eq!(watch.end("-INT"), Some(130));
}

#[test]
fn what_cannot_be_read_is_told_and_has_its_exit_code() {
    let server = Server::memory();
    let mut command = server.command("watch 0x100 0x100000 --count 2 --interval 0.001");
    let Output { status, stdout, stderr } = command.output().unwrap();
    let [text, error] = [stdout, stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    let lines: Vec<_> = text.lines().map(behind_time).collect();
    assert_eq!((status.code(), lines.len()), (Some(1), 2), "{text}{error}");
    assert!(lines[1].starts_with("0x00100000: error: ") && lines[1].contains("outside"), "{text}");
    assert!(error.contains("1 of the last reads failed; 0x00100000: "), "{error}");
    let (code, text) = server.fail("watch 0xffffffffffffffff");
    assert_eq!((code, text.contains("beyond the last address")), (2, true), "{text}");
    let (code, text) = server.fail("watch 0 --csv --json");
    assert_eq!((code, text.contains("cannot be used with")), (2, true), "{text}");
    let mut command = program("watch 0 --addr 127.0.0.1:1 --timeout 0.2");
    assert_eq!(command.output().unwrap().status.code(), Some(3));
}

/// Answers reads as soon as it has three of them.
struct Gathering {
    base: SlaveBase,
    waiting: Mutex<Vec<Arc<Transaction>>>,
}

impl Slave for Gathering {
    fn base(&self) -> &SlaveBase {
        &self.base
    }

    fn do_transaction(&self, tran: &Arc<Transaction>) {
        let mut waiting = self.waiting.lock().unwrap();
        waiting.push(tran.clone());
        let all = if waiting.len() == 3 { std::mem::take(&mut *waiting) } else { Vec::new() };
        drop(waiting);
        all.iter().for_each(Transaction::done);
    }
}

#[test]
fn the_registers_of_a_sample_are_requested_together() {
    let slave = Gathering { base: SlaveBase::new(1, 4096), waiting: Mutex::default() };
    let server = TcpServer::new("127.0.0.1", 0, ServerOptions::default()).unwrap();
    server.master().set_slave(Arc::new(slave));
    let mut command =
        program("watch 0 4 8 --count 2 --every-sample --interval 0.001 --timeout 3600");
    command.arg(format!("--addr={}", server.addresses()[0]));
    let output = command.output().unwrap();
    assert_eq!(
        (output.status.code(), output.stdout.iter().filter(|c| **c == b'\n').count()),
        (Some(0), 2)
    );
}

/// A shell in a terminal, with a server.
struct Shell {
    terminal: Terminal,
    folder: Directory,
}

impl Shell {
    fn new(server: &Server) -> Shell {
        let shell = Shell { terminal: Terminal::new(), folder: Directory::new() };
        shell.terminal.type_line(&format!("export ROGUE_MEM_ADDR={}", server.addr));
        shell
    }

    /// Starts the program, and writes down what the modes of the terminal are before and after it.
    fn start(&self, words: &str) {
        let folder = self.folder.path().display();
        self.terminal.type_line(&format!(
            "stty -g >{folder}/before; (echo $BASHPID >{folder}/id; exec {PROGRAM} {words}); \
             echo $? >{folder}/code; stty -g >{folder}/after; echo it is 'over'"
        ));
    }

    fn file(&self, name: &str) -> String {
        fs::read_to_string(self.folder.file(name)).unwrap().trim().to_owned()
    }

    /// Waits for the end of the program; the terminal has to be what it was.
    #[track_caller]
    fn wait_end(&self) -> String {
        let screen = self.terminal.wait_for("it is over");
        assert_eq!(self.file("before"), self.file("after"), "{screen}");
        assert!(self.terminal.has_cursor() && !self.terminal.is_alternate(), "{screen}");
        // The lines of the shell are there again, and none of the table.
        assert!(
            screen.contains("export ROGUE_MEM_ADDR=") && !screen.contains("ADDRESS"),
            "{screen}"
        );
        self.file("code")
    }
}

#[test]
fn a_table_shows_values_changes_and_errors_until_a_key_ends_it() {
    let folder = Directory::new();
    let serve = format!("--bind {} --emulate 4k", folder.address("board.sock"));
    let server = Server::start(&serve);
    server.run("poke 0x100 41");
    let shell = Shell::new(&server);
    let terminal = &shell.terminal;
    shell.start("watch 0x100 0x104 0x2000 --interval 0.01 --timeout 0.5");
    // A frame comes in several pieces.
    for part in ["0x00000029", "ADDRESS", "HISTORY", "q quits", "0x00000104  0x00000000"] {
        terminal.wait_for(part);
    }
    wait_until("a cursor that is hidden", || !terminal.has_cursor());
    assert!(terminal.is_alternate());
    let (_, error) = server.fail("peek 0x2000");
    terminal.wait_for(error.trim_start_matches("rogue-mem: ").split_at(20).0);
    server.run("poke 0x100 42");
    let is_of = |line: &&str| line.contains("0x00000100");
    wait_until("the change in the row", || {
        let screen = terminal.screen();
        let line = screen.lines().find(is_of).unwrap();
        ["0x0000002a", "█", " s ago"].iter().all(|part| line.contains(part))
    });
    // A change stands out for a while: on a slow machine it is over before one looks.
    let mut value = 42;
    wait_until("a change that stands out", || {
        value += 1;
        server.run(&format!("poke 0x100 {value}"));
        terminal.wait_for(&format!("0x{value:08x}"));
        let screen = terminal.coloured_screen();
        let line = screen.lines().find(is_of).unwrap().to_owned();
        line.contains("[7m") || line.contains(";7m")
    });
    drop(server);
    wait_until("an error in the row", || {
        let screen = terminal.screen();
        !screen.lines().find(is_of).unwrap().contains('█')
    });
    let server = Server::start(&serve);
    server.run("poke 0x104 44");
    terminal.wait_for("0x0000002c");
    terminal.key("q");
    assert_eq!(shell.wait_end(), "0");
}

#[test]
fn keys_and_signals_leave_the_terminal_as_it_was() {
    let server = Server::memory();
    for (words, end, code) in [
        ("watch 0x100 --interval 3600", "C-c", "0"),
        ("watch 0x100 --interval 3600", "-TERM", "0"),
        ("watch 0x100 --interval 3600", "-HUP", "0"),
        ("watch 0x100 --count 2 --interval 3600", "C-c", "130"),
        ("watch 0x100 --count 2 --interval 3600", "-INT", "130"),
        ("watch 0x100 --count 2 --interval 0.01", "", "0"),
    ] {
        let shell = Shell::new(&server);
        shell.start(words);
        if !end.is_empty() {
            shell.terminal.wait_for("0x00000100  0x00000000");
            shell.terminal.wait_for("q quits");
        }
        match end {
            "" => {}
            "C-c" => shell.terminal.key(end),
            signal => kill(signal, shell.file("id").parse().unwrap()),
        }
        assert_eq!(shell.wait_end(), code, "{words} {end}");
    }
}

#[test]
fn a_table_that_is_suspended_gives_the_terminal_back_and_is_drawn_again() {
    let server = Server::memory();
    let shell = Shell::new(&server);
    let terminal = &shell.terminal;
    terminal.type_line("before=$(stty -g)");
    // Of a shell script, whose shell stops too.
    terminal.type_line(&format!("sh -c '{PROGRAM} watch 0x100 --interval 0.01; true'"));
    for (round, value) in [(1, "0x0000002a"), (2, "0x0000002b")] {
        terminal.wait_for("q quits");
        wait_until("a cursor that is hidden", || !terminal.has_cursor());
        terminal.key("C-z");
        wait_until("the shell's word of it", || {
            terminal.screen().matches("Stopped").count() == round
        });
        terminal.type_line(&format!("[ $before = $(stty -g) ] && echo the same 'modes' {round}"));
        let screen = terminal.wait_for(&format!("the same modes {round}"));
        assert!(terminal.has_cursor() && !terminal.is_alternate(), "{screen}");
        server.run(&format!("poke 0x100 {value}"));
        terminal.type_line("fg");
        terminal.wait_for(value);
        wait_until("the screen of the table", || terminal.is_alternate());
    }
    terminal.key("q");
    wait_until("the shell's screen", || !terminal.is_alternate());
    terminal.type_line("[ $before = $(stty -g) ] && echo the same 'modes' at the end");
    terminal.wait_for("the same modes at the end");
}

#[test]
fn times_are_local_or_of_utc_as_it_is_said() {
    let server = Server::memory();
    // 3:30 hours behind UTC, without a summer time.
    let time = |words: &str| {
        let words = format!("watch 0 --count 1 {words}");
        let output = server.command(&words).env("TZ", "XYZ3:30").output().unwrap();
        let line = String::from_utf8(output.stdout).unwrap();
        line.split_once(' ').unwrap().0.to_owned()
    };
    let local = time("--time local");
    assert!(local.ends_with("-03:30"), "{local}");
    assert!(time("--time utc").ends_with('Z') && time("").ends_with('Z'));
    for (words, end) in [("", ""), ("--time utc", "Z")] {
        let shell = Shell::new(&server);
        shell.terminal.type_line("export TZ=XYZ3:30");
        server.run("poke 0x100 1");
        shell.start(&format!("watch 0x100 --interval 0.01 {words}"));
        shell.terminal.wait_for("0x00000001");
        server.run("poke 0x100 2");
        let screen = shell.terminal.wait_for(" s ago");
        let line = screen.lines().find(|line| line.contains(" s ago")).unwrap();
        let time = line.split("  ").find(|part| part.contains(':')).unwrap().trim();
        let shape: String =
            time.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
        assert_eq!(shape, format!("00:00:00{end}"), "{line}");
        shell.terminal.key("q");
        shell.wait_end();
    }
}

#[test]
fn a_table_that_is_higher_than_the_terminal_can_be_moved() {
    let server = Server::memory();
    let shell = Shell::new(&server);
    let addresses: Vec<String> = (0..40).map(|index| format!("{}", 4 * index)).collect();
    shell.start(&format!("watch {} --interval 0.01", addresses.join(" ")));
    let screen = shell.terminal.wait_for("more rows");
    assert!(screen.contains("0x00000000") && !screen.contains("0x0000009c"), "{screen}");
    shell.terminal.key("PageDown");
    shell.terminal.key("PageDown");
    shell.terminal.wait_for("0x0000009c");
    shell.terminal.resize(100, 50);
    shell.terminal.key("PageUp");
    shell.terminal.key("PageUp");
    shell.terminal.wait_for("0x00000000  0x00000000");
    shell.terminal.wait_for("0x0000009c");
    shell.terminal.key("q");
    assert_eq!(shell.wait_end(), "0");
}

#[test]
fn on_a_terminal_too_lines_are_printed_where_they_are_asked_for() {
    let server = Server::memory();
    let shell = Shell::new(&server);
    shell.start("watch 0x100 --count 1 --csv");
    assert_eq!(shell.wait_end(), "0");
    assert!(shell.terminal.screen().contains("time,address,value,error"));
    let shell = Shell::new(&server);
    shell.start("watch 0x100 --addr 127.0.0.1:1 --timeout 0.2");
    assert_eq!(shell.wait_end(), "3");
}
