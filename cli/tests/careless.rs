//! Command lines, files and readers that nobody would wish for.

mod support;

use std::fs::{self, OpenOptions};
use std::io::{BufReader, Read};
use std::os::unix::fs::FileTypeExt;
use std::process::{Command, Output, Stdio};
use std::thread;

use serde_json::{json, Value};
use testkit_base::directory::Directory;

use support::{failure, file, program, Server};

#[test]
fn f124_a_number_that_does_not_fit_is_not_written_as_another_one() {
    let server = Server::memory();
    for words in ["poke 0 1e39", "poke 0 1e400 --width 8", "poke 0 1e-60"] {
        let (code, text) = server.fail(words);
        assert_eq!((code, text.contains("too large or too small")), (2, true), "{words}: {text}");
    }
    let (code, text) = server.fail(&format!("poke 0 {} --width 8", "9".repeat(60)));
    assert_eq!((code, text.contains("does not fit into 64 bits")), (2, true), "{text}");
    assert_eq!(server.run("peek 0 --width 8"), "0x0000000000000000\n");
}

#[test]
fn f125_a_standard_error_that_takes_nothing_changes_no_exit_code() {
    let server = Server::memory();
    let folder = Directory::new();
    let (path, target) = file(&folder, "out.bin");
    for (words, code) in [
        ("peek 0x100000".to_owned(), 1),
        ("--json peek 0x100000".to_owned(), 1),
        (format!("dump 0 4k -o {target}"), 0),
        (format!("load 0 {target}"), 0),
    ] {
        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let status = server.command(&words).stderr(full).status().unwrap();
        assert_eq!(status.code(), Some(code), "{words}");
    }
    assert_eq!(fs::metadata(path).unwrap().len(), 4096);
}

#[test]
fn f150_a_dump_does_not_take_the_place_of_a_pipe_or_a_device() {
    let server = Server::memory();
    let folder = Directory::new();
    let (pipe, word) = file(&folder, "pipe");
    server.run("poke 0 0x01020304");
    for (more, expected) in [
        ("--format bin", b"\x04\x03\x02\x01".to_vec()),
        ("--format hex", {
            let text = "00000000: 04 03 02 01                                      ....\n";
            text.as_bytes().to_vec()
        }),
    ] {
        assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let reader = thread::spawn({
            let pipe = pipe.clone();
            move || fs::read(pipe).unwrap()
        });
        server.run(&format!("dump 0 4 -o {word} {more}"));
        assert!(fs::symlink_metadata(&pipe).unwrap().file_type().is_fifo(), "{more}");
        assert_eq!(reader.join().unwrap(), expected);
        fs::remove_file(&pipe).unwrap();
    }
    let mut command = server.command("dump 0 4 -o /dev/stdout --format bin");
    assert_eq!(command.output().unwrap().stdout, b"\x04\x03\x02\x01");
    let (path, _) = file(&folder, "stdout");
    let stdout = fs::File::create(&path).unwrap();
    let status = server.command("dump 0 4 -o /dev/stdout").stdout(stdout).status().unwrap();
    assert!(status.success() && fs::symlink_metadata("/dev/stdout").unwrap().is_symlink());
    assert_eq!(fs::read(path).unwrap(), b"\x04\x03\x02\x01");
    let (code, text) = server.fail("dump 0 4 -o /dev/null --resume");
    assert_eq!((code, text.contains("nothing to go on with")), (2, true), "{text}");
}

#[test]
fn f151_what_is_behind_the_end_of_an_image_is_refused() {
    let server = Server::memory();
    let folder = Directory::new();
    let (path, word) = file(&folder, "two.hex");
    let (_, one) = file(&folder, "one.hex");
    server.run(&format!("dump 0 16 -o {one}"));
    let text = fs::read_to_string(one).unwrap();
    fs::write(&path, format!("{text}{text}")).unwrap();
    let (code, text) = server.fail(&format!("load 0 {word}"));
    assert_eq!((code, text.contains("behind the end record")), (5, true), "{text}");
    fs::write(&path, format!("0: 00\nfffffffffffffff8: {}\n", "11 ".repeat(16))).unwrap();
    let (code, text) = server.fail(&format!("load 0 {word} --format hex --chunk 8"));
    assert_eq!((code, text.contains("beyond the last address")), (5, true), "{text}");
    assert_eq!(server.run("peek 0"), "0x00000000\n");
}

#[test]
fn f152_a_spy_that_would_pass_everything_on_to_itself_is_refused() {
    for (listen, to) in [
        ("9871", "127.0.0.1:9871"),
        ("127.0.0.1:9872", "127.0.0.1:9871"),
        ("*:9871", "127.0.0.1:9872"),
        ("unix:/tmp/spy.sock", "unix:/tmp/spy.sock"),
        ("unix:/tmp/spy.sock", "unix:/tmp/spy.sock.1"),
    ] {
        let mut command = program(&format!("spy --to {to}"));
        command.arg(format!("--listen={listen}"));
        let (code, text) = failure(&mut command);
        assert_eq!((code, text.contains("in common")), (2, true), "{listen} {to}: {text}");
    }
}

#[test]
fn f153_a_wrong_command_line_is_told_as_json_too() {
    for words in ["peek --json", "--json peek 0 --addr x:1 --width 3", "--json nonsense"] {
        let (code, text) = failure(&mut program(words));
        let said: Value = serde_json::from_str(&text).unwrap_or_else(|_| panic!("{words}: {text}"));
        assert_eq!((code, &said["code"]), (2, &json!(2)), "{words}");
    }
    let Output { status, stdout, .. } = program("--json --help").output().unwrap();
    assert!(status.success() && stdout.starts_with(b"Reads and writes"));
}

#[test]
fn f157_what_would_be_nonsense_is_refused() {
    let server = Server::memory();
    let folder = Directory::new();
    let (path, target) = file(&folder, "out.hex.part");
    fs::write(&path, "what a dump has left").unwrap();
    let target = target.strip_suffix(".part").unwrap();
    for (words, part) in [
        ("peek 0 --width 2 --format float".to_owned(), "A float has 4 or 8 bytes"),
        ("watch 0 --width 1 --format float --count 1".to_owned(), "A float has 4 or 8 bytes"),
        ("peek 0 4294967295 --width 1".to_owned(), "`dump` reads ranges"),
        (format!("dump 0 16 -o {target} --resume"), "no part is kept"),
        (format!("dump 0 16 -o {}", folder.path().display()), "is a directory"),
    ] {
        let (code, text) = server.fail(&words);
        assert_eq!((code, text.contains(part)), (2, true), "{words}: {text}");
    }
    assert_eq!(fs::read_to_string(path).unwrap(), "what a dump has left");
}

#[test]
fn f154_a_server_serves_on_when_nobody_reads_its_states() {
    let words = "serve --bind 127.0.0.1:0 --emulate 4k --interval 0.01";
    let mut server = Server::of(program(words).stderr(Stdio::piped()));
    // The reader goes away: another pipe takes the place of this one.
    let mut other = Command::new("true").stdout(Stdio::piped()).spawn().unwrap();
    server.output = BufReader::new(other.stdout.take().unwrap());
    other.wait().unwrap();
    let mut stderr = server.process.stderr.take().unwrap();
    let mut said = vec![0; 64];
    let count = stderr.read(&mut said).unwrap();
    let said = String::from_utf8_lossy(&said[..count]).into_owned();
    assert!(said.contains("nobody reads standard output"), "{said}");
    assert_eq!(server.run("peek 0"), "0x00000000\n");
    server.signal("-TERM");
    assert_eq!(server.process.wait().unwrap().code(), Some(0));
}
