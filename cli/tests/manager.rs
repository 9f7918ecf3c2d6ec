//! `serve` below a service manager: its notifications, its sockets, its units.

mod support;

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use support::{program, PROGRAM};
use testkit_base::directory::Directory;
use testkit_base::ports::listener_pair;
use testkit_base::wait::LONG;

const TOP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// What a server tells its manager.
struct Manager {
    socket: UnixDatagram,
    path: PathBuf,
    /// What has come and has not been asked for.
    rest: Vec<String>,
}

impl Manager {
    fn new(folder: &Directory) -> Manager {
        let path = folder.file("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        socket.set_read_timeout(Some(LONG)).unwrap();
        Manager { socket, path, rest: Vec::new() }
    }

    /// The first of the next lines that begins with one of these; those before it are left out.
    fn hear(&mut self, begins: &[&str]) -> String {
        loop {
            while let Some(line) = (!self.rest.is_empty()).then(|| self.rest.remove(0)) {
                if begins.iter().any(|begin| line.starts_with(begin)) {
                    return line;
                }
            }
            let mut datagram = [0; 4096];
            let count = self.socket.recv(&mut datagram).unwrap();
            let text = String::from_utf8(datagram[..count].to_vec()).unwrap();
            self.rest = text.lines().map(str::to_owned).collect();
        }
    }
}

/// A server that is ended with its test.
struct Process(Child);

impl Process {
    fn signal(&self, signal: &str) {
        let id = self.0.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
    }

    fn end(mut self) {
        self.signal("-TERM");
        assert_eq!(self.0.wait().unwrap().code(), Some(0));
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // One that has ended already is no fault here.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_manager_hears_of_the_begin_the_life_a_reload_and_the_end() {
    let folder = Directory::new();
    let mut manager = Manager::new(&folder);
    let mut command = program("serve --bind 127.0.0.1:0 --emulate 4k --interval 0.01");
    command.env("NOTIFY_SOCKET", &manager.path).env("WATCHDOG_USEC", "20000");
    let server = Process(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    assert_eq!(manager.hear(&["READY", "WATCHDOG", "STATUS"]), "READY=1");
    for _ in 0..3 {
        manager.hear(&["WATCHDOG=1"]);
    }
    server.signal("-HUP");
    manager.hear(&["RELOADING=1"]);
    assert!(manager.hear(&["MONOTONIC_USEC="]).len() > "MONOTONIC_USEC=".len());
    manager.hear(&["READY=1"]);
    server.end();
    assert_eq!(manager.hear(&["STOPPING=1"]), "STOPPING=1");
}

#[test]
fn the_manager_shows_the_state() {
    let folder = Directory::new();
    let mut manager = Manager::new(&folder);
    let mut command = program("serve --bind 127.0.0.1:0 --emulate 4k");
    command.env("NOTIFY_SOCKET", &manager.path);
    let server = Process(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    let status = manager.hear(&["STATUS="]);
    assert!(status.starts_with("STATUS=0 clients, 0 requests/s, 0 errors"), "{status}");
    server.end();
}

/// A manager that starts a server with sockets at the numbers 3 and 4: they come as standard input and
/// output of a shell, which moves them.
fn activated(sockets: [OwnedFd; 2], names: &str, words: &str, folder: &Directory) -> Process {
    let script = format!(
        "exec 3<&0 4<&1 0</dev/null 1>'{}' 2>&1; export LISTEN_PID=$$; exec {PROGRAM} serve {words}",
        folder.file("output").display()
    );
    let [first, second] = sockets;
    let mut command = Command::new("sh");
    command.args(["-c", &script]).stdin(first).stdout(second);
    command.env("LISTEN_FDS", "2").env("LISTEN_FDNAMES", names);
    command.env("NOTIFY_SOCKET", folder.file("notify"));
    Process(command.spawn().unwrap())
}

fn peek(addr: &str) {
    let mut command = program("peek 0 --timeout 60");
    let output = command.args(["--addr", addr]).output().unwrap();
    assert_eq!(output.stdout, b"0x00000000\n", "{output:?}");
}

#[test]
fn ports_of_the_manager_are_served_in_their_order_and_by_their_names() {
    for (names, is_swapped) in [("a:a", false), ("responses:requests", true)] {
        let folder = Directory::new();
        let mut manager = Manager::new(&folder);
        let (first, second, port) = listener_pair();
        let kept = first.try_clone().unwrap();
        let mut sockets = [OwnedFd::from(first), OwnedFd::from(second)];
        if is_swapped {
            sockets.reverse();
        }
        let server = activated(sockets, names, "--emulate 4k", &folder);
        manager.hear(&["READY=1"]);
        peek(&format!("127.0.0.1:{port}"));
        server.end();
        // The manager has it still: clients wait there.
        TcpStream::connect(kept.local_addr().unwrap()).unwrap();
    }
}

#[test]
fn a_path_and_the_metrics_may_be_sockets_of_the_manager() {
    let folder = Directory::new();
    let mut manager = Manager::new(&folder);
    let path = folder.file("board.sock");
    let listener = UnixListener::bind(&path).unwrap();
    let metrics = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = metrics.local_addr().unwrap();
    let sockets = [OwnedFd::from(metrics), OwnedFd::from(listener)];
    let server = activated(sockets, "metrics:board", "--emulate 4k", &folder);
    manager.hear(&["READY=1"]);
    peek(&format!("unix:{}", path.display()));
    let mut stream = TcpStream::connect(at).unwrap();
    std::io::Write::write_all(&mut stream, b"GET /metrics HTTP/1.1\r\n\r\n").unwrap();
    let mut page = String::new();
    std::io::Read::read_to_string(&mut stream, &mut page).unwrap();
    assert!(page.contains("rogue_mem_clients"), "{page}");
    server.end();
    assert!(path.exists());
}

#[test]
fn sockets_that_make_no_server_are_refused_in_words() {
    let folder = Directory::new();
    let (first, _second, port) = listener_pair();
    let (other, _, _) = listener_pair();
    let metrics = TcpListener::bind("127.0.0.1:0").unwrap();
    let alone = first.try_clone().unwrap();
    let cases: [([OwnedFd; 2], &str, &str); 2] = [
        ([metrics.into(), alone.into()], "metrics:a", "a second ListenStream="),
        ([first.into(), other.into()], "a:a", "no server: clients look for the second one"),
    ];
    for (sockets, names, part) in cases {
        let mut process = activated(sockets, names, "--emulate 4k", &folder);
        let code = process.0.wait().unwrap().code();
        let text = fs::read_to_string(folder.file("output")).unwrap();
        assert!(matches!(code, Some(2 | 3)), "{code:?}: {text}");
        assert!(text.contains(part) && text.contains(&port.to_string()), "{text}");
    }
}

#[test]
fn the_units_are_right() {
    let Ok(version) = Command::new("systemd-analyze").arg("--version").output() else {
        println!("skipped: systemd-analyze is not here");
        return;
    };
    assert!(version.status.success());
    let folder = Directory::new();
    let units = ["rogue-mem.service", "rogue-mem.socket"].map(|name| {
        let unit = fs::read_to_string(format!("{TOP}/packaging/{name}")).unwrap();
        assert!(name.ends_with("socket") || unit.contains("/usr/bin/rogue-mem serve"), "{unit}");
        // The program of this build, for the unit is right only if its program is there.
        fs::write(folder.file(name), unit.replace("/usr/bin/rogue-mem", PROGRAM)).unwrap();
        folder.file(name)
    });
    let output = Command::new("systemd-analyze")
        // Its page is installed with the program.
        .args(["verify", "--man=no"])
        .args(units)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    let own: Vec<_> = said.lines().filter(|line| line.contains("rogue-mem")).collect();
    assert!(output.status.success() && own.is_empty(), "{said}");
}
