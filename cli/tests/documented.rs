//! The commands of docs/cli.md, run in its order by one shell.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

use testkit_base::directory::Directory;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/cli.md");
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

/// A port that is free, and so is the next one.
fn free_port() -> u16 {
    loop {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        if port < u16::MAX && TcpListener::bind(("127.0.0.1", port + 1)).is_ok() {
            return port;
        }
    }
}

#[test]
fn every_command_prints_what_the_page_shows() {
    let mut page = fs::read_to_string(PAGE).unwrap();
    for port in ["9000", "9100"] {
        page = page.replace(&format!("127.0.0.1:{port}"), &format!("127.0.0.1:{}", free_port()));
    }
    let commands = commands(&page);
    assert!(commands.len() > 20, "{commands:?}");
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
