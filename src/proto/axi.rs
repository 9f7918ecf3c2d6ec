//! Responses of an AXI bus (AMBA AXI, RRESP and BRESP), as devices report them in several protocols.

/// Success.
pub const OKAY: u32 = 0;
/// Success of an exclusive access, although none was requested.
pub const EXOKAY: u32 = 1;
/// The slave reports an error.
pub const SLVERR: u32 = 2;
/// There is no slave at the address.
pub const DECERR: u32 = 3;

/// Name and meaning of a response that is an error; `None` for any other number.
pub fn error_words(response: u32) -> Option<(&'static str, &'static str)> {
    match response {
        EXOKAY => Some(("EXOKAY", "the slave answered an ordinary access as an exclusive one")),
        SLVERR => Some(("SLVERR", "the slave at this address reports an error")),
        DECERR => Some(("DECERR", "there is no slave at this address")),
        _ => None,
    }
}
