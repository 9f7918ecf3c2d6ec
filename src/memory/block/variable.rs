//! Variables: named fields of a block.

use std::sync::{Arc, Weak};

use super::layout::{Layout, Part};
use super::model::{Mode, Model};
use super::numbers::Numeric;
use super::order::Order;
use super::registers::Block;
use crate::debug::impl_debug;
use crate::error::{Error, Result, Status};
use crate::process::{inherited_text, Generation};
use crate::sync::{Mutex, MutexGuard};

/// All that a program says about a variable. Members that are left out have the value of
/// [`VariableSpec::new`].
#[derive(Clone, Debug)]
pub struct VariableSpec {
    /// Name, and path at first.
    pub name: String,
    /// Which way it may be accessed.
    pub mode: Mode,
    /// The smallest and the largest value that may be set; `None`: all that the width holds.
    pub range: Option<(f64, f64)>,
    /// Byte offset of the variable. Only [`Variable::shift_offset_down`] uses it.
    pub offset: u64,
    /// First bit of each part, relative to the start of the block. The parts take the bits of a
    /// value in this order, from the lowest on.
    pub bit_offset: Vec<u64>,
    /// Width of each part, in bits.
    pub bit_size: Vec<u64>,
    /// Whether it may share bits with other variables for which this is set.
    pub may_overlap: bool,
    /// Whether it is read back and compared after a write, if its mode is [`Mode::ReadWrite`].
    pub is_verified: bool,
    /// Whether it takes part in bulk operations; for the program's own use.
    pub is_bulk: bool,
    /// Whether the block's [observer](super::UpdateObserver) is called for it.
    pub is_notified: bool,
    /// How its bits are to be understood.
    pub model: Model,
    /// The highest byte of a value comes first.
    pub is_big_endian: bool,
    /// The highest bit of a number comes first. Byte strings are not affected: the converters of a
    /// [`Model::PyFunc`] reverse bits themselves.
    pub reverses_bits: bool,
    /// Bits of the fraction of a fixed point number.
    pub bin_point: u32,
    /// Number of elements of a list; 0 for a scalar.
    pub num_values: u32,
    /// Width of an element of a list, in bits; a scalar has the sum of its parts.
    pub value_bits: u32,
    /// Distance between elements of a list, in bits.
    pub value_stride: u32,
    /// Attempts after a failed one, for each transaction of its block.
    pub retry_count: u32,
}

impl VariableSpec {
    /// A scalar of `bit_size` bits at `bit_offset`: read, written and verified, in little-endian
    /// order, without limits, exclusive, taking part in bulk operations and updates, never retried.
    pub fn new(name: &str, model: Model, bit_offset: u64, bit_size: u32) -> VariableSpec {
        VariableSpec {
            name: name.to_owned(),
            mode: Mode::ReadWrite,
            range: None,
            offset: 0,
            bit_offset: vec![bit_offset],
            bit_size: vec![bit_size.into()],
            may_overlap: false,
            is_verified: true,
            is_bulk: true,
            is_notified: true,
            model,
            is_big_endian: false,
            reverses_bits: false,
            bin_point: 0,
            num_values: 0,
            value_bits: 0,
            value_stride: 0,
            retry_count: 0,
        }
    }

    /// A list of `num_values` elements of `value_bits` bits, one each `value_stride` bits from
    /// `bit_offset` on; otherwise as [`new`](Self::new).
    pub fn list(
        name: &str,
        model: Model,
        bit_offset: u64,
        (num_values, value_bits, value_stride): (u32, u32, u32),
    ) -> VariableSpec {
        let bits = u64::from(num_values) * u64::from(value_stride);
        VariableSpec {
            bit_size: vec![bits],
            num_values,
            value_bits,
            value_stride,
            ..VariableSpec::new(name, model, bit_offset, 0)
        }
    }

    /// The range that Rogue's interface means by two numbers: none where both are 0.
    pub fn range_of(minimum: f64, maximum: f64) -> Option<(f64, f64)> {
        (minimum != 0.0 || maximum != 0.0).then_some((minimum, maximum))
    }
}

/// Where a variable is.
pub(super) struct Place {
    offset: u64,
    pub(super) layout: Layout,
    pub(super) path: Arc<str>,
    home: Option<Home>,
}

/// The block of a variable, and its index there.
struct Home {
    block: Weak<Block>,
    slot: usize,
}

/// A named field of a [`Block`]: geometry, model and access. It holds no data; the block does. All
/// methods may be called from any thread. In a child by `fork` one of the parent is where its
/// specification says, and has no values.
pub struct Variable {
    generation: Generation,
    spec: VariableSpec,
    bit_total: u64,
    value_bits: u32,
    pub(super) order: Order,
    place: Mutex<Place>,
}

impl_debug!(Variable, variable => { spec: variable.spec });

const SOURCE: &str = "Variable::Variable";
pub(super) const SET_SOURCE: &str = "Block::setBytes";
pub(super) const LOAD_SOURCE: &str = "Block::getBytes";

/// Width of the parts of `spec`, after the checks of a scalar or a list.
fn checked_bits(spec: &VariableSpec) -> std::result::Result<u64, String> {
    let (offsets, sizes) = (spec.bit_offset.len(), spec.bit_size.len());
    if offsets != sizes || sizes == 0 {
        return Err(format!(
            "it has {offsets} bit offsets and {sizes} bit sizes: give one size for each offset, \
             and at least one"
        ));
    }
    let total = spec.bit_size.iter().fold(0u64, |sum, bits| sum.saturating_add(*bits));
    let bits = match spec.num_values {
        0 => total,
        _ if sizes > 1 => return Err("it is a list, and a list has one part".to_owned()),
        _ => spec.value_bits.into(),
    };
    if spec.bit_size.contains(&0) || bits == 0 {
        return Err("a part or an element of it has no bits".to_owned());
    }
    let widths = spec.model.widths();
    let is_width = u32::try_from(bits).is_ok_and(|bits| widths.contains(&bits));
    if !is_width {
        let (model, min, max) = (spec.model, widths.start(), widths.end());
        return Err(format!("{bits} bits are no {model} value, which has {min} to {max}"));
    }
    let span = u64::from(spec.num_values.max(1) - 1) * u64::from(spec.value_stride);
    let ends = spec.bit_offset.iter().map(|start| start.checked_add(bits.max(total)));
    let fits = ends.map(|end| end.and_then(|end| end.checked_add(span)));
    match fits.into_iter().all(|end| end.is_some_and(|end| end < u64::MAX / 4)) {
        true => Ok(bits),
        false => Err("its bits end beyond every block".to_owned()),
    }
}

/// Where the bits of a variable are at first, with values of that width.
fn layout_of(spec: &VariableSpec, bits: u64) -> Layout {
    let is_list = spec.num_values > 0;
    let widths = if is_list { std::slice::from_ref(&bits) } else { &spec.bit_size };
    let parts = spec.bit_offset.iter().zip(widths);
    let parts = parts.map(|(&start, &bits)| Part { start, bits }).collect();
    let stride = if is_list { spec.value_stride.into() } else { 0 };
    Layout { parts, num_values: spec.num_values, stride, granularity: 1 }
}

impl Variable {
    /// A variable as `spec` says. It is used after [`Block::add_variables`].
    ///
    /// # Errors
    ///
    /// [`Status::InvalidArgument`] for a geometry that no block can have, or a width that the model
    /// cannot have.
    pub fn new(spec: VariableSpec) -> Result<Arc<Variable>> {
        let bits = checked_bits(&spec).map_err(|reason| {
            let text = format!("Variable {} cannot be made: {reason}", spec.name);
            Error::new(Status::InvalidArgument, SOURCE, text)
        })?;
        let layout = layout_of(&spec, bits);
        let is_number = !spec.model.is_byte_string(bits as u32) || is_integer(spec.model);
        let place =
            Place { offset: spec.offset, layout, path: spec.name.as_str().into(), home: None };
        Ok(Arc::new(Variable {
            generation: Generation::current(),
            bit_total: spec.bit_size.iter().sum(),
            value_bits: bits as u32,
            order: Order {
                is_big_endian: spec.is_big_endian,
                reverses_bits: spec.reverses_bits && is_number,
            },
            spec,
            place: Mutex::new(place),
        }))
    }

    /// The lock of the place; `None` in a child by `fork`, where a thread of the parent may hold it
    /// for ever.
    fn own_place(&self) -> Option<MutexGuard<'_, Place>> {
        self.place.lock_own(self.generation)
    }

    /// The lock of the place, for `source`, which fails in a child by `fork`.
    fn place_or(&self, source: &'static str) -> Result<MutexGuard<'_, Place>> {
        self.own_place().ok_or_else(|| {
            let text = inherited_text(&format!("Variable {}", self.name()));
            Error::new(Status::Stopped, source, text)
        })
    }

    /// What the variable was made from. The offsets may have been shifted since.
    pub fn spec(&self) -> &VariableSpec {
        &self.spec
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.spec.name
    }

    /// The path: the name until [`update_path`](Self::update_path).
    pub fn path(&self) -> Arc<str> {
        self.own_place().map_or_else(|| self.name().into(), |place| place.path.clone())
    }

    /// Sets the path that errors and dumps show. A block takes its own path from its first variable
    /// when that is added.
    pub fn update_path(&self, path: &str) {
        if let Some(mut place) = self.own_place() {
            place.path = path.into();
        }
    }

    /// Sum of the widths of the parts, in bits. Of a list: the width that was given for its only
    /// part.
    pub fn bit_total(&self) -> u64 {
        self.bit_total
    }

    /// [`bit_total`](Self::bit_total) in bytes, rounded up.
    pub fn byte_size(&self) -> u64 {
        self.bit_total.div_ceil(8)
    }

    /// Width of a value, in bits.
    pub fn value_bits(&self) -> u32 {
        self.value_bits
    }

    /// Width of a value in bytes, rounded up.
    pub fn value_bytes(&self) -> usize {
        self.value_bits.div_ceil(8) as usize
    }

    /// Distance between elements, in bits; of a scalar its width.
    pub fn value_stride(&self) -> u32 {
        if self.spec.num_values > 0 {
            self.spec.value_stride
        } else {
            self.value_bits
        }
    }

    /// Number of elements; 0 for a scalar.
    pub fn num_values(&self) -> u32 {
        self.spec.num_values
    }

    /// Bytes of a block that ends with this variable, in multiples of the smallest access.
    pub fn var_bytes(&self) -> u64 {
        match self.own_place() {
            Some(place) => place.layout.whole().high,
            None => layout_of(&self.spec, self.value_bits.into()).whole().high,
        }
    }

    /// Byte offset, as shifted so far.
    pub fn offset(&self) -> u64 {
        self.own_place().map_or(self.spec.offset, |place| place.offset)
    }

    /// First bits of the parts, as shifted so far.
    pub fn bit_offset(&self) -> Vec<u64> {
        match self.own_place() {
            Some(place) => place.layout.parts.iter().map(|part| part.start).collect(),
            None => self.spec.bit_offset.clone(),
        }
    }

    /// Moves the origin of the bit positions down by `shift` bytes: the offset decreases, modulo
    /// 2^64, and all bit positions increase. From now on accesses cover multiples of `min_size`
    /// bytes.
    ///
    /// # Errors
    ///
    /// [`Status::InvalidArgument`] if the variable is in a block, or would end beyond every block;
    /// [`Status::Stopped`] in a child by `fork`, for a variable of the parent.
    pub fn shift_offset_down(&self, shift: u64, min_size: u64) -> Result<()> {
        let mut place = self.place_or("Variable::shiftOffsetDown")?;
        let is_free = place.home.as_ref().is_none_or(|home| home.block.strong_count() == 0);
        if !is_free || min_size > u32::MAX.into() || !place.layout.shift(shift, min_size) {
            let reason =
                if is_free { "it would end beyond every block" } else { "it is in a block" };
            let text = format!("Variable {} cannot be shifted: {reason}", self.name());
            return Err(Error::new(Status::InvalidArgument, "Variable::shiftOffsetDown", text));
        }
        place.offset = place.offset.wrapping_sub(shift);
        Ok(())
    }

    /// The layout and the path, for a block that takes the variable; an error if another one has
    /// it.
    pub(super) fn placed(&self, block: &Weak<Block>) -> Result<(Layout, Arc<str>)> {
        let place = self.place_or("Block::addVariables")?;
        let other = place.home.as_ref().filter(|home| !home.block.ptr_eq(block));
        if other.is_some_and(|home| home.block.strong_count() > 0) {
            let text = format!("Variable {} is in another block already", self.name());
            return Err(Error::new(Status::InvalidArgument, "Block::addVariables", text));
        }
        Ok((place.layout.clone(), place.path.clone()))
    }

    /// Notes the block and the index that the variable has there.
    pub(super) fn set_home(&self, block: &Weak<Block>, slot: usize) {
        if let Some(mut place) = self.own_place() {
            place.home = Some(Home { block: block.clone(), slot });
        }
    }

    /// The block does not have the variable any more.
    pub(super) fn leave(&self, block: &Weak<Block>) {
        let Some(mut place) = self.own_place() else { return };
        if place.home.as_ref().is_some_and(|home| home.block.ptr_eq(block)) {
            place.home = None;
        }
    }

    /// The variable's block, and its index there.
    pub(super) fn home(&self) -> Result<(Arc<Block>, usize)> {
        let place = self.place_or("Variable::block")?;
        let home = place.home.as_ref();
        let found = home.and_then(|home| Some((home.block.upgrade()?, home.slot)));
        found.ok_or_else(|| self.homeless())
    }

    /// The variable's block.
    ///
    /// # Errors
    ///
    /// [`Status::NotFound`] if it has none, or that no longer exists; [`Status::Stopped`] in a child
    /// by `fork`, for a variable of the parent.
    pub fn block(&self) -> Result<Arc<Block>> {
        self.home().map(|(block, _)| block)
    }

    #[cold]
    pub(super) fn homeless(&self) -> Error {
        let text = format!(
            "Variable {} is in no block, or that no longer exists: add it to a block first",
            self.name()
        );
        Error::new(Status::NotFound, "Variable::block", text)
    }

    /// What the conversion of a number depends on.
    pub(super) fn numeric(&self) -> Numeric<'_> {
        Numeric {
            name: &self.spec.name,
            model: self.spec.model,
            bits: self.value_bits,
            range: self.spec.range,
            bin_point: self.spec.bin_point,
        }
    }

    /// The element that `index` means: of a scalar always the only one.
    pub(super) fn element(&self, index: i32, source: &'static str) -> Result<u32> {
        match (self.spec.num_values, index as u32) {
            (0, _) => Ok(0),
            (count, index) if index < count => Ok(index),
            (_, index) => {
                let text = format!("Index {index} is out of range for {}", self.name());
                Err(Error::new(Status::InvalidArgument, source, text))
            }
        }
    }

    /// The first and the last element that a transfer with `index` covers: all where there is no
    /// such element.
    pub(super) fn elements(&self, index: i32) -> (u32, u32) {
        match u32::try_from(index) {
            Ok(index) if index < self.spec.num_values => (index, index),
            _ => (0, self.spec.num_values.max(1) - 1),
        }
    }
}

fn is_integer(model: Model) -> bool {
    matches!(model, Model::UInt | Model::Int)
}
