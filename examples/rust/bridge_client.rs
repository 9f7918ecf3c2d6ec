//! Writes and reads registers of a server: `bridge_server` or Rogue's.
//!
//!     cargo run --example bridge_client -- HOST PORT

use std::time::Duration;

use rogue_mem::bridge::{ClientOptions, TcpClient};
use rogue_mem::memory::Master;
use rogue_mem::Status;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [host, port] = arguments.as_slice() else {
        return Err("usage: bridge_client HOST PORT".into());
    };
    let client = TcpClient::new(host, port.parse()?, ClientOptions::default())?;
    client.wait_ready(Duration::from_secs(10), Duration::from_millis(100))?;
    let master = Master::new();
    master.set_slave(client.clone());

    let written = 0x1234_5678_u32.to_le_bytes();
    master.write(0x1000, &written)?;
    assert_eq!(master.verify(0x1000, 4)?, written);
    println!("wrote 0x12345678 to 0x1000, which now reads as the same");

    // A posted write completes when the transport has it, which is before the device has it.
    let posted = 0x00C0_FFEE_u32.to_le_bytes();
    master.post(0x1004, &posted)?;
    assert_eq!(master.read(0x1000, 8)?, [written, posted].concat());
    println!("0x1000 and 0x1004 read as written");

    // The server refuses transactions above 1 MiB with an error.
    let error = master.read(0, 2 << 20).expect_err("it is too large");
    assert_eq!(error.status(), Status::Transaction);
    println!("reading 2 MiB at once fails: {error}");
    client.stop();
    Ok(())
}
