//! Exports the registers of an FPGA to remote programs:
//!
//!     TCP server >> SRPv3 == packetizer == RSSI == UDP
//!
//!     cargo run --example fpga_bridge -- HOST PORT [TCP_PORT]     default: a port the system chooses
//!
//! Prints its port, and serves until its standard input ends. Tells when the link to the FPGA opens
//! and closes.

use std::sync::Arc;
use std::time::Duration;

use rogue_mem::bridge::{ServerOptions, TcpServer};
use rogue_mem::protocols::{LinkChange, PacketizerVersion, SrpV3, UdpRssiPack, UdpRssiPackOptions};
use rogue_mem::stream::connect;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [host, port, rest @ ..] = arguments.as_slice() else {
        return Err("usage: fpga_bridge HOST PORT [TCP_PORT]".into());
    };
    let tcp_port = rest.first().map_or(Ok(0), |port| port.parse())?;

    // Firmware with the interleaving packetizer has version 2.
    let options =
        UdpRssiPackOptions { version: PacketizerVersion::V2, ..UdpRssiPackOptions::default() };
    let board = UdpRssiPack::client(host, port.parse()?, options)?;
    // Runs on a thread of its own.
    board.observe(Some(Arc::new(|change: &LinkChange| println!("{}", change.text))));
    // Fails with a text that names the layer: no datagram, a closed port, no RSSI.
    board.wait_open(Duration::from_secs(10))?;

    // Destination 0 is that of registers by convention.
    let registers = SrpV3::new();
    connect(&*registers, &board.application(0))?;
    let server = TcpServer::new("*", tcp_port, ServerOptions::default())?;
    server.master().set_slave(registers);

    println!("listening on port {}", server.port());
    std::io::copy(&mut std::io::stdin(), &mut std::io::sink())?;
    server.stop();
    let stats = board.stats();
    println!("link: opened {} times, {} segments sent again", stats.open_count, stats.retransmits);
    board.stop();
    Ok(())
}
