//! What a write has taken along, for another attempt. Between two attempts other threads may read the
//! block: what has not arrived is staged again until then, so that no read takes its place.

use super::layout::Span;
use super::model::Mode;
use super::registers::{Slot, State};
use super::transfer::Request;

/// What was stale in the bytes of a write.
pub(super) struct Taken {
    /// The slots, and their bytes.
    slots: Vec<(usize, Span)>,
    /// The bits, from the first byte of the write on.
    bits: Vec<u8>,
}

impl State {
    /// What `request`, a write of `span`, takes along: all that is stale, and what the program has
    /// forced, which counts as staged from here on. `None` without memory for a copy.
    pub(super) fn take_along(&mut self, request: &Request<'_>, span: Span) -> Option<Taken> {
        if request.insists {
            let target = self.target(request).and(request.target).map(|target| target.slot);
            let all = target.map_or(0..self.slots.len(), |slot| slot..slot + 1);
            all.for_each(|index| self.stage_present(index));
        }
        let bits = self.image.stale(span)?;
        let slot = |index: &usize| Some((*index, self.slots.get(*index)?.stale?));
        Some(Taken { slots: self.stale_slots.iter().filter_map(slot).collect(), bits })
    }

    /// The bytes that a variable has count as staged, unless others of it are.
    fn stage_present(&mut self, index: usize) {
        let Slot { variable, layout, stale } = &mut self.slots[index];
        if variable.spec().mode == Mode::ReadOnly || stale.is_some() {
            return;
        }
        *stale = Some(layout.whole());
        self.image.mark_stale(layout, 0, layout.count() - 1);
        self.stale_slots.push(index);
    }

    /// What a write of `span` has taken along is staged again. Values that have been staged since stay.
    pub(super) fn give_back(&mut self, span: Span, taken: &Taken) {
        self.image.add_stale(span, &taken.bits);
        for (index, bytes) in &taken.slots {
            let Some(slot) = self.slots.get_mut(*index) else { continue };
            if slot.stale.is_none() {
                self.stale_slots.push(*index);
            }
            slot.stale = Some(bytes.and(slot.stale));
        }
    }

    /// Nothing within `span`, which contains all that is to be verified, is to be verified any more.
    pub(super) fn forget_unverified(&mut self, span: Span) {
        self.image.clear_unverified(span);
        self.unverified = None;
    }
}
