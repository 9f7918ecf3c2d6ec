//! A network that is cut without an end of any connection: two hosts, made of network namespaces.

use std::net::Ipv4Addr;
use std::process::Command;
use std::time::Duration;

use rogue_mem::bridge::{ClientOptions, ClientState, ServerOptions, TcpClient, TcpServer};
use rogue_mem::memory::TransactionType;
use testkit::bus::master_of;
use testkit::players::Player;
use testkit::process::program_as;
use testkit::slaves::{answer, calling};
use testkit::wait::{let_pass, wait_until, LONG};

const NEAR: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);
const FAR: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 2);
const PORT: u16 = 7000;
/// The shortest one that there is. Requests have far more time.
const HOST_SILENCE_MAX: Duration = Duration::from_secs(4);
/// An address at which the far slave takes long.
const BUSY_AT: u64 = 0x1000_0000;
/// Bytes of the writes that fill the network.
const LARGE_BYTES: usize = 8 << 20;

/// Plays the scenario in namespaces of its own, if the system lets it have some.
pub fn cut() {
    let mut looks = Command::new("ip");
    looks.args(["link", "show"]);
    match isolated(looks).output() {
        Ok(output) if output.status.success() => {}
        Ok(output) => {
            let why = String::from_utf8_lossy(&output.stderr).into_owned();
            return println!("skipped: no network namespaces here: {}", why.trim());
        }
        Err(error) => return println!("skipped: no program unshare here: {error}"),
    }
    let status = isolated(program_as("near - 0")).status().unwrap();
    assert!(status.success(), "{status}");
}

/// A program as root of a host of its own.
fn isolated(own: Command) -> Command {
    let mut program = Command::new("unshare");
    program.args(["--user", "--map-root-user", "--net"]);
    with(program, &own)
}

/// `own` as what `program` starts.
fn with(mut program: Command, own: &Command) -> Command {
    program.arg(own.get_program()).args(own.get_args());
    program.envs(own.get_envs().filter_map(|(name, value)| Some((name, value?))));
    program
}

/// The server on the far host. At [`BUSY_AT`] its slave is busy for longer than a host may be
/// silent.
pub fn far() {
    let slave = calling(|tran| {
        if tran.address() == BUSY_AT {
            let_pass(2 * HOST_SILENCE_MAX);
        }
        answer(tran);
    });
    let options = ServerOptions { host_silence_max: HOST_SILENCE_MAX, ..ServerOptions::default() };
    let server = TcpServer::new("*", PORT, options).unwrap();
    server.master().set_slave(slave);
    println!("serves");
    let mut clients = 0;
    loop {
        let now = server.stats().clients;
        if now != std::mem::replace(&mut clients, now) {
            println!("{clients} clients");
        }
        let_pass(Duration::from_millis(5));
    }
}

/// The client on the near host.
pub fn near() {
    let mut network = Network::new();
    let options = ClientOptions { host_silence_max: HOST_SILENCE_MAX, ..ClientOptions::default() };
    let tcp = TcpClient::new(&FAR.to_string(), PORT, options).unwrap();
    let master = master_of(tcp.clone());
    let wait_ready = || tcp.wait_ready(LONG, Duration::from_millis(20)).unwrap();
    let read = |address| master.request(address, vec![0; 4].into(), TransactionType::Read).unwrap();
    wait_ready();
    network.far.wait_for("1 clients", 1);
    master.wait(read(BUSY_AT)).unwrap();
    assert_eq!(tcp.stats().disconnects, 0, "a busy server is not silent");

    network.cut();
    wait_until("the client finds out", || tcp.state() != ClientState::Connected);
    network.far.wait_for("0 clients", 1);
    network.mend();
    wait_ready();

    let mut asked = vec![read(BUSY_AT)];
    // More than the system takes while the server is busy.
    for _ in 0..4 {
        asked.push(master.request(0, vec![0; LARGE_BYTES].into(), TransactionType::Write).unwrap());
    }
    network.cut();
    let error = master.wait(asked[0]).unwrap_err();
    assert!(error.text().contains("was lost"), "{error}");
    network.mend();
    wait_ready();
    for id in &asked[1..] {
        // What has not been sent finds the new connection.
        let outcome = master.wait(*id);
        assert!(outcome.as_ref().map_or_else(|error| error.text().contains("was lost"), |()| true));
    }
    master.wait(read(0)).unwrap();
}

struct Network {
    far: Player,
}

impl Network {
    fn new() -> Network {
        let mut far = Command::new("unshare");
        far.arg("--net");
        let mut far = Player::started(with(far, &program_as("far - 0")));
        far.wait_for("serves", 1);
        let network = Network { far };
        let id = network.far.id().to_string();
        ip(&["link", "add", "near", "type", "veth", "peer", "name", "far"]);
        ip(&["link", "set", "far", "netns", &id]);
        ip(&["address", "add", &format!("{NEAR}/24"), "dev", "near"]);
        ip(&["link", "set", "near", "up"]);
        network.far_ip(&["address", "add", &format!("{FAR}/24"), "dev", "far"]);
        network.far_ip(&["link", "set", "far", "up"]);
        network
    }

    /// Runs the program `ip` on the far host.
    fn far_ip(&self, arguments: &[&str]) {
        let mut program = Command::new("nsenter");
        program.args(["--net", "--target", &self.far.id().to_string(), "ip"]);
        run(program.args(arguments));
    }

    /// What each host sends goes to nobody from now on, and no system is told.
    fn cut(&self) {
        let to_nobody = |host, device| {
            format!("neigh replace {host} lladdr 02:00:00:00:00:99 nud permanent dev {device}")
        };
        ip(&words(&to_nobody(FAR, "near")));
        self.far_ip(&words(&to_nobody(NEAR, "far")));
    }

    fn mend(&self) {
        ip(&words(&format!("neigh del {FAR} dev near")));
        self.far_ip(&words(&format!("neigh del {NEAR} dev far")));
    }
}

fn words(text: &str) -> Vec<&str> {
    text.split(' ').collect()
}

/// Runs the program `ip` on the near host.
fn ip(arguments: &[&str]) {
    run(Command::new("ip").args(arguments));
}

#[track_caller]
fn run(program: &mut Command) {
    let status = program.status().unwrap();
    assert!(status.success(), "{program:?}: {status}");
}
