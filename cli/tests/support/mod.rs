//! Servers and commands as processes, for the tests of the program.

// Each test program uses a part of it.
#![allow(dead_code)]

use std::io::{BufRead, BufReader};
use std::net::UdpSocket;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::sync::mpsc;
use std::thread;

use serde_json::Value;
use testkit_base::directory::Directory;

/// The program.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_rogue-mem");

/// The program with arguments, and without the server of the environment.
pub fn program(words: &str) -> Command {
    let mut command = Command::new(PROGRAM);
    command.args(words.split_whitespace()).env_remove("ROGUE_MEM_ADDR");
    command
}

/// A server that ends with its test.
pub struct Server {
    /// Its process.
    pub process: Child,
    /// What it prints after the first line.
    pub output: BufReader<ChildStdout>,
    /// Where it listens.
    pub addr: String,
}

impl Server {
    /// Starts `serve` and waits until it listens.
    pub fn start(words: &str) -> Server {
        Server::of(program("serve").args(words.split_whitespace()))
    }

    /// Starts a command that serves.
    pub fn of(command: &mut Command) -> Server {
        let mut process = command.arg("--json").stdout(Stdio::piped()).spawn().unwrap();
        let mut output = BufReader::new(process.stdout.take().unwrap());
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        let said: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line:?}"));
        let addr = said["listening"][0].as_str().unwrap().to_owned();
        Server { process, output, addr }
    }

    /// A server of a memory of a mebibyte.
    pub fn memory() -> Server {
        Server::start("--bind 127.0.0.1:0 --emulate 1M")
    }

    /// A command with this server.
    pub fn command(&self, words: &str) -> Command {
        let mut command = program(words);
        command.env("ROGUE_MEM_ADDR", &self.addr);
        command
    }

    /// Standard output of a command that succeeds.
    pub fn run(&self, words: &str) -> String {
        let Output { status, stdout, stderr } = self.command(words).output().unwrap();
        let error = String::from_utf8_lossy(&stderr);
        assert!(status.success(), "{words}: {status}: {error}");
        String::from_utf8(stdout).unwrap()
    }

    /// The exit code and standard error of a command.
    pub fn fail(&self, words: &str) -> (i32, String) {
        failure(&mut self.command(words))
    }

    /// Sends a signal, as `kill` names it.
    pub fn signal(&self, signal: &str) {
        let id = self.process.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // One that has ended already is no fault here.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The exit code and standard error of a command that prints nothing.
pub fn failure(command: &mut Command) -> (i32, String) {
    let Output { status, stdout, stderr } = command.output().unwrap();
    assert_eq!(String::from_utf8_lossy(&stdout), "");
    (status.code().expect("no signal"), String::from_utf8(stderr).unwrap())
}

/// A file in a folder, as a word of a command line.
pub fn file(folder: &Directory, name: &str) -> (PathBuf, String) {
    let path = folder.path().join(name);
    let word = path.to_str().unwrap().to_owned();
    (path, word)
}

/// A board that takes requests and answers nothing; the receiver hears of each.
pub fn silent_board() -> (Server, mpsc::Receiver<()>) {
    let board = UdpSocket::bind("127.0.0.1:0").unwrap();
    let addr = board.local_addr().unwrap();
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut datagram = [0; 2048];
        while board.recv(&mut datagram).is_ok() && sender.send(()).is_ok() {}
    });
    (Server::start(&format!("--bind 127.0.0.1:0 --srp-udp {addr}")), receiver)
}
