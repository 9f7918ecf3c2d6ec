//! Numbers as C prints them: Rogue's texts have this form.

/// `value` as `printf` writes it with `%f`.
pub(super) fn fixed(value: f64) -> String {
    match non_finite(value) {
        Some(text) => text.to_owned(),
        None => format!("{value:.6}"),
    }
}

/// `value` as a C++ stream writes it by default, and `printf` with `%g`: six significant digits.
pub(super) fn general(value: f64) -> String {
    const DIGITS: i32 = 6;
    if let Some(text) = non_finite(value) {
        return text.to_owned();
    }
    let scientific = format!("{value:.*e}", DIGITS as usize - 1);
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..DIGITS).contains(&exponent) {
        return trimmed(&format!("{value:.*}", (DIGITS - 1 - exponent) as usize)).to_owned();
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{}e{sign}{:02}", trimmed(mantissa), exponent.unsigned_abs())
}

fn non_finite(value: f64) -> Option<&'static str> {
    match (value.is_nan(), value.is_infinite(), value.is_sign_negative()) {
        (true, _, true) => Some("-nan"),
        (true, _, false) => Some("nan"),
        (_, true, true) => Some("-inf"),
        (_, true, false) => Some("inf"),
        _ => None,
    }
}

/// Without zeros at the end of a fraction.
fn trimmed(text: &str) -> &str {
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.'),
        false => text,
    }
}

/// `0x` and two digits for each of `bytes`.
pub(super) fn hexadecimal<'a>(bytes: impl Iterator<Item = &'a u8>) -> String {
    let mut text = String::from("0x");
    bytes.for_each(|byte| text.push_str(&format!("{byte:02x}")));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_printed_as_c_prints_them() {
        let cases = [
            (0.0, "0.000000", "0"),
            (-0.0, "-0.000000", "-0"),
            (0.1, "0.100000", "0.1"),
            (1e10, "10000000000.000000", "1e+10"),
            (123456.0, "123456.000000", "123456"),
            (1234567.0, "1234567.000000", "1.23457e+06"),
            (999999.5, "999999.500000", "1e+06"),
            (0.0001, "0.000100", "0.0001"),
            (0.00001, "0.000010", "1e-05"),
            (-2047.9375, "-2047.937500", "-2047.94"),
            (1e-300, "0.000000", "1e-300"),
            (f64::INFINITY, "inf", "inf"),
            (f64::NEG_INFINITY, "-inf", "-inf"),
            (f64::NAN, "nan", "nan"),
        ];
        for (value, as_fixed, as_general) in cases {
            assert_eq!((fixed(value).as_str(), general(value).as_str()), (as_fixed, as_general));
        }
        assert_eq!(fixed(-f64::NAN.abs()), "-nan");
        assert_eq!(hexadecimal([0x0A, 0xFF].iter()), "0x0aff");
    }
}
