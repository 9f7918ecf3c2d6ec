//! The result, part 5 of a response: its encoding by a server and its evaluation by a client.

use crate::proto::axi;
use crate::proto::text::escape;
use std::borrow::Cow;

/// Octets of the longest result a server sends: Rogue's client drops a response with a longer one.
pub const RESULT_OCTETS_MAX: usize = 999;

/// Octets of a result that a client keeps. A longer one is accepted and cut: the memory that a peer
/// can occupy has a limit.
pub const RESULT_KEPT_OCTETS_MAX: usize = 1 << 20;

/// The result of a success.
pub const RESULT_OK: &[u8] = b"OK";

/// How a client handles result texts.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Dialect {
    /// A client without `X-Rogue-Bridge`. Rogue's own passes the result to a printf-style
    /// formatter: a `%` can crash its process.
    Legacy,
    /// A client with `X-Rogue-Bridge`, which shows any text as it is.
    Announced,
}

/// Evaluates a result: `Ok` for success, otherwise the error text for the caller, without control
/// characters and never empty.
///
/// `OK`, an empty result and one that starts with a zero octet are successes (Rogue reads it as a C
/// string and takes an empty error text for none). A result of 4 octets with zeros in the last
/// three is a little-endian AXI response, as SURF's simulation module sends it.
#[inline]
pub fn evaluate_result(result: &[u8]) -> Result<(), String> {
    if result == RESULT_OK {
        Ok(())
    } else {
        evaluate_unusual(result)
    }
}

#[cold]
fn evaluate_unusual(result: &[u8]) -> Result<(), String> {
    if let &[code, 0, 0, 0] = result {
        return match axi_error(code.into()) {
            Some(text) => Err(text),
            None => Ok(()),
        };
    }
    let end = result.iter().position(|&octet| octet == 0).unwrap_or(result.len());
    match &result[..end] {
        b"" | RESULT_OK => Ok(()),
        text => Err(escape(text)),
    }
}

/// The error text for an AXI response, `None` for success.
fn axi_error(code: u32) -> Option<String> {
    if code == axi::OKAY {
        return None;
    }
    let Some((name, meaning)) = axi::error_words(code) else {
        return Some(format!("bus error: unknown response code {code}"));
    };
    Some(format!("AXI bus error {name} ({code}): {meaning}"))
}

/// The result for a transaction that failed with this text, as octets of UTF-8.
///
/// Cut to [`RESULT_OCTETS_MAX`] octets at a character boundary. No client can take the outcome for
/// a success: an empty text, the text `OK`, and zero octets are replaced. For a legacy client every
/// `%` becomes the word `percent`.
pub fn error_result(text: &str, dialect: Dialect) -> Cow<'_, [u8]> {
    let mut text = match text {
        "" => Cow::Borrowed("error without text"),
        "OK" => Cow::Borrowed("error: OK"),
        text => Cow::Borrowed(text),
    };
    if text.contains('\0') {
        text = Cow::Owned(text.replace('\0', "\\x00"));
    }
    if dialect == Dialect::Legacy && text.contains('%') {
        text = Cow::Owned(text.replace('%', "percent"));
    }
    let mut end = text.len().min(RESULT_OCTETS_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(&text.as_bytes()[..end]),
        Cow::Owned(mut text) => {
            text.truncate(end);
            Cow::Owned(text.into_bytes())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ok_empty_and_leading_zero_are_successes() {
        let successes: &[&[u8]] = &[b"OK", b"OK\0junk", b"", b"\0", b"\0error", b"\0\0\0\0"];
        for result in successes {
            assert_eq!(evaluate_result(result), Ok(()), "{result:?}");
        }
    }

    #[test]
    fn d13_any_other_text_is_an_error_as_it_is_up_to_its_first_zero() {
        let text = |result: &[u8]| evaluate_result(result).unwrap_err();
        assert_eq!(text(b"Bus error at 0x10000040"), "Bus error at 0x10000040");
        assert_eq!(text(b"bad\0OK"), "bad");
        assert_eq!(text(b"OK "), "OK ");
        assert_eq!(text(b"ok"), "ok");
        assert_eq!(text(b"50%% of %x %s%n"), "50%% of %x %s%n");
        assert_eq!(text(b"a\nb\xff"), "a\\nb\\xff");
    }

    #[test]
    fn four_octets_with_three_zeros_are_an_axi_response() {
        let text = |code: u8| evaluate_result(&[code, 0, 0, 0]).unwrap_err();
        assert!(text(1).starts_with("AXI bus error EXOKAY (1): "));
        assert!(text(2).starts_with("AXI bus error SLVERR (2): "));
        assert!(text(3).starts_with("AXI bus error DECERR (3): "));
        assert_eq!(text(9), "bus error: unknown response code 9");
        assert_eq!(evaluate_result(b"\x02").unwrap_err(), "\\x02");
        assert_eq!(evaluate_result(b"\x02\0\0\0\0").unwrap_err(), "\\x02");
    }

    #[test]
    fn ordinary_text_is_sent_as_it_is() {
        let result = error_result("no device: 5 % load", Dialect::Announced);
        assert!(matches!(result, Cow::Borrowed(b"no device: 5 % load")));
    }

    #[test]
    fn d15_no_error_text_can_be_taken_for_a_success() {
        for text in ["", "OK", "\0", "OK\0", "\0\0\0\0", "a\0\0\0", "\0OK"] {
            for dialect in [Dialect::Legacy, Dialect::Announced] {
                let result = error_result(text, dialect);
                assert!(evaluate_result(&result).is_err(), "{text:?} as {result:?}");
                assert!(!result.contains(&0));
            }
        }
        assert_eq!(&*error_result("", Dialect::Announced), b"error without text");
        assert_eq!(&*error_result("OK", Dialect::Announced), b"error: OK");
    }

    #[test]
    fn d13_legacy_clients_get_no_percent_sign() {
        assert_eq!(&*error_result("50% of %n", Dialect::Legacy), b"50percent of percentn");
        let long = "%".repeat(999);
        let result = error_result(&long, Dialect::Legacy);
        assert_eq!(result.len(), RESULT_OCTETS_MAX);
        assert!(!result.contains(&b'%'));
    }

    #[test]
    fn d15_long_text_is_cut_at_a_character_boundary() {
        for pad in 0..4 {
            let text = "x".repeat(pad) + &"€".repeat(400);
            let result = error_result(&text, Dialect::Announced);
            assert!((RESULT_OCTETS_MAX - 2..=RESULT_OCTETS_MAX).contains(&result.len()));
            assert!(text.starts_with(std::str::from_utf8(&result).unwrap()));
        }
        let exact = "y".repeat(RESULT_OCTETS_MAX);
        assert_eq!(&*error_result(&exact, Dialect::Legacy), exact.as_bytes());
    }
}
