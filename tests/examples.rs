//! The examples in Rust, run as a user runs them.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Output, Stdio};

use rogue_mem::bridge::{ClientOptions, TcpClient};
use rogue_mem::memory::Master;

/// An example, which cargo builds first where that is needed.
fn example(name: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO"));
    command.args(["run", "--quiet", "--locked", "--example", name, "--"]).args(arguments);
    command.current_dir(env!("CARGO_MANIFEST_DIR")).stdin(Stdio::null());
    command
}

fn text(output: &Output) -> String {
    let printed = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
    format!("{}: {}", output.status, printed.concat())
}

/// Runs an example to its end, which has to be a good one.
fn run(name: &str, arguments: &[&str]) -> String {
    let output = example(name, arguments).output().expect("cargo runs");
    assert!(output.status.success(), "{name}: {}", text(&output));
    text(&output)
}

/// An example that serves until its standard input ends.
struct Server {
    child: Child,
    name: &'static str,
    port: String,
}

impl Server {
    fn start(name: &'static str, arguments: &[&str]) -> Server {
        let mut command = example(name, arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("cargo runs");
        let output = child.stdout.as_mut().expect("it is a pipe");
        let port = BufReader::new(output)
            .lines()
            .map_while(Result::ok)
            .find_map(|line| line.strip_prefix("listening on port ").map(str::to_owned));
        let Some(port) = port else {
            panic!("{name}: {}", text(&child.wait_with_output().unwrap()))
        };
        Server { child, name, port }
    }

    fn stop(mut self) {
        drop(self.child.stdin.take());
        let output = self.child.wait_with_output().expect("it is a child");
        assert!(output.status.success(), "{}: {}", self.name, text(&output));
    }
}

#[test]
fn examples_of_one_process_end_well() {
    for name in ["custom_master", "custom_slave", "hub", "registers", "stream"] {
        run(name, &[]);
    }
}

#[test]
fn a_client_uses_the_registers_of_a_server() {
    let server = Server::start("bridge_server", &[]);
    run("bridge_client", &["127.0.0.1", &server.port]);
    server.stop();
}

#[test]
fn a_client_uses_the_registers_of_an_fpga_through_a_bridge() {
    let board = Server::start("fpga_emulator", &[]);
    let bridge = Server::start("fpga_bridge", &["127.0.0.1", &board.port]);
    let port = bridge.port.parse().expect("it is a number");
    let master = Master::new();
    master.set_slave(TcpClient::new("127.0.0.1", port, ClientOptions::default()).unwrap());
    master.write(0x1000, b"register").unwrap();
    assert_eq!(master.read(0x1000, 8).unwrap(), b"register");
    bridge.stop();
    board.stop();
}

#[test]
fn each_example_in_c_has_one_in_rust() {
    let names = |language: &str| -> Vec<String> {
        let folder = format!("{}/examples/{language}", env!("CARGO_MANIFEST_DIR"));
        let files = std::fs::read_dir(folder).expect("the folder").map(|file| file.unwrap().path());
        let sources = files.filter(|path| path.extension().is_some_and(|end| end != "txt"));
        let mut names: Vec<_> =
            sources.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect();
        names.sort();
        names
    };
    assert_eq!(names("rust"), names("c"));
}
