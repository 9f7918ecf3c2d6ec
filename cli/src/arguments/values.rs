//! Values of a file: numbers, or the texts that the command line has for them.

use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use serde::de::{Error, Visitor};
use serde::Deserializer;

use crate::number;

/// Reads a value of `T` with the function that reads it on the command line.
struct Reader<T> {
    parse: fn(&str) -> Result<T, String>,
    /// The text of an integer, as that function expects it.
    text_of: fn(i64) -> String,
    expected: &'static str,
    value: PhantomData<T>,
}

impl<T> Visitor<'_> for Reader<T> {
    type Value = Option<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.expected)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Option<T>, E> {
        let text = (self.text_of)(value);
        self.visit_str(&text)
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Option<T>, E> {
        self.visit_str(&value.to_string())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Option<T>, E> {
        (self.parse)(text).map(Some).map_err(E::custom)
    }
}

fn read<'de, D: Deserializer<'de>, T>(
    from: D,
    parse: fn(&str) -> Result<T, String>,
    expected: &'static str,
) -> Result<Option<T>, D::Error> {
    let text_of = |value: i64| value.to_string();
    from.deserialize_any(Reader { parse, text_of, expected, value: PhantomData })
}

/// A count of bytes.
pub fn size<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u64>, D::Error> {
    read(from, number::size, "a count of bytes: 4096, 0x1000, \"64k\"")
}

/// An address.
pub fn address<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u64>, D::Error> {
    // An integer of TOML ends at 0x7fffffffffffffff.
    read(from, number::address, "an address: 0x43c00000, \"0xffffffff00000000\"")
}

/// A time in seconds.
pub fn seconds<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Duration>, D::Error> {
    read(from, number::seconds, "a time in seconds: 1, 0.5")
}

/// A count, 1 at least.
pub fn count<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u32>, D::Error> {
    let parse = |text: &str| match text.parse() {
        Ok(0) | Err(_) => Err(format!("{text} is no count from 1 to {}", u32::MAX)),
        Ok(count) => Ok(count),
    };
    read(from, parse, "a count")
}

/// A text, or a number for it.
pub fn text<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    read(from, |text| Ok(text.to_owned()), "a text")
}

/// Permissions of a file.
pub fn mode<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u32>, D::Error> {
    from.deserialize_any(Reader {
        parse: number::mode,
        text_of: |value| format!("{value:o}"),
        expected: "permissions in octal: \"660\", 0o660",
        value: PhantomData,
    })
}
