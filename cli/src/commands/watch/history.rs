//! The recent values of a register, as a line of bars.

use std::collections::VecDeque;

use crate::number::{Form, Register};

/// Values that are kept: more than a line of a terminal shows.
const KEPT: usize = 512;
/// The bars, from the lowest value in sight to the highest.
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// In place of a bar: the register could not be read, or its value is no number.
const GAP: char = ' ';

/// The recent values of a register.
#[derive(Default)]
pub struct History {
    values: VecDeque<Option<u64>>,
}

impl History {
    /// Adds the latest one; `None` if it could not be read.
    pub fn add(&mut self, value: Option<u64>) {
        if self.values.len() == KEPT {
            self.values.pop_front();
        }
        self.values.push_back(value);
    }

    /// The last values, at most `width` of them. The bars show differences, not ratios: a counter
    /// far from 0 is seen to move.
    pub fn bars(&self, register: Register, form: Form, width: usize) -> String {
        let first = self.values.len().saturating_sub(width);
        let shown: Vec<Option<u64>> = self.values.range(first..).copied().collect();
        let levels = match form {
            Form::Float => levels(&shown, |value| {
                Some(register.float(value)).filter(|number| number.is_finite())
            }),
            Form::Signed => levels(&shown, |value| Some(i128::from(register.signed(value)))),
            Form::Hex | Form::Dec | Form::Bin => levels(&shown, |value| Some(i128::from(value))),
        };
        levels.into_iter().map(|level| level.map_or(GAP, |level| BARS[level])).collect()
    }
}

/// A number with differences.
trait Number: Copy + PartialOrd {
    fn above(self, lowest: Self) -> f64;
}

impl Number for i128 {
    fn above(self, lowest: i128) -> f64 {
        (self - lowest) as f64
    }
}

impl Number for f64 {
    fn above(self, lowest: f64) -> f64 {
        // Halves, for the difference of two finite numbers may be none.
        self / 2.0 - lowest / 2.0
    }
}

fn levels<N: Number>(
    values: &[Option<u64>],
    number: impl Fn(u64) -> Option<N>,
) -> Vec<Option<usize>> {
    let numbers: Vec<Option<N>> = values.iter().map(|value| value.and_then(&number)).collect();
    let mut present = numbers.iter().flatten().copied();
    let Some(first) = present.next() else { return vec![None; values.len()] };
    let (lowest, highest) = present.fold((first, first), |(low, high), number| {
        (if number < low { number } else { low }, if number > high { number } else { high })
    });
    let range = highest.above(lowest);
    let top = (BARS.len() - 1) as f64;
    let level = |number: N| match range > 0.0 {
        true => (number.above(lowest) / range * top).round() as usize,
        false => 0,
    };
    numbers.into_iter().map(|number| number.map(level)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::number::Endian;

    fn bars(values: &[u64], width: u32, form: Form, columns: usize) -> String {
        let mut history = History::default();
        values.iter().for_each(|value| history.add(Some(*value)));
        history.bars(Register { width, endian: Endian::Little }, form, columns)
    }

    #[test]
    fn the_lowest_and_the_highest_value_in_sight_are_the_ends() {
        assert_eq!(bars(&[0, 1, 2, 3, 4, 5, 6, 7], 4, Form::Hex, 80), "▁▂▃▄▅▆▇█");
        assert_eq!(bars(&[900, 0, 1], 4, Form::Hex, 2), "▁█");
        assert_eq!(bars(&[5, 5], 4, Form::Dec, 80), "▁▁");
        assert_eq!(bars(&[u64::MAX - 1, u64::MAX], 8, Form::Dec, 80), "▁█");
        assert_eq!(bars(&[], 4, Form::Hex, 80), "");
    }

    #[test]
    fn a_value_is_what_its_form_says() {
        assert_eq!(bars(&[0xffff, 0, 1], 2, Form::Signed, 80), "▁▅█");
        assert_eq!(bars(&[0xffff, 0, 0xffff], 2, Form::Dec, 80), "█▁█");
        let floats = [1.0, f64::NAN, -1.0, f64::INFINITY].map(f64::to_bits);
        assert_eq!(bars(&floats, 8, Form::Float, 80), "█ ▁ ");
        let far = [f64::MAX, f64::MIN, 0.0].map(f64::to_bits);
        assert_eq!(bars(&far, 8, Form::Float, 80), "█▁▅");
    }

    #[test]
    fn a_failed_read_is_a_gap_and_old_values_go() {
        let mut history = History::default();
        history.add(None);
        let register = Register { width: 4, endian: Endian::Little };
        assert_eq!(history.bars(register, Form::Hex, 80), " ");
        history.add(Some(1));
        assert_eq!(history.bars(register, Form::Hex, 80), " ▁");
        (0..2 * KEPT as u64).for_each(|value| history.add(Some(value)));
        assert_eq!(history.bars(register, Form::Hex, usize::MAX).chars().count(), KEPT);
    }
}
