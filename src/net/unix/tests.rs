use std::io::{Read, Write};

use socket2::SockRef;
use testkit_base::directory::Directory;

use super::*;

fn socket_in(directory: &Directory) -> UnixPath {
    parsed(&directory.address("a.sock"))
}

fn parsed(text: &str) -> UnixPath {
    UnixPath::parse(text).unwrap().expect("a path")
}

fn bound(path: &UnixPath) -> [UnixServer; 2] {
    listen_pair(path, MODE_DEFAULT).unwrap()
}

fn refusal(path: &UnixPath) -> String {
    let error = listen_pair(path, MODE_DEFAULT).unwrap_err();
    assert_eq!(error.status(), Status::Bind, "{error}");
    assert!(error.text().contains("Failed to bind server to unix:/"), "{error}");
    error.text().to_owned()
}

fn mode_of(path: &UnixPath) -> u32 {
    fs::metadata(path.path()).unwrap().permissions().mode() & 0o777
}

#[test]
fn all_spellings_name_a_path_and_other_addresses_none() {
    for text in ["unix:/run/a.sock", "unix:///run/a.sock", "ipc:///run/a.sock", "ipc:/run/a.sock"] {
        assert_eq!(parsed(text).to_string(), "unix:/run/a.sock", "{text}");
        assert_eq!(parsed(text).second().path(), Path::new("/run/a.sock.1"));
    }
    for text in ["127.0.0.1", "::1", "*", "unix", "/run/a.sock", "host"] {
        assert_eq!(UnixPath::parse(text).unwrap(), None, "{text}");
    }
}

#[test]
fn a_path_that_cannot_be_one_is_refused_with_the_text_and_a_remedy() {
    let long = format!("unix:/{}", "x".repeat(200));
    for (text, word) in [
        ("unix:", "absolute"),
        ("unix:run/a.sock", "absolute"),
        ("ipc://a.sock", "absolute"),
        ("unix:@abstract", "absolute"),
        ("unix:/run/", "directory"),
        ("unix:/run/a\0b", "NUL"),
        (&long, "octets"),
    ] {
        let error = UnixPath::parse(text).unwrap_err();
        assert_eq!(error.status(), Status::InvalidArgument, "{text:?}");
        assert!(error.text().contains(&format!("{text:?}")), "{error}");
        assert!(error.text().contains(word), "{error}");
    }
}

#[test]
fn the_longest_path_can_be_bound() {
    let directory = Directory::new();
    let stem = directory.file("x").display().to_string();
    let octets = PATH_OCTETS_MAX - 2;
    let longest = format!("unix:{stem}{}", "x".repeat(octets - stem.len()));
    let path = parsed(&longest);
    let _servers = bound(&path);
    connect(&path).unwrap();
    connect(&path.second()).unwrap();
    assert!(UnixPath::parse(&format!("{longest}x")).is_err());
}

#[test]
fn the_kernel_tells_the_process_and_the_user_at_the_other_end() {
    let directory = Directory::new();
    let path = socket_in(&directory);
    let servers = bound(&path);
    for (server, stream) in servers.iter().zip([connect(&path), connect(&path.second())]) {
        let mut stream = stream.unwrap();
        let (mut accepted, peer) = server.accept().unwrap().expect("it waits");
        assert_eq!(peer.uid, fs::metadata("/proc/self").map_or(peer.uid, |me| me.uid()));
        if cfg!(target_os = "linux") {
            assert_eq!(peer.pid, std::process::id());
        }
        stream.write_all(b"ping").unwrap();
        let mut octets = [0; 4];
        accepted.read_exact(&mut octets).unwrap();
        assert_eq!(&octets, b"ping");
        assert!(server.accept().unwrap().is_none());
    }
}

#[test]
fn the_mode_is_the_one_asked_for_whatever_the_mask() {
    let directory = Directory::new();
    let path = socket_in(&directory);
    for mode in [0o600, 0o660, 0o777] {
        let _servers = listen_pair(&path, mode).unwrap();
        assert_eq!((mode_of(&path), mode_of(&path.second())), (mode, mode));
    }
    let error = listen_pair(&path, 0o1777).unwrap_err();
    assert_eq!(error.status(), Status::InvalidArgument);
    assert!(error.text().contains("0o1777"), "{error}");
}

#[test]
fn the_files_go_with_their_server() {
    let directory = Directory::new();
    let path = socket_in(&directory);
    drop(bound(&path));
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[test]
fn a_file_that_has_been_replaced_is_not_removed() {
    let directory = Directory::new();
    let path = socket_in(&directory);
    let servers = bound(&path);
    fs::remove_file(path.path()).unwrap();
    fs::write(path.path(), "another one's").unwrap();
    drop(servers);
    assert_eq!(fs::read(path.path()).unwrap(), b"another one's");
}

#[test]
fn a_child_of_the_process_does_not_remove_its_parents_files() {
    let directory = Directory::new();
    let path = socket_in(&directory);
    let mut servers = bound(&path);
    servers.iter_mut().for_each(|server| server.process = Generation::of_parent());
    drop(servers);
    assert!(path.path().exists());
}

/// What a server leaves that has been killed.
fn die(servers: [UnixServer; 2]) {
    let keep_files = |mut server: UnixServer| server.process = Generation::of_parent();
    servers.into_iter().for_each(keep_files);
}

#[test]
fn the_files_of_a_dead_server_are_replaced() {
    let directory = Directory::new();
    let path = socket_in(&directory);
    die(bound(&path));
    assert_eq!(connect(&path).unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
    let _servers = bound(&path);
    connect(&path).unwrap();
}

#[test]
fn a_path_at_which_a_server_listens_is_refused_and_stays() {
    let directory = Directory::new();
    let path = socket_in(&directory);
    let servers = bound(&path);
    let before = file_id(path.path()).unwrap();
    assert!(refusal(&path).contains("another server listens there"));
    assert_eq!(file_id(path.path()).unwrap(), before);
    // Also one whose queue is full.
    SockRef::from(&servers[0].listener).listen(0).unwrap();
    let mut waiting = Vec::new();
    while let Ok(stream) = connect(&path) {
        waiting.push(stream);
    }
    assert!(refusal(&path).contains("another server listens there"));
    drop(servers);
    let _servers = bound(&path);
}

#[test]
fn the_first_file_is_not_left_where_the_second_cannot_be_made() {
    let directory = Directory::new();
    let path = socket_in(&directory);
    fs::write(path.second().path(), "data").unwrap();
    let text = refusal(&path);
    assert!(text.contains("a.sock.1: a file that is no socket is there"), "{text}");
    assert!(text.ends_with(&format!("; {path} was asked for, and needs that one too")), "{text}");
    assert!(!path.path().exists());
    assert_eq!(fs::read(path.second().path()).unwrap(), b"data");
}

#[test]
fn a_missing_directory_and_a_link_are_told_in_words() {
    let directory = Directory::new();
    let missing = parsed(&directory.address("none/a.sock"));
    assert!(refusal(&missing).contains("create its directory first"));
    let path = socket_in(&directory);
    std::os::unix::fs::symlink("/nowhere", path.path()).unwrap();
    assert!(refusal(&path).contains("no socket"));
    assert!(fs::symlink_metadata(path.path()).is_ok());
}

/// Of servers that start at once at the path of a dead one, one is told that it serves, and does.
#[test]
fn of_servers_that_start_together_only_one_has_the_path() {
    let directory = Directory::new();
    let path = socket_in(&directory);
    for _ in 0..20 {
        die(bound(&path));
        let start = std::sync::Barrier::new(4);
        let started: Vec<_> = thread::scope(|scope| {
            let one = || {
                start.wait();
                listen_pair(&path, MODE_DEFAULT)
            };
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(one)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(started.iter().filter(|one| one.is_ok()).count(), 1);
        connect(&path).unwrap();
    }
}

#[test]
fn a_client_without_a_second_file_connects_to_the_first_one() {
    let directory = Directory::new();
    let path = socket_in(&directory);
    assert_eq!(connect_second(&path).unwrap_err().kind(), io::ErrorKind::NotFound);
    let [first, second] = bound(&path);
    let _at_second = connect_second(&path).unwrap();
    assert!(second.accept().unwrap().is_some());
    drop(second);
    let _at_first = connect_second(&path).unwrap();
    assert!(first.accept().unwrap().is_some());
}

#[test]
fn what_keeps_a_client_away_is_told_in_words() {
    let directory = Directory::new();
    let path = socket_in(&directory);
    let cause = |word: &str| {
        let cause = connect_cause(&connect(&path).unwrap_err());
        assert!(cause.contains(word), "{cause}");
    };
    cause("not running");
    die(bound(&path));
    cause("has ended");
    let servers = bound(&path);
    SockRef::from(&servers[0].listener).listen(0).unwrap();
    let waiting: Vec<_> = std::iter::from_fn(|| connect(&path).ok()).collect();
    assert!(!waiting.is_empty());
    cause("too many clients wait");
}
