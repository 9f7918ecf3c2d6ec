//! Text from a peer, escaped for display: nothing it sends can forge a log line or break a
//! terminal.

use std::fmt::Write;

/// `octets` as printable text.
///
/// Valid UTF-8 is kept, except that control characters become escapes (`\n`, `\t`, `\x02`,
/// `\u{85}`) and a backslash is doubled; octets that are not UTF-8 become `\xNN`. The result
/// contains no control character whatever the peer sent.
pub fn escape(octets: &[u8]) -> String {
    let mut out = String::with_capacity(octets.len());
    for chunk in octets.utf8_chunks() {
        for character in chunk.valid().chars() {
            push_escaped(character, &mut out);
        }
        for octet in chunk.invalid() {
            push_hex(*octet, &mut out);
        }
    }
    out
}

fn push_escaped(character: char, out: &mut String) {
    match character {
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '\\' => out.push_str("\\\\"),
        c if c.is_ascii_control() => push_hex(c as u8, out),
        // Line and paragraph separators and the bidirectional controls also change how a
        // terminal shows the text around them.
        c if c.is_control() || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}') => {
            out.extend(c.escape_unicode());
        }
        c => out.push(c),
    }
}

fn push_hex(octet: u8, out: &mut String) {
    // Writing to a String cannot fail.
    let _ = write!(out, "\\x{octet:02x}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readable_text_passes_unchanged() {
        assert_eq!(
            escape("Bus error at 0x10000040, 5 µs".as_bytes()),
            "Bus error at 0x10000040, 5 µs"
        );
    }

    #[test]
    fn control_characters_and_foreign_octets_become_escapes() {
        assert_eq!(escape(b"a\nb\r\tc\x02\x1b[31m\\"), "a\\nb\\r\\tc\\x02\\x1b[31m\\\\");
        assert_eq!(escape(b"\xff\xfeok\xc3"), "\\xff\\xfeok\\xc3");
        assert_eq!(escape("\u{85}\u{202e}".as_bytes()), "\\u{85}\\u{202e}");
    }

    #[test]
    fn no_octet_string_yields_a_control_character() {
        for first in 0..=0xff_u8 {
            for second in 0..=0xff_u8 {
                let text = escape(&[first, second]);
                assert!(!text.chars().any(char::is_control), "{first:02x} {second:02x}");
            }
        }
    }
}
