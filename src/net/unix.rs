//! Unix-domain sockets: paths, listeners, connections, and the process at the other end.
//!
//! An address is `unix:/run/board.sock`, or `ipc:///run/board.sock` as in libzmq. The permissions of
//! the file guard it: to connect takes the right to write to it. A file that a dead server has left
//! is replaced by the next one; one at which a server listens never is.

use std::fs::{self, File};
use std::io;
use std::mem;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use mio::net::{UnixListener, UnixStream};
use socket2::{Domain, SockAddr, Socket, Type};

use super::descriptors::{above_standard, hold_standard};
use super::socket::{cause_text, is_shortage, WAITING_MAX};
use super::sys;
use crate::error::{Error, Result, Status};
use crate::peer::UnixPeer;
use crate::process::Generation;

/// What an address begins with.
const PREFIXES: [&str; 2] = ["unix:", "ipc:"];
/// What is appended to the path for the second file of a server.
const SECOND_SUFFIX: &str = ".1";
/// Permissions of a file: its owner may connect.
pub const MODE_DEFAULT: u32 = 0o600;
/// Octets of the longest path of a socket; a NUL follows it.
const PATH_OCTETS_MAX: usize =
    mem::size_of::<libc::sockaddr_un>() - mem::offset_of!(libc::sockaddr_un, sun_path) - 1;
/// How often a server that starts tries to lock the directory, and the time in between. Others of
/// this library hold the lock for some system calls; a program that holds it for ever delays a
/// start by a second.
const LOCK_TRIES_MAX: usize = 1000;
const LOCK_RETRY: Duration = Duration::from_millis(1);

/// The path of a server's socket, absolute and short enough.
// Its length is behind the pointer, so that the code of a comparison cannot look at it before it is
// known that there is a path: memory checkers would report a use of uninitialised memory.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct UnixPath(Arc<PathBuf>);

impl UnixPath {
    /// The path in an address of the form `unix:PATH`, `unix://PATH`, `ipc:PATH` or `ipc://PATH`.
    /// `None` if it is an address of another kind.
    ///
    /// # Errors
    ///
    /// [`Status::InvalidArgument`] if the path is not absolute, is too long, or has a NUL.
    pub fn parse(text: &str) -> Result<Option<UnixPath>> {
        let Some(rest) = PREFIXES.iter().find_map(|prefix| text.strip_prefix(prefix)) else {
            return Ok(None);
        };
        let path = rest.strip_prefix("//").unwrap_or(rest);
        let wrong = |why: &str| {
            let text = format!("Bad address {text:?}: {why}");
            Err(Error::new(Status::InvalidArgument, "net::unix", text))
        };
        if !path.starts_with('/') {
            return wrong("give the absolute path of the socket, as in unix:/run/board.sock");
        }
        if path.contains('\0') {
            return wrong("a path has no NUL");
        }
        if path.ends_with('/') {
            return wrong("it names a directory; add the name of the socket");
        }
        let octets_max = PATH_OCTETS_MAX - SECOND_SUFFIX.len();
        if path.len() > octets_max {
            return wrong(&format!(
                "the path of a socket has at most {octets_max} octets here, this one has {}",
                path.len()
            ));
        }
        Ok(Some(UnixPath(Arc::new(path.into()))))
    }

    /// The path.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The path of the server's second file, at which libzmq's PULL sockets connect.
    pub fn second(&self) -> UnixPath {
        let mut path = self.0.as_os_str().to_owned();
        path.push(SECOND_SUFFIX);
        UnixPath(Arc::new(path.into()))
    }
}

/// `unix:/run/board.sock`.
impl std::fmt::Display for UnixPath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "unix:{}", self.0.display())
    }
}

/// A listener at a path. Removes its file when it is dropped, unless that has been replaced, this
/// process is a child of the one that has made it, or somebody else has opened the socket.
#[derive(Debug)]
pub struct UnixServer {
    pub(super) listener: UnixListener,
    path: UnixPath,
    /// Device and inode of the file; `None` if it is not this listener's to remove.
    file: Option<(u64, u64)>,
    process: Generation,
}

impl UnixServer {
    /// A listener at `path` that somebody else has opened, non-blocking. Its file stays.
    pub(super) fn adopt(socket: OwnedFd, path: UnixPath) -> UnixServer {
        let process = Generation::current();
        UnixServer { listener: UnixListener::from(socket), path, file: None, process }
    }

    /// Where it listens.
    pub fn path(&self) -> &UnixPath {
        &self.path
    }

    /// Accepts the next waiting connection; `None` if there is none.
    ///
    /// # Errors
    ///
    /// As those of [`accept`](super::socket::accept).
    pub fn accept(&self) -> io::Result<Option<(UnixStream, UnixPeer)>> {
        let _held = hold_standard();
        loop {
            match self.listener.accept() {
                Ok((stream, _)) => {
                    let stream = above_standard(stream)?;
                    let peer = sys::unix_peer(stream.as_fd())?;
                    return Ok(Some((stream, peer)));
                }
                Err(error) => match error.kind() {
                    io::ErrorKind::WouldBlock => return Ok(None),
                    io::ErrorKind::Interrupted | io::ErrorKind::ConnectionAborted => {}
                    _ => return Err(error),
                },
            }
        }
    }
}

impl Drop for UnixServer {
    fn drop(&mut self) {
        if self.process.is_inherited() {
            return;
        }
        // It still listens, so no other server takes the path before the file is gone.
        if self.file.is_some() && file_id(self.path.path()).ok() == self.file {
            let _ = fs::remove_file(self.path.path());
        }
    }
}

/// Device and inode of a file, without following a link.
fn file_id(path: &Path) -> io::Result<(u64, u64)> {
    fs::symlink_metadata(path).map(|file| (file.dev(), file.ino()))
}

/// Opens listeners at `path` and at its [second](UnixPath::second) file, with the permissions
/// `mode`; both or none. Files of servers that have died are replaced.
///
/// # Errors
///
/// [`Status::InvalidArgument`] for a mode beyond 0777; [`Status::Bind`] if a server listens there, a
/// file of another kind is in the way, or the system refuses.
pub fn listen_pair(path: &UnixPath, mode: u32) -> Result<[UnixServer; 2]> {
    if mode > 0o777 {
        let cause = format!("{mode:#o} is no mode of a file; choose 0o600 to 0o777");
        return Err(bind_error(Status::InvalidArgument, path, &cause));
    }
    // Between the check of an old file and the new one no other server may come: it would be left
    // without clients, and not know it.
    let _lock = lock_directory(path.path());
    let first = listen(path, mode)?;
    let second = listen(&path.second(), mode).map_err(|error| {
        let text = format!("{}; {path} was asked for, and needs that one too", error.text());
        Error::new(error.status(), "net::unix::listen_pair", text)
    })?;
    Ok([first, second])
}

fn listen(path: &UnixPath, mode: u32) -> Result<UnixServer> {
    let failed = |error: io::Error| bind_error(Status::Bind, path, &bind_cause(&error));
    let _held = hold_standard();
    let socket = match bind(path.path()) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            remove_stale(path)?;
            bind(path.path()).map_err(failed)?
        }
        bound => bound.map_err(failed)?,
    };
    let file = file_id(path.path()).map_err(failed)?;
    // Nobody can connect before it listens.
    fs::set_permissions(path.path(), fs::Permissions::from_mode(mode)).map_err(failed)?;
    socket.listen(WAITING_MAX).map_err(failed)?;
    let listener = above_standard(UnixListener::from(OwnedFd::from(socket))).map_err(failed)?;
    Ok(UnixServer {
        listener,
        path: path.clone(),
        file: Some(file),
        process: Generation::current(),
    })
}

/// A non-blocking socket that is bound and does not listen yet.
fn bind(path: &Path) -> io::Result<Socket> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    socket.bind(&SockAddr::unix(path)?)?;
    Ok(socket)
}

/// Removes the file at `path` if it is a socket at which nobody listens.
fn remove_stale(path: &UnixPath) -> Result<()> {
    let failed = |cause: &str| bind_error(Status::Bind, path, cause);
    let is_socket = fs::symlink_metadata(path.path()).map(|file| file.file_type().is_socket());
    if !is_socket.map_err(|error| failed(&cause_text(&error)))? {
        return Err(failed("a file that is no socket is there; remove it or choose another path"));
    }
    match connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            fs::remove_file(path.path()).map_err(|error| {
                let cause = cause_text(&error);
                failed(&format!("the socket of a server that has ended cannot be removed: {cause}"))
            })
        }
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            Err(failed("a socket is there, of a server or a dead one, that this user may not try"))
        }
        Err(error) if is_shortage(&error) => Err(failed(&cause_text(&error))),
        _ => Err(failed("another server listens there; stop it or choose another path")),
    }
}

/// A locked directory.
struct DirectoryLock(File);

impl Drop for DirectoryLock {
    fn drop(&mut self) {
        sys::unlock_file(self.0.as_fd());
    }
}

/// Locks the directory of `path` against other servers that start; `None` if that is impossible.
fn lock_directory(path: &Path) -> Option<DirectoryLock> {
    let directory = {
        let _held = hold_standard();
        above_standard(File::open(path.parent()?).ok()?).ok()?
    };
    for _ in 0..LOCK_TRIES_MAX {
        match sys::try_lock_file(directory.as_fd()) {
            Ok(()) => return Some(DirectoryLock(directory)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => thread::sleep(LOCK_RETRY),
            Err(_) => return None,
        }
    }
    None
}

fn bind_error(status: Status, path: &UnixPath, cause: &str) -> Error {
    let text = format!("Failed to bind server to {path}: {cause}");
    Error::new(status, "net::unix::listen_pair", text)
}

fn bind_cause(error: &io::Error) -> String {
    let cause = cause_text(error);
    match error.kind() {
        io::ErrorKind::NotFound => format!("{cause}; create its directory first"),
        io::ErrorKind::PermissionDenied => {
            format!("{cause}; this user may not create files in that directory")
        }
        _ => cause,
    }
}

/// Connects to `path`. The result is known at once; the server may not have accepted yet.
///
/// # Errors
///
/// The system's.
pub fn connect(path: &UnixPath) -> io::Result<UnixStream> {
    let _held = hold_standard();
    above_standard(UnixStream::connect(path.path())?)
}

/// Connects to the [second](UnixPath::second) file of a server, or, where there is none, to the
/// first.
///
/// # Errors
///
/// The system's.
pub fn connect_second(path: &UnixPath) -> io::Result<UnixStream> {
    match connect(&path.second()) {
        Err(error) if is_nobody(&error) => connect(path),
        outcome => outcome,
    }
}

/// Whether an error of [`connect`] means that no server listens there.
fn is_nobody(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused)
}

/// The cause of a failed connect, with a remedy where the system's text has none.
pub fn connect_cause(error: &io::Error) -> String {
    let cause = cause_text(error);
    match error.kind() {
        io::ErrorKind::NotFound => format!("{cause}; the server is not running"),
        io::ErrorKind::ConnectionRefused => {
            format!("{cause}; the server that has made this socket has ended")
        }
        io::ErrorKind::PermissionDenied => {
            format!(
                "{cause}; the server's option unix_mode says which users may write to its socket"
            )
        }
        io::ErrorKind::WouldBlock => "too many clients wait to be accepted there".to_owned(),
        _ => cause,
    }
}

#[cfg(test)]
mod tests;
