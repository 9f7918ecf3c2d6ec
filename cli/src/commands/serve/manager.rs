//! The service manager: what it is told (sd_notify(3)), and the sockets that it hands over
//! (sd_listen_fds(3)).

use std::env;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;
use std::time::Duration;

use listenfd::ListenFd;
use rogue_mem::bridge::ListeningSockets;
use sd_notify::NotifyState;

use crate::failure::{Failure, Kind, Outcome};
use crate::output;

/// The name of a socket for the metrics.
const METRICS: &str = "metrics";
/// The names of the two sockets at TCP ports, or at a path, if the manager gives them in another order.
const REQUESTS: &str = "requests";
const RESPONSES: &str = "responses";

/// Tells the manager, if there is one.
pub fn tell(news: &[NotifyState]) {
    if let Err(error) = sd_notify::notify(news) {
        output::error_line(format!("rogue-mem: The service manager cannot be told: {error}"));
    }
}

/// Whether a manager wants to be told.
pub fn is_there() -> bool {
    env::var_os("NOTIFY_SOCKET").is_some()
}

/// How often the manager wants a sign of life: twice in its limit.
pub fn watchdog_period() -> Option<Duration> {
    sd_notify::watchdog_enabled().map(|limit| limit / 2)
}

/// That the options are read again. [`NotifyState::Ready`] follows.
pub fn tell_reloading() {
    let mut news = vec![NotifyState::Reloading];
    news.extend(NotifyState::monotonic_usec_now());
    tell(&news);
}

/// Sockets that the manager has opened.
#[derive(Debug, Default)]
pub struct Inherited {
    /// Those of the server.
    pub server: Vec<ListeningSockets>,
    /// That of the metrics.
    pub metrics: Option<TcpListener>,
}

#[derive(Debug)]
enum Socket {
    Tcp(TcpListener),
    Unix(UnixListener),
}

/// Takes the sockets that this process was started with.
///
/// # Errors
///
/// For a socket of another kind, and one that has no second one where it needs it.
pub fn take_sockets() -> Outcome<Inherited> {
    // `ListenFd` knows the numbers only.
    let names = env::var("LISTEN_FDNAMES").unwrap_or_default();
    let mut all = ListenFd::from_env();
    let names: Vec<&str> = names.split(':').collect();
    let mut inherited = Inherited::default();
    let (mut named, mut rest) = ([Vec::new(), Vec::new()], Vec::new());
    for index in 0..all.len() {
        let name = names.get(index).copied().unwrap_or_default();
        let socket = take(&mut all, index, name)?;
        match (name, socket) {
            (METRICS, Socket::Tcp(socket)) => inherited.metrics = Some(socket),
            (METRICS, Socket::Unix(_)) => {
                return Err(wrong(format!("The socket {METRICS} is at a path, not at a TCP port")));
            }
            (REQUESTS, socket) => named[0].push(socket),
            (RESPONSES, socket) => named[1].push(socket),
            (_, socket) => rest.push(socket),
        }
    }
    let [requests, responses] = named;
    let mut responses = responses.into_iter();
    for first in requests {
        inherited.server.extend(in_order([Some(first), responses.next()].into_iter().flatten())?);
    }
    if responses.next().is_some() {
        let text = format!("More sockets have the name {RESPONSES} than {REQUESTS}");
        return Err(wrong(text));
    }
    inherited.server.extend(in_order(rest.into_iter())?);
    Ok(inherited)
}

fn take(all: &mut ListenFd, index: usize, name: &str) -> Outcome<Socket> {
    if let Ok(Some(socket)) = all.take_tcp_listener(index) {
        return Ok(Socket::Tcp(socket));
    }
    match all.take_unix_listener(index) {
        Ok(Some(socket)) => Ok(Socket::Unix(socket)),
        _ => Err(wrong(format!(
            "Socket {} of the service manager ({name}) is neither at a TCP port nor a stream socket \
             at a path",
            index + 1
        ))),
    }
}

/// The sockets of the server, those of one address together.
fn in_order(sockets: impl Iterator<Item = Socket>) -> Outcome<Vec<ListeningSockets>> {
    let sockets = sockets.map(|socket| match socket {
        Socket::Tcp(socket) => OwnedFd::from(socket),
        Socket::Unix(socket) => OwnedFd::from(socket),
    });
    ListeningSockets::in_order(sockets.collect()).map_err(|error| wrong(error.text().to_owned()))
}

fn wrong(text: String) -> Failure {
    Failure::new(Kind::Usage, text)
}
