//! Numbers as they are typed and shown.

use clap::ValueEnum;

/// How a value is shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Form {
    /// All digits of the width: 0x0000002a
    Hex,
    /// Unsigned
    Dec,
    /// Two's complement
    Signed,
    /// All bits of the width: 0b00101010
    Bin,
    /// IEEE 754, for widths of 4 and 8 bytes
    Float,
}

/// The order of the bytes of a value.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Endian {
    /// The lowest byte first
    Little,
    /// The highest byte first
    Big,
}

/// A register: its bytes and their order.
#[derive(Clone, Copy, Debug)]
pub struct Register {
    /// 1, 2, 4 or 8.
    pub width: u32,
    /// The order of its bytes.
    pub endian: Endian,
}

impl Register {
    /// The bits of a value.
    fn bits(self) -> u32 {
        8 * self.width
    }

    /// Whether its values have a form.
    pub fn check(self, form: Form) -> Result<(), String> {
        match form {
            Form::Float if self.width < 4 => {
                Err(format!("A float has 4 or 8 bytes, and these registers have {}", self.width))
            }
            _ => Ok(()),
        }
    }

    /// The largest unsigned value.
    pub fn mask(self) -> u64 {
        u64::MAX >> (64 - self.bits())
    }

    /// The value of its bytes.
    pub fn value(self, bytes: &[u8]) -> u64 {
        let shifted = |value: u64, byte: &u8| value << 8 | u64::from(*byte);
        match self.endian {
            Endian::Little => bytes.iter().rev().fold(0, shifted),
            Endian::Big => bytes.iter().fold(0, shifted),
        }
    }

    /// The bytes of a value.
    pub fn bytes(self, value: u64) -> Vec<u8> {
        let width = self.width as usize;
        match self.endian {
            Endian::Little => value.to_le_bytes()[..width].to_vec(),
            Endian::Big => value.to_be_bytes()[8 - width..].to_vec(),
        }
    }

    /// The value that a text stands for: an integer, signed or not, or a float.
    pub fn parse(self, text: &str) -> Result<u64, String> {
        let (is_negative, digits) = match text.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let Some(magnitude) = magnitude_of(digits) else {
            return self.parse_float(text);
        };
        let lowest = 1u128 << (self.bits() - 1);
        let is_in_range = match is_negative {
            true => magnitude <= lowest,
            false => magnitude <= u128::from(self.mask()),
        };
        if !is_in_range {
            let (bits, mask) = (self.bits(), self.mask());
            return Err(format!("{text} does not fit into {bits} bits: -{lowest} to {mask}"));
        }
        let value = magnitude as u64;
        Ok(if is_negative { value.wrapping_neg() & self.mask() } else { value })
    }

    fn parse_float(self, text: &str) -> Result<u64, String> {
        let wrong = || format!("{text:?} is no number: 42, -1, 0x2a, 0b101010, 0o52, 1.5e3");
        // A register gets what was meant, or nothing.
        let checked = |value: f64| {
            let mantissa = text.split(['e', 'E']).next().unwrap_or_default();
            let has = |digits: &[char]| mantissa.contains(digits);
            let is_lost = value.is_infinite() && has(&DIGITS) || value == 0.0 && has(&DIGITS[1..]);
            match is_lost {
                true => Err(format!("{text} is too large or too small for {} bits", self.bits())),
                false => Ok(()),
            }
        };
        match self.width {
            4 => {
                let value = text.parse::<f32>().map_err(|_| wrong())?;
                checked(value.into()).map(|()| value.to_bits().into())
            }
            8 => {
                let value = text.parse::<f64>().map_err(|_| wrong())?;
                checked(value).map(|()| value.to_bits())
            }
            width => match text.parse::<f64>() {
                Ok(_) => Err(format!("{text}: a float has 4 or 8 bytes, and this value {width}")),
                Err(_) => Err(wrong()),
            },
        }
    }

    /// A value as text.
    pub fn show(self, value: u64, form: Form) -> String {
        match form {
            Form::Hex => format!("0x{value:0digits$x}", digits = 2 * self.width as usize),
            Form::Bin => format!("0b{value:0bits$b}", bits = self.bits() as usize),
            Form::Dec => value.to_string(),
            Form::Signed => self.signed(value).to_string(),
            // The shortest digits of a float of 4 bytes, not those of its double.
            Form::Float if self.width == 4 => f32::from_bits(value as u32).to_string(),
            Form::Float => self.float(value).to_string(),
        }
    }

    /// A value as JSON: a number, or a text for the floats that JSON has no number for.
    pub fn json(self, value: u64, form: Form) -> serde_json::Value {
        match form {
            Form::Signed => self.signed(value).into(),
            Form::Float => {
                let text = self.show(value, form);
                let number = text.parse().ok().and_then(serde_json::Number::from_f64);
                number.map_or_else(|| text.into(), Into::into)
            }
            _ => value.into(),
        }
    }

    /// A value as IEEE 754.
    pub fn float(self, value: u64) -> f64 {
        match self.width {
            4 => f32::from_bits(value as u32).into(),
            _ => f64::from_bits(value),
        }
    }

    /// A value as two's complement.
    pub fn signed(self, value: u64) -> i64 {
        let unused = 64 - self.bits();
        ((value << unused) as i64) >> unused
    }
}

/// The decimal digits.
const DIGITS: [char; 10] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'];

/// An unsigned integer; the largest one stands for those that are larger still. `None` if it is none.
fn magnitude_of(text: &str) -> Option<u128> {
    let is_integer = |text: &str| {
        text.starts_with(DIGITS) && text.bytes().all(|one| one.is_ascii_digit() || one == b'_')
    };
    unsigned(text).ok().or_else(|| is_integer(text).then_some(u128::MAX))
}

/// An unsigned integer: decimal, 0x, 0b or 0o, with `_` between digits.
fn unsigned(text: &str) -> Result<u128, String> {
    let wrong = || format!("{text:?} is no unsigned integer: 42, 0x2a, 0b101010, 0o52");
    let (digits, radix) = match text.get(..2).map(str::to_ascii_lowercase).as_deref() {
        Some("0x") => (&text[2..], 16),
        Some("0b") => (&text[2..], 2),
        Some("0o") => (&text[2..], 8),
        _ => (text, 10),
    };
    if digits.starts_with(['_', '+', '-']) || digits.ends_with('_') {
        return Err(wrong());
    }
    u128::from_str_radix(&digits.replace('_', ""), radix).map_err(|_| wrong())
}

/// An address: an unsigned integer of 64 bits.
pub fn address(text: &str) -> Result<u64, String> {
    unsigned(text)?.try_into().map_err(|_| format!("{text} is above 0xffffffffffffffff"))
}

/// A count of bytes: an unsigned integer, or with a suffix: 4k, 16M, 1G (powers of 1024).
pub fn size(text: &str) -> Result<u64, String> {
    let (digits, shift) = match text.chars().last() {
        Some('k' | 'K') => (&text[..text.len() - 1], 10),
        Some('M') => (&text[..text.len() - 1], 20),
        Some('G') => (&text[..text.len() - 1], 30),
        _ => (text, 0),
    };
    let count = unsigned(digits)?;
    let bytes = count.checked_shl(shift).filter(|bytes| bytes >> shift == count);
    bytes
        .and_then(|bytes| u64::try_from(bytes).ok())
        .ok_or_else(|| format!("{text} is more bytes than there are addresses"))
}

/// Permissions of a file, in octal: 660, 0660, 0o660.
pub fn mode(text: &str) -> Result<u32, String> {
    const ALL: u32 = 0o777;
    let digits = text.strip_prefix("0o").unwrap_or(text);
    match u32::from_str_radix(digits, 8) {
        Ok(mode) if mode <= ALL && !digits.starts_with('+') => Ok(mode),
        _ => Err(format!("{text} is no permissions of a file in octal, from 0 to {ALL:o}")),
    }
}

/// A time in seconds, above 0 and at most a day.
pub fn seconds(text: &str) -> Result<std::time::Duration, String> {
    const DAY_S: f64 = 86400.0;
    match text.parse::<f64>() {
        Ok(seconds) if seconds > 0.0 && seconds <= DAY_S => {
            Ok(std::time::Duration::from_secs_f64(seconds))
        }
        _ => Err(format!("{text:?} is no time in seconds, above 0 and at most {DAY_S}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn register(width: u32) -> Register {
        Register { width, endian: Endian::Little }
    }

    #[test]
    fn integers_are_read_in_every_radix_and_refused_out_of_their_range() {
        let byte = register(1);
        for (text, value) in [
            ("42", 42),
            ("0x2a", 42),
            ("0X2A", 42),
            ("0b0010_1010", 42),
            ("0o52", 42),
            ("+7", 7),
            ("255", 255),
            ("-1", 255),
            ("-128", 128),
            ("-0x80", 128),
        ] {
            assert_eq!(byte.parse(text), Ok(value), "{text}");
        }
        for text in ["256", "-129", "", "-", "0x", "_1", "1_", "1x", "--1", "0x-1", "1.5", "é"] {
            assert!(byte.parse(text).is_err(), "{text:?}");
        }
        assert_eq!(register(8).parse("0xffff_ffff_ffff_ffff"), Ok(u64::MAX));
        assert!(register(8).parse("0x1_0000_0000_0000_0000").is_err());
        assert_eq!(register(8).parse("-9223372036854775808"), Ok(1 << 63));
    }

    #[test]
    fn f124_a_number_that_a_register_cannot_hold_is_refused_and_not_another_one() {
        for (width, text) in [
            (4, "1e39"),
            (4, "-1e39"),
            (4, "1e-50"),
            (8, "1e400"),
            (8, "1E-400"),
            (8, "400000000000000000000000000000000000000000"),
        ] {
            let error = register(width).parse(text).unwrap_err();
            assert!(error.contains(text) && error.contains("bits"), "{error}");
        }
        for (text, value) in [("inf", f32::INFINITY), ("-inf", f32::NEG_INFINITY), ("0.0e9", 0.0)] {
            assert_eq!(register(4).parse(text), Ok(value.to_bits().into()), "{text}");
        }
        assert_eq!(register(4).parse("1e-45"), Ok(1));
        assert!(register(4).parse("nan").is_ok());
    }

    #[test]
    fn floats_have_four_or_eight_bytes() {
        assert_eq!(register(4).parse("1.5"), Ok(0x3fc0_0000));
        assert_eq!(register(4).parse("-1e3"), Ok(0xc47a_0000));
        assert_eq!(register(8).parse("1.5"), Ok(0x3ff8_0000_0000_0000));
        assert_eq!(register(4).show(0x3fc0_0000, Form::Float), "1.5");
        assert_eq!(register(4).json(0x3dcc_cccd, Form::Float).to_string(), "0.1");
        assert_eq!(register(4).json(0x7fc0_0000, Form::Float).to_string(), "\"NaN\"");
        assert!(register(2).parse("1.5").unwrap_err().contains("4 or 8 bytes"));
    }

    #[test]
    fn values_are_shown_with_all_digits_of_their_width_and_in_both_orders() {
        assert_eq!(register(4).show(42, Form::Hex), "0x0000002a");
        assert_eq!(register(1).show(42, Form::Bin), "0b00101010");
        assert_eq!(register(2).show(0xfffe, Form::Signed), "-2");
        assert_eq!(register(8).show(u64::MAX, Form::Dec), u64::MAX.to_string());
        for (endian, bytes) in [(Endian::Little, [2, 1]), (Endian::Big, [1, 2])] {
            let register = Register { width: 2, endian };
            assert_eq!(register.bytes(0x102), bytes);
            assert_eq!(register.value(&bytes), 0x102);
        }
    }

    #[test]
    fn sizes_have_suffixes_and_no_overflow() {
        assert_eq!(size("16M"), Ok(16 << 20));
        assert_eq!(size("0x10k"), Ok(16 << 10));
        assert_eq!(size("17179869183G"), Ok(17_179_869_183 << 30));
        assert!(size("17179869184G").is_err());
        assert!(size("M").is_err());
        assert_eq!(address("0xffff_ffff_ffff_ffff"), Ok(u64::MAX));
        assert!(address("0x10000000000000000").is_err());
        assert!(address("-1").is_err());
    }

    #[test]
    fn permissions_are_octal() {
        for text in ["660", "0660", "0o660"] {
            assert_eq!(mode(text), Ok(0o660), "{text}");
        }
        for text in ["", "888", "1000", "-1", "+7", "rw"] {
            assert!(mode(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn times_are_positive_and_finite() {
        assert_eq!(seconds("0.25"), Ok(std::time::Duration::from_millis(250)));
        for text in ["0", "-1", "nan", "inf", "1e9", ""] {
            assert!(seconds(text).is_err(), "{text}");
        }
    }
}
