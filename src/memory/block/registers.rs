//! Blocks: their variables and their staged bytes.

use std::sync::{Arc, Weak};

use super::image::Image;
use super::layout::{Layout, Span};
use super::maps::{Conflict, Covering, Maps};
use super::model::Mode;
use super::transfer::{Flight, Path};
use super::turn::Holder;
use super::unchecked::Unchecked;
use super::variable::{Variable, LOAD_SOURCE, SET_SOURCE};
use crate::debug::impl_debug;
use crate::error::{caught, Error, Result, Status};
use crate::logging::{log_error, set_filter, Level, Logger};
use crate::memory::Master;
use crate::process::{inherited_text, Generation};
use crate::sync::{Condvar, Mutex, MutexGuard};

const ADD_SOURCE: &str = "Block::addVariables";
const COPY_SOURCE: &str = "Block::copyStaged";
/// The path of a block without variables.
const NO_PATH: &str = "Undefined";

/// Is told of variables whose values may have changed by a transaction.
pub trait UpdateObserver: Send + Sync {
    /// `variable`, for which [`is_notified`](super::VariableSpec::is_notified) is set, is in a
    /// block whose transaction has ended well. Called for each such variable of the block in the
    /// order of their addition, in the thread that checked the transaction, with no lock of the bus
    /// held. A panic is logged and goes no further.
    fn updated(&self, variable: &Arc<Variable>);
}

/// A variable in its block.
pub(super) struct Slot {
    pub(super) variable: Arc<Variable>,
    pub(super) layout: Layout,
    /// The bytes of it that are staged and not written.
    pub(super) stale: Option<Span>,
}

/// Everything of a block that changes.
pub(super) struct State {
    pub(super) image: Image,
    pub(super) slots: Vec<Slot>,
    /// Indices of the slots with stale bytes.
    pub(super) stale_slots: Vec<usize>,
    pub(super) path: Arc<str>,
    pub(super) mode: Mode,
    is_bulk: bool,
    pub(super) is_notified: bool,
    pub(super) retry_count: u32,
    pub(super) is_enabled: bool,
    /// The transaction that is under way.
    pub(super) flight: Option<Arc<Flight>>,
    /// The thread whose [turn](super::turn) it is, and how many wait for its end.
    pub(super) holder: Option<Holder>,
    pub(super) waiting_count: u32,
    pub(super) unchecked: Unchecked,
    /// The bytes that have been written and are to be verified.
    pub(super) unverified: Option<Span>,
}

/// The registers of a contiguous region. A block holds their staged bytes, moves them with
/// transactions of its [`master`](Self::master), and has [`Variable`]s that say what the bits are.
///
/// A value that is set is *staged*: it is in the block, and *stale* until a write takes it to the
/// device. A read takes the device's bytes over, except for stale ones. All methods may be called
/// from any thread. Transactions of a block follow each other; staged values can be set and read
/// meanwhile.
///
/// In a child by `fork` a block of the parent is out of reach: what can fail fails with
/// [`Status::Stopped`], what asks for something finds a block without variables or bytes, and the rest
/// has no effect.
pub struct Block {
    generation: Generation,
    pub(super) me: Weak<Block>,
    pub(super) master: Arc<Master>,
    pub(super) offset: u64,
    pub(super) size: u32,
    pub(super) state: Mutex<State>,
    /// A turn has ended.
    pub(super) released: Condvar,
    observer: Mutex<Option<Arc<dyn UpdateObserver>>>,
}

impl_debug!(Block, block => { offset: block.offset, size: block.size });

impl Block {
    /// A block of `size` bytes at `offset` of its master's slave, zero at first and disabled: until
    /// [`set_enable`](Self::set_enable) its transactions are skipped.
    ///
    /// # Errors
    ///
    /// [`Status::InvalidArgument`] for no bytes, or an end beyond the address space;
    /// [`Status::OutOfResources`].
    pub fn new(offset: u64, size: u32) -> Result<Arc<Block>> {
        const SOURCE: &str = "Block::Block";
        if size == 0 || offset.checked_add(u64::from(size) - 1).is_none() {
            let text = format!("A block of {size} bytes at 0x{offset:x} has no place on the bus");
            return Err(Error::new(Status::InvalidArgument, SOURCE, text));
        }
        let image = Image::new(size as usize).ok_or_else(|| {
            let text = format!("There is no memory for a block of {size} bytes at 0x{offset:x}");
            Error::new(Status::OutOfResources, SOURCE, text)
        })?;
        let state = State {
            image,
            slots: Vec::new(),
            stale_slots: Vec::new(),
            path: NO_PATH.into(),
            mode: Mode::ReadWrite,
            is_bulk: false,
            is_notified: false,
            retry_count: 0,
            is_enabled: false,
            flight: None,
            holder: None,
            waiting_count: 0,
            unchecked: Unchecked::default(),
            unverified: None,
        };
        let (master, state, observer) = (Arc::default(), Mutex::new(state), Mutex::default());
        let released = Condvar::new();
        let generation = Generation::current();
        Ok(Arc::new_cyclic(|me| Block {
            generation,
            me: me.clone(),
            master,
            offset,
            size,
            state,
            released,
            observer,
        }))
    }

    /// The lock of the state; `None` in a child by `fork`, where a thread of the parent may hold it
    /// for ever.
    pub(super) fn own_state(&self) -> Option<MutexGuard<'_, State>> {
        self.state.lock_own(self.generation)
    }

    /// The lock of the state, for `source`, which fails in a child by `fork`.
    pub(super) fn state_or(&self, source: &'static str) -> Result<MutexGuard<'_, State>> {
        self.own_state().ok_or_else(|| {
            let text = inherited_text(&format!("The block at 0x{:x}", self.offset));
            Error::new(Status::Stopped, source, text)
        })
    }

    /// The master whose slave has the registers. The block's transactions have its timeout.
    pub fn master(&self) -> &Arc<Master> {
        &self.master
    }

    /// Byte offset, relative to the master's slave.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Number of bytes.
    pub fn size(&self) -> u32 {
        self.size
    }

    /// Address as seen from the end of the path.
    pub fn address(&self) -> u64 {
        self.master.req_address().wrapping_add(self.offset)
    }

    /// `Undefined`, or the path that the first variable had when it was added.
    pub fn path(&self) -> Arc<str> {
        self.own_state().map_or_else(|| NO_PATH.into(), |state| state.path.clone())
    }

    /// The mode that all variables have; [`Mode::ReadWrite`] where they differ, and without
    /// variables.
    pub fn mode(&self) -> Mode {
        self.own_state().map_or(Mode::ReadWrite, |state| state.mode.clone())
    }

    /// Whether any variable takes part in bulk operations.
    pub fn is_bulk(&self) -> bool {
        self.own_state().is_some_and(|state| state.is_bulk)
    }

    /// The variables, in the order of their addition.
    pub fn variables(&self) -> Vec<Arc<Variable>> {
        let Some(state) = self.own_state() else { return Vec::new() };
        state.slots.iter().map(|slot| slot.variable.clone()).collect()
    }

    /// Whether transactions are sent.
    pub fn is_enabled(&self) -> bool {
        self.own_state().is_some_and(|state| state.is_enabled)
    }

    /// Attempts after a failed one, for each transaction.
    pub(super) fn retry_count(&self) -> u32 {
        self.own_state().map_or(0, |state| state.retry_count)
    }

    /// Lets transactions be sent, or skips them. A write that is skipped is not made up for: what
    /// was staged for it is no longer stale.
    pub fn set_enable(&self, enable: bool) {
        if let Some(mut state) = self.own_state() {
            state.is_enabled = enable;
        }
    }

    /// Calls `observer` after transactions, in place of the present one.
    pub fn observe(&self, observer: Option<Arc<dyn UpdateObserver>>) {
        let Some(mut place) = self.observer.lock_own(self.generation) else { return };
        let former = std::mem::replace(&mut *place, observer);
        drop(place);
        // Outside the lock: dropping it may run the program's code.
        drop(former);
    }

    /// Whether there is such an observer.
    pub(super) fn is_observed(&self) -> bool {
        self.observer.lock_own(self.generation).is_some_and(|observer| observer.is_some())
    }

    /// Sets the threshold of the block's own logger, `memory.block.` and its path.
    ///
    /// # Errors
    ///
    /// [`Status::NotFound`] for a block without variables, which has no logger; [`Status::Stopped`]
    /// in a child by `fork`.
    pub fn set_log_level(&self, level: Level) -> Result<()> {
        let path = self.path();
        if self.state_or("Block::setLogLevel")?.slots.is_empty() {
            let text = format!("The block at 0x{:x} has no variables, and no logger", self.offset);
            return Err(Error::new(Status::NotFound, "Block::setLogLevel", text));
        }
        set_filter(&logger_name(&path), level);
        Ok(())
    }

    pub(super) fn logger(&self) -> Logger {
        Logger::new(&logger_name(&self.path()))
    }

    /// A copy of the staged bytes.
    pub fn staged(&self) -> Vec<u8> {
        self.own_state().map_or_else(Vec::new, |state| state.image.staged().to_vec())
    }

    /// Copies staged bytes from byte `start` on.
    ///
    /// # Errors
    ///
    /// [`Status::InvalidArgument`] if they do not lie within the block; [`Status::Stopped`] in a child
    /// by `fork`. Nothing is copied then.
    pub fn copy_staged(&self, start: usize, into: &mut [u8]) -> Result<()> {
        let state = self.state_or(COPY_SOURCE)?;
        let rest = state.image.staged().get(start..);
        let bytes = rest.and_then(|rest| rest.get(..into.len())).ok_or_else(|| {
            let (count, size) = (into.len(), self.size);
            let text =
                format!("{count} bytes from byte {start} on do not lie within a block of {size}");
            Error::new(Status::InvalidArgument, COPY_SOURCE, text)
        })?;
        into.copy_from_slice(bytes);
        Ok(())
    }

    /// The first staged byte, of [`size`](Self::size) bytes, which stay where they are as long as
    /// the block exists. For interpreters that look at single bytes of them: a transaction or a
    /// store in another thread may change them at the same time, so a value of several bytes may be
    /// half old and half new. They are changed through variables only. Null in a child by `fork`.
    pub fn staged_start(&self) -> *const u8 {
        self.own_state().map_or(std::ptr::null(), |state| state.image.staged().as_ptr())
    }

    /// Replaces the variables. All must lie within the block. Variables that may overlap share bits
    /// with each other, all others share none. A bit is verified if a verified variable covers it,
    /// and none that is not.
    ///
    /// # Errors
    ///
    /// [`Status::InvalidArgument`] for no variables, one in another block, one that ends beyond
    /// this block, or an overlap; [`Status::OutOfResources`]; [`Status::Stopped`] in a child by
    /// `fork`. The block is unchanged then.
    pub fn add_variables(&self, variables: &[Arc<Variable>]) -> Result<()> {
        let Some(first) = variables.first() else {
            let text =
                format!("No variables for the block at 0x{:x}: give at least one", self.offset);
            return Err(Error::new(Status::InvalidArgument, ADD_SOURCE, text));
        };
        let placed = variables.iter().map(|variable| variable.placed(&self.me));
        let placed = placed.collect::<Result<Vec<_>>>()?;
        let maps = self.maps_of(variables, &placed)?;
        let path = placed[0].1.clone();
        let slot = |(variable, (layout, _)): (&Arc<Variable>, _)| Slot {
            variable: variable.clone(),
            layout,
            stale: None,
        };
        let slots: Vec<Slot> = variables.iter().zip(placed).map(slot).collect();
        let differ = variables.iter().any(|other| other.spec().mode != first.spec().mode);
        let mode = if differ { Mode::ReadWrite } else { first.spec().mode.clone() };
        let any = |test: fn(&Variable) -> bool| variables.iter().any(|variable| test(variable));
        self.settle_all()?;
        let mut state = self.state_or(ADD_SOURCE)?;
        state.image.set_maps(maps);
        let former = std::mem::replace(&mut state.slots, slots);
        state.stale_slots.clear();
        (state.path, state.mode) = (path, mode);
        state.is_bulk = any(|variable| variable.spec().is_bulk);
        state.is_notified = any(|variable| variable.spec().is_notified);
        state.retry_count =
            variables.iter().map(|variable| variable.spec().retry_count).max().unwrap_or(0);
        state.unverified = None;
        drop(state);
        former.iter().for_each(|slot| slot.variable.leave(&self.me));
        variables.iter().enumerate().for_each(|(slot, variable)| variable.set_home(&self.me, slot));
        Ok(())
    }

    fn maps_of<'a>(
        &self,
        variables: &'a [Arc<Variable>],
        placed: &'a [(Layout, Arc<str>)],
    ) -> Result<Maps> {
        let covering = |(variable, placed): (&'a Arc<Variable>, &'a (Layout, Arc<str>))| {
            let spec = variable.spec();
            let (may_overlap, is_verified) = (spec.may_overlap, spec.is_verified);
            Covering { layout: &placed.0, mode: &spec.mode, may_overlap, is_verified }
        };
        let coverings: Vec<Covering<'_>> = variables.iter().zip(placed).map(covering).collect();
        Maps::new(&coverings, self.size as usize).map_err(|conflict| {
            let place =
                format!("block {} with address 0x{:08x}", placed[0].1, self.address() as u32);
            let text = match conflict {
                Conflict::NoMemory => {
                    let text = format!("There is no memory for the maps of {place}");
                    return Error::new(Status::OutOfResources, ADD_SOURCE, text);
                }
                Conflict::Mixed => format!("Variable bit mask overlap detected for {place}"),
                Conflict::Overlap(index) => format!(
                    "Variable bit overlap detected for {place} and variable {}",
                    variables[index].name()
                ),
                Conflict::Outside(index) => format!(
                    "Variable {} ends at bit {} of {place}, which has {} bytes",
                    variables[index].name(),
                    placed[index].0.end(),
                    self.size
                ),
            };
            Error::new(Status::InvalidArgument, ADD_SOURCE, text)
        })
    }

    /// Stores a value of elements `first..=last` of `variable` with `store`, and marks it stale. With
    /// a path it does not if that does not allow a write of all that is stale then.
    pub(super) fn store(
        &self,
        (variable, slot): (&Variable, usize),
        (first, last): (u32, u32),
        path: Option<&Path>,
        store: impl FnOnce(&mut [u8], &Layout),
    ) -> Result<()> {
        let mut state = self.state_or(SET_SOURCE)?;
        let is_read_only = variable.spec().mode == Mode::ReadOnly;
        if let (Some(path), Some(place), false) = (path, state.slots.get(slot), is_read_only) {
            let stale = state.stale_slots.iter().filter_map(|slot| state.slots[*slot].stale);
            let span = stale.fold(place.layout.span(first, last), Span::union);
            path.admit(span, self.size, &state.path)?;
        }
        let State { image, slots, stale_slots, .. } = &mut *state;
        let place = slots.get_mut(slot).filter(|place| std::ptr::eq(&*place.variable, variable));
        let Some(place) = place else { return Err(variable.homeless()) };
        store(image.staged_mut(), &place.layout);
        if is_read_only {
            return Ok(());
        }
        image.mark_stale(&place.layout, first, last);
        if place.stale.is_none() {
            stale_slots.push(slot);
        }
        place.stale = Some(place.layout.span(first, last).and(place.stale));
        Ok(())
    }

    /// What `load` finds in the staged bytes of `variable`.
    pub(super) fn load<T>(
        &self,
        (variable, slot): (&Variable, usize),
        load: impl FnOnce(&[u8], &Layout) -> T,
    ) -> Result<T> {
        let state = self.state_or(LOAD_SOURCE)?;
        let place = state.slots.get(slot);
        match place.filter(|place| std::ptr::eq(&*place.variable, variable)) {
            Some(place) => Ok(load(state.image.staged(), &place.layout)),
            None => Err(variable.homeless()),
        }
    }

    /// Tells the observer, with no lock held.
    pub(super) fn notify(&self) {
        let observer = self.observer.lock_own(self.generation);
        let Some(observer) = observer.and_then(|observer| observer.clone()) else { return };
        let variables = self.variables();
        for variable in variables.iter().filter(|variable| variable.spec().is_notified) {
            if let Err(text) = caught(|| observer.updated(variable)) {
                let name = variable.name();
                log_error!(self.logger(), "The update observer of {name} panicked: {text}");
            }
        }
    }
}

fn logger_name(path: &str) -> String {
    format!("memory.block.{path}")
}

impl Drop for Block {
    fn drop(&mut self) {
        if let Some(flight) = self.state.get_mut().flight.take() {
            flight.abandon();
        }
    }
}
