//! The parameters of a link as programs have them: with times, which the protocol counts in
//! milliseconds.

use std::time::Duration;

use crate::error::{Error, Result, Status};
use crate::proto::rssi::{Parameter, Parameters};

/// The parameters of an end, or those that both ends of a link have agreed on. Times are whole
/// milliseconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RssiParameters {
    /// Period of a client's attempts to open the link. Not negotiated.
    pub try_period: Duration,
    /// Segments that one end may have outstanding, at least 1; more than 32 count as that.
    pub max_buffers: u8,
    /// Largest segment in bytes, its header of 8 included: at least 9.
    pub max_segment: u16,
    /// How long an acknowledge may wait; at most 65535 ms, as the times below.
    pub cum_ack_timeout: Duration,
    /// After which time without an acknowledge a segment is sent again.
    pub retran_timeout: Duration,
    /// Silence after which firmware closes a link. An idle end sends a null segment after a third of
    /// it.
    pub null_timeout: Duration,
    /// How often a segment is sent before the link counts as lost, the first time included; at least
    /// 1.
    pub max_retran: u8,
    /// Segments after which an acknowledge does not wait, at least 1.
    pub max_cum_ack: u8,
}

impl Default for RssiParameters {
    /// Rogue's defaults, for datagrams of 1472 bytes.
    fn default() -> RssiParameters {
        RssiParameters::of(&Parameters::default())
    }
}

impl RssiParameters {
    /// What the protocol counts.
    pub(super) fn of(counted: &Parameters) -> RssiParameters {
        let time = |milliseconds: u16| Duration::from_millis(milliseconds.into());
        RssiParameters {
            try_period: Duration::from_millis(counted.try_period_ms.into()),
            max_buffers: counted.max_buffers,
            max_segment: counted.max_segment,
            cum_ack_timeout: time(counted.cum_ack_timeout_ms),
            retran_timeout: time(counted.retran_timeout_ms),
            null_timeout: time(counted.null_timeout_ms),
            max_retran: counted.max_retran,
            max_cum_ack: counted.max_cum_ack,
        }
    }

    /// What the protocol counts, each within its range.
    ///
    /// # Errors
    ///
    /// [`Status::InvalidArgument`] for what is out of its range, and a time with a part of a
    /// millisecond.
    pub(super) fn counted(&self) -> Result<Parameters> {
        let mut counted = Parameters::default();
        for (parameter, value) in [
            (Parameter::MaxBuffers, self.max_buffers.into()),
            (Parameter::MaxSegment, self.max_segment.into()),
            (Parameter::MaxRetran, self.max_retran.into()),
            (Parameter::MaxCumAck, self.max_cum_ack.into()),
        ] {
            set(&mut counted, parameter, value)?;
        }
        for (parameter, time) in [
            (Parameter::TryPeriod, self.try_period),
            (Parameter::CumAckTimeout, self.cum_ack_timeout),
            (Parameter::RetranTimeout, self.retran_timeout),
            (Parameter::NullTimeout, self.null_timeout),
        ] {
            set(&mut counted, parameter, milliseconds(parameter, time)?)?;
        }
        Ok(counted)
    }
}

/// Sets a parameter, or says in Rogue's words why not.
pub(super) fn set(counted: &mut Parameters, parameter: Parameter, value: u32) -> Result<()> {
    counted.set(parameter, value).map_err(|fault| refusal(fault.to_string()))
}

/// `time` in milliseconds; more than can be counted is the largest number, which is out of range.
pub(in crate::protocols) fn milliseconds(parameter: Parameter, time: Duration) -> Result<u32> {
    if time.subsec_nanos() % 1_000_000 != 0 {
        let name = parameter.name();
        return Err(refusal(format!(
            "{name} cannot be {time:?}: the peer is told whole milliseconds"
        )));
    }
    match u32::try_from(time.as_millis()) {
        Ok(milliseconds) => Ok(milliseconds),
        Err(_) => {
            let (name, (min, max)) = (parameter.name(), parameter.range());
            Err(refusal(format!("{name} cannot be {time:?}: it is {min} to {max} ms")))
        }
    }
}

fn refusal(text: String) -> Error {
    Error::new(Status::InvalidArgument, "rssi::Controller", text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_what_the_protocol_counts() {
        let counted = Parameters { retran_timeout_ms: 7, max_retran: 3, ..Parameters::default() };
        let parameters = RssiParameters::of(&counted);
        assert_eq!(parameters.retran_timeout, Duration::from_millis(7));
        assert_eq!(parameters.counted().unwrap(), counted);
        assert_eq!(RssiParameters::default().counted().unwrap(), Parameters::default());
    }

    #[test]
    fn a_time_is_a_whole_number_of_milliseconds_within_its_range() {
        let refused = |retran_timeout: Duration| {
            let parameters = RssiParameters { retran_timeout, ..RssiParameters::default() };
            let error = parameters.counted().unwrap_err();
            assert_eq!(error.status(), Status::InvalidArgument);
            error.text().to_owned()
        };
        assert!(refused(Duration::from_micros(1500)).contains("locRetranTout cannot be 1.5ms"));
        assert!(refused(Duration::ZERO).contains("locRetranTout cannot be 0"));
        assert!(refused(Duration::from_millis(65_536)).contains("it is 1 to 65535"));
        assert!(refused(Duration::from_secs(u64::MAX)).contains("it is 1 to 65535 ms"));
    }
}
