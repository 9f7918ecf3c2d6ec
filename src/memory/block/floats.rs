//! Floating point formats narrower than single precision: from and to single precision.
//!
//! Narrowing rounds to the nearest value, ties to even, as IEEE 754 and numpy do. What is larger
//! than the largest value becomes infinite where the format has infinities, and the largest value
//! elsewhere.

use super::model::Model;

const SINGLE_MANTISSA_BITS: u32 = 23;
const SINGLE_BIAS: i32 = 127;
const SINGLE_INFINITY: u32 = 0x7F80_0000;
const SINGLE_MAGNITUDE: u32 = 0x7FFF_FFFF;

/// A narrow format: sign, exponent and mantissa, from the highest bit to the lowest.
struct Format {
    exponent_bits: u32,
    mantissa_bits: u32,
    bias: i32,
    /// The code that stands for everything larger than the largest value.
    largest: u32,
    /// The code of a NaN; `None` where NaNs are as in single precision, with a sign and a payload.
    nan: Option<u32>,
    /// Unused bits below the mantissa.
    unused_bits: u32,
}

const FLOAT16: Format = ieee(5, 10, 0);
const BFLOAT16: Format = ieee(8, 7, 0);
const TENSOR_FLOAT32: Format = ieee(8, 10, 13);
const FLOAT8: Format = finite(4, 3, 0x7E, 0x7F);
// Without NaNs: they become the largest value.
const FLOAT6: Format = finite(3, 2, 0x1F, 0x1F);
const FLOAT4: Format = finite(2, 1, 0x07, 0x07);

const fn ieee(exponent_bits: u32, mantissa_bits: u32, unused_bits: u32) -> Format {
    let bias = (1 << (exponent_bits - 1)) - 1;
    let largest = ((1 << exponent_bits) - 1) << mantissa_bits;
    Format { exponent_bits, mantissa_bits, bias, largest, nan: None, unused_bits }
}

const fn finite(exponent_bits: u32, mantissa_bits: u32, largest: u32, nan: u32) -> Format {
    let bias = (1 << (exponent_bits - 1)) - 1;
    Format { exponent_bits, mantissa_bits, bias, largest, nan: Some(nan), unused_bits: 0 }
}

fn format_of(model: Model) -> Option<&'static Format> {
    Some(match model {
        Model::Float16 => &FLOAT16,
        Model::BFloat16 => &BFLOAT16,
        Model::TensorFloat32 => &TENSOR_FLOAT32,
        Model::Float8 => &FLOAT8,
        Model::Float6 => &FLOAT6,
        Model::Float4 => &FLOAT4,
        _ => return None,
    })
}

/// `significand` without its lowest `shift` bits, rounded to the nearest, ties to even.
fn rounded(significand: u32, shift: u32) -> u32 {
    if shift == 0 {
        return significand;
    }
    if shift > SINGLE_MANTISSA_BITS + 2 {
        return 0;
    }
    let (kept, rest, half) =
        (significand >> shift, significand & ((1 << shift) - 1), 1 << (shift - 1));
    kept + u32::from(rest > half || rest == half && kept & 1 == 1)
}

impl Format {
    fn narrow(&self, value: f32) -> u32 {
        let magnitude = value.to_bits() & SINGLE_MAGNITUDE;
        let sign = (value.to_bits() >> 31) << (self.exponent_bits + self.mantissa_bits);
        if magnitude > SINGLE_INFINITY {
            let dropped = SINGLE_MANTISSA_BITS - self.mantissa_bits;
            let payload = (magnitude & !SINGLE_INFINITY) >> dropped;
            return self.nan.unwrap_or(sign | self.largest | payload.max(1)) << self.unused_bits;
        }
        let stored = (magnitude >> SINGLE_MANTISSA_BITS) as i32;
        let fraction = magnitude & !SINGLE_INFINITY;
        // Subnormal numbers have the lowest exponent, and no implicit bit.
        let (significand, exponent) = match stored {
            0 => (fraction, 1 - SINGLE_BIAS),
            _ => (fraction | 1 << SINGLE_MANTISSA_BITS, stored - SINGLE_BIAS),
        };
        let lowest = 1 - self.bias;
        let shift = SINGLE_MANTISSA_BITS - self.mantissa_bits;
        let code = match exponent - lowest {
            // The implicit bit, and a carry of the rounding, count the exponent up.
            above @ 0.. => ((above as u32) << self.mantissa_bits) + rounded(significand, shift),
            below => rounded(significand, shift.saturating_add(below.unsigned_abs())),
        };
        (sign | code.min(self.largest)) << self.unused_bits
    }

    fn widen(&self, code: u32) -> f32 {
        let (exponent_max, mantissa_max) =
            ((1 << self.exponent_bits) - 1, (1 << self.mantissa_bits) - 1);
        let sign = code >> (self.exponent_bits + self.mantissa_bits) & 1;
        let exponent = code >> self.mantissa_bits & exponent_max;
        let mantissa = code & mantissa_max;
        let is_nan = exponent == exponent_max && mantissa == mantissa_max;
        if self.nan.is_none() && exponent == exponent_max {
            let payload = mantissa << (SINGLE_MANTISSA_BITS - self.mantissa_bits);
            return f32::from_bits(sign << 31 | SINGLE_INFINITY | payload);
        }
        if is_nan && self.nan != Some(self.largest) {
            return f32::NAN;
        }
        let (significand, power) = match exponent {
            0 => (mantissa, 1 - self.bias),
            _ => (mantissa | 1 << self.mantissa_bits, exponent as i32 - self.bias),
        };
        let magnitude = significand as f32 * 2f32.powi(power - self.mantissa_bits as i32);
        if sign == 1 {
            -magnitude
        } else {
            magnitude
        }
    }
}

/// The bits of `value` in the floating point format of `model`.
pub(super) fn encode(model: Model, value: f32) -> u32 {
    format_of(model).map_or(value.to_bits(), |format| format.narrow(value))
}

/// The value of `bits` in the floating point format of `model`. Bits above the format are ignored.
pub(super) fn decode(model: Model, bits: u32) -> f32 {
    match (model, format_of(model)) {
        // These are the upper bits of single precision.
        (Model::BFloat16, _) => f32::from_bits(bits << 16),
        (Model::TensorFloat32, _) | (_, None) => f32::from_bits(bits),
        (_, Some(format)) => format.widen(bits),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NARROW: [(Model, u32); 4] =
        [(Model::Float16, 16), (Model::Float8, 8), (Model::Float6, 6), (Model::Float4, 4)];

    #[test]
    fn every_code_survives_the_way_there_and_back() {
        for (model, bits) in NARROW {
            for code in 0..1u32 << bits {
                let value = decode(model, code);
                if value.is_nan() {
                    assert!(decode(model, encode(model, value)).is_nan());
                } else {
                    assert_eq!(encode(model, value), code, "{model} {code:#x} {value}");
                }
            }
        }
        for code in 0..1u32 << 16 {
            let value = decode(Model::BFloat16, code);
            assert!(value.is_nan() || encode(Model::BFloat16, value) == code);
        }
    }

    /// The code of the nearest value, ties to the even code, by a search through all codes.
    fn nearest(model: Model, bits: u32, value: f32) -> u32 {
        let sign = u32::from(value.is_sign_negative()) << (bits - 1);
        let mut best = (f64::INFINITY, 0);
        for code in 0..1u32 << (bits - 1) {
            let candidate = f64::from(decode(model, code));
            let distance = (f64::from(value.abs()) - candidate).abs();
            if candidate.is_finite() && (distance < best.0 || distance == best.0 && code & 1 == 0) {
                best = (distance, code);
            }
        }
        sign | best.1
    }

    #[test]
    fn d72_every_value_is_rounded_to_the_nearest_one_ties_to_even() {
        for (model, bits) in NARROW {
            let largest = decode(model, format_of(model).unwrap().largest - u32::from(bits == 16));
            for step in 0..4000u32 {
                // From below the smallest value to the largest one, in steps of irregular size.
                let value = (step as f32 * 0.0137).exp2() * 1e-6;
                for value in [value, -value, value * 1.0000001] {
                    if value.abs() <= largest {
                        assert_eq!(
                            encode(model, value),
                            nearest(model, bits, value),
                            "{model} {value}"
                        );
                    }
                }
            }
            // Half way between any two neighbours.
            for code in 0..(1u32 << (bits - 1)).min(4096) - 1 {
                let (one, other) = (decode(model, code), decode(model, code + 1));
                let middle = (one + other) / 2.0;
                if middle.is_finite() && other <= largest {
                    assert_eq!(encode(model, middle), code + (code & 1), "{model} {middle}");
                }
            }
        }
        assert_eq!(encode(Model::Float16, 0.1), 0x2E66);
        assert_eq!(encode(Model::Float16, 65519.996), 0x7BFF);
        assert_eq!(encode(Model::Float16, 65520.0), 0x7C00, "infinite, as in numpy");
        assert_eq!(encode(Model::BFloat16, f32::MAX), 0x7F80);
    }

    #[test]
    fn d71_what_is_above_the_largest_value_of_float8_becomes_the_largest() {
        for value in [448.0, 449.0, 463.9, 464.0, 480.0, 496.0, 511.99, 512.0, 1e30, f32::INFINITY]
        {
            assert_eq!(encode(Model::Float8, value), 0x7E, "{value}");
            assert_eq!(encode(Model::Float8, -value), 0xFE, "{value}");
        }
        assert_eq!(encode(Model::Float8, f32::NAN), 0x7F);
    }
}
