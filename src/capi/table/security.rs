//! Objects by which servers and clients know each other, and that record what clients did.

use super::members::RESERVED;
use super::{Bits, By, Member, Object, PLAIN};

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

pub const AUDIT: Object = Object {
    name: "audit",
    rust: "crate::security::Audit",
    is: "The record of what the clients of servers did.",
    argument: ("audit", "the audit"),
    release:
        "Servers that have it as their option audit keep it. With the last reference its thread \
              passes the remaining records and ends; the release waits for that 80 ms at most.",
    ..PLAIN
};

pub const AUDIT_OPTIONS: &[Member] = &[
    Member {
        name: "data_bytes_max",
        bits: Bits::B32,
        is: "Bytes of the data of an access that are recorded, from its beginning. 0 = 64. \
             ROGUE_MEM_AUDIT_NO_DATA = none.",
        sets: "data_bytes_max",
        by: By::Conversion("audit_data"),
    },
    Member {
        name: "reads",
        bits: Bits::B32,
        is: "A flag: whether reads are recorded too.",
        sets: "reads",
        by: By::Conversion("is_set"),
    },
    Member {
        name: "queue_bytes_max",
        bits: Bits::B64,
        is: "Bytes of the data and texts of records that wait, at most; memory for twice as many is \
             set aside. 0 = 1 MiB.",
        sets: "queue_bytes_max",
        by: By::Conversion("bytes"),
    },
    Member {
        name: "file_bytes_max",
        bits: Bits::B64,
        is: "Bytes of a file after which the next one begins. 0 = 64 MiB.",
        sets: "file_bytes_max",
        by: By::Conversion("number64"),
    },
    Member {
        name: "records_max",
        bits: Bits::B32,
        is: "Records that wait, at most; memory for twice as many is set aside. 0 = 8192.",
        sets: "records_max",
        by: By::Conversion("count"),
    },
    Member {
        name: "files_max",
        bits: Bits::B32,
        is: "Number of files that are kept, the present one included. 0 = 8.",
        sets: "files_max",
        by: By::Conversion("number"),
    },
    Member {
        name: "file_mode",
        bits: Bits::B32,
        is: "Permissions of a new file, at most 0777, which the umask may reduce. 0 = 0600, which \
             lets only its owner read it.",
        sets: "file_mode",
        by: By::Conversion("number"),
    },
    RESERVED,
];
