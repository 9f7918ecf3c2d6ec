//! Plays an FPGA: registers behind SRPv3, the packetizer, RSSI and UDP, as firmware has them.
//!
//!     cargo run --example fpga_emulator -- [PORT]     default: a port the system chooses
//!
//! Firmware has port 8192 by convention. Prints its port, and serves until its standard input ends.

use rogue_mem::protocols::{PacketizerVersion, SrpV3Emulation, UdpRssiPack, UdpRssiPackOptions};
use rogue_mem::stream::connect;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let port = std::env::args().nth(1).map_or(Ok(0), |port| port.parse())?;
    let options =
        UdpRssiPackOptions { version: PacketizerVersion::V2, ..UdpRssiPackOptions::default() };
    let board = UdpRssiPack::server("*", port, options)?;
    let registers = SrpV3Emulation::new()?;
    // Destination 0 is that of registers by convention.
    connect(&*registers, &board.application(0))?;

    println!("listening on port {}", board.udp().port());
    std::io::copy(&mut std::io::stdin(), &mut std::io::sink())?;
    board.stop();
    registers.stop();
    Ok(())
}
