//! Values of variables: staged, and with a transfer.

use std::marker::PhantomData;

use super::layout::Layout;
use super::model::{Model, WORD_BITS};
use super::numbers::{Numeric, Scalar};
use super::transfer::Target;
use super::variable::{Variable, LOAD_SOURCE, SET_SOURCE};
use crate::error::{Error, Result, Status};

/// The number models, each with the type that its values have in a program.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Accessor<T> {
    /// Its name in Rogue's interface: `setUInt`, `getUInt`.
    name: &'static str,
    models: [Model; 2],
    value: PhantomData<T>,
}

const fn accessor<T>(name: &'static str, models: [Model; 2]) -> Accessor<T> {
    Accessor { name, models, value: PhantomData }
}

/// Unsigned integers of at most 64 bits.
pub const UINT: Accessor<u64> = accessor("UInt", [Model::UInt; 2]);
/// Signed integers of at most 64 bits.
pub const INT: Accessor<i64> = accessor("Int", [Model::Int; 2]);
/// Truth values.
pub const BOOL: Accessor<bool> = accessor("Bool", [Model::Bool; 2]);
/// Single precision numbers.
pub const FLOAT: Accessor<f32> = accessor("Float", [Model::Float; 2]);
/// Double precision numbers.
pub const DOUBLE: Accessor<f64> = accessor("Double", [Model::Double; 2]);
/// Fixed point numbers, signed and unsigned.
pub const FIXED: Accessor<f64> = accessor("Fixed", [Model::Fixed, Model::UFixed]);
/// Half precision numbers.
pub const FLOAT16: Accessor<f32> = accessor("Float16", [Model::Float16; 2]);
/// E4M3 numbers.
pub const FLOAT8: Accessor<f32> = accessor("Float8", [Model::Float8; 2]);
/// The upper halves of single precision numbers.
pub const BFLOAT16: Accessor<f32> = accessor("BFloat16", [Model::BFloat16; 2]);
/// Single precision numbers with a short mantissa.
pub const TENSOR_FLOAT32: Accessor<f32> = accessor("TensorFloat32", [Model::TensorFloat32; 2]);
/// E3M2 numbers.
pub const FLOAT6: Accessor<f32> = accessor("Float6", [Model::Float6; 2]);
/// E2M1 numbers.
pub const FLOAT4: Accessor<f32> = accessor("Float4", [Model::Float4; 2]);

/// Which numbers a variable has.
impl Variable {
    /// The accessor of the variable's model, if its numbers are single precision or narrower;
    /// otherwise [`FLOAT`], which the variable refuses.
    pub fn float_accessor(&self) -> Accessor<f32> {
        let narrow = [FLOAT16, FLOAT8, BFLOAT16, TENSOR_FLOAT32, FLOAT6, FLOAT4];
        let found = narrow.into_iter().find(|accessor| accessor.serves(self));
        found.unwrap_or(FLOAT)
    }

    /// [`FIXED`] for a variable of fixed point numbers, [`DOUBLE`] for every other one.
    pub fn double_accessor(&self) -> Accessor<f64> {
        if FIXED.serves(self) {
            FIXED
        } else {
            DOUBLE
        }
    }

    /// Checks that the variable has `model`, or the other one of the two fixed point models, before
    /// a value is set or asked for, for programs whose own methods name the model.
    ///
    /// # Errors
    ///
    /// [`Status::InvalidArgument`], `Wrong set type`, if it has another one.
    pub fn expect_model(&self, model: Model, is_set: bool) -> Result<()> {
        let is_fixed = |model| FIXED.models.contains(&model);
        if model == self.spec().model || is_fixed(model) && is_fixed(self.spec().model) {
            return Ok(());
        }
        let name = match model {
            Model::UFixed => Model::Fixed.to_string(),
            Model::Bytes => "ByteArray".to_owned(),
            _ => model.to_string(),
        };
        Err(self.wrong_type(if is_set { "set" } else { "get" }, &name))
    }
}

impl<T> Accessor<T> {
    fn serves(&self, variable: &Variable) -> bool {
        self.models.contains(&variable.spec().model)
    }
}

/// How far a value goes that is set, and where one comes from that is asked for.
#[derive(Clone, Copy)]
pub(super) enum Reach {
    /// The staged bytes.
    Block,
    /// With a transfer: a write and a verify behind the staging, a read before the look.
    Device,
}

/// Numbers. `index` selects an element of a list; that of a scalar is ignored. The methods that
/// begin with `stage` and `staged` touch the block's bytes only; those without transfer the
/// variable as well: a value that is set is [written](super::Block::write), one that is asked for
/// is [read](super::Block::read) first.
///
/// # Errors
///
/// All of them fail with [`Status::InvalidArgument`] if the variable has another model (`Wrong set
/// type`), for an index out of range, and for a value that the variable cannot have or the program
/// does not allow; with [`Status::NotFound`] for a variable without a block. Nothing is staged
/// then. Transfers fail as [`Block::start_transaction`](super::Block::start_transaction) does.
impl Variable {
    /// Stages one value.
    pub fn stage<T: Scalar>(&self, accessor: Accessor<T>, value: T, index: i32) -> Result<()> {
        self.put(Reach::Block, accessor, value, index)
    }

    fn put<T: Scalar>(
        &self,
        reach: Reach,
        accessor: Accessor<T>,
        value: T,
        index: i32,
    ) -> Result<()> {
        let numeric = self.numeric_for(&accessor, "set")?;
        let bits = self.order.to_register(value.encode(&numeric)?, numeric.bits);
        let element = self.element(index, SET_SOURCE)?;
        self.store(reach, (element, element), |image, layout| layout.store(image, element, bits))
    }

    /// One staged value.
    pub fn staged<T: Scalar>(&self, accessor: Accessor<T>, index: i32) -> Result<T> {
        self.look(Reach::Block, accessor, index)
    }

    fn look<T: Scalar>(&self, reach: Reach, accessor: Accessor<T>, index: i32) -> Result<T> {
        let numeric = self.numeric_for(&accessor, "get")?;
        let element = self.element(index, LOAD_SOURCE)?;
        let bits =
            self.load(reach, (element, element), |image, layout| layout.load(image, element))?;
        Ok(T::decode(self.order.in_register(bits, numeric.bits), &numeric))
    }

    /// Stages `values` from element `index` on; from the first one for -1. All are checked before
    /// the first is staged.
    pub fn stage_all<T: Scalar>(
        &self,
        accessor: Accessor<T>,
        values: &[T],
        index: i32,
    ) -> Result<()> {
        self.put_all(Reach::Block, accessor, values, index)
    }

    fn put_all<T: Scalar>(
        &self,
        reach: Reach,
        accessor: Accessor<T>,
        values: &[T],
        index: i32,
    ) -> Result<()> {
        let numeric = self.numeric_for(&accessor, "set")?;
        let first = self.check_length(values.len(), index, "array")?;
        let encode = |value: &T| {
            let bits = value.encode(&numeric)?;
            Ok(self.order.to_register(bits, numeric.bits))
        };
        let encoded = values.iter().map(encode).collect::<Result<Vec<u64>>>()?;
        if encoded.is_empty() {
            return Ok(());
        }
        let last = first + (encoded.len() as u32 - 1);
        self.store(reach, (first, last), |image, layout| {
            (first..=last).zip(&encoded).for_each(|(at, bits)| layout.store(image, at, *bits));
        })
    }

    /// Fills `values` with the staged ones from element `index` on; from the first one for -1.
    pub fn staged_all<T: Scalar>(
        &self,
        accessor: Accessor<T>,
        index: i32,
        values: &mut [T],
    ) -> Result<()> {
        self.look_at_all(Reach::Block, accessor, index, values)
    }

    fn look_at_all<T: Scalar>(
        &self,
        reach: Reach,
        accessor: Accessor<T>,
        index: i32,
        values: &mut [T],
    ) -> Result<()> {
        let numeric = self.numeric_for(&accessor, "get")?;
        let Some(elements) = self.asked(index, values.len())? else { return Ok(()) };
        self.load(reach, elements, |image, layout| {
            for (at, value) in (elements.0..).zip(values) {
                let bits = self.order.in_register(layout.load(image, at), numeric.bits);
                *value = T::decode(bits, &numeric);
            }
        })
    }

    /// Sets one value.
    pub fn set<T: Scalar>(&self, accessor: Accessor<T>, value: T, index: i32) -> Result<()> {
        self.put(Reach::Device, accessor, value, index)
    }

    /// One value, as the device has it.
    pub fn get<T: Scalar>(&self, accessor: Accessor<T>, index: i32) -> Result<T> {
        self.look(Reach::Device, accessor, index)
    }

    /// Sets values as [`stage_all`](Self::stage_all) stages them, with one transfer; none without
    /// values.
    pub fn set_all<T: Scalar>(
        &self,
        accessor: Accessor<T>,
        values: &[T],
        index: i32,
    ) -> Result<()> {
        self.put_all(Reach::Device, accessor, values, index)
    }

    /// Fills values as [`staged_all`](Self::staged_all) does, after one transfer.
    pub fn get_all<T: Scalar>(
        &self,
        accessor: Accessor<T>,
        index: i32,
        values: &mut [T],
    ) -> Result<()> {
        self.look_at_all(Reach::Device, accessor, index, values)
    }

    /// The first element that `len` values from `index` on have: -1 means the first one. The error
    /// says what the values are in, `array` or `list`; a scalar has no room for any.
    pub fn check_length(&self, len: usize, index: i32, what: &str) -> Result<u32> {
        let (first, count) = (if index == -1 { 0 } else { index }, self.num_values());
        let Ok(start) = u32::try_from(first) else {
            return self.element(first, SET_SOURCE).map(|_| 0);
        };
        if len as u64 + u64::from(start) <= count.into() || len == 0 {
            return Ok(start);
        }
        let source = match self.spec().model {
            _ if self.is_raw() => "Block::setPyFunc".to_owned(),
            Model::UFixed => format!("Block::set{}Py", Model::Fixed),
            model => format!("Block::set{model}Py"),
        };
        let text = format!(
            "Overflow error for passed {what} with length {len} at index {first}. Variable length \
             = {count} for {}",
            self.name()
        );
        Err(Error::new(Status::InvalidArgument, source, text))
    }

    /// The first and the last of `len` elements from `index` on; `None` for no elements.
    fn asked(&self, index: i32, len: usize) -> Result<Option<(u32, u32)>> {
        let first = self.element(if index == -1 { 0 } else { index }, LOAD_SOURCE)?;
        let Some(more) = len.checked_sub(1) else { return Ok(None) };
        let last = u64::from(first) + more as u64;
        match last < self.num_values().max(1).into() {
            true => Ok(Some((first, last as u32))),
            false => {
                let text = format!("Index {last} is out of range for {}", self.name());
                Err(Error::new(Status::InvalidArgument, LOAD_SOURCE, text))
            }
        }
    }

    /// What the conversion depends on, if `accessor` is one for this variable.
    fn numeric_for<T>(&self, accessor: &Accessor<T>, verb: &str) -> Result<Numeric<'_>> {
        let is_number = self.value_bits() <= WORD_BITS;
        match is_number && accessor.serves(self) {
            true => Ok(self.numeric()),
            false => Err(self.wrong_type(verb, accessor.name)),
        }
    }

    #[cold]
    pub(super) fn wrong_type(&self, verb: &str, name: &str) -> Error {
        let text = format!("Wrong {verb} type for variable {}", self.path());
        Error::new(Status::InvalidArgument, format!("Variable::{verb}{name}"), text)
    }

    /// Stores a value of `elements` with `store`, and takes it as far as `reach` says.
    pub(super) fn store(
        &self,
        reach: Reach,
        elements: (u32, u32),
        store: impl FnOnce(&mut [u8], &Layout),
    ) -> Result<()> {
        let (block, slot) = self.home()?;
        match reach {
            Reach::Block => block.store((self, slot), elements, None, store),
            Reach::Device => block.set_elements((self, slot), elements, store),
        }
    }

    /// What `load` finds in the bytes of `elements`, which come from where `reach` says.
    pub(super) fn load<T>(
        &self,
        reach: Reach,
        (first, last): (u32, u32),
        load: impl FnOnce(&[u8], &Layout) -> T,
    ) -> Result<T> {
        let (block, slot) = self.home()?;
        if let Reach::Device = reach {
            block.read_elements(Target { variable: self, slot, first, last })?;
        }
        block.load((self, slot), load)
    }
}
