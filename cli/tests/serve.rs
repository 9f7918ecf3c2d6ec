//! `serve` as an operator runs it: with a file of options, watched, in a terminal and in a pipe.

mod support;

use std::fs;
use std::io::{BufRead, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use rogue_mem::bridge::{ClientOptions, TcpClient};
use rogue_mem::memory::Master;
use rogue_mem::protocols::{SrpV3Emulation, UdpEndpoint, UdpOptions};
use rogue_mem::stream;
use serde_json::{json, Value};
use support::{failure, file, program, silent_board, Server, PROGRAM};
use testkit_base::directory::Directory;
use testkit_base::wait::{wait_until, LONG, SHORT};

const TOP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// A folder with a file of options.
fn configured(text: &str) -> (Directory, String) {
    let folder = Directory::new();
    let (path, word) = file(&folder, "serve.toml");
    fs::write(path, text).unwrap();
    (folder, word)
}

/// A board that answers, for as long as both parts live.
fn board() -> (std::sync::Arc<SrpV3Emulation>, std::sync::Arc<UdpEndpoint>) {
    let memory = SrpV3Emulation::new().unwrap();
    let endpoint = UdpEndpoint::server("127.0.0.1", 0, UdpOptions::default()).unwrap();
    stream::connect(&*memory, &*endpoint).unwrap();
    (memory, endpoint)
}

/// The lines of a server until one with this event, which is returned.
fn event(server: &mut Server, event: &str) -> Value {
    loop {
        let mut line = String::new();
        assert!(server.output.read_line(&mut line).unwrap() > 0, "no event {event}");
        let said: Value = serde_json::from_str(&line).unwrap();
        if said["event"] == event {
            return said;
        }
    }
}

/// The last event of a server that ends by itself.
fn end(mut server: Server) -> Value {
    let stopped = event(&mut server, "stopped");
    assert_eq!(server.process.wait().unwrap().code(), Some(0));
    stopped
}

#[test]
fn regions_of_every_kind_lie_side_by_side() {
    let (_memory, endpoint) = board();
    let (folder, word) = configured(&format!(
        "bind = ['127.0.0.1:0']\n\
         [[region]]\nname = 'board'\nat = '0xffffffff00000000'\nbase = 0x100\nsrp-udp = '127.0.0.1:{}'\n\
         [[region]]\nname = 'file'\nat = 0x4000\nmem = 'memory'\nbase = 4096\nsize = '4k'\n\
         [[region]]\nname = 'scratch'\nemulate = '4k'\n",
        endpoint.port()
    ));
    fs::write(folder.file("memory"), [0; 8192]).unwrap();
    let server = Server::start(&format!("--config {word}"));
    server.run("poke 0xffc 1");
    server.run("poke 0x4008 0x01020304");
    assert_eq!(fs::read(folder.file("memory")).unwrap()[4096 + 8..][..4], [4, 3, 2, 1]);
    server.run("poke 0xffffffff00000040 0x12345678 --verify");
    assert_eq!(server.run("peek 0xffffffff00000040"), "0x12345678\n");
    // What the board has at 0x140 is what clients have there.
    let straight =
        Server::start(&format!("--bind 127.0.0.1:0 --srp-udp 127.0.0.1:{}", endpoint.port()));
    assert_eq!(straight.run("peek 0x140"), "0x12345678\n");
    for address in ["0x1000", "0xffe", "0x3ffc", "0x5000", "0xfffffffeffffffff"] {
        let (code, text) = server.fail(&format!("peek {address}"));
        assert_eq!(code, 1, "{address}");
        assert!(
            text.contains("lie in no region: scratch 0x0..0xfff, file 0x4000..0x4fff"),
            "{text}"
        );
    }
    let (code, text) = server.fail("peek 0x4002");
    assert_eq!((code, text.contains("multiple of 4")), (1, true), "{text}");
}

#[test]
fn f107_long_ranges_cross_a_region_by_accesses_that_its_device_takes() {
    let (_memory, endpoint) = board();
    let (folder, word) = configured(&format!(
        "bind = ['127.0.0.1:0']\n\
         [[region]]\nat = 0x1000_0000\nbase = 0x20\nsize = '1M'\nsrp-udp = '127.0.0.1:{}'\n\
         [[region]]\nat = 0x2000_0000\nemulate = '1M'\n",
        endpoint.port()
    ));
    let (path, image) = file(&folder, "image.bin");
    let bytes: Vec<u8> = (0..200_000).map(|at| (at * 31 + at / 255) as u8).collect();
    fs::write(path, &bytes).unwrap();
    let server = Server::start(&format!("--config {word}"));
    for at in ["0x10000100", "0x20000100"] {
        // Larger than what the board takes at once.
        server.run(&format!("load {at} {image} --verify --chunk 20000 --window 4"));
        let (copy, target) = file(&folder, "copy.bin");
        server.run(&format!("dump {at} 200000 --chunk 20000 --window 4 --output {target}"));
        assert_eq!(fs::read(copy).unwrap(), bytes, "{at}");
    }
    assert_eq!(server.fail("peek 0x100ffffe").0, 1);
    assert_eq!(server.fail("peek 0x10100000").0, 1);
}

#[test]
fn the_command_line_comes_before_the_file() {
    let (folder, word) = configured(
        "bind = ['127.0.0.1:0']\nread-only = true\ndrain = 0.5\naccess-list = 'rules'\n\
         [limits]\ntransaction-bytes-max = '1k'\nclients-max = 4\n[[region]]\nemulate = '4k'\n",
    );
    fs::write(folder.file("rules"), "127.0.0.1 read-write\n").unwrap();
    let server = Server::start(&format!("--config {word}"));
    assert_eq!(server.fail("poke 0 1").0, 1);
    let (code, text) = server.fail("dump 0 2k --chunk 2048");
    assert_eq!((code, text.contains("1024")), (1, true), "{text}");
    let more = "--read-only=false --transaction-bytes-max 4k --emulate 8k";
    let server = Server::start(&format!("--config {word} {more}"));
    server.run("poke 0x1ffc 1");
    server.run("dump 0 4k --chunk 4096");
    assert_eq!(server.fail("peek 0x2000").0, 1);
}

#[test]
fn what_is_wrong_in_a_file_is_told_with_its_line_and_what_is_known() {
    const REGION: &str = "[[region]]\nemulate = '1k'\n";
    for (text, line, words) in [
        ("bind = 5\n", 1, vec!["sequence"]),
        ("bind = [\n", 1, vec![]),
        ("\nbin = ['127.0.0.1:0']\n", 2, vec!["`bin`", "`bind`", "`access-list`", "`region`"]),
        ("[limits]\nclients = 3\n", 2, vec!["`clients`", "`clients-max`"]),
        ("[limits]\nclients-max = 0\n", 2, vec!["count"]),
        ("unix-mode = '999'\n", 1, vec!["octal"]),
        ("drain = -1\n", 1, vec!["seconds"]),
        ("[[region]]\nemulat = '1k'\n", 2, vec!["`emulat`", "`emulate`", "`srp-udp`"]),
        ("[[region]]\nname = 'a'\n", 1, vec!["one of emulate, mem", "not none"]),
        ("[[region]]\nemulate = 1\nmem = 'a'\n", 1, vec!["not emulate and mem"]),
        ("[[region]]\nmem = 'a'\n", 1, vec!["`size`"]),
        ("[[region]]\nemulate = 1\nbase = 3\n", 1, vec!["`base` is of no use with `emulate`"]),
        ("[[region]]\nsrp-udp = 'a:1'\ndest = 3\n", 1, vec!["`dest` is of no use with `srp-udp`"]),
        ("[[region]]\nemulate = 0\n", 1, vec!["at least one byte"]),
        ("[[region]]\nemulate = '2k'\nat = '0xfffffffffffffc00'\n", 1, vec!["last address"]),
        ("[[region]]\nemulate = '1z'\n", 2, vec!["1z"]),
    ] {
        let (_folder, word) = configured(text);
        let (code, said) = failure(&mut program(&format!("serve --config {word}")));
        assert_eq!(code, 2, "{text}: {said}");
        let place = format!("rogue-mem: {word}:{line}: ");
        assert!(said.starts_with(&place), "{text}: {said}");
        assert!(words.iter().all(|part| said.contains(part)), "{text}: {said}");
    }
    let double = format!("{REGION}name = 'a'\n{REGION}at = 0x3ff\n");
    let (_folder, word) = configured(&double);
    let (_, said) = failure(&mut program(&format!("serve --config {word}")));
    let expected = format!(
        "{word}:4: The addresses of emulate-1, 0x3ff..0x7fe, are in part those of a in line 1, 0x0..0x3ff"
    );
    assert!(said.contains(&expected), "{said}");
    for (text, part) in [
        (REGION.to_owned(), "An address is required"),
        ("bind = ['127.0.0.1:0']\n".to_owned(), "A device is required"),
        (format!("bind = ['nowhere']\n{REGION}"), "add the port"),
        (format!("bind = ['127.0.0.1:0']\nkeys = 'a'\n{REGION}"), "`clients`"),
    ] {
        let (_folder, word) = configured(&text);
        let (code, said) = failure(&mut program(&format!("serve --config {word}")));
        assert_eq!((code, said.contains(part)), (2, true), "{text}: {said}");
    }
    let (code, said) = failure(&mut program("serve --config /nowhere.toml"));
    assert_eq!((code, said.contains("/nowhere.toml")), (5, true), "{said}");
}

#[test]
fn a_check_looks_at_all_and_serves_nothing() {
    let example = format!("{TOP}/packaging/serve.toml");
    let output = program(&format!("serve --check --config {example}")).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(
        text,
        "scratch 0x0..0xfffff\nlogic 0x40000000..0x4000ffff\nboard 0x80000000..0x8fffffff\n\
         at 127.0.0.1:9000, unix:/run/rogue-mem/board.sock\n"
    );
    let (_folder, word) = configured("access-list = 'nowhere'\n[[region]]\nemulate = 1\n");
    let (code, text) = failure(&mut program(&format!("serve --check --config {word}")));
    assert_eq!((code, text.contains("nowhere")), (5, true), "{text}");
}

#[test]
fn the_example_serves_what_it_says() {
    let (_memory, endpoint) = board();
    let folder = Directory::new();
    let text = fs::read_to_string(format!("{TOP}/packaging/serve.toml")).unwrap();
    let mut adapted = text;
    for (from, to) in [
        ("127.0.0.1:9000", "127.0.0.1:0".to_owned()),
        ("127.0.0.1:9464", "127.0.0.1:0".to_owned()),
        ("/run/rogue-mem/", format!("{}/", folder.path().display())),
        ("\"/dev/mem\"", "\"memory\"".to_owned()),
        ("0x43c0_0000", "0x1000".to_owned()),
        ("192.168.2.10:8192", format!("127.0.0.1:{}", endpoint.port())),
    ] {
        assert!(adapted.contains(from), "{from}");
        adapted = adapted.replace(from, &to);
    }
    let (path, word) = file(&folder, "serve.toml");
    fs::write(path, adapted).unwrap();
    fs::copy(format!("{TOP}/packaging/board.access"), folder.file("board.access")).unwrap();
    fs::write(folder.file("memory"), vec![0; 0x11000]).unwrap();
    let server = Server::start(&format!("--config {word}"));
    for address in ["0x10", "0x40000010", "0x80000010"] {
        server.run(&format!("poke {address} 0x12345678 --verify"));
    }
    assert!(folder.file("board.sock").exists());
}

#[test]
fn a_reload_says_what_it_has_done_and_what_takes_a_new_start() {
    let (folder, word) =
        configured("bind = ['127.0.0.1:0']\naccess-list = 'rules'\n[[region]]\nemulate = '4k'\n");
    fs::write(folder.file("rules"), "127.0.0.1 read\n").unwrap();
    let mut server = Server::start(&format!("--config {word}"));
    assert_eq!(server.fail("poke 0 1").0, 1);
    let reload = |server: &mut Server, text: &str| {
        fs::write(&word, text).unwrap();
        server.signal("-HUP");
        event(server, "reloaded")
    };
    fs::write(folder.file("others"), "127.0.0.1 read-write\n").unwrap();
    let said = reload(
        &mut server,
        "bind = ['127.0.0.1:1']\naccess-list = 'others'\n[[region]]\nemulate = '8k'\n",
    );
    assert_eq!(said["errors"], json!([]));
    assert_eq!(said["restart_needed_for"], json!(["bind", "region"]));
    wait_until("the new list", || server.command("poke 0 1").status().unwrap().success());
    let said = reload(&mut server, "bin = 3\n");
    assert!(said["errors"][0].as_str().unwrap().contains("serve.toml:1: "), "{said}");
    server.run("poke 0 2");
}

/// What the server answers to octets that a client of HTTP sends.
fn ask(address: &str, octets: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    // The server may close before it has read all.
    let _ = stream.write_all(octets);
    let _ = stream.shutdown(Shutdown::Write);
    let mut answer = String::new();
    // What has come before the end counts, whatever the end is.
    let _ = stream.read_to_string(&mut answer);
    answer
}

/// A server with metrics, and where they are.
fn measured(words: &str) -> (Server, String) {
    let words = format!("serve --bind 127.0.0.1:0 --metrics 0 --json {words}");
    let mut process = program(&words).stdout(Stdio::piped()).spawn().unwrap();
    let mut output = std::io::BufReader::new(process.stdout.take().unwrap());
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    let said: Value = serde_json::from_str(&line).unwrap();
    let addr = said["listening"][0].as_str().unwrap().to_owned();
    let metrics = said["metrics"].as_str().unwrap();
    let at = metrics.strip_prefix("http://").unwrap().strip_suffix("/metrics").unwrap().to_owned();
    (Server { process, output, addr }, at)
}

fn page(address: &str) -> String {
    let answer = ask(address, b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n");
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    assert!(head.contains("text/plain; version=0.0.4"), "{head}");
    assert!(head.contains(&format!("Content-Length: {}\r\n", body.len())), "{head}");
    body.to_owned()
}

fn value(page: &str, sample: &str) -> f64 {
    let line = page.lines().find_map(|line| line.strip_prefix(sample)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {sample}: {page}")).parse().unwrap()
}

#[test]
fn counters_are_at_the_address_of_the_metrics() {
    let (server, address) = measured("--emulate 4k");
    for _ in 0..3 {
        server.run("peek 0 2");
    }
    server.run("poke 0 1");
    server.fail("peek 0x1000");
    let page = page(&address);
    let region = |name: &str, more: &str| {
        value(&page, &format!("rogue_mem_region_{name}{{region=\"emulate\"{more}}}"))
    };
    assert_eq!(region("requests_total", ",type=\"read\""), 3.0);
    assert_eq!(region("requests_total", ",type=\"write\""), 1.0);
    assert_eq!(region("bytes_total", ",type=\"read\""), 24.0);
    assert_eq!(region("errors_total", ""), 0.0);
    assert_eq!(region("access_seconds_count", ""), 4.0);
    assert_eq!(region("access_seconds_bucket", ",le=\"+Inf\""), 4.0);
    // Those of clients that look whether it is there, too.
    assert!(value(&page, "rogue_mem_requests_total") >= 5.0);
    assert!(value(&page, "rogue_mem_start_time_seconds") > 1.7e9);
    assert!(value(&page, "rogue_mem_budget_max_bytes") > 0.0);
}

#[test]
fn f108_accesses_that_the_device_keeps_are_counted_when_they_end() {
    let silent = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let (server, address) = measured(&format!("--srp-udp {}", silent.local_addr().unwrap()));
    let (host, port) = server.addr.split_once(':').unwrap();
    let client = TcpClient::new(host, port.parse().unwrap(), ClientOptions::default()).unwrap();
    client.wait_ready(LONG, LONG).unwrap();
    let master = Master::new();
    master.set_slave(client);
    master.set_timeout(SHORT);
    let of_region = |name: &str| {
        value(&page(&address), &format!("rogue_mem_region_{name}{{region=\"srp-udp\"}}"))
    };
    // On a busy machine some are too late before the board gets them.
    wait_until("the error of an access that the board has got", || {
        master.read(0, 4).unwrap_err();
        of_region("errors_total") >= 1.0
    });
    wait_until("the ends of all", || {
        of_region("access_seconds_count") == of_region("errors_total")
    });
    // It took its time.
    assert!(of_region("access_seconds_sum") > 0.0);
}

/// The parser of Prometheus' own client for Python, where it is.
fn python_with_parser() -> Option<String> {
    let own = format!("{TOP}/build/python/cpython/bin/python");
    let has_it = |python: &String| {
        let mut command = Command::new(python);
        let output = command.args(["-c", "import prometheus_client.parser"]).output();
        output.is_ok_and(|output| output.status.success())
    };
    [own, "python3".to_owned()].into_iter().find(has_it)
}

#[test]
fn another_program_understands_the_metrics() {
    let Some(python) = python_with_parser() else {
        println!(
            "skipped: no Python here has prometheus_client (scripts/bootstrap test brings it)"
        );
        return;
    };
    let folder = Directory::new();
    let (_, audit) = file(&folder, "audit.jsonl");
    let (server, address) = measured(&format!("--emulate 4k --audit {audit}"));
    server.run("poke 0 1");
    let script = "import sys\n\
        from prometheus_client.parser import text_string_to_metric_families\n\
        for family in text_string_to_metric_families(sys.stdin.read()):\n    \
            assert family.documentation and family.type in ('counter', 'gauge', 'histogram'), family\n    \
            assert family.name.startswith('rogue_mem_'), family\n    \
            assert family.samples, family\n    \
            print(family.type, family.name, len(family.samples))\n";
    let mut process = Command::new(python)
        .args(["-c", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    process.stdin.take().unwrap().write_all(page(&address).as_bytes()).unwrap();
    let Output { status, stdout, .. } = process.wait_with_output().unwrap();
    let found = String::from_utf8(stdout).unwrap();
    assert!(status.success(), "{found}");
    for family in [
        "counter rogue_mem_refused_requests 8",
        "gauge rogue_mem_clients 1",
        "counter rogue_mem_audit_records 1",
        "histogram rogue_mem_region_access_seconds 13",
    ] {
        assert!(found.lines().any(|line| line == family), "{family}: {found}");
    }
}

#[test]
fn other_requests_are_refused_and_harm_nothing() {
    let (_server, address) = measured("--emulate 4k");
    let long = [b"GET /metrics HTTP/1.1\r\nA: ".to_vec(), vec![b'a'; 40_000]].concat();
    let requests: [(&[u8], &str); 7] = [
        (b"GET / HTTP/1.1\r\n\r\n", "404"),
        (b"POST /metrics HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc", "405"),
        (b"GET /metrics HTTP/3\r\n\r\n", "505"),
        (b"GET /metrics\r\n\r\n", "400"),
        (b"\r\n\r\n", "400"),
        (b"\xff\xfe \0 \r\n\r\n", "505"),
        (&long, "431"),
    ];
    for (request, status) in requests {
        let answer = ask(&address, request);
        let expected = format!("HTTP/1.1 {status} ");
        assert!(answer.starts_with(&expected), "{status}: {answer:?}");
    }
    assert_eq!(ask(&address, b"GET /metrics HTTP/1.1\r\n"), "");
    // Others that say nothing take all places; once they have gone there is room again.
    let silent: Vec<_> = (0..20).map(|_| TcpStream::connect(&address).unwrap()).collect();
    drop(silent);
    wait_until("a free place", || {
        ask(&address, b"GET /metrics HTTP/1.0\r\n\r\n").starts_with("HTTP/1.1 200 ")
    });
}

#[test]
fn metrics_for_others_than_this_host_are_warned_of() {
    let folder = Directory::new();
    let (path, _) = file(&folder, "errors");
    let errors = fs::File::create(&path).unwrap();
    let mut command = program("serve --bind 127.0.0.1:0 --emulate 1k --metrics *:0");
    let _server = Server::of(command.stderr(errors));
    assert!(fs::read_to_string(path).unwrap().contains("for all that reach this address"));
}

#[test]
fn a_server_ends_after_what_is_bounded_and_at_once_at_the_second_signal() {
    for (drain, code) in [("0.1", 0), ("3600", 130)] {
        let folder = Directory::new();
        let path = folder.path().join("board.sock");
        let board = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let words = format!(
            "--bind unix:{} --drain {drain} --srp-udp {}",
            path.display(),
            board.local_addr().unwrap()
        );
        let mut server = Server::start(&words);
        let mut client =
            server.command("peek 0 --timeout 3600").stdout(Stdio::null()).spawn().unwrap();
        // The request is with the board.
        board.recv(&mut [0; 2048]).unwrap();
        server.signal("-TERM");
        event(&mut server, "draining");
        if code != 0 {
            server.signal("-INT");
        }
        assert_eq!(server.process.wait().unwrap().code(), Some(code), "{drain}");
        assert!(!path.exists());
        if code == 0 {
            assert_eq!(event(&mut server, "stopped")["unanswered"], json!(1));
        }
        client.kill().unwrap();
        client.wait().unwrap();
    }
}

#[test]
fn states_come_as_json_when_they_are_asked_for() {
    let mut server = Server::start("--bind 127.0.0.1:0 --emulate 4k --interval 0.01");
    server.run("poke 0 1");
    while event(&mut server, "state")["requests"].as_u64().unwrap() < 1 {}
    server.signal("-INT");
    let stopped = end(server);
    assert!(stopped["requests"].as_u64().unwrap() >= 1, "{stopped}");
    assert_eq!((&stopped["errors"], &stopped["unanswered"]), (&json!(0), &json!(0)));
}

#[test]
fn a_pipe_gets_lines_only() {
    let mut command = program("serve --bind 127.0.0.1:0 --emulate 4k --interval 0.01");
    let mut process = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut output = std::io::BufReader::new(process.stdout.take().unwrap());
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    let id = process.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    let mut rest = String::new();
    output.read_to_string(&mut rest).unwrap();
    let Output { status, stderr, .. } = process.wait_with_output().unwrap();
    assert!(line.starts_with("an emulated memory of 4096 bytes at 127.0.0.1:"), "{line}");
    assert_eq!((status.code(), rest.as_str(), stderr), (Some(0), "", Vec::new()));
}

/// The program in a terminal of its own, whose screen comes out of a pipe.
fn in_terminal(words: &str) -> std::process::Child {
    let mut command = Command::new("script");
    let line = format!("stty cols 100; exec {PROGRAM} {words}");
    command.args(["--quiet", "--return", "--flush", "--command", &line, "/dev/null"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).env("TERM", "xterm").spawn().unwrap()
}

#[test]
fn a_terminal_shows_the_state_in_a_line_that_renews() {
    let (folder, path) = {
        let folder = Directory::new();
        let path = folder.path().join("board.sock").display().to_string();
        (folder, path)
    };
    let mut process =
        in_terminal(&format!("serve --bind unix:{path} --emulate 4k --interval 0.02"));
    let mut screen = process.stdout.take().unwrap();
    let mut seen = Vec::new();
    let mut until = |text: &str| {
        while !String::from_utf8_lossy(&seen).contains(text) {
            let mut part = [0; 1024];
            let count = screen.read(&mut part).unwrap();
            assert!(count > 0, "no {text:?}: {:?}", String::from_utf8_lossy(&seen));
            seen.extend_from_slice(&part[..count]);
        }
    };
    until("an emulated memory of 4096 bytes at unix:");
    until("0 clients, 0 requests/s, 0 errors, 0 refused");
    let client = format!("ping 0 --count 1000000 --addr unix:{path}");
    let mut client = program(&client).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    until("1 client, ");
    client.kill().unwrap();
    client.wait().unwrap();
    // Ctrl-C, as typed.
    process.stdin.as_mut().unwrap().write_all(b"\x03").unwrap();
    until("received, ");
    assert_eq!(process.wait().unwrap().code(), Some(0));
    assert!(!Path::new(&path).exists());
    drop(folder);
}

#[test]
fn f101_records_have_their_own_time_at_the_end() {
    let folder = Directory::new();
    let (record, audit) = file(&folder, "audit.jsonl");
    let words = format!("--bind 127.0.0.1:0 --emulate 4k --audit {audit} --drain 0.000001");
    let server = Server::start(&words);
    for _ in 0..20 {
        server.run("poke 0 1 2 3");
    }
    server.signal("-TERM");
    assert_eq!(end(server)["errors"], json!(0));
    assert_eq!(fs::read_to_string(record).unwrap().lines().count(), 20);
}

#[test]
fn a_silent_board_is_no_reason_to_stay() {
    let (server, _requests) = silent_board();
    server.signal("-TERM");
    assert_eq!(end(server)["unanswered"], json!(0));
}
