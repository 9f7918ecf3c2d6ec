//! `MemMap`: registers in a range of physical memory, or of any file that can be mapped.

mod sys;

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileTypeExt;
use std::sync::Arc;

use crate::debug::impl_debug;
use crate::error::{Error, Result, Status};
use crate::logging::{log_debug, static_logger};
use crate::memory::{Slave, SlaveBase, Transaction};
use crate::net::make_descriptor;
use crate::net::socket::shortage_remedy;
use crate::process::{inherited_text, Generation};
use crate::sync::Mutex;

use sys::Mapping;

static_logger!(LOG, "MemMap");

/// The device that stands for the physical memory of the machine.
pub const DEVICE_PATH: &str = "/dev/mem";

const SOURCE: &str = "MemMap::MemMap";

/// Widths of an access, in bytes.
const WIDTHS: [u32; 2] = [4, 8];

/// Options of a memory map.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MemMapOptions {
    /// The file to map: [`DEVICE_PATH`], a UIO device (`/dev/uio0`), or any other.
    pub path: String,
    /// Bytes of each access to the map: 4, or 8 on a processor of 64 bits.
    pub access_bytes: u32,
}

impl Default for MemMapOptions {
    fn default() -> Self {
        MemMapOptions { path: DEVICE_PATH.to_owned(), access_bytes: WIDTHS[0] }
    }
}

/// A memory slave over a shared mapping of a file: the registers of a Zynq's programmable logic,
/// for example, by its `/dev/mem` or a UIO device.
///
/// A transaction is carried out in the requester's thread, before the request returns, and those of
/// several threads one after the other. Its address is an offset from the base. Address and size
/// are multiples of the access width, and lie within the map; anything else fails and touches
/// nothing. Data is copied in ascending order by aligned volatile accesses of exactly that width,
/// each made once, in the processor's byte order.
///
/// **Caches.** The mapping has the attributes that the system gives to it. Linux maps device
/// addresses of `/dev/mem`, and the memory of UIO devices, uncached, on all usual processors:
/// accesses reach the device in their order. Ordinary memory, which programmable logic may share
/// by DMA, is mapped cached: there a processor without coherent DMA needs more than this object,
/// which issues no barriers and flushes no cache.
///
/// **Faults.** A bus error of the device ends the process, because the system reports it by a
/// signal. So does access to a file that has been truncated after its size was checked.
pub struct MemMap {
    base: SlaveBase,
    /// `None` after the end. A running transaction keeps the mapping until it has finished.
    mapping: Mutex<Option<Arc<Mapping>>>,
    /// One transaction at a time: registers may depend on the order of a block's accesses.
    turn: Mutex<()>,
    generation: Generation,
    access_bytes: u32,
    size: u64,
}

impl_debug!(MemMap, map => { size: map.size, access_bytes: map.access_bytes });

impl MemMap {
    /// Maps `size` bytes of a file from `base` on. `base` and `size` are multiples of the access
    /// width; no page boundaries are required. Of a UIO device, map `n` begins at `n` times the
    /// page size.
    ///
    /// # Errors
    ///
    /// [`Status::InvalidArgument`] for a range that is empty, not aligned, beyond the end of an
    /// ordinary file, or refused by the device, and for an impossible access width;
    /// [`Status::OutOfResources`] if the file cannot be opened or mapped. The text has the system's
    /// reason.
    pub fn new(base: u64, size: u64, options: &MemMapOptions) -> Result<Arc<MemMap>> {
        let MemMapOptions { path, access_bytes } = options;
        check_width(*access_bytes)?;
        check_range(base, size, (*access_bytes).into())?;
        let refused = |what: String| Error::new(Status::OutOfResources, SOURCE, what);
        let file = open(path).map_err(|error| {
            let remedy = match error.kind() {
                io::ErrorKind::PermissionDenied => "; run as a user that may, or use a UIO device",
                _ => shortage_remedy(&error),
            };
            refused(format!("Failed to open device file: {path}: {error}{remedy}"))
        })?;
        check_file(&file, path, base, size)?;
        let mapping = Mapping::new(&file, base, size).map_err(|error| {
            refused(format!(
                "Failed to map memory to user space: {size} bytes at 0x{base:x} of {path}: {error}"
            ))
        })?;
        log_debug!(LOG, "Created map to 0x{base:x} with size 0x{size:x}");
        Ok(Arc::new(MemMap {
            base: SlaveBase::new(*access_bytes, u32::MAX),
            mapping: Mutex::new(Some(Arc::new(mapping))),
            turn: Mutex::new(()),
            generation: Generation::current(),
            access_bytes: *access_bytes,
            size,
        }))
    }

    /// Ends the object: later transactions fail at once. The file is unmapped when a running
    /// transaction has finished; this does not wait for it. May be called from any thread and more
    /// than once.
    pub fn stop(&self) {
        if self.generation.is_inherited() {
            return;
        }
        let mapping = self.mapping.lock().take();
        drop(mapping);
    }

    /// The mapping, if a transaction of this place and size may be carried out on it.
    fn mapping_for(&self, tran: &Transaction) -> std::result::Result<Arc<Mapping>, String> {
        if self.generation.is_inherited() {
            return Err(inherited_text("MemMap"));
        }
        let (address, size, width) = (tran.address(), tran.size(), self.access_bytes);
        if size % width != 0 {
            return Err(format!(
                "Invalid transaction size {size}, must be an integer number of {width} bytes"
            ));
        }
        if address % u64::from(width) != 0 {
            return Err(format!(
                "Invalid transaction address 0x{address:x}, must be a multiple of {width}"
            ));
        }
        let size = u64::from(size);
        if size > self.size || address > self.size - size {
            return Err(format!(
                "Request transaction to address 0x{address:x} with size {size} is out of bounds: \
                 the map has {} bytes",
                self.size
            ));
        }
        let mapping = self.mapping.lock().clone();
        mapping.ok_or_else(|| {
            format!("MemMap was stopped before the transaction at 0x{address:x}; make a new one")
        })
    }

    /// Copies the data of a transaction to or from the map.
    fn carry_out(&self, tran: &Transaction, mapping: &Mapping) -> bool {
        let Some(mut data) = tran.data() else {
            // Given up already: the result would be discarded.
            return false;
        };
        // Within the map, hence within the address space.
        let offset = tran.address() as usize;
        let _turn = self.turn.lock();
        match (tran.ty().is_write(), self.access_bytes) {
            (true, 4) => mapping.write_by_4(offset, &data),
            (true, _) => mapping.write_by_8(offset, &data),
            (false, 4) => mapping.read_by_4(offset, &mut data),
            (false, _) => mapping.read_by_8(offset, &mut data),
        }
        true
    }
}

impl Slave for MemMap {
    fn base(&self) -> &SlaveBase {
        &self.base
    }

    fn takes_together(&self) -> bool {
        true
    }

    fn fills_reads(&self) -> bool {
        true
    }

    fn do_transaction(&self, tran: &Arc<Transaction>) {
        let mapping = match self.mapping_for(tran) {
            Ok(mapping) => mapping,
            Err(text) => return tran.error(text),
        };
        if !self.carry_out(tran, &mapping) {
            return;
        }
        log_debug!(
            LOG,
            "Transaction id={}, addr 0x{:08x}. Size={}, type={}",
            tran.id(),
            tran.address(),
            tran.size(),
            u32::from(tran.ty())
        );
        tran.done();
    }

    fn stop(&self) {
        MemMap::stop(self);
    }
}

fn invalid(text: String) -> Error {
    Error::new(Status::InvalidArgument, SOURCE, text)
}

fn check_width(access_bytes: u32) -> Result<()> {
    if !WIDTHS.contains(&access_bytes) {
        return Err(invalid(format!("An access of {access_bytes} bytes; choose 4 or 8")));
    }
    if access_bytes as usize > size_of::<usize>() {
        let text = "This processor has no single access of 8 bytes; choose 4";
        return Err(invalid(text.to_owned()));
    }
    Ok(())
}

/// Checks that the range is aligned, not empty, and within what can be addressed.
fn check_range(base: u64, size: u64, width: u64) -> Result<()> {
    let text = match base.checked_add(size) {
        _ if size == 0 => "is empty".to_owned(),
        _ if base % width != 0 || size % width != 0 => format!("is not aligned to {width} bytes"),
        Some(end) if i64::try_from(end).is_ok() && usize::try_from(size).is_ok() => return Ok(()),
        _ => "is beyond the address space".to_owned(),
    };
    Err(invalid(format!("The range of {size} bytes at 0x{base:x} {text}; choose another")))
}

/// The file, which programs that this process starts do not inherit.
fn open(path: &str) -> io::Result<File> {
    make_descriptor(|| OpenOptions::new().read(true).write(true).open(path))
}

/// Checks that an ordinary file has all the bytes that are mapped: an access beyond its end would
/// end the process.
fn check_file(file: &File, path: &str, base: u64, size: u64) -> Result<()> {
    let Ok(metadata) = file.metadata() else { return Ok(()) };
    let kind = metadata.file_type();
    if kind.is_char_device() || kind.is_block_device() {
        return Ok(());
    }
    let bytes = metadata.len();
    if base + size > bytes {
        return Err(invalid(format!(
            "The range of {size} bytes at 0x{base:x} is beyond the end of {path}, which has \
             {bytes} bytes; choose another, or make the file larger"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
