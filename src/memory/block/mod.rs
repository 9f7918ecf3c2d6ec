//! Typed registers: a [`Block`] has the bytes of a region, and [`Variable`]s say what the bits are.
//!
//! ```
//! use rogue_mem::memory::block::{Block, Model, Variable, VariableSpec, UINT};
//! use rogue_mem::memory::Emulate;
//!
//! let gain = Variable::new(VariableSpec::new("gain", Model::UInt, 4, 12))?;
//! let block = Block::new(0x100, 4)?;
//! block.master().set_slave(Emulate::new(4, 4096));
//! block.add_variables(&[gain.clone()])?;
//! block.set_enable(true);
//! gain.set(UINT, 0xABC, -1)?;
//! assert_eq!(gain.get(UINT, -1)?, 0xABC);
//! # Ok::<(), rogue_mem::Error>(())
//! ```
//!
//! The files, from the bits up: `model` and `numbers` (with `floats`, `wide` and `text`) convert numbers,
//! `order` orders their bytes, `layout` places them, `maps` says what the bits of a block are,
//! `image` has the bytes. `registers` is the block with its variables, `transfer`, `turn`, `settle` and
//! `start` its transactions, which wait as `watch` says, or not at all in `brief`, `again` what another
//! attempt needs, `unchecked` what threads are told of them, `bulk` those of many blocks. `access` is the numbers of variables, `byte_strings` their
//! other values, and `dump` their text.
//!
//! # Locks
//!
//! The state of a block, the place of a variable and a block's observer are leaves. Under the state
//! the state of a transaction is read, and a free data lock is taken, as under a master's table.
//! Slaves and observers are called, and ends of transactions are waited for, with no lock held.

mod access;
mod again;
mod brief;
mod bulk;
mod byte_strings;
mod dump;
mod floats;
mod image;
mod layout;
mod maps;
mod model;
mod numbers;
mod order;
mod registers;
mod settle;
mod start;
mod text;
mod transfer;
mod turn;
mod unchecked;
mod variable;
mod watch;
mod wide;

pub use access::{
    Accessor, BFLOAT16, BOOL, DOUBLE, FIXED, FLOAT, FLOAT16, FLOAT4, FLOAT6, FLOAT8, INT,
    TENSOR_FLOAT32, UINT,
};
pub use bulk::{check_all, read_all, start_all, write_all, BulkOutcome};
pub use layout::{Part, Span};
pub use model::{Mode, Model};
pub use numbers::Scalar;
pub use registers::{Block, UpdateObserver};
pub use transfer::{Skip, Started};
pub use variable::{Variable, VariableSpec};
pub use watch::{watch_waits, WaitWatch};
