//! Values of variables that are bytes: bytes themselves, text, integers of more than 64 bits, and
//! what code of the program converts.

use std::cmp::Ordering;

use super::access::Reach;
use super::model::{Model, WORD_BITS};
use super::numbers::mask;
use super::order::reverse_used_bits;
use super::text;
use super::variable::{Variable, LOAD_SOURCE, SET_SOURCE};
use super::wide::Wide;
use crate::error::{Error, Result, Status};

/// Byte strings: bytes, text, integers of more than 64 bits, and values that code of the program
/// converts. Index, transfers and errors are as for numbers.
impl Variable {
    /// Stages bytes: of a [`Model::Bytes`] the first ones, lowest address first; of an integer of
    /// more than 64 bits its value in two's complement, lowest byte first. More bytes than the
    /// value has are ignored; fewer are an error, and so is an integer that does not fit.
    pub fn stage_bytes(&self, bytes: &[u8], index: i32) -> Result<()> {
        self.put_bytes(Reach::Block, bytes, index)
    }

    fn put_bytes(&self, reach: Reach, bytes: &[u8], index: i32) -> Result<()> {
        if self.spec().model == Model::Bytes {
            return self.put_ordered(reach, bytes, index);
        }
        if !self.is_wide() {
            return Err(self.wrong_type("set", "ByteArray"));
        }
        let mut value = self.enough(bytes)?.to_vec();
        self.check_wide(&value)?;
        let bits = self.value_bits();
        self.order.wide_to_register(&mut value, bits);
        self.store_bytes(reach, &value, index)
    }

    /// Staged bytes, as [`stage_bytes`](Self::stage_bytes) takes them. The unused bits of the last
    /// byte repeat the sign of a signed integer, and are 0 otherwise.
    pub fn staged_bytes(&self, index: i32) -> Result<Vec<u8>> {
        self.look_at_bytes(Reach::Block, index)
    }

    fn look_at_bytes(&self, reach: Reach, index: i32) -> Result<Vec<u8>> {
        if self.spec().model == Model::Bytes {
            return self.look_at_ordered(reach, index);
        }
        if !self.is_wide() {
            return Err(self.wrong_type("get", "ByteArray"));
        }
        let mut value = self.load_bytes(reach, index)?;
        let bits = self.value_bits();
        self.order.wide_in_register(&mut value, bits);
        if let (Model::Int, Some(last)) = (self.spec().model, value.last_mut()) {
            let used = (bits - 1) % 8 + 1;
            if *last >> (used - 1) & 1 == 1 {
                *last |= !(mask(used) as u8);
            }
        }
        Ok(value)
    }

    /// Stages bytes that code of the program has made from a value, as pyrogue's models do: the
    /// first ones, in their order, or for a big-endian variable in the opposite order. Of a
    /// [`Model::PyFunc`], a [`Model::Bytes`], or an integer of more than 64 bits; such a model of
    /// pyrogue's has already reversed the bytes of a big-endian value, which therefore is in memory
    /// with its lowest byte first, as with Rogue. An integer that does not fit is an error.
    pub fn stage_raw(&self, bytes: &[u8], index: i32) -> Result<()> {
        let value = self.made(bytes)?;
        self.store_bytes(Reach::Block, &value, index)
    }

    /// Stages bytes as [`stage_raw`](Self::stage_raw) does: values of elements from `index` on, from the
    /// first one for -1. All are checked before the first is staged.
    pub fn stage_raw_all(&self, values: &[&[u8]], index: i32) -> Result<()> {
        let made = values.iter().map(|bytes| self.made(bytes)).collect::<Result<Vec<_>>>()?;
        let first = self.check_length(made.len(), index, "array")?;
        let Some(more) = made.len().checked_sub(1) else { return Ok(()) };
        let last = first + more as u32;
        self.store(Reach::Block, (first, last), |image, layout| {
            (first..).zip(&made).for_each(|(at, value)| layout.store_bytes(image, at, value));
        })
    }

    /// What is to be stored of bytes that code of the program has made.
    fn made(&self, bytes: &[u8]) -> Result<Vec<u8>> {
        if !self.is_raw() {
            return Err(self.wrong_type("set", "PyFunc"));
        }
        let value = self.ordered(bytes)?;
        if self.is_wide() {
            let mut number = value.clone();
            if self.order.reverses_bits {
                reverse_used_bits(&mut number, self.value_bits());
            }
            self.check_wide(&number)?;
        }
        Ok(value)
    }

    /// Staged bytes, as [`stage_raw`](Self::stage_raw) takes them.
    pub fn staged_raw(&self, index: i32) -> Result<Vec<u8>> {
        match self.is_raw() {
            true => self.look_at_ordered(Reach::Block, index),
            false => Err(self.wrong_type("get", "PyFunc")),
        }
    }

    /// Stages text, up to its first NUL. It may fill the variable; the rest is set to zero.
    pub fn stage_string(&self, text: &[u8], index: i32) -> Result<()> {
        self.put_string(Reach::Block, text, index)
    }

    fn put_string(&self, reach: Reach, text: &[u8], index: i32) -> Result<()> {
        if self.spec().model != Model::String {
            return Err(self.wrong_type("set", "String"));
        }
        let text = text.split(|byte| *byte == 0).next().unwrap_or_default();
        let room = self.value_bits() as usize / 8;
        if text.len() > room {
            let text = format!(
                "Text of {} bytes is too long for {}, which holds {room}",
                text.len(),
                self.name()
            );
            return Err(Error::new(Status::InvalidArgument, "Block::setString", text));
        }
        let mut value = vec![0; self.value_bytes()];
        value[..text.len()].copy_from_slice(text);
        self.order.reorder_bytes(&mut value);
        let used = mask((self.value_bits() - 1) % 8 + 1) as u8;
        if value.last().is_some_and(|last| last & !used != 0) {
            let text = format!(
                "Text for {} begins in its last {} bits, as its highest byte comes first: give it a \
                 width that is a multiple of 8",
                self.name(),
                self.value_bits() % 8
            );
            return Err(Error::new(Status::InvalidArgument, "Block::setString", text));
        }
        self.store_bytes(reach, &value, index)
    }

    /// Staged text, up to its first NUL.
    pub fn staged_string(&self, index: i32) -> Result<Vec<u8>> {
        self.look_at_string(Reach::Block, index)
    }

    fn look_at_string(&self, reach: Reach, index: i32) -> Result<Vec<u8>> {
        if self.spec().model != Model::String {
            return Err(self.wrong_type("get", "String"));
        }
        let mut value = self.look_at_ordered(reach, index)?;
        let end = value.iter().position(|byte| *byte == 0);
        value.truncate(end.unwrap_or(value.len()));
        Ok(value)
    }

    /// Sets bytes as [`stage_bytes`](Self::stage_bytes) stages them.
    pub fn set_bytes(&self, bytes: &[u8], index: i32) -> Result<()> {
        self.put_bytes(Reach::Device, bytes, index)
    }

    /// Bytes as [`staged_bytes`](Self::staged_bytes), as the device has them.
    pub fn get_bytes(&self, index: i32) -> Result<Vec<u8>> {
        self.look_at_bytes(Reach::Device, index)
    }

    /// Sets text as [`stage_string`](Self::stage_string) stages it.
    pub fn set_string(&self, text: &[u8], index: i32) -> Result<()> {
        self.put_string(Reach::Device, text, index)
    }

    /// Text as [`staged_string`](Self::staged_string), as the device has it.
    pub fn get_string(&self, index: i32) -> Result<Vec<u8>> {
        self.look_at_string(Reach::Device, index)
    }

    pub(super) fn is_wide(&self) -> bool {
        let is_integer = matches!(self.spec().model, Model::UInt | Model::Int);
        is_integer && self.value_bits() > WORD_BITS
    }

    pub(super) fn is_raw(&self) -> bool {
        matches!(self.spec().model, Model::PyFunc | Model::Bytes) || self.is_wide()
    }

    /// The first bytes of `bytes`, as many as a value has.
    fn enough<'a>(&self, bytes: &'a [u8]) -> Result<&'a [u8]> {
        bytes.get(..self.value_bytes()).ok_or_else(|| {
            let text = format!(
                "{} bytes are too few for {}, which has {}",
                bytes.len(),
                self.name(),
                self.value_bytes()
            );
            Error::new(Status::InvalidArgument, "Block::setByteArray", text)
        })
    }

    /// Stores a byte string, reversed as a whole if the variable is big-endian.
    fn put_ordered(&self, reach: Reach, bytes: &[u8], index: i32) -> Result<()> {
        let value = self.ordered(bytes)?;
        self.store_bytes(reach, &value, index)
    }

    /// As many of `bytes` as a value has, in the order of a register.
    fn ordered(&self, bytes: &[u8]) -> Result<Vec<u8>> {
        let mut value = self.enough(bytes)?.to_vec();
        self.order.reorder_bytes(&mut value);
        Ok(value)
    }

    /// A byte string, reversed as a whole if the variable is big-endian.
    fn look_at_ordered(&self, reach: Reach, index: i32) -> Result<Vec<u8>> {
        let mut value = self.load_bytes(reach, index)?;
        self.order.reorder_bytes(&mut value);
        Ok(value)
    }

    /// Checks a wide integer, lowest byte first, against the width and the program's limits.
    fn check_wide(&self, value: &[u8]) -> Result<()> {
        let (bits, model) = (self.value_bits(), self.spec().model);
        let value = Wide { bytes: value, bits, is_signed: model == Model::Int };
        let refused = |reason: String| {
            let (name, value) = (self.name(), value.hexadecimal());
            let text = format!("Value range error for {name}. Value={value}, {reason}");
            Err(Error::new(Status::InvalidArgument, format!("Block::set{model}"), text))
        };
        if !value.fits() {
            return refused(format!("which has more than {bits} bits"));
        }
        match self.spec().range {
            Some((min, max))
                if value.compare(min) == Some(Ordering::Less)
                    || value.compare(max) == Some(Ordering::Greater) =>
            {
                refused(format!("Min={}, Max={}", text::fixed(min), text::fixed(max)))
            }
            _ => Ok(()),
        }
    }

    fn store_bytes(&self, reach: Reach, value: &[u8], index: i32) -> Result<()> {
        let element = self.element(index, SET_SOURCE)?;
        self.store(reach, (element, element), |image, layout| {
            layout.store_bytes(image, element, value);
        })
    }

    fn load_bytes(&self, reach: Reach, index: i32) -> Result<Vec<u8>> {
        let element = self.element(index, LOAD_SOURCE)?;
        let mut value = vec![0; self.value_bytes()];
        self.load(reach, (element, element), |image, layout| {
            layout.load_bytes(image, element, &mut value);
        })?;
        Ok(value)
    }
}
