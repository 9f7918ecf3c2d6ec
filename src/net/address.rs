//! Texts that name a local address, an interface or a host.
//!
//! | form | to bind | to connect |
//! |---|---|---|
//! | `*` | every IPv4 interface | no |
//! | `192.168.1.5` | yes | yes |
//! | `fe80::1%eth0`, `[::1]` | yes | yes |
//! | `eth0` | the first IPv4 address of that interface | no: read as a host name |
//! | `localhost`, `daq7.example.org` | its first IPv4 address, else its first IPv6 address | yes |
//!
//! The first three bind forms, and interface names, mean what they mean in libzmq with IPv6 off, so
//! an address that works there works here. `[::]` accepts IPv4 connections too, unless the system
//! is configured otherwise. A zone (`%eth0`, `%2`) is the name or the number of the interface of a
//! link-local IPv6 address.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};

use if_addrs::Interface;

use super::cause::{cause_text, is_shortage};
use super::descriptors::{hold_standard, shortage};
use super::{resolve, sys};
use crate::error::{Error, Result, Status};

/// The longest host name of the domain name system (RFC 1035 §2.3.4).
const HOST_NAME_BYTES_MAX: usize = 253;
/// Interfaces, or addresses of this host, that an error lists, at most.
const LISTED_MAX: usize = 8;

/// An IP address, with the interface index that a link-local IPv6 address needs: a socket address
/// without its port.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct HostAddress(SocketAddr);

impl HostAddress {
    /// The address without its scope.
    pub fn ip(self) -> IpAddr {
        self.0.ip()
    }

    /// The socket address of `port` (host byte order) at this address.
    pub fn with_port(mut self, port: u16) -> SocketAddr {
        self.0.set_port(port);
        self.0
    }
}

impl From<IpAddr> for HostAddress {
    fn from(ip: IpAddr) -> Self {
        SocketAddr::new(ip, 0).into()
    }
}

impl From<SocketAddr> for HostAddress {
    fn from(mut address: SocketAddr) -> Self {
        address.set_port(0);
        HostAddress(address)
    }
}

/// The host to connect to, as far as the text determines it.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum RemoteHost {
    /// An address; nothing needs to be resolved.
    Address(HostAddress),
    /// A name, to be looked up at every attempt (see [`super::resolve`]).
    Name(String),
}

/// Parses the address of a remote host (the third column of the table above). Does not use the
/// network; callable from any thread.
///
/// # Errors
///
/// [`Status::InvalidArgument`] if `text` is neither an address nor a host name.
pub fn remote_host(text: &str) -> Result<RemoteHost> {
    if text == "*" {
        let remedy = "* stands for all interfaces of a server; name the host to connect to";
        return Err(bad_address(text, remedy));
    }
    match literal(text)? {
        Some(address) => Ok(RemoteHost::Address(address)),
        None => {
            check_name(text)?;
            Ok(RemoteHost::Name(text.to_owned()))
        }
    }
}

/// Parses the address that a server listens at (the second column of the table above). Resolves a
/// host name in the calling thread, which blocks for as long as the system's resolver does.
///
/// # Errors
///
/// [`Status::InvalidArgument`] if `text` is malformed, [`Status::Resolve`] if it names an interface
/// without an IPv4 address, or neither an interface nor a host.
pub fn local_address(text: &str) -> Result<HostAddress> {
    if text == "*" {
        return Ok(IpAddr::V4(Ipv4Addr::UNSPECIFIED).into());
    }
    if let Some(address) = interface_address(text)? {
        return Ok(address);
    }
    if let Some(address) = literal(text)? {
        return Ok(address);
    }
    check_name(text)?;
    let addresses = resolve::addresses_of(text).map_err(|cause| {
        let cause = match is_shortage(&cause) {
            true => return no_descriptors(text, &cause),
            false => cause_text(&cause),
        };
        let text = format!(
            "{text} is neither an interface of this host, which has {}, nor a known host: {cause}",
            interfaces()
        );
        Error::new(Status::Resolve, "net::address", text)
    })?;
    Ok(addresses[0])
}

/// The addresses of all interfaces, in the system's order; none if it does not tell.
fn interface_addresses() -> Vec<Interface> {
    if_addrs::get_if_addrs().unwrap_or_default()
}

/// The first IPv4 address of the interface `name`, if there is such an interface.
fn interface_address(name: &str) -> Result<Option<HostAddress>> {
    let _held = hold_standard();
    if name.is_empty() || sys::interface_index(name).is_none() && !name.contains(':') {
        return Ok(None);
    }
    // An alias such as `eth0:1` has no index, but its address is listed.
    let entries = interface_addresses();
    let mut found = entries.iter().filter(|entry| entry.name == name).map(Interface::ip);
    if let Some(ip) = found.find(IpAddr::is_ipv4) {
        return Ok(Some(ip.into()));
    }
    if sys::interface_index(name).is_none() {
        return Ok(None);
    }
    let text = format!(
        "The interface {name} has no IPv4 address; give it one, or name an IPv6 address of it"
    );
    Err(Error::new(Status::Resolve, "net::address", text))
}

/// Parses an IPv4 or IPv6 literal; `None` if `text` may be a name.
fn literal(text: &str) -> Result<Option<HostAddress>> {
    if text.is_empty() {
        return Err(bad_address(text, "it is empty; give an address or a host name"));
    }
    if let Ok(ip) = text.parse::<Ipv4Addr>() {
        return Ok(Some(IpAddr::V4(ip).into()));
    }
    if text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        // The system's resolver would accept some of these, and read leading zeros as octal.
        let remedy = "it is not an IPv4 address; write four numbers from 0 to 255 without \
                      leading zeros";
        return Err(bad_address(text, remedy));
    }
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let (digits, zone) = match bare.split_once('%') {
        Some((digits, zone)) => (digits, Some(zone)),
        None => (bare, None),
    };
    let Ok(ip) = digits.parse::<Ipv6Addr>() else {
        return if text.contains([':', '[', ']', '%', '/']) {
            let remedy = "it is neither an IP address nor a host name; give it without protocol, \
                          port or path";
            Err(bad_address(text, remedy))
        } else {
            Ok(None)
        };
    };
    let scope_id = zone.map_or(Ok(0), |zone| scope_id(text, zone))?;
    Ok(Some(SocketAddr::V6(SocketAddrV6::new(ip, 0, 0, scope_id)).into()))
}

/// The interface index of the zone of an IPv6 literal: a name or a number.
fn scope_id(text: &str, zone: &str) -> Result<u32> {
    let _held = hold_standard();
    if let Some(index) = sys::interface_index(zone) {
        return Ok(index);
    }
    match zone.parse::<u32>() {
        Ok(index) if index > 0 => Ok(index),
        _ => {
            if let Some(cause) = shortage() {
                return Err(no_descriptors(text, &cause));
            }
            let remedy = format!(
                "this host has no interface {zone:?}, but {}; correct what follows the %",
                interfaces()
            );
            Err(bad_address(text, &remedy))
        }
    }
}

fn no_descriptors(text: &str, cause: &io::Error) -> Error {
    let text = format!("{text} cannot be looked up: {}", cause_text(cause));
    Error::new(Status::OutOfResources, "net::address", text)
}

fn check_name(text: &str) -> Result<()> {
    if text.len() > HOST_NAME_BYTES_MAX {
        let remedy = format!("a host name has at most {HOST_NAME_BYTES_MAX} bytes");
        return Err(bad_address(text, &remedy));
    }
    if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(bad_address(text, "a host name has no blanks or control characters"));
    }
    Ok(())
}

fn bad_address(text: &str, why: &str) -> Error {
    // Quoted and escaped: the text may contain anything.
    let text = format!("Bad address {text:?}: {why}");
    Error::new(Status::InvalidArgument, "net::address", text)
}

/// What can be done where the system has refused to bind `address` with `error`; `None` if its own
/// text says it all.
pub(crate) fn bind_remedy(error: &io::Error, address: SocketAddr) -> Option<String> {
    let text = match error.kind() {
        io::ErrorKind::AddrInUse => "choose another port, or stop the program that has it".into(),
        io::ErrorKind::AddrNotAvailable => {
            format!("no interface of this host has that address, but {}", own_addresses())
        }
        io::ErrorKind::PermissionDenied if (1..1024).contains(&address.port()) => {
            "ports below 1024 are commonly reserved, choose a higher one".into()
        }
        _ => {
            let SocketAddr::V6(v6) = address else { return None };
            match (error.raw_os_error()?, v6.scope_id()) {
                (libc::EAFNOSUPPORT, _) => {
                    "this host does without IPv6, name an IPv4 address".into()
                }
                (libc::EINVAL, 0) if v6.ip().is_unicast_link_local() => format!(
                    "a link-local address needs its interface, as in {}%eth0: this host has {}",
                    v6.ip(),
                    interfaces()
                ),
                (libc::ENODEV | libc::EINVAL, index @ 1..) => format!(
                    "this host has no interface with the number {index}, but {}",
                    interfaces()
                ),
                _ => return None,
            }
        }
    };
    Some(text)
}

/// The interfaces of this host that have an address, as `lo (number 1), eth0 (number 2)`.
fn interfaces() -> String {
    listed(|entry| match entry.index {
        Some(index) => format!("{} (number {index})", entry.name),
        None => entry.name,
    })
}

/// The addresses of this host, as `127.0.0.1, 192.168.1.5`.
fn own_addresses() -> String {
    listed(|entry| entry.ip().to_string())
}

fn listed(text: impl Fn(Interface) -> String) -> String {
    let _held = hold_standard();
    let mut found: Vec<String> = Vec::new();
    for text in interface_addresses().into_iter().map(text) {
        if !found.contains(&text) {
            found.push(text);
        }
        if found.len() > LISTED_MAX {
            found[LISTED_MAX] = "others".into();
            break;
        }
    }
    match found.is_empty() {
        true => "none".into(),
        false => found.join(", "),
    }
}

/// `address`, with the IPv4 address instead of an IPv6 form that embeds one (`::ffff:192.0.2.1`),
/// in which a dual-stack listener reports its IPv4 peers.
pub fn canonical(address: SocketAddr) -> SocketAddr {
    match address.ip().to_canonical() {
        IpAddr::V4(ip) => SocketAddr::new(ip.into(), address.port()),
        IpAddr::V6(_) => address,
    }
}

/// Whether `ip` is an address of this host: loopback, or that of an interface.
pub fn is_of_this_host(ip: IpAddr) -> bool {
    let ip = ip.to_canonical();
    if ip.is_loopback() {
        return true;
    }
    let _held = hold_standard();
    interface_addresses().iter().any(|entry| entry.ip() == ip)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn loopback_interface() -> String {
        let mut addresses = interface_addresses().into_iter();
        addresses.find(|entry| entry.ip() == ip("127.0.0.1")).expect("loopback").name
    }

    #[test]
    fn star_binds_all_ipv4_interfaces_and_connects_to_none() {
        assert_eq!(local_address("*").unwrap().with_port(5), "0.0.0.0:5".parse().unwrap());
        let error = remote_host("*").unwrap_err();
        assert_eq!(error.status(), Status::InvalidArgument);
    }

    #[test]
    fn literals_are_read_in_both_directions() {
        for (text, expected) in [
            ("127.0.0.1", "127.0.0.1"),
            ("10.20.30.40", "10.20.30.40"),
            ("::1", "::1"),
            ("[::1]", "::1"),
            ("[2001:db8::7]", "2001:db8::7"),
            ("::", "::"),
        ] {
            let expected = HostAddress::from(ip(expected));
            assert_eq!(local_address(text).unwrap(), expected, "{text}");
            assert_eq!(remote_host(text).unwrap(), RemoteHost::Address(expected), "{text}");
        }
    }

    #[test]
    fn zones_are_interface_names_or_numbers() {
        let name = loopback_interface();
        let index = sys::interface_index(&name).unwrap();
        for text in [format!("fe80::1%{name}"), format!("[fe80::1%{index}]")] {
            let address = local_address(&text).unwrap();
            assert_eq!(address.ip(), ip("fe80::1"), "{text}");
            match address.with_port(9) {
                SocketAddr::V6(v6) => assert_eq!((v6.port(), v6.scope_id()), (9, index)),
                SocketAddr::V4(_) => panic!("an IPv6 address stays one"),
            }
        }
        for text in ["fe80::1%no-such-if", "fe80::1%", "fe80::1%0", "fe80::1%-1"] {
            let error = local_address(text).unwrap_err();
            assert_eq!(error.status(), Status::InvalidArgument, "{text}");
            assert!(error.text().contains("this host has no interface"), "{error}");
            assert!(error.text().contains(&format!("{name} (number {index})")), "{error}");
        }
    }

    #[test]
    fn an_interface_name_binds_its_ipv4_address_and_is_a_host_name_to_connect() {
        let name = loopback_interface();
        assert_eq!(local_address(&name).unwrap(), ip("127.0.0.1").into());
        assert_eq!(remote_host(&name).unwrap(), RemoteHost::Name(name));
    }

    #[test]
    fn host_names_are_resolved_to_bind_and_kept_to_connect() {
        assert_eq!(local_address("localhost").unwrap(), ip("127.0.0.1").into());
        assert_eq!(remote_host("localhost").unwrap(), RemoteHost::Name("localhost".into()));
        assert_eq!(remote_host("daq-7.lab").unwrap(), RemoteHost::Name("daq-7.lab".into()));
        let error = local_address("no-such-host.invalid").unwrap_err();
        assert_eq!(error.status(), Status::Resolve);
        let words = "no-such-host.invalid is neither an interface of this host, which has ";
        assert!(error.text().starts_with(words), "{error}");
        assert!(error.text().contains(&loopback_interface()), "{error}");
    }

    #[test]
    fn malformed_texts_are_refused_with_the_text_and_a_remedy() {
        for text in [
            "",
            "127.0.0.1:8000",
            "tcp://127.0.0.1",
            "host:9000",
            "1.2.3",
            "010.0.0.1",
            "256.1.1.1",
            "[::1",
            "::1]",
            "[host]",
            "[127.0.0.1]",
            "1::2::3",
            "two words",
            "line\nbreak",
            "nul\0",
            "a/b",
            &"x".repeat(254),
        ] {
            for error in [local_address(text).unwrap_err(), remote_host(text).unwrap_err()] {
                assert_eq!(error.status(), Status::InvalidArgument, "{text:?}");
                assert!(error.text().contains(&format!("{text:?}")), "{error}");
            }
        }
    }

    #[test]
    fn a_refused_bind_has_a_remedy_that_names_what_there_is() {
        let name = loopback_interface();
        for (number, address, words) in [
            (libc::EADDRINUSE, "127.0.0.1:9000", "stop the program that has it"),
            (libc::EADDRNOTAVAIL, "192.0.2.1:9000", "but 127.0.0.1"),
            (libc::EACCES, "127.0.0.1:80", "ports below 1024"),
            (libc::EAFNOSUPPORT, "[::1]:9000", "without IPv6"),
            (libc::EINVAL, "[fe80::1]:9000", "as in fe80::1%eth0: this host has "),
            (libc::EINVAL, "[fe80::1]:9000", &name),
            (libc::ENODEV, "[fe80::1%77]:9000", "no interface with the number 77, but "),
            (libc::ENODEV, "[fe80::1%77]:9000", &name),
        ] {
            let error = io::Error::from_raw_os_error(number);
            let remedy = bind_remedy(&error, address.parse().unwrap()).expect("a remedy");
            assert!(remedy.contains(words), "{remedy}");
        }
        for (number, address) in [
            (libc::EMFILE, "127.0.0.1:9000"),
            (libc::EACCES, "127.0.0.1:9000"),
            (libc::EACCES, "127.0.0.1:0"),
            (libc::EINVAL, "[::1]:9000"),
        ] {
            let error = io::Error::from_raw_os_error(number);
            assert_eq!(bind_remedy(&error, address.parse().unwrap()), None);
        }
    }

    #[test]
    fn embedded_ipv4_addresses_are_unwrapped() {
        let mapped: SocketAddr = "[::ffff:192.0.2.1]:7".parse().unwrap();
        assert_eq!(canonical(mapped), "192.0.2.1:7".parse().unwrap());
        let v6: SocketAddr = "[2001:db8::1]:7".parse().unwrap();
        assert_eq!(canonical(v6), v6);
    }

    #[test]
    fn loopback_is_of_this_host_and_documentation_addresses_are_not() {
        assert!(is_of_this_host(ip("127.0.0.1")));
        assert!(is_of_this_host(ip("127.9.9.9")));
        assert!(is_of_this_host(ip("::1")));
        assert!(is_of_this_host(ip("::ffff:127.0.0.1")));
        assert!(!is_of_this_host(ip("192.0.2.1")));
        assert!(!is_of_this_host(ip("2001:db8::1")));
    }
}
