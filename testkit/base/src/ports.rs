//! Free ports for a bridge, which needs two in a row.

use std::net::{Ipv4Addr, TcpListener};

/// Two listeners at consecutive free ports of this host, and the first port.
#[track_caller]
pub fn listener_pair() -> (TcpListener, TcpListener, u16) {
    let bind = |port| TcpListener::bind((Ipv4Addr::LOCALHOST, port));
    for _ in 0..1000 {
        let first = bind(0).expect("a port is free");
        let port = first.local_addr().expect("it is bound").port();
        if let Some(Ok(second)) = port.checked_add(1).map(bind) {
            return (first, second, port);
        }
    }
    panic!("no two free ports in a row");
}
