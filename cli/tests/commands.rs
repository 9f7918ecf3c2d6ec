//! The commands as a user runs them: as processes, in pipes.

mod support;

use std::fs;
use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Output, Stdio};

use rogue_mem::protocols::{
    PacketizerVersion, SrpV3Emulation, UdpEndpoint, UdpOptions, UdpRssiPack, UdpRssiPackOptions,
};
use rogue_mem::stream;
use serde_json::{json, Value};
use testkit_base::directory::Directory;
use testkit_base::wait::wait_until;

use support::{failure, file, program, silent_board, Server, PROGRAM};

fn image(length: usize) -> Vec<u8> {
    (0..length).map(|index| (index * 31 + index / 255) as u8).collect()
}

#[test]
fn registers_are_written_and_read_in_every_width_order_and_form() {
    let server = Server::memory();
    server.run("poke 0x100 42 -1 0xdead_beef");
    assert_eq!(server.run("peek 0x100"), "0x0000002a\n");
    assert_eq!(
        server.run("peek 0x100 3 --format signed"),
        "0x00000100: 42\n0x00000104: -1\n0x00000108: -559038737\n"
    );
    assert_eq!(server.run("peek 0x108 --width 2 --endian big"), "0xefbe\n");
    assert_eq!(server.run("peek 264 --width 1 --format bin"), "0b11101111\n");
    server.run("poke 0x200 -1.5 --width 8");
    assert_eq!(server.run("peek 0x200 --width 8 --format float"), "-1.5\n");
    assert_eq!(server.run("poke 0x300 7 --post"), "");
    assert_eq!(server.run("peek 0x300 --format dec"), "7\n");
    let said: Value = serde_json::from_str(&server.run("peek 0x100 2 --json")).unwrap();
    assert_eq!(said, json!({ "address": 256, "width": 4, "values": [42, 0xffff_ffff_u32] }));
}

#[test]
fn a_mask_changes_its_bits_only_and_a_verify_reads_them_back() {
    let server = Server::memory();
    server.run("poke 0 0x12345678");
    let said = server.run("poke 0 0xffffffff --mask 0x0000ff00 --verify --json");
    let said: Value = serde_json::from_str(&said).unwrap();
    assert_eq!((&said["values"], &said["verified"]), (&json!([0x1234_ff78]), &json!(true)));
    assert_eq!(server.run("peek 0"), "0x1234ff78\n");
}

#[test]
fn every_kind_of_failure_has_its_exit_code_and_its_words() {
    let server = Server::memory();
    let (code, text) = server.fail("peek 0x100000");
    assert_eq!(code, 1);
    assert!(text.contains("0x100000 lie outside of the memory"), "{text}");
    for (words, part) in [
        ("peek", "required"),
        ("peek 0x10000000000000000", "0xffffffffffffffff"),
        ("peek 0 --width 3", "1, 2, 4 or 8"),
        ("peek 0xffffffffffffffff", "beyond the last address"),
        ("poke 0 4294967296", "does not fit into 32 bits"),
        ("poke 0 1.5 --width 2", "4 or 8 bytes"),
        ("poke 0 1 --post --verify", "cannot be used with"),
        ("peek 0 --timeout 0", "no time in seconds"),
        ("dump 0 0", "there is nothing"),
        ("serve --bind 127.0.0.1:0", "required"),
        ("serve --bind 127.0.0.1:0 --emulate 1M --srp-udp 127.0.0.1:1", "cannot be used with"),
        ("serve --bind 127.0.0.1:0 --emulate 0", "at least one byte"),
        ("serve --bind nowhere --emulate 1M", "add the port"),
    ] {
        let (code, text) = server.fail(words);
        assert_eq!(code, 2, "{words}: {text}");
        assert!(text.contains(part), "{words}: {text}");
    }
    let (code, text) = failure(&mut program("peek 0 --addr 127.0.0.1:1 --timeout 0.2"));
    assert_eq!(code, 3);
    assert!(text.contains("127.0.0.1:1") && text.contains("refused"), "{text}");
    let (code, text) = server.fail("serve --emulate 1M --bind 203.0.113.1:9000");
    assert_eq!(code, 3, "{text}");
    let (code, text) = server.fail("load 0 /nowhere.bin");
    assert_eq!(code, 5);
    assert!(text.contains("/nowhere.bin"), "{text}");
    let (code, text) = server.fail("peek 0x100000 --json");
    let said: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((code, &said["code"]), (1, &json!(1)));
    assert!(said["error"].as_str().unwrap().contains("outside"));
}

#[test]
fn an_image_goes_into_memory_and_comes_out_again_in_every_format() {
    let server = Server::memory();
    let folder = Directory::new();
    let bytes = image(100_003);
    let (path, source) = file(&folder, "source.bin");
    fs::write(path, &bytes).unwrap();
    server.run(&format!("load 0x1001 {source} --verify --chunk 1000"));
    for (name, more) in [("a.bin", ""), ("a.hex", ""), ("a.txt", "--format hex")] {
        let (path, target) = file(&folder, name);
        server.run(&format!("dump 0x1001 {} -o {target} {more}", bytes.len()));
        assert!(!folder.path().join(format!("{name}.part")).exists());
        server.run(&format!("poke 0x1001 0 {}", "0 ".repeat(100)));
        server.run(&format!("load 0x1001 {target} {more}"));
        let (again, word) = file(&folder, "again.bin");
        server.run(&format!("dump 0x1001 {} -o {word}", bytes.len()));
        assert_eq!(fs::read(again).unwrap(), bytes, "{name}");
        assert!(name != "a.bin" || fs::read(path).unwrap() == bytes);
    }
    let piped = server.command("dump 0x1001 5000 --format bin").output().unwrap();
    assert_eq!(piped.stdout, bytes[..5000]);
    let text = server.run("dump 0x1001 17");
    assert_eq!(text.lines().count(), 2);
    assert!(text.starts_with("00001001: 00 1f 3e"), "{text}");
}

#[test]
fn a_dump_that_was_interrupted_goes_on_where_it_stopped() {
    let server = Server::memory();
    let folder = Directory::new();
    let bytes = image(4096);
    let (source, word) = file(&folder, "source.bin");
    fs::write(source, &bytes).unwrap();
    server.run(&format!("load 0xff000 {word}"));
    let (path, target) = file(&folder, "out.bin");
    // The memory ends before the dump does.
    let (code, text) = server.fail(&format!("dump 0xff000 20000 -o {target} --chunk 512"));
    assert_eq!(code, 1);
    assert!(text.contains("out.bin.part has the first 4096 of 20000 bytes: --resume"), "{text}");
    assert!(!path.exists());
    let part = folder.file("out.bin.part");
    assert_eq!(fs::read(&part).unwrap(), bytes);
    fs::write(&part, &bytes[..1000]).unwrap();
    let words = format!("dump 0xff000 4096 -o {target} --resume --json");
    let said: Value = serde_json::from_str(&server.run(&words)).unwrap();
    assert_eq!(said["read"], json!(3096));
    assert_eq!((fs::read(path).unwrap(), part.exists()), (bytes, false));
    fs::write(&part, [0; 5]).unwrap();
    let (code, text) = server.fail(&format!("dump 0 4 -o {target} --resume"));
    assert_eq!((code, text.contains("it is of another one")), (5, true), "{text}");
}

#[test]
fn a_dump_that_read_nothing_leaves_nothing_behind() {
    let server = Server::memory();
    let folder = Directory::new();
    let (code, text) = server.fail("dump 0 4 -o /nowhere/out.bin");
    assert_eq!(code, 5, "{text}");
    let (path, target) = file(&folder, "none.bin");
    let (code, text) = server.fail(&format!("dump 0x100000 4 -o {target}"));
    assert_eq!((code, text.contains("--resume")), (1, false));
    assert!(!path.exists() && !folder.file("none.bin.part").exists());
}

#[test]
fn a_load_that_fails_says_how_to_go_on() {
    let server = Server::memory();
    let folder = Directory::new();
    let (path, word) = file(&folder, "source.bin");
    fs::write(path, image(6000)).unwrap();
    let (code, text) = server.fail(&format!("load 0xff000 {word} --chunk 1024"));
    assert_eq!(code, 1);
    assert!(text.contains("4096 of 6000 bytes are written: --skip 4096"), "{text}");
    let (code, text) = server.fail(&format!("load 0 {word} --skip 6000"));
    assert_eq!((code, text.contains("nothing is left")), (2, true));
}

#[test]
fn a_signal_ends_a_server_and_leaves_nothing_behind() {
    let folder = Directory::new();
    let path = folder.path().join("board.sock");
    for signal in ["-INT", "-TERM"] {
        let bind = format!("unix:{}", path.display());
        let mut server = Server::start(&format!("--bind {bind} --bind 127.0.0.1:0 --emulate 4k"));
        assert_eq!(server.run("peek 0"), "0x00000000\n");
        assert!(path.exists());
        server.signal(signal);
        assert_eq!(server.process.wait().unwrap().code(), Some(0));
        let mut rest = String::new();
        server.output.read_to_string(&mut rest).unwrap();
        let last: Value = serde_json::from_str(rest.lines().last().unwrap()).unwrap();
        assert_eq!((&last["event"], path.exists()), (&json!("stopped"), false));
    }
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let server = Server::memory();
    let mut command = server.command("dump 0 1M");
    let mut process = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut first = [0; 10];
    process.stdout.take().unwrap().read_exact(&mut first).unwrap();
    assert_eq!(&first, b"00000000: ");
    let Output { status, stderr, .. } = process.wait_with_output().unwrap();
    assert_eq!((status.code(), status.signal(), stderr), (Some(0), None, Vec::new()));
}

#[test]
fn a_read_only_server_and_a_mapped_file_are_served() {
    let folder = Directory::new();
    let (path, word) = file(&folder, "memory");
    fs::write(&path, image(8192)).unwrap();
    let server = Server::start(&format!("--bind 127.0.0.1:0 --mem {word} --base 4096 --size 4k"));
    server.run("poke 8 0x01020304");
    assert_eq!(fs::read(&path).unwrap()[4096 + 8..][..4], [4, 3, 2, 1]);
    let server = Server::start(&format!("--bind 127.0.0.1:0 --mem {word} --size 8k --read-only"));
    assert_eq!(server.run("peek 4104"), "0x01020304\n");
    let (code, text) = server.fail("poke 0 1");
    assert_eq!(code, 1);
    assert!(text.contains("read"), "{text}");
    let (code, text) = server.fail(&format!("serve --bind 127.0.0.1:0 --mem {word}"));
    assert_eq!((code, text.contains("--size")), (2, true));
}

#[test]
fn an_access_list_is_read_again_at_a_signal_and_writes_are_recorded() {
    let folder = Directory::new();
    let (rules, list) = file(&folder, "rules");
    let (record, audit) = file(&folder, "audit.jsonl");
    fs::write(&rules, "127.0.0.1 read read-write 0x100..0x1ff\n").unwrap();
    let words = format!("--bind 127.0.0.1:0 --emulate 4k --access-list {list} --audit {audit}");
    let mut server = Server::start(&words);
    server.run("poke 0x100 42");
    let (code, text) = server.fail("poke 0x200 1");
    assert_eq!(code, 1);
    assert!(text.contains("0x100..0x1ff"), "{text}");
    fs::write(&rules, "no rule\n").unwrap();
    server.signal("-HUP");
    // What is wrong changes nothing.
    server.run("poke 0x104 43");
    fs::write(&rules, "127.0.0.1 read-write\n").unwrap();
    server.signal("-HUP");
    wait_until("the new list", || server.command("poke 0x200 1").status().unwrap().success());
    server.signal("-TERM");
    assert_eq!(server.process.wait().unwrap().code(), Some(0));
    let text = fs::read_to_string(record).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let results = |result: &str| lines.iter().filter(|line| line["result"] == result).count();
    assert_eq!(results("ok"), 3, "{text}");
    assert!(results("refused") >= 1, "{text}");
    let (code, text) = server.fail("serve --bind 127.0.0.1:0 --emulate 4k --access-list /nowhere");
    assert_eq!(code, 5, "{text}");
}

#[test]
fn keys_are_made_shown_and_asked_for() {
    let folder = Directory::new();
    let [(_, server_keys), (_, own), (_, other)] =
        ["server", "own", "other"].map(|name| file(&folder, name));
    let made = |file: &str| {
        let output = program(&format!("keys new {file}")).output().unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    let [public, _, _] = [&server_keys, &own, &other].map(|file| made(file));
    let shown = program(&format!("keys show {own}")).output().unwrap().stdout;
    assert_eq!(
        fs::read_to_string(format!("{own}.pub")).unwrap().split(' ').nth(1).unwrap().trim(),
        String::from_utf8(shown).unwrap().trim()
    );
    let (code, text) = failure(&mut program(&format!("keys new {own}")));
    assert_eq!(code, 5, "{text}");
    let server = Server::start(&format!(
        "--bind 127.0.0.1:0 --emulate 4k --keys {server_keys} --clients {own}.pub"
    ));
    let with = |keys: &str, key: &str| {
        let mut command = server.command("peek 0 --timeout 2");
        command.arg(format!("--server-key={key}")).args(["--keys", keys]);
        command.output().unwrap()
    };
    assert_eq!(with(&own, &public).stdout, b"0x00000000\n");
    assert_eq!(with(&own, &format!("{server_keys}.pub")).stdout, b"0x00000000\n");
    let refused = with(&other, &public);
    let text = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(3), "{text}");
    assert!(text.contains("does not allow the client's key"), "{text}");
    let (code, text) = server.fail("peek 0 --timeout 0.5");
    assert_eq!(code, 3);
    assert!(text.contains("CURVE"), "{text}");
}

#[test]
fn completions_and_pages_name_every_command() {
    for shell in ["bash", "zsh", "fish"] {
        let output = program(&format!("completions {shell}")).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success());
        for command in ["peek", "watch", "bench", "serve"] {
            assert!(text.contains(command), "{shell}: {command}");
        }
    }
    let folder = Directory::new();
    let word = folder.path().to_str().unwrap().to_owned();
    assert!(program(&format!("man {word}")).status().unwrap().success());
    for page in [
        "rogue-mem",
        "rogue-mem-peek",
        "rogue-mem-watch",
        "rogue-mem-bench",
        "rogue-mem-serve",
        "rogue-mem-keys-new",
    ] {
        let text = fs::read_to_string(folder.path().join(format!("{page}.1"))).unwrap();
        assert!(text.contains(".SH SYNOPSIS"), "{page}");
        // f140: no page named the variables that stand for options.
        let is_client = ["peek", "watch", "bench"].iter().any(|name| page.ends_with(name));
        assert_eq!(is_client, text.contains("ROGUE_MEM_ADDR"), "{page}");
    }
}

#[test]
fn a_signal_ends_a_transfer_at_once_and_says_what_is_left() {
    let folder = Directory::new();
    let (path, target) = file(&folder, "out.bin");
    let (source, word) = file(&folder, "source.bin");
    fs::write(source, image(4096)).unwrap();
    for (words, left) in [
        (format!("dump 0 64k -o {target}"), "Interrupted\n"),
        (format!("load 0 {word}"), "0 of 4096 bytes are written: --skip 0"),
        ("ping 0".to_owned(), "Interrupted\n"),
        ("bench 0".to_owned(), "Interrupted\n"),
    ] {
        let (server, requests) = silent_board();
        // Before this time has passed only the signal ends it.
        let mut command = server.command(&format!("{words} --timeout 3600"));
        let process = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        requests.recv().unwrap();
        let id = process.id().to_string();
        assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
        let Output { status, stderr, .. } = process.wait_with_output().unwrap();
        let text = String::from_utf8(stderr).unwrap();
        assert_eq!(status.code(), Some(130), "{words}: {text}");
        assert!(text.contains(left), "{words}: {text}");
    }
    assert!(!path.exists() && !folder.file("out.bin.part").exists());
}

#[test]
fn boards_are_served_over_both_roads() {
    let memory = SrpV3Emulation::new().unwrap();
    let board = UdpEndpoint::server("127.0.0.1", 0, UdpOptions::default()).unwrap();
    stream::connect(&*memory, &*board).unwrap();
    let options = UdpRssiPackOptions { version: PacketizerVersion::V2, ..Default::default() };
    let link = UdpRssiPack::server("127.0.0.1", 0, options).unwrap();
    let behind = SrpV3Emulation::new().unwrap();
    stream::connect(&*behind, &link.application(0)).unwrap();
    for words in [
        format!("--srp-udp 127.0.0.1:{}", board.port()),
        format!("--udp-rssi 127.0.0.1:{}", link.udp().port()),
    ] {
        let server = Server::start(&format!("--bind 127.0.0.1:0 {words}"));
        server.run("poke 0x40 0x12345678 --verify");
        assert_eq!(server.run("peek 0x40"), "0x12345678\n");
    }
}

#[test]
fn an_installation_has_the_program_its_pages_and_its_completions() {
    let folder = Directory::new();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../scripts/install-cli");
    // Below a folder, as a package is made; what is installed names its place without that.
    let output = Command::new(script).arg(PROGRAM).arg("/opt").arg(folder.path()).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    for name in [
        "share/man/man1/rogue-mem-dump.1",
        "share/bash-completion/completions/rogue-mem",
        "share/zsh/site-functions/_rogue-mem",
        "share/fish/vendor_completions.d/rogue-mem.fish",
        "share/rogue-mem/serve.toml",
        "lib/systemd/system/rogue-mem.socket",
        "share/rogue-mem/rogue_mem.lua",
    ] {
        assert!(fs::metadata(folder.file("opt").join(name)).unwrap().len() > 0, "{name}");
    }
    let unit = folder.file("opt/lib/systemd/system/rogue-mem.service");
    assert!(fs::read_to_string(unit).unwrap().contains("ExecStart=/opt/bin/rogue-mem serve "));
    let version = Command::new(folder.file("opt/bin/rogue-mem")).arg("--version").output().unwrap();
    let text = String::from_utf8(version.stdout).unwrap();
    assert_eq!(text.trim(), concat!("rogue-mem ", env!("CARGO_PKG_VERSION")));
}
