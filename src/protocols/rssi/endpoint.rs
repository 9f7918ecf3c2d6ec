//! The node: a client or a server of a reliable stream.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::application::Application;
use super::driver::RssiDriver;
use super::link::{Link, LinkObserver};
use super::parameters::{set, RssiParameters};
use super::parcel::Parcel;
use super::transport::Transport;
use crate::clock::{self, Time};
use crate::debug::impl_debug;
use crate::error::{Error, Result, Status};
use crate::net::news::Observer;
use crate::net::random::random_128;
use crate::net::{EventLoop, Spin};
use crate::process::{self, Duty};
use crate::proto::rssi::{Connection, Parameter, Parameters, Role, Sequence};
use crate::stream::Port;

/// How long `stop` waits for the code of other nodes that runs in another thread.
const STOP_WAIT_MAX: Duration = Duration::from_millis(80);

/// Options of an endpoint.
#[derive(Clone, Debug, Default)]
pub struct RssiOptions {
    /// The parameters at first. Rogue's constructor argument is `max_segment`: the largest payload
    /// of a datagram less 8.
    pub parameters: RssiParameters,
    /// Stack size of the endpoint's thread, in bytes, and of the one that calls the observer. 0 selects the size of other threads of the
    /// process (`ulimit -s`). At least 2 MiB.
    pub stack_bytes: usize,
    /// The event loop that carries the timers, together with other drivers; `None` gives the
    /// endpoint a loop, and a thread, of its own while it runs.
    ///
    /// With a loop of its own an endpoint still tells its peer that it is busy while a receiver
    /// blocks the thread that brings the datagrams. Where both are on one loop, a receiver must
    /// return within the time after which the peer gives up: 300 ms by default.
    pub event_loop: Option<Arc<EventLoop>>,
}

/// State and counters of an endpoint.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct RssiStats {
    /// 1 while the link is open.
    pub open: u64,
    /// How often it has opened.
    pub open_count: u64,
    /// How often it was lost or stopped.
    pub down_count: u64,
    /// Received segments that were dropped, in all; by cause below.
    pub drop_count: u64,
    /// Dropped: shorter than a header, or with an impossible one.
    pub dropped_malformed: u64,
    /// Dropped: a wrong checksum.
    pub dropped_checksum: u64,
    /// Dropped: received before.
    pub dropped_duplicate: u64,
    /// Dropped: a number that is too far ahead, or an acknowledge of what was not sent on this link.
    pub dropped_out_of_window: u64,
    /// Dropped: an RST with a number that the peer cannot have sent.
    pub dropped_forged_reset: u64,
    /// Dropped: a SYN that has no effect.
    pub dropped_syn: u64,
    /// Dropped: datagrams whose frame had an error. Not part of the sum.
    pub dropped_errored: u64,
    /// Frames of the application that were not sent: in error, empty, too long, without an open
    /// link, too many, or of requests that were given up while they waited.
    pub unsent: u64,
    /// Segments sent again.
    pub retran_count: u64,
    /// Acknowledges that were ignored, because they are older than others.
    pub stale_acks: u64,
    /// Frames sent.
    pub frames_out: u64,
    /// Frames received.
    pub frames_in: u64,
    /// Segments that are not acknowledged.
    pub outstanding: u64,
    /// Frames that wait beyond the window.
    pub queued: u64,
    /// 1 while this end is busy: its receiver does not take what has arrived.
    pub local_busy: u64,
    /// How often it was.
    pub local_busy_count: u64,
    /// How long it was, in all.
    pub local_busy_time: Duration,
    /// 1 while the peer is busy.
    pub remote_busy: u64,
    /// How often it was.
    pub remote_busy_count: u64,
    /// How long it was, in all.
    pub remote_busy_time: Duration,
    /// Median of the latest 256 round trips; zero = none measured. They include the time for which
    /// an acknowledge waits.
    pub round_trip_p50: Duration,
    /// 99th percentile of these.
    pub round_trip_p99: Duration,
}

/// Keeps a link running: the endpoint and masters that send to it have one.
pub(super) struct Owner {
    pub(super) link: Arc<Link>,
    options: RssiOptions,
}

impl fmt::Debug for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Owner").field("name", &self.link.name).finish_non_exhaustive()
    }
}

/// A reliable stream over a node that carries datagrams, such as
/// [`UdpEndpoint`](crate::protocols::UdpEndpoint): frames of the application arrive once and in
/// order, each as one segment in one datagram.
///
/// Connect [`transport`](Self::transport) with the node below and
/// [`application`](Self::application) with that above, then [`start`](Self::start). A *client*
/// opens the link, and opens it again whenever it was lost; a *server* waits for a client.
/// A [`LinkObserver`] learns of each change, and the nodes above of each loss
/// ([`link_lost`](crate::stream::Slave::link_lost)).
///
/// Received frames reach the application in the thread that brings the datagram, and frames to send
/// go to the transport in their sender's thread, with no lock held and mostly without a copy. If
/// the window is full, as many frames again are queued, and then a thread of the program waits in
/// `accept_frame` until there is room or the link is lost. A thread of the library, and one that is
/// just receiving a frame from here, does not wait: its frames are queued, 8192 at most. While more
/// than 1024 are queued that deliveries bring, nothing is delivered. A stream bridge, or another
/// link, whose frames come here receives no more from 512 on. A bridge without room that is the
/// receiver pauses the delivery, which makes this end busy. Frames for a link that is not open are
/// dropped and counted.
///
/// The endpoint runs as long as this object, or a master that the application's slave is connected
/// to. If receivers of its frames send back to it in a way that owns it, they form a circle, which
/// `stop` of the application's master ends. All methods may be called from any thread.
pub struct RssiEndpoint {
    owner: Arc<Owner>,
    application: Arc<Application>,
    transport: Arc<Transport>,
}

impl_debug!(RssiEndpoint, endpoint => { owner: endpoint.owner });

impl RssiEndpoint {
    /// An endpoint that opens the link, once it is [started](Self::start).
    ///
    /// # Errors
    ///
    /// [`Status::InvalidArgument`] for a parameter out of its range; [`Status::OutOfResources`].
    pub fn client(options: RssiOptions) -> Result<Arc<RssiEndpoint>> {
        RssiEndpoint::new(Role::Client, options)
    }

    /// An endpoint that waits for a client, once it is [started](Self::start). It takes over the
    /// client's timeouts, and the smaller window and segment size.
    ///
    /// # Errors
    ///
    /// As [`client`](Self::client).
    pub fn server(options: RssiOptions) -> Result<Arc<RssiEndpoint>> {
        RssiEndpoint::new(Role::Server, options)
    }

    fn new(role: Role, options: RssiOptions) -> Result<Arc<RssiEndpoint>> {
        let parameters = options.parameters.counted()?;
        // So that segments of an earlier process of the program rarely fit into a new link.
        let first = Sequence(random_128()?[0]);
        let link = Arc::new(Link::new(role, parameters, first, options.stack_bytes));
        link.deliver_after_pauses();
        let owner = Arc::new(Owner { link: link.clone(), options });
        let application = Arc::new(Application::new(owner.clone()));
        let transport = Arc::new(Transport::new(link));
        Ok(Arc::new(RssiEndpoint { owner, application, transport }))
    }

    fn link(&self) -> &Arc<Link> {
        &self.owner.link
    }

    fn check_process(&self) -> Result<()> {
        if self.link().is_inherited() {
            let text = process::inherited_text(self.link().name);
            return Err(Error::new(Status::Stopped, self.link().name, text));
        }
        Ok(())
    }

    /// The port to connect with the node that carries datagrams. Each frame is one datagram.
    pub fn transport(&self) -> Port {
        Port::new(self.link().transport.clone(), self.transport.clone())
    }

    /// The port to connect with the node that sends and receives data. A frame requested from its
    /// slave has one buffer, of the requested size or of [`payload_max`](Self::payload_max).
    pub fn application(&self) -> Port {
        Port::new(self.link().application.clone(), self.application.clone())
    }

    /// Begins to open the link, or to wait for a client; also again after [`stop`](Self::stop).
    /// Returns at once. No effect while it runs.
    ///
    /// # Errors
    ///
    /// [`Status::OutOfResources`] if the system refuses a thread, or the event loop takes no
    /// further driver; [`Status::Stopped`] in a child by `fork`.
    pub fn start(&self) -> Result<()> {
        self.check_process()?;
        self.owner.start()
    }

    /// Closes the link, tells the peer, and releases senders that wait. Connected nodes stay
    /// connected. After this has returned no frame is delivered, unless it is called in a delivery,
    /// or a receiver blocks in one. Returns within 100 ms; further calls do nothing.
    pub fn stop(&self) {
        self.owner.stop();
    }

    /// Waits until the link is open, for at most `timeout`. In a delivery, or on the endpoint's event
    /// loop, it does not wait.
    ///
    /// # Errors
    ///
    /// [`Status::Timeout`] with the reason there is no link, as far as it is known;
    /// [`Status::Stopped`] if the endpoint is not started.
    pub fn wait_open(&self, timeout: Duration) -> Result<()> {
        self.check_process()?;
        let link = self.link();
        let limit = clock::now() + timeout;
        let mut state = link.lock();
        loop {
            if state.connection.is_open() {
                return Ok(());
            }
            if !state.connection.is_started() {
                let text = "it is not started, or was stopped: call start";
                return Err(Error::new(Status::Stopped, link.name, text));
            }
            if clock::now() >= limit || state.is_inside() {
                break;
            }
            state = link.wait_for_change(state, limit);
        }
        drop(state);
        let cause = link.obstacle(&mut None).unwrap_or_default();
        let text = format!(
            "{cause}; check address and port, that the peer runs and speaks RSSI, and that no other \
             client has it"
        );
        Err(Error::new(Status::Timeout, link.name, text))
    }

    /// Whether the link is open.
    pub fn is_open(&self) -> bool {
        !self.link().is_inherited() && self.link().lock().connection.is_open()
    }

    /// Why the link was closed the last time; names the layer. `None` before.
    pub fn last_closure(&self) -> Option<String> {
        self.check_process().ok()?;
        let closure = self.link().lock().connection.last_closure();
        closure.map(|closure| self.link().closed_text(closure))
    }

    /// Sets the observer of the link, in place of a former one; `None` removes it. If the link is
    /// open, `observer` is told so first.
    ///
    /// Calls come from a thread of their own, one at a time and in order, with no lock held. The
    /// observer may call everything, [`stop`](Self::stop) included. It may block: only further
    /// notifications of this link wait for it, of which the latest 64 are kept. After this returns no
    /// call of a former observer begins. The closing by `stop` is told like any other, and the
    /// observer stays for the next [`start`](Self::start). No call begins after the end of the
    /// endpoint. A call that a thread is just about to make counts as a running one, which continues.
    /// An observer is dropped when its last call has returned; one that owns the endpoint keeps it
    /// until it is removed.
    pub fn observe(&self, observer: Option<Arc<dyn LinkObserver>>) {
        let function = |observer: Arc<dyn LinkObserver>| {
            Arc::new(move |change: &_| observer.link_changed(change)) as Observer<_>
        };
        if !self.link().is_inherited() {
            self.link().news().observe(observer.map(function));
        }
    }

    /// Tells the observer what has happened, and nothing more.
    pub(in crate::protocols) fn finish_observation(&self) {
        if !self.link().is_inherited() {
            self.link().news().finish();
        }
    }

    /// Sets what another layer does each time the link has opened, before frames are delivered, or
    /// closed; once.
    pub(in crate::protocols) fn set_on_change(&self, work: impl Fn(bool) + Send + Sync + 'static) {
        self.link().set_on_change(work);
    }

    /// Largest payload of a frame in bytes, as agreed with the peer.
    pub fn payload_max(&self) -> u32 {
        match self.link().is_inherited() {
            true => 0,
            false => self.link().payload_max() as u32,
        }
    }

    /// What this end proposes, or limits its peer's proposal by.
    pub fn local(&self) -> RssiParameters {
        RssiParameters::of(&self.counted(Connection::local))
    }

    /// What both ends have agreed on; of the last link, if there is none now; the local ones, if
    /// there has been none.
    pub fn current(&self) -> RssiParameters {
        RssiParameters::of(&self.counted(Connection::current))
    }

    /// Sets what this end proposes; in use from the next opening on.
    ///
    /// # Errors
    ///
    /// [`Status::InvalidArgument`] for what is out of its range, such as 0, and a time with a part
    /// of a millisecond. [`Status::Stopped`] in a child by `fork`.
    pub fn set_local(&self, parameters: RssiParameters) -> Result<()> {
        self.check_process()?;
        let counted = parameters.counted()?;
        self.link().lock().connection.set_local(counted);
        Ok(())
    }

    /// Parameters of the connection; in a child by `fork` those at first.
    fn counted(&self, of: fn(&Connection<Parcel>) -> &Parameters) -> Parameters {
        match self.link().is_inherited() {
            // They were in their ranges when the endpoint was made.
            true => self.owner.options.parameters.counted().unwrap_or_default(),
            false => *of(&self.link().lock().connection),
        }
    }

    /// One of the [local](Self::local) parameters, as the protocol counts it.
    pub(crate) fn local_value(&self, parameter: Parameter) -> u32 {
        self.counted(Connection::local).value(parameter)
    }

    /// One of the [current](Self::current) parameters, as the protocol counts it.
    pub(crate) fn current_value(&self, parameter: Parameter) -> u32 {
        self.counted(Connection::current).value(parameter)
    }

    /// [Sets](Self::set_local) one of the local parameters, as the protocol counts it.
    pub(crate) fn set_local_value(&self, parameter: Parameter, value: u32) -> Result<()> {
        self.check_process()?;
        let mut state = self.link().lock();
        let mut local = *state.connection.local();
        set(&mut local, parameter, value)?;
        state.connection.set_local(local);
        Ok(())
    }

    /// Sets the interval at which a sender that waits for room is logged; 1 s at first.
    pub fn set_timeout(&self, timeout: Duration) {
        self.link().set_timeout(timeout);
    }

    /// State and counters.
    pub fn stats(&self) -> RssiStats {
        if self.link().is_inherited() {
            return RssiStats::default();
        }
        let (unsent, dropped_errored) = self.link().dropped_frames();
        let state = self.link().lock();
        let connection = &state.connection;
        let counted = connection.statistics(clock::now().0);
        let drops = counted.drops;
        RssiStats {
            open: connection.is_open().into(),
            open_count: counted.open_count,
            down_count: counted.down_count,
            drop_count: drops.total(),
            dropped_malformed: drops.malformed,
            dropped_checksum: drops.checksum,
            dropped_duplicate: drops.duplicate,
            dropped_out_of_window: drops.out_of_window,
            dropped_forged_reset: drops.forged_reset,
            dropped_syn: drops.unexpected_syn,
            dropped_errored,
            unsent,
            retran_count: counted.retran_count,
            stale_acks: counted.stale_acks,
            frames_out: counted.sent_count,
            frames_in: counted.received_count,
            outstanding: connection.outstanding() as u64,
            queued: connection.queued() as u64,
            local_busy: connection.is_local_busy().into(),
            local_busy_count: counted.local_busy_count,
            local_busy_time: Duration::from_nanos(counted.local_busy_ns),
            remote_busy: connection.is_remote_busy().into(),
            remote_busy_count: counted.remote_busy_count,
            remote_busy_time: Duration::from_nanos(counted.remote_busy_ns),
            round_trip_p50: Duration::from_nanos(counted.round_trip_p50_ns),
            round_trip_p99: Duration::from_nanos(counted.round_trip_p99_ns),
        }
    }

    /// Sets the counters to 0.
    pub fn reset_counters(&self) {
        if !self.link().is_inherited() {
            self.link().reset_dropped_frames();
            self.link().lock().connection.reset_statistics(clock::now().0);
        }
    }
}

impl Owner {
    fn start(&self) -> Result<()> {
        let link = &self.link;
        let mut state = link.lock();
        if state.connection.is_started() {
            return Ok(());
        }
        state.connection.start(clock::now().0);
        drop(state);
        let event_loop = match &self.options.event_loop {
            Some(event_loop) => Ok(event_loop.clone()),
            None => {
                EventLoop::start(link.name, self.options.stack_bytes, Spin::Never).map(Arc::new)
            }
        };
        let make_driver = |_| RssiDriver::new(link.clone());
        let handle = event_loop.and_then(|event_loop| event_loop.add(make_driver));
        let handle = handle.inspect_err(|_| self.stop())?;
        let mut state = link.lock();
        // Another thread may have stopped it meanwhile, or started it again.
        let former = match state.connection.is_started() {
            true => state.attach(handle),
            false => Some(handle),
        };
        drop(state);
        if let Some(former) = former {
            former.stop();
        }
        Ok(())
    }

    pub(super) fn stop(&self) {
        let link = &self.link;
        if link.is_inherited() {
            return;
        }
        let limit = clock::now() + STOP_WAIT_MAX;
        // The transport must not let this thread wait.
        let _duty = Duty::begin();
        let mut state = link.lock();
        state.connection.stop(clock::now().0);
        let handle = state.detach();
        drop(state);
        link.pump();
        if let Some(handle) = handle {
            handle.stop();
        }
        self.wait_for_passages(limit);
    }

    /// Waits until no other thread runs code of other nodes for this link.
    fn wait_for_passages(&self, limit: Time) {
        let mut state = self.link.lock();
        while state.is_busy_elsewhere() && clock::now() < limit {
            state = self.link.wait_for_change(state, limit);
        }
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        if self.link.is_inherited() {
            return;
        }
        self.link.news().stop();
        self.stop();
        // They may own nodes that own this one's link.
        self.link.transport.stop();
        self.link.application.stop();
    }
}
