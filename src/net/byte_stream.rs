//! A connected stream socket: TCP or Unix-domain.

use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::net::Shutdown;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};

use mio::event::Source;
use mio::net::{TcpStream, UnixStream};
use mio::{Interest, Registry, Token};

use super::descriptors::renumbered;
use super::socket::{self, send_vectored, Silence};
#[cfg(target_vendor = "apple")]
use super::sys;

/// A connection of either kind. Reads and writes act on the socket, so that several threads may use
/// one by shared references, as with the standard library's streams.
#[derive(Debug)]
pub enum ByteStream {
    /// A TCP connection.
    Tcp(TcpStream),
    /// A Unix-domain connection.
    Unix(UnixStream),
}

impl From<TcpStream> for ByteStream {
    fn from(stream: TcpStream) -> ByteStream {
        ByteStream::Tcp(stream)
    }
}

impl From<UnixStream> for ByteStream {
    fn from(stream: UnixStream) -> ByteStream {
        ByteStream::Unix(stream)
    }
}

impl ByteStream {
    /// Sets the connection up for short messages, see [`socket::configure`]. The other end of a
    /// Unix-domain connection is on this host, so the system tells its end at once; how long it
    /// leaves octets unread is not limited there.
    ///
    /// # Errors
    ///
    /// The system's.
    pub fn configure(&self, silence: Silence) -> io::Result<()> {
        match self {
            ByteStream::Tcp(stream) => socket::configure(stream, silence),
            #[cfg(target_vendor = "apple")]
            ByteStream::Unix(stream) => socket2::SockRef::from(stream).set_nosigpipe(true),
            #[cfg(not(target_vendor = "apple"))]
            ByteStream::Unix(_) => Ok(()),
        }
    }

    /// The state of the attempt to connect: `Ok(true)` when connected, `Ok(false)` while it runs.
    ///
    /// # Errors
    ///
    /// The cause of the failure.
    pub fn connect_outcome(&self) -> io::Result<bool> {
        match self {
            ByteStream::Tcp(stream) => socket::connect_outcome(stream),
            // Such an attempt succeeds or fails at once.
            ByteStream::Unix(stream) => stream.take_error()?.map_or(Ok(true), Err),
        }
    }

    /// Ends one or both directions.
    ///
    /// # Errors
    ///
    /// The system's, for example because the connection has ended.
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        match self {
            ByteStream::Tcp(stream) => stream.shutdown(how),
            ByteStream::Unix(stream) => stream.shutdown(how),
        }
    }

    /// The same connection with the lowest free descriptor.
    ///
    /// # Errors
    ///
    /// The system's; the connection is closed then.
    pub(crate) fn renumbered(self) -> io::Result<ByteStream> {
        match self {
            ByteStream::Tcp(stream) => renumbered(stream).map(ByteStream::Tcp),
            ByteStream::Unix(stream) => renumbered(stream).map(ByteStream::Unix),
        }
    }
}

impl Read for &ByteStream {
    #[inline]
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            ByteStream::Tcp(stream) => (&*stream).read(buffer),
            ByteStream::Unix(stream) => (&*stream).read(buffer),
        }
    }

    fn read_vectored(&mut self, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        match self {
            ByteStream::Tcp(stream) => (&*stream).read_vectored(buffers),
            ByteStream::Unix(stream) => (&*stream).read_vectored(buffers),
        }
    }
}

impl Write for &ByteStream {
    #[inline]
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        match self {
            ByteStream::Tcp(stream) => (&*stream).write(buffer),
            // Its `write` may raise `SIGPIPE` in a program that does not ignore that signal.
            ByteStream::Unix(stream) => send_vectored(stream, &[IoSlice::new(buffer)]),
        }
    }

    fn write_vectored(&mut self, buffers: &[IoSlice<'_>]) -> io::Result<usize> {
        send_vectored(*self, buffers)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl AsFd for ByteStream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            ByteStream::Tcp(stream) => stream.as_fd(),
            ByteStream::Unix(stream) => stream.as_fd(),
        }
    }
}

impl AsRawFd for ByteStream {
    fn as_raw_fd(&self) -> RawFd {
        self.as_fd().as_raw_fd()
    }
}

impl Source for ByteStream {
    fn register(&mut self, to: &Registry, token: Token, interests: Interest) -> io::Result<()> {
        match self {
            ByteStream::Tcp(stream) => stream.register(to, token, interests),
            ByteStream::Unix(stream) => stream.register(to, token, interests),
        }
    }

    fn reregister(&mut self, to: &Registry, token: Token, interests: Interest) -> io::Result<()> {
        match self {
            ByteStream::Tcp(stream) => stream.reregister(to, token, interests),
            ByteStream::Unix(stream) => stream.reregister(to, token, interests),
        }
    }

    fn deregister(&mut self, from: &Registry) -> io::Result<()> {
        match self {
            ByteStream::Tcp(stream) => stream.deregister(from),
            ByteStream::Unix(stream) => stream.deregister(from),
        }
    }
}
