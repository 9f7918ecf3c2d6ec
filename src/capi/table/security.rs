//! Objects by which servers and clients know each other.

use super::{Object, PLAIN};

pub const CURVE_KEYS: Object = Object {
    name: "curve_keys",
    rust: "crate::security::keys::KeyPair",
    is: "A key pair for CURVE.",
    argument: ("keys", "the key pair"),
    release: "With the last one the secret key is wiped.",
    ..PLAIN
};

pub const CURVE_SERVER: Object = Object {
    name: "curve_server",
    rust: "crate::security::CurveServer",
    is: "The keys of servers with CURVE, and the clients that they accept.",
    argument: ("curve", "the keys of the servers"),
    release: "Servers that have it as their option curve keep it.",
    ..PLAIN
};

pub const CURVE_CLIENT: Object = Object {
    name: "curve_client",
    rust: "crate::security::CurveClient",
    is: "The keys of clients with CURVE, and that of their server.",
    argument: ("curve", "the keys of the clients"),
    release: "Clients that have it as their option curve keep it.",
    ..PLAIN
};

pub const ACCESS_LIST: Object = Object {
    name: "access_list",
    rust: "crate::security::AccessList",
    is: "The peers that servers let in, and what each of them may do.",
    argument: ("access", "the access list"),
    release: "Servers that have it as their option access_list keep it.",
    ..PLAIN
};
