//! The models: how the bits of a register are to be understood.

use std::fmt;

/// How the bits of a value are to be understood. The ids are Rogue's.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Model {
    /// Bytes that code of the program converts.
    PyFunc,
    /// Bytes, lowest address first.
    Bytes,
    /// Unsigned integer of any width.
    UInt,
    /// Signed integer of any width, in two's complement.
    Int,
    /// Truth value: 0 is false.
    Bool,
    /// Text up to the first NUL.
    String,
    /// IEEE 754 single precision.
    Float,
    /// IEEE 754 double precision.
    Double,
    /// Signed integer, divided by a power of two.
    Fixed,
    /// Unsigned integer, divided by a power of two.
    UFixed,
    /// IEEE 754 half precision.
    Float16,
    /// E4M3: four bits of exponent, three of mantissa, largest value 448, no infinity.
    Float8,
    /// The upper half of a single precision number.
    BFloat16,
    /// A single precision number whose lowest 13 bits are zero.
    TensorFloat32,
    /// E3M2, largest value 28, neither infinity nor NaN.
    Float6,
    /// E2M1, largest value 6, neither infinity nor NaN.
    Float4,
    /// A model of the program's own, with its id; the library has no conversion for it.
    Custom(u32),
}

/// Id of the first custom model.
const CUSTOM_ID: u32 = 128;

/// The widest value of models that are converted through a word.
pub(super) const WORD_BITS: u32 = 64;

const NUMBERED: [(u32, Model); 16] = [
    (0, Model::PyFunc),
    (1, Model::Bytes),
    (2, Model::UInt),
    (3, Model::Int),
    (4, Model::Bool),
    (5, Model::String),
    (6, Model::Float),
    (7, Model::Double),
    (8, Model::Fixed),
    (9, Model::UFixed),
    (10, Model::Float16),
    (11, Model::Float8),
    (12, Model::BFloat16),
    (13, Model::TensorFloat32),
    (14, Model::Float6),
    (15, Model::Float4),
];

impl Model {
    /// The model of an id of Rogue's. An unknown id is that of a custom model.
    pub fn from_id(id: u32) -> Model {
        let known = NUMBERED.iter().find(|(number, _)| *number == id);
        known.map_or(Model::Custom(id), |(_, model)| *model)
    }

    /// Rogue's id of the model.
    pub fn id(self) -> u32 {
        match self {
            Model::Custom(id) => id,
            _ => NUMBERED.iter().find(|(_, model)| *model == self).map_or(CUSTOM_ID, |(id, _)| *id),
        }
    }

    /// The widths in bits that a value of this model may have.
    pub fn widths(self) -> std::ops::RangeInclusive<u32> {
        match self {
            Model::Bool | Model::Fixed | Model::UFixed => 1..=WORD_BITS,
            Model::Float | Model::TensorFloat32 => 32..=32,
            Model::Double => 64..=64,
            Model::Float16 | Model::BFloat16 => 16..=16,
            Model::Float8 => 8..=8,
            Model::Float6 => 6..=8,
            Model::Float4 => 4..=8,
            _ => 1..=u32::MAX,
        }
    }

    /// Whether values of `bits` bits are byte strings for this library: they do not fit a word, or
    /// are no numbers.
    pub(super) fn is_byte_string(self, bits: u32) -> bool {
        match self {
            Model::Bytes | Model::String | Model::PyFunc | Model::Custom(_) => true,
            _ => bits > WORD_BITS,
        }
    }
}

impl fmt::Display for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Model::Custom(id) => write!(f, "Custom({id})"),
            other => write!(f, "{other:?}"),
        }
    }
}

/// Which way a variable may be accessed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Mode {
    /// Read and written, `RW`.
    ReadWrite,
    /// Only read, `RO`.
    ReadOnly,
    /// Only written, `WO`.
    WriteOnly,
    /// Another text, which Rogue accepts: read and written, and never verified.
    Other(Box<str>),
}

impl Mode {
    /// The mode that `text` names.
    pub fn new(text: &str) -> Mode {
        match text {
            "RW" => Mode::ReadWrite,
            "RO" => Mode::ReadOnly,
            "WO" => Mode::WriteOnly,
            other => Mode::Other(other.into()),
        }
    }

    /// The text of the mode.
    pub fn text(&self) -> &str {
        match self {
            Mode::ReadWrite => "RW",
            Mode::ReadOnly => "RO",
            Mode::WriteOnly => "WO",
            Mode::Other(text) => text,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_model_has_the_id_that_leads_to_it() {
        for id in 0..200 {
            assert_eq!(Model::from_id(id).id(), id);
        }
        assert_eq!(Model::from_id(9), Model::UFixed);
        assert_eq!(Model::from_id(CUSTOM_ID), Model::Custom(CUSTOM_ID));
        assert_eq!(Model::TensorFloat32.to_string(), "TensorFloat32");
    }

    #[test]
    fn a_mode_keeps_its_text() {
        for text in ["RW", "RO", "WO", "rw", ""] {
            assert_eq!(Mode::new(text).text(), text);
        }
    }
}
