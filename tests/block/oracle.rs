//! A second, naive implementation of the rules of a block, one bit at a time. With no defect mended
//! it does what Rogue does; each defect whose number it is given it does not have.

use serde_json::Value;

use crate::support::{flag, hex, number, numbers, text};

/// What a step shows: the message of its failure, its result, and what happened, in order.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Seen {
    pub message: Option<String>,
    pub result: Option<Value>,
    pub events: Vec<String>,
}

/// A fault that a slave is to have.
#[derive(Clone, Debug, PartialEq)]
pub enum Fault {
    /// Fails with this text.
    Error(String),
    /// Never answers.
    Drop,
    /// Acknowledges a write, and does not carry it out.
    Ignore,
    /// Changes a byte of what is read.
    Corrupt(usize, u8),
}

impl Fault {
    pub fn parse(fault: &Value) -> Option<Fault> {
        let text = |at: usize| fault[at].as_str().map(str::to_owned);
        Some(match fault[0].as_str()? {
            "error" => Fault::Error(text(1)?),
            "drop" => Fault::Drop,
            "ignore" => Fault::Ignore,
            "corrupt" => {
                let number = |at: usize| fault[at].as_u64().unwrap();
                Fault::Corrupt(number(1) as usize, number(2) as u8)
            }
            other => panic!("{other}"),
        })
    }

    pub fn name(&self) -> &'static str {
        match self {
            Fault::Error(_) => "error",
            Fault::Drop => "drop",
            Fault::Ignore => "ignore",
            Fault::Corrupt(..) => "corrupt",
        }
    }

    /// The event of a transaction with this fault.
    pub fn event(
        fault: Option<&Fault>,
        (ty, address, size): (&str, u64, usize),
        data: Option<&[u8]>,
    ) -> String {
        let data = data.map_or("null".to_owned(), hex);
        let fault = fault.map_or("", Fault::name);
        format!("{ty} {address} {size} {data} {fault}")
    }
}

/// The memory behind a block, and the faults of the next transactions.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    pub bytes: Vec<u8>,
    pub faults: Vec<Option<Fault>>,
}

impl Memory {
    /// Carries an access out. Returns the fault, and the data that it showed.
    pub fn access(
        &mut self,
        is_write: bool,
        at: usize,
        data: &mut [u8],
    ) -> (Option<Fault>, Option<Vec<u8>>) {
        let fault = if self.faults.is_empty() { None } else { self.faults.remove(0) };
        let fails = matches!(fault, Some(Fault::Error(_) | Fault::Drop));
        let range = at..at + data.len();
        if is_write {
            if !fails && fault != Some(Fault::Ignore) {
                self.bytes[range].copy_from_slice(data);
            }
            return (fault, Some(data.to_vec()));
        }
        if fails {
            return (fault, None);
        }
        data.copy_from_slice(&self.bytes[range]);
        if let Some(Fault::Corrupt(index, change)) = fault {
            data[index] ^= change;
        }
        (fault, Some(data.to_vec()))
    }
}

#[derive(Clone)]
pub struct Variable {
    pub name: String,
    model: String,
    mode: String,
    parts: Vec<(u64, u64)>,
    pub count: u64,
    width: u64,
    stride: u64,
    is_big_endian: bool,
    limits: (f64, f64),
    is_verified: bool,
    is_notified: bool,
    retries: u64,
    unit: u64,
    is_stale: bool,
    /// The bytes of the last values that were staged, or of the whole variable.
    stale: (u64, u64),
}

impl Variable {
    fn new(row: &Value) -> Variable {
        let parts: Vec<(u64, u64)> =
            numbers(row, "bit_offset").into_iter().zip(numbers(row, "bit_size")).collect();
        let count = number(row, "num_values");
        let width = match count {
            0 => parts.iter().map(|part| part.1).sum(),
            _ => number(row, "value_bits"),
        };
        let shift = if row["shift"].is_null() { vec![0, 1] } else { numbers(row, "shift") };
        let mut variable = Variable {
            name: text(row, "name").to_owned(),
            model: row["model"].as_str().unwrap_or("UInt").to_owned(),
            mode: row["mode"].as_str().unwrap_or("RW").to_owned(),
            parts: parts.iter().map(|part| (part.0 + 8 * shift[0], part.1)).collect(),
            count,
            width,
            stride: number(row, "value_stride"),
            is_big_endian: flag(row, "byte_reverse", false),
            limits: (row["min"].as_f64().unwrap_or(0.0), row["max"].as_f64().unwrap_or(0.0)),
            is_verified: flag(row, "verify", true),
            is_notified: flag(row, "update_notify", false),
            retries: number(row, "retry_count"),
            unit: shift[1],
            is_stale: false,
            stale: (0, 0),
        };
        variable.stale = variable.whole();
        variable
    }

    /// The bits of an element, lowest first.
    fn bits(&self, index: u64) -> Vec<u64> {
        if self.count > 0 {
            let start = self.parts[0].0 + index * self.stride;
            return (start..start + self.width).collect();
        }
        self.parts.iter().flat_map(|&(start, size)| start..start + size).collect()
    }

    fn all_bits(&self) -> Vec<u64> {
        (0..self.count.max(1)).flat_map(|index| self.bits(index)).collect()
    }

    /// The first byte of an element, and the byte after its last one.
    fn covered(&self, index: u64) -> (u64, u64) {
        let (bits, unit) = (self.bits(index), 8 * self.unit);
        let (low, high) = (bits.iter().min().unwrap(), bits.iter().max().unwrap() + 1);
        (low / unit * self.unit, high.div_ceil(unit) * self.unit)
    }

    fn whole(&self) -> (u64, u64) {
        let last = self.count.max(1) - 1;
        (self.covered(0).0, self.covered(last).1)
    }

    /// The bytes of a value.
    fn encode(&self, value: &Value) -> Result<Vec<u8>, String> {
        let size = self.width.div_ceil(8) as usize;
        let mut bytes = match self.model.as_str() {
            "UInt" => {
                let number = value.as_u64().unwrap();
                let (min, max) = self.limits;
                if (min, max) != (0.0, 0.0) && !(min..=max).contains(&(number as f64)) {
                    return Err(format!(
                        "Block::setUInt: General Error: Value range error for {}. Value={number}, \
                         Min={min:.6}, Max={max:.6}",
                        self.name
                    ));
                }
                number.to_le_bytes()[..size].to_vec()
            }
            "Float" => (value.as_f64().unwrap() as f32).to_le_bytes().to_vec(),
            _ => {
                let mut bytes = value.as_str().unwrap().as_bytes().to_vec();
                bytes.resize(size, 0);
                bytes
            }
        };
        if self.is_big_endian {
            bytes.reverse();
        }
        Ok(bytes)
    }

    fn decode(&self, mut bytes: Vec<u8>) -> Value {
        if self.is_big_endian {
            bytes.reverse();
        }
        match self.model.as_str() {
            "UInt" => {
                bytes.resize(8, 0);
                u64::from_le_bytes(bytes.try_into().unwrap()).into()
            }
            "Float" => f64::from(f32::from_le_bytes(bytes.try_into().unwrap())).into(),
            _ => {
                let text: Vec<u8> = bytes.into_iter().take_while(|byte| *byte != 0).collect();
                String::from_utf8(text).unwrap().into()
            }
        }
    }
}

/// What covers a bit: variables that are only read, only written, both; and whether it is verified.
#[derive(Clone, Copy, Default)]
struct Cover {
    read_only: bool,
    write_only: bool,
    other: bool,
    verified: bool,
    unverified: bool,
}

fn covers(variables: &[Variable], size: u64) -> Vec<Cover> {
    let mut covers = vec![Cover::default(); size as usize * 8];
    for variable in variables {
        for bit in variable.all_bits() {
            let cover = &mut covers[bit as usize];
            let is_both = variable.mode == "RW";
            match variable.mode.as_str() {
                "RO" => cover.read_only = true,
                "WO" => cover.write_only = true,
                _ => cover.other = true,
            }
            match is_both && variable.is_verified {
                true => cover.verified = true,
                false => cover.unverified = true,
            }
        }
    }
    covers
}

/// A block, and all that is behind it.
pub struct Oracle<'a> {
    /// Numbers of the defects that it does not have.
    mended: &'a [u32],
    pub variables: Vec<Variable>,
    pub memory: Memory,
    min: u64,
    offset: u64,
    size: u64,
    path: String,
    pub mode: String,
    pub is_enabled: bool,
    covers: Vec<Cover>,
    image: Vec<bool>,
    device: Vec<bool>,
    stale: Vec<bool>,
    unverified: Vec<bool>,
    is_stale: bool,
    is_pending: bool,
    is_verifying: bool,
    wants_update: bool,
    written: (u64, u64),
    readback: Vec<u8>,
    error: Option<String>,
    /// The message of a verify whose bytes differ.
    mismatch: Option<Failure>,
    failed_write: bool,
    dropped: Option<(String, (u64, u64))>,
    pub events: Vec<String>,
}

const TIMEOUT: &str = "Timeout waiting for register transaction <id> message response.";

/// What is staged: of the block, of each variable with its bytes, and of each bit.
type StagedState = (bool, Vec<(bool, (u64, u64))>, Vec<bool>);

/// A mismatch of a verify has its bytes.
struct Failure(String, Option<(u64, u64)>);

impl<'a> Oracle<'a> {
    pub fn new(row: &Value, mended: &'a [u32]) -> Oracle<'a> {
        let variables: Vec<Variable> =
            row["variables"].as_array().unwrap().iter().map(Variable::new).collect();
        let size = number(row, "block_size");
        let bits = vec![false; size as usize * 8];
        let differ = variables.iter().any(|other| other.mode != variables[0].mode);
        let memory = Memory { bytes: crate::support::bytes(row, "memory"), faults: Vec::new() };
        Oracle {
            mended,
            memory,
            min: number(row, "min_access"),
            offset: number(row, "block_offset"),
            size,
            path: variables[0].name.clone(),
            mode: if differ { "RW".to_owned() } else { variables[0].mode.clone() },
            is_enabled: flag(row, "enabled", true),
            covers: covers(&variables, size),
            variables,
            image: bits.clone(),
            device: bits.clone(),
            stale: bits.clone(),
            unverified: bits,
            is_stale: false,
            is_pending: false,
            is_verifying: false,
            wants_update: false,
            written: (0, 0),
            readback: vec![0; size as usize],
            error: None,
            mismatch: None,
            failed_write: false,
            dropped: None,
            events: Vec::new(),
        }
    }

    fn is_mended(&self, defect: u32) -> bool {
        self.mended.contains(&defect)
    }

    pub fn index_of(&self, name: &str) -> usize {
        self.variables.iter().position(|one| one.name == name).unwrap()
    }

    fn is_verified(&self, bit: u64) -> bool {
        let cover = self.covers[bit as usize];
        cover.verified && !cover.unverified
    }

    /// Whether a bit belongs to nothing but variables that are only written.
    fn is_write_only(&self, bit: u64) -> bool {
        let cover = self.covers[bit as usize];
        cover.write_only && !cover.read_only && !cover.other
    }

    /// Whether a bit belongs to nothing but variables that are only read.
    fn is_read_only(&self, bit: u64) -> bool {
        let cover = self.covers[bit as usize];
        cover.read_only && !cover.write_only && !cover.other
    }

    fn has_verified(&self) -> bool {
        self.variables.iter().any(|one| one.mode == "RW" && one.is_verified)
    }

    fn element(&self, at: usize, index: i64, source: &str) -> Result<u64, String> {
        let variable = &self.variables[at];
        match (variable.count, index as u32) {
            (0, _) => Ok(0),
            (count, index) if u64::from(index) < count => Ok(index.into()),
            (_, index) => Err(format!(
                "Block::{source}: General Error: Index {index} is out of range for {}",
                variable.name
            )),
        }
    }

    /// Stages one value.
    pub fn put(&mut self, at: usize, value: &Value, index: i64) -> Result<(), String> {
        let bytes = self.variables[at].encode(value)?;
        let is_read_only = self.variables[at].mode == "RO";
        if !self.is_mended(59) {
            self.is_stale |= !is_read_only;
        }
        let element = self.element(at, index, "setBytes")?;
        self.is_stale |= !is_read_only;
        for (place, bit) in self.variables[at].bits(element).into_iter().enumerate() {
            self.image[bit as usize] = crate::support::bit(&bytes, place as u64);
            self.stale[bit as usize] |= !is_read_only;
        }
        let variable = &mut self.variables[at];
        let (low, high) = variable.covered(element);
        if is_read_only {
            return Ok(());
        }
        variable.stale = match variable.is_stale {
            true => (variable.stale.0.min(low), variable.stale.1.max(high)),
            false => (low, high),
        };
        variable.is_stale = true;
        Ok(())
    }

    /// Stages as Python's `_set` does.
    pub fn set(&mut self, at: usize, value: &Value, index: i64) -> Result<(), String> {
        let is_text = self.variables[at].model == "String";
        let first = if index == -1 && !is_text { 0 } else { index };
        match value {
            Value::Array(all) => {
                (first..).zip(all).try_for_each(|(index, value)| self.put(at, value, index))
            }
            value => self.put(at, value, first),
        }
    }

    pub fn one(&self, at: usize, index: i64) -> Result<Value, String> {
        let element = self.element(at, index, "getBytes")?;
        let variable = &self.variables[at];
        let mut bytes = vec![0; variable.width.div_ceil(8) as usize];
        for (place, bit) in variable.bits(element).into_iter().enumerate() {
            crate::support::put_bit(&mut bytes, place as u64, self.image[bit as usize]);
        }
        Ok(variable.decode(bytes))
    }

    pub fn get(&self, at: usize, index: i64) -> Result<Value, String> {
        match (self.variables[at].count, index) {
            (1.., ..=-1) => {
                let count = self.variables[at].count as i64;
                (0..count).map(|index| self.one(at, index)).collect()
            }
            _ => self.one(at, index),
        }
    }

    /// Waits for what the slave has never answered.
    fn wait(&mut self) {
        if let Some((ty, span)) = self.dropped.take() {
            self.fail(&ty, span, TIMEOUT.to_owned());
        }
    }

    fn fail(&mut self, ty: &str, span: (u64, u64), text: String) {
        self.is_verifying &= !self.is_mended(58);
        if !self.is_mended(56) || self.error.is_none() && self.mismatch.is_none() {
            self.error = Some(text);
            self.failed_write = ["Write", "Post"].contains(&ty);
        }
        if self.is_mended(56) && ty == "Write" {
            (span.0 * 8..span.1 * 8).for_each(|bit| self.unverified[bit as usize] = false);
            self.is_pending &= self.unverified.contains(&true);
        }
    }

    /// Whether an attempt is skipped.
    fn skips(&self, ty: &str, is_forced: bool, target: Option<(usize, i64)>) -> bool {
        let own = target.map(|(at, _)| self.variables[at].mode.as_str());
        let is = |mode: &str| self.mode == mode || self.is_mended(84) && own == Some(mode);
        let is_read_only = self.mode == "RO" || is("RO") && !self.is_stale;
        match ty {
            "Write" => is_read_only || !self.is_stale && !is_forced,
            "Post" => is_read_only,
            "Read" => is("WO") || self.is_stale && self.hides(target),
            _ => {
                let is_hidden = self.is_stale && !self.is_mended(66);
                ["WO", "RO"].contains(&self.mode.as_str()) || is_hidden || !self.is_pending
            }
        }
    }

    fn hides(&self, target: Option<(usize, i64)>) -> bool {
        if !self.is_mended(66) {
            return true;
        }
        let readable = |bit: &u64| {
            let cover = self.covers[*bit as usize];
            cover.read_only || cover.other || !self.is_mended(84) && cover.write_only
        };
        let bits: Vec<u64> = match target {
            None => (0..self.size * 8).filter(readable).collect(),
            Some((at, index)) => match self.element(at, index, "") {
                Ok(element) if self.variables[at].count > 0 => self.variables[at].bits(element),
                _ => self.variables[at].all_bits(),
            },
        };
        bits.iter().all(|bit| self.stale[*bit as usize])
    }

    fn range(
        &self,
        ty: &str,
        target: Option<(usize, i64)>,
        again: Option<(u64, u64)>,
    ) -> (u64, u64) {
        let union = |one: (u64, u64), other: (u64, u64)| (one.0.min(other.0), one.1.max(other.1));
        let Some((at, index)) = target else { return (0, self.size) };
        let variable = &self.variables[at];
        if !["Write", "Post"].contains(&ty) {
            return match u64::try_from(index) {
                Ok(index) if index < variable.count => variable.covered(index),
                _ => variable.whole(),
            };
        }
        let mut own = variable.stale;
        if self.is_mended(75) && !variable.is_stale {
            own = variable.whole();
        }
        if !self.is_mended(60) {
            own = (own.0 / self.min * self.min, own.1.div_ceil(self.min) * self.min);
        }
        let mut all: Vec<(u64, u64)> = again.into_iter().collect();
        if !(self.is_mended(84) && variable.mode == "RO") {
            all.push(own);
        }
        let others = self.variables.iter().enumerate();
        let others = others.filter(|(other, one)| *other != at && one.is_stale);
        all.extend(others.map(|(_, one)| one.stale));
        all.into_iter().reduce(union).unwrap()
    }

    fn aligned(&self, (low, high): (u64, u64)) -> (u64, u64) {
        if !self.is_mended(60) {
            return (low, high);
        }
        let (min, base) = (self.min, self.offset);
        let low = ((base + low) / min * min).max(base) - base;
        let high = (base + high).div_ceil(min) * min - base;
        (low, high.min(self.size))
    }

    /// One attempt. `resent`: the bytes of an earlier write, to be sent once more.
    fn attempt(
        &mut self,
        ty: &str,
        is_forced: bool,
        target: Option<(usize, i64)>,
        again: Option<(u64, u64)>,
        resent: Option<(u64, u64)>,
    ) -> Option<(u64, u64)> {
        if resent.is_none() && self.skips(ty, is_forced, target) {
            return None;
        }
        self.wait();
        if self.is_mended(56) && ty == "Verify" && self.error.is_some() && self.failed_write {
            return None;
        }
        if !self.is_mended(56) || ty != "Verify" && self.is_enabled {
            (self.error, self.mismatch) = (None, None);
        }
        let is_write = ["Write", "Post"].contains(&ty);
        let mut span = match (resent, ty) {
            (Some(span), _) => span,
            (_, "Verify") => self.written,
            _ => self.aligned(self.range(ty, target, again)),
        };
        if is_write && resent.is_none() {
            self.is_stale = false;
            self.variables.iter_mut().for_each(|one| one.is_stale = false);
            self.stale.fill(false);
        }
        if !self.is_enabled {
            return None;
        }
        if ty == "Verify" {
            self.is_verifying = true;
        }
        if resent.is_some() {
            self.show_unverified(span);
        }
        let data = self.outgoing(span, resent.is_some());
        if is_write {
            self.note_sent(ty, span, &data);
        }
        self.wants_update = self.variables.iter().any(|one| one.is_notified);
        self.access(ty, &mut span, data);
        Some(span)
    }

    fn staged_state(&self) -> StagedState {
        let variables = self.variables.iter().map(|one| (one.is_stale, one.stale)).collect();
        (self.is_stale, variables, self.stale.clone())
    }

    fn restore_staged(&mut self, (is_stale, variables, stale): StagedState) {
        self.is_stale = is_stale;
        for (one, former) in self.variables.iter_mut().zip(variables) {
            (one.is_stale, one.stale) = former;
        }
        self.stale = stale;
    }

    /// What is written again is staged again, unless something newer is.
    fn show_unverified(&mut self, span: (u64, u64)) {
        for bit in (span.0 * 8..span.1 * 8).map(|bit| bit as usize) {
            if self.unverified[bit] && !self.stale[bit] {
                self.image[bit] = self.device[bit];
            }
        }
    }

    fn outgoing(&self, span: (u64, u64), is_resent: bool) -> Vec<u8> {
        let mut data = vec![0; (span.1 - span.0) as usize];
        for bit in span.0 * 8..span.1 * 8 {
            let is_kept = self.is_mended(84) && self.is_read_only(bit);
            let source = if is_kept || is_resent { &self.device } else { &self.image };
            crate::support::put_bit(&mut data, bit - span.0 * 8, source[bit as usize]);
        }
        data
    }

    fn note_sent(&mut self, ty: &str, span: (u64, u64), data: &[u8]) {
        let was_pending = self.is_pending;
        if ty == "Write" {
            self.is_pending = self.has_verified();
            if !(self.is_mended(85) && was_pending) {
                self.written = span;
                self.unverified.fill(false);
            }
            self.written = (self.written.0.min(span.0), self.written.1.max(span.1));
        }
        for bit in span.0 * 8..span.1 * 8 {
            self.device[bit as usize] = crate::support::bit(data, bit - span.0 * 8);
            self.unverified[bit as usize] = ty == "Write" && self.is_verified(bit);
        }
    }

    fn access(&mut self, ty: &str, span: &mut (u64, u64), mut data: Vec<u8>) {
        let (low, high) = *span;
        let is_write = ["Write", "Post"].contains(&ty);
        let (fault, shown) = self.memory.access(is_write, low as usize, &mut data);
        let access = (ty, self.offset + low, (high - low) as usize);
        self.events.push(Fault::event(fault.as_ref(), access, shown.as_deref()));
        match fault {
            Some(Fault::Error(text)) => return self.fail(ty, *span, text),
            Some(Fault::Drop) => {
                self.dropped = Some((ty.to_owned(), *span));
                return;
            }
            _ => {}
        }
        if ty == "Verify" {
            self.readback[low as usize..high as usize].copy_from_slice(&data);
            if self.is_mended(58) {
                let found = self.compare();
                if self.error.is_none() && self.mismatch.is_none() {
                    self.mismatch = found;
                }
            }
        }
        if ty != "Read" {
            return;
        }
        for bit in low * 8..high * 8 {
            let value = crate::support::bit(&data, bit - low * 8);
            let is_own = self.is_mended(84) && self.is_write_only(bit);
            let is_hidden = self.is_mended(66) && self.stale[bit as usize];
            if !is_own && !is_hidden {
                self.image[bit as usize] = value;
            }
            if !is_own && !self.unverified[bit as usize] {
                self.device[bit as usize] = value;
            }
        }
    }

    fn message(&self, text: &str, rest: &str) -> String {
        let (path, address) = (&self.path, self.offset as u32);
        format!(
            "Block::checkTransaction: General Error: {text} for block {path} with address \
             0x{address:08x}. {rest}"
        )
    }

    /// Compares what was read back.
    fn compare(&mut self) -> Option<Failure> {
        (self.is_verifying, self.is_pending) = (false, false);
        for index in self.written.0..self.written.1 {
            let byte = |bits: &[bool]| {
                (0..8).map(|bit| u8::from(bits[(index * 8 + bit) as usize]) << bit).sum::<u8>()
            };
            let (found, expected) = (self.readback[index as usize], byte(&self.device));
            let mask = byte(&self.unverified);
            if (found ^ expected) & mask != 0 {
                let rest = format!(
                    "Byte: {index}. Got: 0x{found:02x}, Exp: 0x{expected:02x}, Mask: 0x{mask:02x}"
                );
                return Some(Failure(self.message("Verify error", &rest), Some(self.written)));
            }
        }
        None
    }

    fn check(&mut self) -> Result<bool, Failure> {
        self.wait();
        let fails = self.error.is_some() || self.mismatch.is_some();
        if self.is_mended(86) && (fails || !self.is_enabled) {
            self.wants_update = false;
        }
        if let Some(error) = self.error.take() {
            let text = self.message("Transaction error", &format!("Error {error}"));
            return Err(Failure(text, None));
        }
        if let Some(mismatch) = self.mismatch.take() {
            return Err(mismatch);
        }
        if !self.is_enabled {
            return Ok(false);
        }
        if self.is_verifying {
            if let Some(mismatch) = self.compare() {
                return Err(mismatch);
            }
        }
        Ok(std::mem::take(&mut self.wants_update))
    }

    fn notify(&mut self) {
        let notified = self.variables.iter().filter(|one| one.is_notified);
        self.events.extend(notified.map(|one| format!("update {}", one.name)));
    }

    pub fn checked(&mut self) -> Result<(), String> {
        if self.check().map_err(|Failure(text, _)| text)? {
            self.notify();
        }
        Ok(())
    }

    pub fn start(
        &mut self,
        ty: &str,
        is_forced: bool,
        check: bool,
        target: Option<(usize, i64)>,
    ) -> Result<(), String> {
        let retries = self.variables.iter().map(|one| one.retries).max().unwrap();
        let (mut again, mut differing) = (None, None);
        for number in 0..=retries {
            let staged = self.staged_state();
            let mut outcome = Ok(false);
            if let Some(span) = differing {
                self.attempt("Write", true, target, None, Some(span));
                outcome = self.check();
            }
            if outcome.is_ok() {
                again = self.attempt(ty, is_forced || number > 0, target, again, None).or(again);
                outcome = if check || retries > 0 { self.check() } else { Ok(false) };
            }
            match outcome {
                Ok(is_updated) => {
                    if is_updated {
                        self.notify();
                    }
                    return Ok(());
                }
                Err(Failure(text, _)) if number == retries => return Err(text),
                Err(Failure(_, span)) if self.is_mended(57) => {
                    differing = span.or(differing);
                    // What has not arrived is staged again until the next attempt.
                    if ["Write", "Post"].contains(&ty) {
                        self.restore_staged(staged);
                    }
                }
                Err(_) => {}
            }
        }
        unreachable!("the last attempt returns")
    }
}
