//! Variables as text.

use std::fmt;

use super::access::{
    Accessor, BFLOAT16, BOOL, DOUBLE, FIXED, FLOAT, FLOAT16, FLOAT4, FLOAT6, FLOAT8, INT,
    TENSOR_FLOAT32, UINT,
};
use super::model::Model;
use super::numbers::{mask, Scalar};
use super::text;
use super::variable::Variable;
use crate::error::Result;

impl Variable {
    /// The path, `=`, each value after a space, and a newline; with `read` after a transfer.
    /// Integers are decimal, those of more than 64 bits hexadecimal with the highest digit first;
    /// bytes hexadecimal with the lowest address first; floating point numbers have six digits.
    /// Values that code of the program converts are `UNDEFINED`.
    ///
    /// # Errors
    ///
    /// Those of a transfer; [`Status::NotFound`](crate::Status::NotFound) for a variable without a block.
    pub fn dump(&self, read: bool) -> Result<String> {
        if read {
            self.block()?.read(self, -1)?;
        }
        let mut text = format!("{} =", self.path());
        for index in 0..self.num_values().max(1) {
            text.push(' ');
            text.push_str(&self.value_text(index as i32)?);
        }
        text.push('\n');
        Ok(text)
    }

    fn value_text(&self, index: i32) -> Result<String> {
        let general = |value: f64| text::general(value);
        let single = |accessor| Ok(general(self.staged::<f32>(accessor, index)?.into()));
        match self.spec().model {
            _ if self.is_wide() => {
                let mut value = self.staged_bytes(index)?;
                if let Some(last) = value.last_mut() {
                    *last &= mask((self.value_bits() - 1) % 8 + 1) as u8;
                }
                Ok(text::hexadecimal(value.iter().rev()))
            }
            Model::UInt => self.plain(UINT, index),
            Model::Int => self.plain(INT, index),
            Model::Bool => Ok(u8::from(self.staged(BOOL, index)?).to_string()),
            Model::Bytes => Ok(text::hexadecimal(self.staged_bytes(index)?.iter())),
            Model::String => Ok(String::from_utf8_lossy(&self.staged_string(index)?).into_owned()),
            Model::Double => Ok(general(self.staged(DOUBLE, index)?)),
            Model::Fixed | Model::UFixed => Ok(general(self.staged(FIXED, index)?)),
            Model::Float => single(FLOAT),
            Model::Float16 => single(FLOAT16),
            Model::Float8 => single(FLOAT8),
            Model::BFloat16 => single(BFLOAT16),
            Model::TensorFloat32 => single(TENSOR_FLOAT32),
            Model::Float6 => single(FLOAT6),
            Model::Float4 => single(FLOAT4),
            Model::PyFunc | Model::Custom(_) => {
                // Nothing is looked at, but the variable has to be in a block.
                self.block().map(|_| "UNDEFINED".to_owned())
            }
        }
    }

    fn plain<T: Scalar + fmt::Display>(&self, accessor: Accessor<T>, index: i32) -> Result<String> {
        Ok(self.staged(accessor, index)?.to_string())
    }
}
