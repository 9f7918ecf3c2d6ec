//! Numbers of at most 64 bits: between the values of a program and the bits of a register. The bits
//! are those of the value, lowest first; the order of its bytes in memory is not known here.

use super::floats;
use super::model::Model;
use super::text;
use crate::error::{Error, Result, Status};

/// What the conversion of a number depends on.
#[derive(Debug)]
pub struct Numeric<'a> {
    /// Name of the variable, for errors.
    pub(super) name: &'a str,
    pub(super) model: Model,
    /// Width of a value, 1 to 64.
    pub(super) bits: u32,
    /// The smallest and the largest value that the program allows.
    pub(super) range: Option<(f64, f64)>,
    /// Bits of the fraction of a fixed point number.
    pub(super) bin_point: u32,
}

mod sealed {
    pub trait Sealed {}
}

/// A type in which a program has the numbers of a variable: `u64`, `i64`, `bool`, `f32`, `f64`.
pub trait Scalar: Copy + Default + sealed::Sealed {
    /// The bits of this value; an error if the variable cannot have it.
    #[doc(hidden)]
    fn encode(self, numeric: &Numeric<'_>) -> Result<u64>;
    /// The value of `bits`.
    #[doc(hidden)]
    fn decode(bits: u64, numeric: &Numeric<'_>) -> Self;
}

/// The lowest `bits` bits of a word.
pub(super) fn mask(bits: u32) -> u64 {
    match bits {
        0 => 0,
        _ => u64::MAX >> (64 - bits.min(64)),
    }
}

impl Numeric<'_> {
    fn refused(&self, text: String) -> Error {
        Error::new(Status::InvalidArgument, format!("Block::set{}", self.model), text)
    }

    #[cold]
    fn range_error(&self, value: &str, min: f64, max: f64) -> Error {
        let (name, min, max) = (self.name, text::fixed(min), text::fixed(max));
        self.refused(format!("Value range error for {name}. Value={value}, Min={min}, Max={max}"))
    }

    /// Checks an integer against the program's limits and those of the width, `low` and `high`.
    fn check_integer(&self, value: i128, low: i128, high: i128) -> Result<()> {
        if let Some((min, max)) = self.range {
            // As integers: a double does not hold all of them. A NaN limits nothing.
            let is_above = !max.is_nan() && value > max.floor() as i128;
            let is_below = !min.is_nan() && value < min.ceil() as i128;
            if is_above || is_below {
                return Err(self.range_error(&value.to_string(), min, max));
            }
        }
        if value < low || value > high {
            let name = self.name;
            return Err(self.refused(format!(
                "Value range error for {name}. Value={value}, Min={low}.000000, Max={high}.000000"
            )));
        }
        Ok(())
    }

    /// Checks a floating point number against the program's limits. NaN is within them.
    fn check_range(&self, value: f64) -> Result<()> {
        match self.range {
            Some((min, max)) if value > max || value < min => {
                Err(self.range_error(&text::fixed(value), min, max))
            }
            _ => Ok(()),
        }
    }

    fn encode_fixed(&self, value: f64) -> Result<u64> {
        let is_signed = self.model == Model::Fixed;
        let (name, shown) = (self.name, text::fixed(value));
        if !is_signed && value < 0.0 {
            return Err(
                self.refused(format!("Unsigned fixed-point underflow for {name}. Value={shown}"))
            );
        }
        // Compared as floating point numbers: the integer type may not hold the result.
        let number = scaled(value, i64::from(self.bin_point)).round();
        let width = self.bits - u32::from(is_signed);
        let above = scaled(1.0, width.into());
        let low = if is_signed { -above } else { 0.0 };
        if number >= low && number < above {
            return Ok(number as i128 as u64 & mask(self.bits));
        }
        let point = -i64::from(self.bin_point);
        let max = text::fixed(scaled(mask(width) as f64, point));
        Err(self.refused(match is_signed {
            true => {
                let min = text::fixed(scaled(low, point));
                format!("Fixed point overflow for {name}. Value={shown}, Min={min}, Max={max}")
            }
            false => {
                format!("Unsigned fixed-point overflow for {name}. Value={shown}, Min=0, Max={max}")
            }
        }))
    }

    fn decode_fixed(&self, bits: u64) -> f64 {
        let number = match self.model {
            Model::Fixed => extended(bits, self.bits) as f64,
            _ => bits as f64,
        };
        scaled(number, -i64::from(self.bin_point))
    }
}

/// `value` times two to the power of `power`.
pub(super) fn scaled(mut value: f64, mut power: i64) -> f64 {
    // The factor of one step is a normal number.
    const STEP: i64 = 1000;
    while power != 0 && value != 0.0 && value.is_finite() {
        let step = power.clamp(-STEP, STEP);
        value *= 2f64.powi(step as i32);
        power -= step;
    }
    value
}

/// `bits`, of which the highest is the sign, as a signed integer.
fn extended(bits: u64, width: u32) -> i64 {
    let unused = 64 - width.clamp(1, 64);
    ((bits << unused) as i64) >> unused
}

impl sealed::Sealed for u64 {}
impl sealed::Sealed for i64 {}
impl sealed::Sealed for bool {}
impl sealed::Sealed for f32 {}
impl sealed::Sealed for f64 {}

impl Scalar for u64 {
    fn encode(self, numeric: &Numeric<'_>) -> Result<u64> {
        numeric.check_integer(self.into(), 0, mask(numeric.bits).into())?;
        Ok(self)
    }

    fn decode(bits: u64, _: &Numeric<'_>) -> u64 {
        bits
    }
}

impl Scalar for i64 {
    fn encode(self, numeric: &Numeric<'_>) -> Result<u64> {
        let half = 1i128 << (numeric.bits - 1);
        numeric.check_integer(self.into(), -half, half - 1)?;
        Ok(self as u64 & mask(numeric.bits))
    }

    fn decode(bits: u64, numeric: &Numeric<'_>) -> i64 {
        extended(bits, numeric.bits)
    }
}

impl Scalar for bool {
    fn encode(self, _: &Numeric<'_>) -> Result<u64> {
        Ok(self.into())
    }

    fn decode(bits: u64, _: &Numeric<'_>) -> bool {
        bits != 0
    }
}

impl Scalar for f32 {
    fn encode(self, numeric: &Numeric<'_>) -> Result<u64> {
        numeric.check_range(self.into())?;
        Ok(floats::encode(numeric.model, self).into())
    }

    fn decode(bits: u64, numeric: &Numeric<'_>) -> f32 {
        floats::decode(numeric.model, bits as u32)
    }
}

impl Scalar for f64 {
    fn encode(self, numeric: &Numeric<'_>) -> Result<u64> {
        numeric.check_range(self)?;
        match numeric.model {
            Model::Fixed | Model::UFixed => numeric.encode_fixed(self),
            _ => Ok(self.to_bits()),
        }
    }

    fn decode(bits: u64, numeric: &Numeric<'_>) -> f64 {
        match numeric.model {
            Model::Fixed | Model::UFixed => numeric.decode_fixed(bits),
            _ => f64::from_bits(bits),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numeric(model: Model, bits: u32, range: Option<(f64, f64)>) -> Numeric<'static> {
        Numeric { name: "v", model, bits, range, bin_point: 0 }
    }

    #[test]
    fn d69_an_integer_is_compared_as_an_integer_and_has_to_fit() {
        let limited = numeric(Model::UInt, 64, Some((0.0, 9007199254740992.0)));
        assert_eq!(9007199254740992u64.encode(&limited).unwrap(), 1 << 53);
        let error = 9007199254740993u64.encode(&limited).unwrap_err();
        assert_eq!(
            error.to_string(),
            "Block::setUInt: General Error: Value range error for v. Value=9007199254740993, \
             Min=0.000000, Max=9007199254740992.000000"
        );
        let text = 256u64.encode(&numeric(Model::UInt, 8, None)).unwrap_err();
        let expected = "Value range error for v. Value=256, Min=0.000000, Max=255.000000";
        assert_eq!(text.text(), expected);
        for (value, fits) in [(-129, false), (-128, true), (127, true), (128, false)] {
            assert_eq!(i64::encode(value, &numeric(Model::Int, 8, None)).is_ok(), fits, "{value}");
        }
        // A range of nothing but zero.
        let zero = numeric(Model::Int, 8, Some((0.0, 0.0)));
        assert!(0i64.encode(&zero).is_ok() && 1i64.encode(&zero).is_err());
        assert!(1u64.encode(&numeric(Model::UInt, 8, Some((f64::NAN, f64::NAN)))).is_ok());
    }

    #[test]
    fn d70_a_fixed_point_number_is_checked_before_it_is_converted() {
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e30, -1e30, 1e300, 2f64.powi(63)]
        {
            let signed = value.encode(&numeric(Model::Fixed, 64, None)).unwrap_err();
            assert!(signed.text().starts_with("Fixed point overflow for v. Value="), "{signed}");
            if value != 2f64.powi(63) {
                value.encode(&numeric(Model::UFixed, 64, None)).unwrap_err();
            }
        }
        assert_eq!((-2f64.powi(63)).encode(&numeric(Model::Fixed, 64, None)).unwrap(), 1 << 63);
        assert_eq!(2f64.powi(63).encode(&numeric(Model::UFixed, 64, None)).unwrap(), 1 << 63);
        let fine = Numeric { bin_point: 2000, ..numeric(Model::Fixed, 8, None) };
        assert_eq!(0.0.encode(&fine).unwrap(), 0);
        assert_eq!(f64::decode(1, &fine), 0.0, "too small for a double");
        1.0.encode(&fine).unwrap_err();
    }
}
