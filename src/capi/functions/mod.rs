//! The functions of the C interface that only pass a call on to an object of the library.
//!
//! This is data and not part of the library, as `table.rs` is: `tests/header/` generates from it the
//! `extern "C"` functions of `src/capi/generated.rs`. See `docs/abi.md`.
//!
//! `fn port(self) -> u16` in `tcp_server` becomes `rogue_mem_tcp_server_port`; a further section with
//! functions of `variable` is called `variable_numbers of variable`. `self` is a handle of the object,
//! which the body knows by the name of its argument in `table.rs`. A parameter is a number, a `text`,
//! the `options` of the object, or an object. The body gives one of these:
//!
//! * nothing, a number, a `text`, or an object, of which C gets a new reference;
//! * `new` and an object: C gets a reference by the parameter `out`, and a status;
//! * `result`: a `Result` without a value, which becomes the status;
//! * `value` and a number: a `Result` of one, which C gets by the parameter `value`, and the status;
//! * `status`: nothing; the call can fail only for its arguments.
//!
//! The generator adds the checks of arguments, and to the comment what is the same for all: `self`,
//! the buffer of a text, and `out`; the result if `self` is NULL; and the status if only NULL is an
//! error.

mod bridge;
mod bus;
mod files;
mod logging;
mod net;
mod registers;
mod security;
mod stream;

/// The functions of one section of the header.
pub struct Group {
    pub name: &'static str,
    /// The object to which they belong; empty if the section has its name.
    pub of: &'static str,
    /// The lines of the section's comment, if no file of `src/capi` has it.
    pub about: &'static [&'static str],
    pub functions: &'static [Function],
}

/// A function of the C interface.
pub struct Function {
    pub name: &'static str,
    /// The lines of its comment.
    pub docs: &'static [&'static str],
    /// Names and types.
    pub parameters: &'static [(&'static str, &'static str)],
    pub result: &'static str,
    pub body: &'static str,
}

macro_rules! functions {
    ($($(#[doc = $about:literal])* $group:ident $(of $object:ident)? { $(
        $(#[doc = $doc:literal])+
        fn $name:ident($($parameter:ident $(: $ty:ident)?),*) $(-> $($result:ident)+)? { $body:expr }
    )* })*) => {
        pub const GROUPS: &[Group] = &[$(Group {
            name: stringify!($group),
            of: concat!($(stringify!($object))?),
            about: &[$($about),*],
            functions: &[$(Function {
                name: stringify!($name),
                docs: &[$($doc),+],
                parameters: &[$((stringify!($parameter), concat!($(stringify!($ty))?))),*],
                result: concat!($($(stringify!($result), " "),+)?),
                body: stringify!($body),
            }),*],
        }),*];
    };
}
use functions;

/// The group of this name.
pub fn group(name: &str) -> Option<&'static Group> {
    let all = [
        bus::GROUPS,
        registers::GROUPS,
        bridge::GROUPS,
        net::GROUPS,
        security::GROUPS,
        stream::GROUPS,
        files::GROUPS,
        logging::GROUPS,
    ];
    all.into_iter().flatten().find(|group| group.name == name)
}
