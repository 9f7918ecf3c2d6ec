//! The commands of the pages: those of each page are run in its order by one shell.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;

use rogue_mem::protocols::{PacketizerVersion, SrpV3Emulation, UdpRssiPack, UdpRssiPackOptions};
use rogue_mem::stream;
use testkit_base::directory::Directory;
use testkit_base::ports::listener_pair;

const DOCS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs");
/// Stands before the end of a command's output.
const MARK: &str = "=== end of the command ===";

/// The commands of the page's `console` blocks, each with the output that is shown.
fn commands(page: &str) -> Vec<(&str, String)> {
    let mut found: Vec<(&str, String)> = Vec::new();
    let mut is_inside = false;
    for line in page.lines() {
        match (is_inside, line) {
            (false, "```console") => is_inside = true,
            (true, "```") => is_inside = false,
            (true, line) => match (line.strip_prefix("$ "), found.last_mut()) {
                (Some(command), _) => found.push((command, String::new())),
                (None, Some((_, output))) => output.extend([line, "\n"]),
                (None, None) => panic!("an output without a command: {line}"),
            },
            _ => {}
        }
    }
    found
}

/// A port that is free, and so is the next one; another one at each call.
fn free_port() -> u16 {
    static GIVEN: Mutex<Vec<u16>> = Mutex::new(Vec::new());
    let mut given = GIVEN.lock().unwrap();
    loop {
        let (_first, _second, port) = listener_pair();
        let is_given = given.iter().any(|one| one.abs_diff(port) < 2);
        if !is_given {
            given.push(port);
            return port;
        }
    }
}

/// Runs a page's commands, with its ports replaced by free ones, and other words as said.
fn check(page: &str, replaced: &[(&str, &str)]) {
    let mut page = fs::read_to_string(Path::new(DOCS).join(page)).unwrap();
    for (word, other) in replaced {
        assert!(page.contains(word), "{word}");
        page = page.replace(word, other);
    }
    for port in ["9000", "9100", "9200"] {
        page = page.replace(&format!("127.0.0.1:{port}"), &format!("127.0.0.1:{}", free_port()));
    }
    let commands = commands(&page);
    assert!(!commands.is_empty());
    let mut script = "exec 2>&1 </dev/null\ntrap 'kill $(jobs -p)' EXIT\n".to_owned();
    for (index, (command, output)) in commands.iter().enumerate() {
        script += &match command.strip_suffix('&') {
            // A server prints where it listens when it does.
            Some(server) if !output.is_empty() => format!(
                "mkfifo {index}; {server} >{index} & exec 3<{index}; read -r line <&3; echo \"$line\""
            ),
            _ => (*command).to_owned(),
        };
        script += &format!("\necho '{MARK}'\n");
    }
    let folder = Directory::new();
    // The example of a file of options.
    if let Some((_, rest)) = page.split_once("```toml\n") {
        fs::write(folder.file("serve.toml"), rest.split_once("```").unwrap().0).unwrap();
    }
    let programs = Path::new(env!("CARGO_BIN_EXE_rogue-mem")).parent().unwrap();
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
    let mut shell = Command::new("bash");
    let output =
        shell.args(["-c", &script]).current_dir(folder.path()).env("PATH", path).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let parts: Vec<&str> = said.split(&format!("{MARK}\n")).collect();
    assert_eq!(parts.len(), commands.len() + 1, "{said}");
    for ((command, output), part) in commands.iter().zip(parts) {
        assert_eq!(part, output, "{command}");
    }
}

#[test]
fn every_command_prints_what_the_page_shows() {
    check("cli.md", &[]);
}

#[test]
fn the_commands_of_the_readme_print_what_it_shows() {
    check("../README.md", &[]);
}

#[test]
fn the_regions_of_the_page_about_servers_are_those_that_it_shows() {
    check("serve.md", &[]);
}

#[test]
fn the_commands_of_the_first_tutorial_print_what_it_shows() {
    check("tutorials/first-register.md", &[]);
}

#[test]
fn the_commands_for_a_zynq_serve_a_file_in_place_of_its_device() {
    let replaced = [
        ("--mem /dev/mem --base 0x43c00000", "--mem registers.bin --base 0"),
        ("from 0x43c00000 of /dev/mem", "from 0x0 of registers.bin"),
        ("*:9100", "127.0.0.1:9100"),
    ];
    check("tutorials/zynq.md", &replaced);
}

#[test]
fn the_commands_for_an_fpga_reach_an_emulated_one() {
    let options = UdpRssiPackOptions { version: PacketizerVersion::V2, ..Default::default() };
    let board = UdpRssiPack::server("127.0.0.1", 0, options).unwrap();
    let memory = SrpV3Emulation::new().unwrap();
    stream::connect(&*memory, &board.application(0)).unwrap();
    let address = format!("127.0.0.1:{}", board.udp().port());
    check("tutorials/fpga-bridge.md", &[("192.168.2.10:8193", &address)]);
}
