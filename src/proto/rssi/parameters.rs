//! What an end may choose, and what both ends have agreed on.

use std::fmt;

use super::header::{Syn, HEADER_BYTES, UNIT_MS, VERSION};
use super::WINDOW_SEGMENTS_MAX;

const NS_PER_MS: u64 = 1_000_000;

/// The parameters of an end or of a link.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Parameters {
    /// Period of a client's attempts to open the link, in ms. Not negotiated.
    pub try_period_ms: u32,
    /// Segments that one end may have outstanding; more than [`WINDOW_SEGMENTS_MAX`] count as that.
    pub max_buffers: u8,
    /// Largest segment in bytes, its header included.
    pub max_segment: u16,
    /// How long an acknowledge may wait, in ms.
    pub cum_ack_timeout_ms: u16,
    /// After which time without an acknowledge a segment is sent again, in ms.
    pub retran_timeout_ms: u16,
    /// Silence in ms after which firmware closes a link. An idle end sends a null segment after a
    /// third of it.
    pub null_timeout_ms: u16,
    /// How often a segment is sent before the link counts as lost, the first time included.
    pub max_retran: u8,
    /// Segments after which an acknowledge does not wait.
    pub max_cum_ack: u8,
}

impl Default for Parameters {
    /// Rogue's defaults, for datagrams of 1472 bytes.
    fn default() -> Parameters {
        Parameters {
            try_period_ms: 100,
            max_buffers: 32,
            max_segment: 1464,
            cum_ack_timeout_ms: 5,
            retran_timeout_ms: 20,
            null_timeout_ms: 1000,
            max_retran: 15,
            max_cum_ack: 2,
        }
    }
}

/// One of the [`Parameters`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u32)]
pub enum Parameter {
    /// [`Parameters::try_period_ms`]: `setLocTryPeriod`.
    TryPeriod = 0,
    /// [`Parameters::max_buffers`]: `setLocMaxBuffers`.
    MaxBuffers = 1,
    /// [`Parameters::max_segment`]: `setLocMaxSegment`.
    MaxSegment = 2,
    /// [`Parameters::cum_ack_timeout_ms`]: `setLocCumAckTout`.
    CumAckTimeout = 3,
    /// [`Parameters::retran_timeout_ms`]: `setLocRetranTout`.
    RetranTimeout = 4,
    /// [`Parameters::null_timeout_ms`]: `setLocNullTout`.
    NullTimeout = 5,
    /// [`Parameters::max_retran`]: `setLocMaxRetran`.
    MaxRetran = 6,
    /// [`Parameters::max_cum_ack`]: `setLocMaxCumAck`.
    MaxCumAck = 7,
}

impl Parameter {
    /// All of them, in the order of their numbers.
    pub const ALL: [Parameter; 8] = [
        Parameter::TryPeriod,
        Parameter::MaxBuffers,
        Parameter::MaxSegment,
        Parameter::CumAckTimeout,
        Parameter::RetranTimeout,
        Parameter::NullTimeout,
        Parameter::MaxRetran,
        Parameter::MaxCumAck,
    ];

    /// Rogue's name.
    pub fn name(self) -> &'static str {
        match self {
            Parameter::TryPeriod => "locTryPeriod",
            Parameter::MaxBuffers => "locMaxBuffers",
            Parameter::MaxSegment => "locMaxSegment",
            Parameter::CumAckTimeout => "locCumAckTout",
            Parameter::RetranTimeout => "locRetranTout",
            Parameter::NullTimeout => "locNullTout",
            Parameter::MaxRetran => "locMaxRetran",
            Parameter::MaxCumAck => "locMaxCumAck",
        }
    }

    /// The smallest and the largest value. A segment has at least one byte of payload; the rest is
    /// bounded by the width of the field in a SYN.
    pub fn range(self) -> (u32, u32) {
        match self {
            Parameter::TryPeriod => (1, u32::MAX),
            Parameter::MaxSegment => (HEADER_BYTES as u32 + 1, u32::from(u16::MAX)),
            Parameter::MaxBuffers | Parameter::MaxRetran | Parameter::MaxCumAck => {
                (1, u32::from(u8::MAX))
            }
            Parameter::CumAckTimeout | Parameter::RetranTimeout | Parameter::NullTimeout => {
                (1, u32::from(u16::MAX))
            }
        }
    }
}

/// A value that a parameter cannot have.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OutOfRange {
    /// The parameter.
    pub parameter: Parameter,
    /// The value.
    pub value: u32,
}

impl fmt::Display for OutOfRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (min, max) = self.parameter.range();
        write!(f, "{} cannot be {}: it is {min} to {max}", self.parameter.name(), self.value)
    }
}

impl Parameters {
    /// The value of `parameter`.
    pub fn value(&self, parameter: Parameter) -> u32 {
        match parameter {
            Parameter::TryPeriod => self.try_period_ms,
            Parameter::MaxBuffers => self.max_buffers.into(),
            Parameter::MaxSegment => self.max_segment.into(),
            Parameter::CumAckTimeout => self.cum_ack_timeout_ms.into(),
            Parameter::RetranTimeout => self.retran_timeout_ms.into(),
            Parameter::NullTimeout => self.null_timeout_ms.into(),
            Parameter::MaxRetran => self.max_retran.into(),
            Parameter::MaxCumAck => self.max_cum_ack.into(),
        }
    }

    /// Sets the value of `parameter`.
    ///
    /// # Errors
    ///
    /// The value is out of the parameter's range; nothing has changed.
    pub fn set(&mut self, parameter: Parameter, value: u32) -> Result<(), OutOfRange> {
        let (min, max) = parameter.range();
        if value < min || value > max {
            return Err(OutOfRange { parameter, value });
        }
        match parameter {
            Parameter::TryPeriod => self.try_period_ms = value,
            Parameter::MaxBuffers => self.max_buffers = value as u8,
            Parameter::MaxSegment => self.max_segment = value as u16,
            Parameter::CumAckTimeout => self.cum_ack_timeout_ms = value as u16,
            Parameter::RetranTimeout => self.retran_timeout_ms = value as u16,
            Parameter::NullTimeout => self.null_timeout_ms = value as u16,
            Parameter::MaxRetran => self.max_retran = value as u8,
            Parameter::MaxCumAck => self.max_cum_ack = value as u8,
        }
        Ok(())
    }

    /// What a SYN with these parameters says.
    pub fn to_syn(self, connection_id: u32) -> Syn {
        Syn {
            version: VERSION,
            has_checksum: true,
            max_buffers: self.window() as u8,
            max_segment: self.max_segment,
            retran_timeout: self.retran_timeout_ms,
            cum_ack_timeout: self.cum_ack_timeout_ms,
            null_timeout: self.null_timeout_ms,
            max_retran: self.max_retran,
            max_cum_ack: self.max_cum_ack,
            max_out_of_sequence: 0,
            unit: UNIT_MS,
            connection_id,
        }
    }

    /// What an end with these parameters agrees to when its peer says `syn`: the peer's counts and
    /// timeouts, and the smaller number of segments and segment size, as firmware agrees too. A 0
    /// is taken for the end's own value. If the unit is not milliseconds, its own timeouts hold.
    pub fn agreed(&self, syn: &Syn) -> Parameters {
        let or_own = |value: u16, own: u16| if value == 0 { own } else { value };
        let count_or_own = |value: u8, own: u8| if value == 0 { own } else { value };
        let timeout = |value: u16, own: u16| match syn.unit {
            UNIT_MS => or_own(value, own),
            _ => own,
        };
        Parameters {
            try_period_ms: self.try_period_ms,
            max_buffers: count_or_own(syn.max_buffers, u8::MAX).min(self.window() as u8),
            max_segment: or_own(syn.max_segment, self.max_segment)
                .min(self.max_segment)
                .max(HEADER_BYTES as u16 + 1),
            cum_ack_timeout_ms: timeout(syn.cum_ack_timeout, self.cum_ack_timeout_ms),
            retran_timeout_ms: timeout(syn.retran_timeout, self.retran_timeout_ms),
            null_timeout_ms: timeout(syn.null_timeout, self.null_timeout_ms),
            max_retran: count_or_own(syn.max_retran, self.max_retran),
            max_cum_ack: count_or_own(syn.max_cum_ack, self.max_cum_ack),
        }
    }

    /// Segments that may be outstanding.
    pub fn window(&self) -> usize {
        usize::from(self.max_buffers).min(WINDOW_SEGMENTS_MAX)
    }

    /// Largest payload of a segment in bytes.
    pub fn payload_max(&self) -> usize {
        usize::from(self.max_segment).saturating_sub(HEADER_BYTES)
    }

    pub(super) fn try_period_ns(&self) -> u64 {
        u64::from(self.try_period_ms) * NS_PER_MS
    }

    pub(super) fn cum_ack_ns(&self) -> u64 {
        u64::from(self.cum_ack_timeout_ms) * NS_PER_MS
    }

    pub(super) fn retran_ns(&self) -> u64 {
        u64::from(self.retran_timeout_ms) * NS_PER_MS
    }

    pub(super) fn null_ns(&self) -> u64 {
        u64::from(self.null_timeout_ms) * NS_PER_MS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_parameter_is_set_within_its_range_only() {
        for parameter in Parameter::ALL {
            let mut parameters = Parameters::default();
            let (min, max) = parameter.range();
            for value in [min, max] {
                parameters.set(parameter, value).unwrap();
                assert_eq!(parameters.value(parameter), value);
            }
            let before = parameters;
            assert!(parameters.set(parameter, 0).unwrap_err().to_string().contains("cannot be 0"));
            if max < u32::MAX {
                assert!(parameters.set(parameter, max + 1).is_err());
            }
            assert_eq!(parameters, before);
            let others = Parameter::ALL.into_iter().filter(|other| *other != parameter);
            let default = Parameters::default();
            others.for_each(|other| assert_eq!(parameters.value(other), default.value(other)));
        }
    }

    #[test]
    fn an_end_agrees_to_the_peers_times_and_to_the_smaller_sizes() {
        let own = Parameters::default();
        let peer = Parameters {
            max_buffers: 8,
            max_segment: 1024,
            retran_timeout_ms: 50,
            null_timeout_ms: 200,
            max_retran: 2,
            ..own
        };
        assert_eq!(own.agreed(&peer.to_syn(1)), peer);
        let agreed = peer.agreed(&own.to_syn(1));
        assert_eq!((agreed.max_buffers, agreed.max_segment), (8, 1024));
        assert_eq!((agreed.null_timeout_ms, agreed.max_retran), (1000, 15));
        let other_unit = Syn { unit: 6, ..peer.to_syn(1) };
        let agreed = own.agreed(&other_unit);
        assert_eq!((agreed.retran_timeout_ms, agreed.null_timeout_ms), (20, 1000));
        assert_eq!((agreed.max_buffers, agreed.max_retran), (8, 2));
    }

    #[test]
    fn nonsense_in_a_syn_leaves_a_usable_link() {
        let nothing = Syn {
            max_buffers: 0,
            max_segment: 0,
            retran_timeout: 0,
            cum_ack_timeout: 0,
            null_timeout: 0,
            max_retran: 0,
            max_cum_ack: 0,
            ..Parameters::default().to_syn(0)
        };
        assert_eq!(Parameters::default().agreed(&nothing), Parameters::default());
        let tiny = Syn { max_segment: 3, ..Parameters::default().to_syn(0) };
        assert_eq!(Parameters::default().agreed(&tiny).payload_max(), 1);
        let huge = Parameters { max_buffers: 255, ..Parameters::default() };
        assert_eq!(huge.agreed(&huge.to_syn(0)).window(), WINDOW_SEGMENTS_MAX);
    }
}
