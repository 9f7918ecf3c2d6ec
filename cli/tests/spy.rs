//! `spy` between clients and servers: that it changes nothing, and misses nothing.

mod support;

use std::collections::HashMap;
use std::fs;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::Stdio;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use rogue_mem::bridge::{ClientOptions, TcpClient};
use rogue_mem::memory::{Master, TransactionType};
use serde_json::{json, Value};
use socket2::SockRef;
use support::{failure, program, Server};
use testkit_base::directory::Directory;
use testkit_base::raw::{self, RawClient, RawServer};
use testkit_base::wait::{let_pass, LONG};

/// A spy in front of a server, with further arguments.
fn spy(to: &str, words: &str) -> Server {
    Server::of(&mut program(&format!("spy --listen 0 --to {to} {words}")))
}

fn port_of(address: &str) -> u16 {
    address.rsplit(':').next().unwrap().parse().unwrap()
}

/// Ends a spy; what it has said, and its counts.
fn said_by(spy: &mut Server) -> (Vec<Value>, Value) {
    spy.signal("-INT");
    let mut text = String::new();
    spy.output.read_to_string(&mut text).unwrap();
    assert_eq!(spy.process.wait().unwrap().code(), Some(0), "{text}");
    let mut lines: Vec<Value> =
        text.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    let summary = lines.pop().expect("a summary");
    assert_eq!(summary["event"], "summary");
    (lines, summary)
}

/// The next line of a spy.
fn next_line(spy: &mut Server) -> Value {
    let mut line = String::new();
    spy.output.read_line(&mut line).unwrap();
    serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line:?}"))
}

/// The next line that tells of this event.
fn next_event(spy: &mut Server, event: &str) -> Value {
    loop {
        let line = next_line(spy);
        if line["event"] == event {
            return line;
        }
    }
}

/// This library's client, at a server or a spy.
struct Client {
    tcp: Arc<TcpClient>,
    master: Master,
}

impl Client {
    fn of(address: &str) -> Client {
        let (host, port) = match address.strip_prefix("unix:") {
            Some(_) => (address, 0),
            None => ("127.0.0.1", port_of(address)),
        };
        let tcp = TcpClient::new(host, port, ClientOptions::default()).unwrap();
        tcp.wait_ready(LONG, Duration::from_millis(20)).unwrap();
        let master = Master::new();
        master.set_slave(tcp.clone());
        master.set_timeout(LONG);
        Client { tcp, master }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.tcp.stop();
    }
}

fn events<'a>(lines: &'a [Value], event: &str) -> Vec<&'a Value> {
    lines.iter().filter(|line| line["event"] == event && line["type"] != "probe").collect()
}

/// Each request with its response.
fn pairs(lines: &[Value]) -> Vec<(&Value, &Value)> {
    let key = |line: &Value| (line["client"].as_u64().unwrap(), line["id"].as_u64().unwrap());
    let answers: HashMap<_, _> =
        events(lines, "response").into_iter().map(|line| (key(line), line)).collect();
    let requests = events(lines, "request");
    assert_eq!(requests.len(), answers.len());
    let pair = |request| {
        let answer = answers[&key(request)];
        for name in ["address", "size", "type"] {
            assert_eq!(request[name], answer[name]);
        }
        assert!(answer["latency_us"].as_f64() > Some(0.0), "{answer}");
        (request, answer)
    };
    requests.into_iter().map(pair).collect()
}

#[test]
fn every_transaction_is_told_as_it_was_asked_for() {
    let server = Server::memory();
    let mut spy = spy(&server.addr, "");
    let client = Client::of(&spy.addr);
    client.master.write(0x1000, &[1, 2, 3, 4]).unwrap();
    assert_eq!(client.master.read(0x1000, 4).unwrap(), [1, 2, 3, 4]);
    let post = client.master.request(0x1004, vec![0xaa; 4].into(), TransactionType::Post).unwrap();
    client.master.wait(post).unwrap();
    let verify = client.master.request(0x1000, vec![0; 8].into(), TransactionType::Verify).unwrap();
    client.master.wait(verify).unwrap();
    let error = client.master.read(0x10_0000, 4).unwrap_err();
    assert!(error.text().contains("outside of the memory"), "{error}");
    let large: Vec<u8> = (0..0x8_0000_u32).map(|index| (index % 251) as u8).collect();
    client.master.write(0, &large).unwrap();
    assert_eq!(client.master.read(0, large.len() as u32).unwrap(), large);
    drop(client);
    let closed = |line: &Value| line["event"] == "closed";
    let mut lines = Vec::new();
    while lines.iter().filter(|line| closed(line)).count() < 2 {
        lines.push(next_line(&mut spy));
    }
    let (_, summary) = said_by(&mut spy);
    let pairs = pairs(&lines);
    let said: Vec<Value> = pairs
        .iter()
        .take(5)
        .map(|(ask, answer)| {
            let result = answer["result"].as_str().unwrap();
            let data = if ask["data"].is_null() { &answer["data"] } else { &ask["data"] };
            json!([ask["type"], ask["address"], ask["size"], data, result.len() == 2])
        })
        .collect();
    assert_eq!(
        said,
        [
            json!(["write", 0x1000, 4, "01020304", true]),
            json!(["read", 0x1000, 4, "01020304", true]),
            json!(["posted", 0x1004, 4, "aaaaaaaa", true]),
            json!(["verify", 0x1000, 8, "01020304aaaaaaaa", true]),
            json!(["read", 0x10_0000, 4, null, false]),
        ]
    );
    assert!(pairs[0].0["remaining_us"].as_f64() > Some(0.0));
    for (data, _) in [(pairs[5].0, "write"), (pairs[6].1, "read")] {
        assert_eq!(data["data_bytes"], large.len());
        assert_eq!(data["data"].as_str().unwrap(), hex(&large[..32]));
    }
    let counts = ["reads", "writes", "posted", "verifies", "errors", "clients", "connections"];
    let counted: Vec<u64> = counts.iter().map(|name| summary[*name].as_u64().unwrap()).collect();
    assert_eq!(counted, [3, 2, 1, 1, 1, 1, 2], "{summary}");
    for name in ["unanswered", "unasked", "malformed", "undecodable", "lost_lines"] {
        assert_eq!(summary[name], 0, "{summary}");
    }
    assert_eq!(summary["latency"]["count"], 7);
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

#[test]
fn lines_of_text_are_for_people() {
    let server = Server::memory();
    let mut command = program(&format!("spy --listen 0 --to {} --full", server.addr));
    let mut process = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut output = BufReader::new(process.stdout.take().unwrap());
    let mut first = String::new();
    output.read_line(&mut first).unwrap();
    let at = first.split(',').next().unwrap().to_owned();
    assert!(first.ends_with(&format!("passed on to {}\n", server.addr)), "{first}");
    let values = "7 ".repeat(16);
    let poke = program(&format!("poke 0x100 {values} --addr {at}")).output().unwrap();
    assert!(poke.status.success(), "{poke:?}");
    let id = process.id().to_string();
    assert!(program("").arg("--version").status().unwrap().success());
    assert!(std::process::Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    let mut text = String::new();
    output.read_to_string(&mut text).unwrap();
    assert_eq!(process.wait().unwrap().code(), Some(0));
    let data = "07000000".repeat(16);
    for part in [
        "connection 1 from 127.0.0.1:",
        " > READY Socket-Type=P",
        "client 1 > probe  id ",
        &format!("at 0x100: 64 bytes {data}, "),
        "at 0x100: 64 bytes, OK, after ",
        "connections 2, clients 1; ",
        "latency of 1: min ",
    ] {
        assert!(text.contains(part), "{part:?} in {text}");
    }
}

#[test]
fn many_outstanding_requests_of_several_clients_are_told_apart() {
    const CLIENTS: u64 = 3;
    const REQUESTS: u64 = 2000;
    let server = Server::memory();
    let mut spy = spy(&server.addr, "--quiet");
    thread::scope(|scope| {
        for number in 0..CLIENTS {
            let client = Client::of(&spy.addr);
            scope.spawn(move || {
                let base = number * 0x1_0000;
                for index in 0..REQUESTS {
                    let (address, value) = (base + 4 * index, ((number << 24) | index) as u32);
                    client.master.write(address, &value.to_le_bytes()).unwrap();
                    if index == 100 {
                        break;
                    }
                }
                let ids: Vec<u32> = (0..REQUESTS)
                    .map(|index| {
                        let address = base + 4 * (index % 100);
                        client
                            .master
                            .request(address, vec![0; 4].into(), TransactionType::Read)
                            .unwrap()
                    })
                    .collect();
                for (index, id) in ids.into_iter().enumerate() {
                    let data = client.master.wait_buffer(id).unwrap();
                    let expected = ((number << 24) | (index as u64 % 100)) as u32;
                    assert_eq!(data, expected.to_le_bytes());
                }
            });
        }
    });
    let (lines, summary) = said_by(&mut spy);
    assert!(lines.is_empty(), "{lines:?}");
    assert_eq!(summary["reads"], CLIENTS * REQUESTS);
    assert_eq!(summary["writes"], CLIENTS * 101);
    assert_eq!(summary["latency"]["count"], CLIENTS * (REQUESTS + 101));
    for name in ["errors", "unanswered", "unasked", "malformed", "undecodable"] {
        assert_eq!(summary[name], 0, "{summary}");
    }
}

#[test]
fn clients_that_say_nothing_of_themselves_are_told_apart_as_far_as_that_goes() {
    let server = RawServer::new();
    let mut spy = spy(&format!("127.0.0.1:{}", server.port), "");
    let port = port_of(&spy.addr);
    let ends: Vec<(RawClient, RawClient)> = (0..2)
        .map(|_| {
            // Both ends greet each other through the spy.
            let client = thread::spawn(move || RawClient::legacy(port));
            let served = server.serve(&[]);
            (client.join().unwrap(), served)
        })
        .collect();
    let [(mut one, mut at_one), (mut two, mut at_two)] = ends.try_into().ok().unwrap();
    one.request.send(&raw::read(1, 0x10));
    two.request.send(&raw::read(1, 0x20));
    let (asked, other) = (at_one.request.take_request(), at_two.request.take_request());
    // As Rogue's server does: the response goes to whoever is next.
    at_one.response.send(&other.answer());
    at_two.response.send(&asked.answer());
    assert_eq!(one.response.take_response().header.address, 0x20);
    assert_eq!(two.response.take_response().header.address, 0x10);
    for client in [&mut one, &mut two] {
        client.request.send(&raw::read(2, 0x30));
    }
    let same = at_one.request.take_request();
    at_two.request.take_request();
    at_one.response.send(&same.answer());
    one.response.take_response();
    let (lines, summary) = said_by(&mut spy);
    let responses = events(&lines, "response");
    let clients: Vec<&Value> = responses.iter().map(|line| &line["client"]).collect();
    assert_eq!(clients.len(), 3, "{lines:?}");
    assert_ne!(clients[0], clients[1]);
    let request = |address: u64| {
        let found = events(&lines, "request").into_iter().find(|one| one["address"] == address);
        found.unwrap()["client"].clone()
    };
    assert!(responses[..2]
        .iter()
        .all(|one| one["client"] == request(one["address"].as_u64().unwrap())));
    assert_eq!((clients[2], &responses[2]["answers"]), (&Value::Null, &json!("one of several")));
    assert_eq!(summary["unanswered"], 2, "{summary}");
}

/// Two connected ends with a spy in between: that of the client and that of the server.
fn connected(listener: &TcpListener, spy: &Server) -> (TcpStream, TcpStream) {
    let client = TcpStream::connect(&spy.addr).unwrap();
    let (server, _) = listener.accept().unwrap();
    for end in [&client, &server] {
        end.set_read_timeout(Some(LONG)).unwrap();
        end.set_write_timeout(Some(LONG)).unwrap();
    }
    (client, server)
}

/// A server that says nothing of its own, and a spy in front of it.
fn listener_and_spy(words: &str) -> (TcpListener, Server) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let spy = spy(&listener.local_addr().unwrap().to_string(), words);
    (listener, spy)
}

#[test]
fn what_is_not_understood_is_passed_on_and_told_once() {
    let (listener, mut spy) = listener_and_spy("");
    let (mut client, mut server) = connected(&listener, &spy);
    let garbage: Vec<u8> = (0..300_000_u32).map(|index| (index * 7 + index / 256) as u8).collect();
    let (sent, mut sender) = (garbage.clone(), client.try_clone().unwrap());
    let sending = thread::spawn(move || sender.write_all(&sent).unwrap());
    let mut come = vec![0; garbage.len()];
    server.read_exact(&mut come).unwrap();
    sending.join().unwrap();
    assert_eq!(come, garbage);
    server.write_all(b"HTTP/1.1 400 Bad Request\r\n").unwrap();
    let mut answer = [0; 26];
    client.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 400 Bad Request\r\n");
    drop((client, server));
    let closed = {
        let mut remarks = 0;
        loop {
            let line = next_line(&mut spy);
            match line["event"].as_str().unwrap() {
                "remark" => remarks += 1,
                "closed" => break (remarks, line["bytes_to_server"].clone()),
                _ => {}
            }
        }
    };
    assert_eq!(closed, (2, json!(garbage.len())));
    assert_eq!(said_by(&mut spy).1["undecodable"], 2);
}

#[test]
fn an_end_in_good_order_is_one_behind_the_spy_too() {
    let (listener, mut spy) = listener_and_spy("");
    let (mut client, mut server) = connected(&listener, &spy);
    client.write_all(b"the last word").unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    let mut come = Vec::new();
    server.read_to_end(&mut come).unwrap();
    assert_eq!(come, b"the last word");
    // The other direction goes on.
    server.write_all(b"but one").unwrap();
    let mut answer = [0; 7];
    client.read_exact(&mut answer).unwrap();
    drop(server);
    assert_eq!(client.read(&mut answer).unwrap(), 0);
    assert_eq!(next_event(&mut spy, "closed")["how"], "ended by the client");
}

#[test]
fn a_reset_is_one_behind_the_spy_too() {
    let (listener, mut spy) = listener_and_spy("");
    for is_client in [true, false] {
        let (client, server) = connected(&listener, &spy);
        next_event(&mut spy, "opened");
        let (gone, mut left) = if is_client { (client, server) } else { (server, client) };
        SockRef::from(&gone).set_linger(Some(Duration::ZERO)).unwrap();
        drop(gone);
        let error = left.read(&mut [0; 8]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
        let name = if is_client { "client" } else { "server" };
        let how = next_event(&mut spy, "closed")["how"].as_str().unwrap().to_owned();
        assert!(how.starts_with(&format!("broken by the {name}: ")), "{how}");
    }
}

#[test]
fn a_server_that_is_not_there_turns_its_clients_away() {
    let (listener, mut spy) = listener_and_spy("");
    drop(listener);
    let port = port_of(&spy.addr);
    // As clients do: again and again, at both ports by turns.
    for port in [port, port + 1, port, port + 1, port] {
        let mut client = TcpStream::connect(("127.0.0.1", port)).unwrap();
        client.set_read_timeout(Some(LONG)).unwrap();
        let error = client.read(&mut [0; 8]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    }
    let (lines, summary) = said_by(&mut spy);
    assert_eq!(lines.len(), 2, "{lines:?}");
    for notice in &lines {
        let text = notice["text"].as_str().unwrap();
        assert!(text.contains("refused; clients are turned away"), "{text}");
    }
    assert_eq!(summary["unreachable"], 5);
}

#[test]
fn a_server_that_does_not_read_holds_its_client_up_through_the_spy() {
    const PIECE: usize = 64 * 1024;
    /// More than the buffers of four sockets hold anywhere.
    const OCTETS: usize = 256 << 20;
    let (listener, spy) = listener_and_spy("--quiet");
    let (mut client, mut server) = connected(&listener, &spy);
    client.set_nonblocking(true).unwrap();
    let piece =
        |sent: usize| -> Vec<u8> { (sent..sent + PIECE).map(|at| (at / 251) as u8).collect() };
    let (mut sent, mut is_stuck) = (0, false);
    while !is_stuck {
        assert!(sent < OCTETS, "nothing holds the client up");
        match client.write(&piece(sent)) {
            Ok(count) => sent += count,
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::WouldBlock);
                let before = sent;
                // The spy may still move something on.
                let_pass(Duration::from_millis(100));
                if let Ok(count) = client.write(&piece(sent)) {
                    sent += count;
                }
                is_stuck = sent == before;
            }
        }
    }
    drop(client);
    let mut come = Vec::with_capacity(sent);
    server.read_to_end(&mut come).unwrap();
    assert_eq!(come.len(), sent);
    assert!(come.iter().enumerate().all(|(at, octet)| *octet == (at / 251) as u8));
}

#[test]
fn a_terminal_that_takes_nothing_holds_nobody_up() {
    const WRITES: u64 = 50;
    let server = Server::memory();
    let mut spy = spy(&server.addr, "--full");
    let client = Client::of(&spy.addr);
    let data = vec![7; 0x8_0000];
    // Nobody reads its lines: those of the first writes wait, and the others are lost.
    for _ in 0..WRITES {
        client.master.write(0, &data).unwrap();
    }
    drop(client);
    let (lines, summary) = said_by(&mut spy);
    let lost: u64 = events(&lines, "lost").iter().map(|line| line["lines"].as_u64().unwrap()).sum();
    let all = summary["lost_lines"].as_u64().unwrap();
    assert!(all > 20, "{summary}");
    assert!(lost <= all, "{lost} of {all}");
    let requests = lines.iter().filter(|line| line["type"] == "write").count();
    assert!(requests > 5, "{requests}");
    assert_eq!((&summary["writes"], &summary["unanswered"]), (&json!(WRITES), &json!(0)));
}

#[test]
fn a_terminal_that_takes_nothing_at_the_end_does_not_keep_it() {
    let server = Server::memory();
    let mut spy = spy(&server.addr, "--full");
    let client = Client::of(&spy.addr);
    client.master.write(0, &[7; 0x8_0000]).unwrap();
    // The line is longer than what a pipe holds.
    spy.signal("-INT");
    assert_eq!(spy.process.wait().unwrap().code(), Some(5));
}

#[test]
fn a_path_is_served_and_left_as_it_was() {
    let folder = Directory::new();
    let [behind, before] = ["server", "spy"].map(|name| folder.path().join(name));
    let server = Server::start(&format!("--bind unix:{} --emulate 4k", behind.display()));
    let words = format!("spy --listen unix:{} --to {}", before.display(), server.addr);
    let mut spy = Server::of(&mut program(&words));
    let client = Client::of(&spy.addr);
    client.master.write(8, &[1, 2, 3, 4]).unwrap();
    drop(client);
    let (lines, summary) = said_by(&mut spy);
    assert_eq!((&summary["writes"], pairs(&lines).len()), (&json!(1), 1));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "those of the server");
}

#[test]
fn a_reader_that_goes_away_ends_it() {
    let server = Server::memory();
    let mut command = program(&format!("spy --listen 0 --to {}", server.addr));
    let mut process = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut output = BufReader::new(process.stdout.take().unwrap());
    let mut first = String::new();
    output.read_line(&mut first).unwrap();
    drop(output);
    let at = first.split(',').next().unwrap();
    // Whether it succeeds does not matter.
    program(&format!("peek 0 --addr {at}")).output().unwrap();
    assert_eq!(process.wait().unwrap().code(), Some(0));
}

#[test]
fn a_wrong_command_line_is_told_in_words() {
    for (words, code, part) in [
        ("spy --to 127.0.0.1:9000", 2, "--listen"),
        ("spy --listen 0 --to nowhere", 2, "add the port"),
        ("spy --listen 0 --to 127.0.0.1:0", 2, "from 1 to 65534"),
        ("spy --listen here --to 127.0.0.1:9000", 2, "PORT, HOST:PORT"),
        ("spy --listen 203.0.113.1:9000 --to 127.0.0.1:9000", 3, "203.0.113.1"),
        ("spy --listen 0 --to no-such-host.invalid:9000", 3, "could not be resolved"),
        ("spy --listen 0 --to 127.0.0.1:9000 --pcap /nowhere/x.pcapng", 5, "/nowhere/x.pcapng"),
    ] {
        let (found, text) = failure(&mut program(words));
        assert_eq!((found, text.contains(part)), (code, true), "{words}: {text}");
    }
}
