//! Serves emulated memory over TCP until its standard input ends.
//!
//!     cargo run --example bridge_server -- [PORT]        default: a free pair of ports, which is printed

use rogue_mem::bridge::{ServerOptions, TcpServer};
use rogue_mem::memory::Emulate;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let port = std::env::args().nth(1).map_or(Ok(0), |port| port.parse())?;
    let options = ServerOptions { transaction_bytes_max: 1 << 20, ..ServerOptions::default() };
    let server = TcpServer::new("*", port, options)?;
    // The server is a master: it passes requests from TCP on to its slave.
    server.master().set_slave(Emulate::new(4, 4096));

    println!("listening on port {}", server.port());
    std::io::copy(&mut std::io::stdin(), &mut std::io::sink())?;

    let stats = server.stats();
    println!("{} requests, {} refused", stats.requests, stats.refused);
    server.stop();
    Ok(())
}
