//! The parts of a split transaction.

use std::sync::atomic::AtomicU32;
use std::sync::{Arc, Weak};

use super::buffer::DataCell;
use super::{Transaction, NO_TEXT};
use crate::clock;
use crate::error::{Error, Result, Status};
use crate::memory::access::check_access;
use crate::memory::ids::next_id;
use crate::memory::transaction_type::TransactionType;

/// Parts of a split transaction.
#[derive(Default)]
pub(super) struct Subs {
    /// In order of creation; one that has ended leaves an empty reference.
    pub(super) children: Vec<Weak<Transaction>>,
    pub(super) pending: u32,
    all_created: bool,
    first_error: Option<String>,
}

/// An id for a part of a transaction: counts down, so that splitting leaves no gaps in the ids
/// that requesters see. Both kinds of ids meet in slaves' tables, which check for collisions.
fn next_sub_id() -> u32 {
    static COUNTER: AtomicU32 = AtomicU32::new(u32::MAX);
    next_id(&COUNTER, u32::MAX)
}

impl Transaction {
    pub(super) fn child_ended(self: &Arc<Self>, child: &Transaction, error: Option<&str>) {
        self.restart_clock(clock::now());
        let outcome = {
            let Some(mut state) = self.state.lock_own(self.generation) else { return };
            // No parts left to wait for: this transaction has ended already.
            let Some(subs) = state.subs() else { return };
            subs.pending -= 1;
            // Frees its memory while its siblings are pending.
            subs.children[child.index as usize] = Weak::new();
            if let Some(text) = error {
                let text = if text.is_empty() { NO_TEXT } else { text };
                subs.first_error.get_or_insert_with(|| {
                    let id = child.id;
                    format!("Transaction error. Subtransaction {id} failed with error: {text}.\n")
                });
            }
            Self::subs_outcome(subs)
        };
        self.end_by_children(outcome);
    }

    /// `Some` once every child has ended and no more can be created.
    fn subs_outcome(subs: &mut Subs) -> Option<Option<String>> {
        (subs.all_created && subs.pending == 0).then(|| subs.first_error.take())
    }

    fn end_by_children(self: &Arc<Self>, outcome: Option<Option<String>>) {
        match outcome {
            Some(None) => self.done(),
            Some(Some(text)) => self.error(text),
            None => {}
        }
    }

    /// Creates a part of this transaction: `size` bytes at `offset` of its buffer, for `address`.
    /// This transaction ends when all its parts have ended and [`done_subs`](Self::done_subs) has
    /// been called; it fails if one of them failed.
    ///
    /// A transaction with parts is completed through them only. Completing it directly expires the
    /// parts that are pending.
    ///
    /// # Errors
    ///
    /// [`Status::InvalidArgument`] if the range does not lie within this transaction, or the part has
    /// another type than those of slaves or reaches beyond the address space;
    /// [`Status::InvalidData`] if this transaction has ended or expired.
    pub fn create_sub(
        self: &Arc<Self>,
        offset: u32,
        size: u32,
        address: u64,
        ty: TransactionType,
    ) -> Result<Arc<Transaction>> {
        let source = "Transaction::createSubTransaction";
        if u64::from(offset) + u64::from(size) > u64::from(self.size()) {
            let text = format!(
                "{size} bytes at offset {offset} do not lie within transaction {} of {} bytes",
                self.id,
                self.size()
            );
            return Err(Error::new(Status::InvalidArgument, source, text));
        }
        check_access(ty, address, size)
            .map_err(|text| Error::new(Status::InvalidArgument, source, text))?;
        let refuse = |text| Error::new(Status::InvalidData, source, text);
        let state = self.state.lock_own(self.generation);
        let mut state = state.ok_or_else(|| refuse(self.inherited_text()))?;
        if self.expired() {
            return Err(refuse(format!("Transaction {} has already ended", self.id)));
        }
        let subs = state.rare().subs.get_or_insert_with(Subs::default);
        let (id, start, data) = (next_sub_id(), self.start, DataCell::none(size));
        let mut sub = Self::raw(id, ty, address, self.timeout_ns, start, data);
        sub.parent = Some(self.clone());
        // No overflow: the sum is at most the size of the root.
        sub.offset = self.offset + offset;
        sub.index = subs.children.len() as u32;
        let sub = Arc::new(sub);
        subs.children.push(Arc::downgrade(&sub));
        subs.pending += 1;
        Ok(sub)
    }

    /// Ends the creation of parts; completes this transaction at once if all of them have ended, or
    /// if there are none.
    pub fn done_subs(self: &Arc<Self>) {
        let outcome = {
            let Some(mut state) = self.state.lock_own(self.generation) else { return };
            if self.is_done() {
                return;
            }
            let subs = state.rare().subs.get_or_insert_with(Subs::default);
            subs.all_created = true;
            Self::subs_outcome(subs)
        };
        self.end_by_children(outcome);
    }
}
