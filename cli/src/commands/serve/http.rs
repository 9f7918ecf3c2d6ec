//! A page for programs that ask by HTTP, and nothing more of HTTP than that takes: each connection
//! has one request, of a bounded size, and a bounded time.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

/// The only path.
const PATH: &str = "/metrics";
/// Bytes of a request: those of Prometheus have some hundred.
const REQUEST_BYTES_MAX: usize = 8192;
/// Bytes behind a request that are thrown away, so that the answer is not.
const REST_BYTES_MAX: usize = 64 * 1024;
/// Time for a connection in all: shorter than the ten seconds after which Prometheus gives up.
const CONNECTION_TIME_MAX: Duration = Duration::from_secs(5);
/// Connections at once. Each has a thread; others find theirs closed.
const CONNECTIONS_MAX: usize = 8;
/// Time until the next attempt to accept, if the system has no descriptors left.
const ACCEPT_RETRY: Duration = Duration::from_millis(100);
/// Bytes of the stack of a connection's thread.
const STACK_BYTES: usize = 256 * 1024;

/// Answers at `listener`, on threads of its own, until the process ends. `page` makes the text.
///
/// # Errors
///
/// The system's, if it starts no thread.
pub fn serve(
    listener: TcpListener,
    page: impl Fn() -> String + Send + Sync + 'static,
) -> io::Result<()> {
    let page: Arc<dyn Fn() -> String + Send + Sync> = Arc::new(page);
    let places = Arc::new(AtomicUsize::new(CONNECTIONS_MAX));
    let accept = move || loop {
        match listener.accept() {
            Ok((stream, _)) => start(stream, &page, &places),
            Err(_) => thread::sleep(ACCEPT_RETRY),
        }
    };
    thread::Builder::new().name("metrics".to_owned()).spawn(accept).map(drop)
}

/// A place of a connection, which it gives back.
struct Place(Arc<AtomicUsize>);

impl Place {
    fn take(places: &Arc<AtomicUsize>) -> Option<Place> {
        let taken = places.fetch_update(Ordering::AcqRel, Ordering::Acquire, |n| n.checked_sub(1));
        taken.ok().map(|_| Place(places.clone()))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::AcqRel);
    }
}

fn start(
    stream: TcpStream,
    page: &Arc<dyn Fn() -> String + Send + Sync>,
    places: &Arc<AtomicUsize>,
) {
    let Some(place) = Place::take(places) else { return };
    let page = page.clone();
    let answer = move || {
        let _place = place;
        // A client that has gone, or is too slow, gets nothing; there is nobody to be told.
        let _ = Exchange { stream, end: Instant::now() + CONNECTION_TIME_MAX }.run(&*page);
    };
    // Without a thread the connection is closed, as without a place.
    let _ = thread::Builder::new().name("scrape".to_owned()).stack_size(STACK_BYTES).spawn(answer);
}

/// One request and its answer.
struct Exchange {
    stream: TcpStream,
    end: Instant,
}

impl Exchange {
    fn run(mut self, page: &dyn Fn() -> String) -> io::Result<()> {
        let answer = match self.head()? {
            Some(head) => answer_to(&head, page),
            None => refusal("431 Request Header Fields Too Large", ""),
        };
        self.write(answer.as_bytes())?;
        self.stream.shutdown(Shutdown::Write)?;
        // What is unread when a socket is closed has the system reset the connection, and the answer
        // may be lost by that.
        let mut rest = [0; 1024];
        let mut left = REST_BYTES_MAX;
        while left > 0 {
            match self.read(&mut rest)? {
                0 => break,
                count => left = left.saturating_sub(count),
            }
        }
        Ok(())
    }

    /// The request up to the empty line; `None` if it is too long.
    fn head(&mut self) -> io::Result<Option<String>> {
        let mut head = Vec::new();
        let mut part = [0; 1024];
        loop {
            let count = self.read(&mut part)?;
            if count == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            head.extend_from_slice(&part[..count]);
            if let Some(end) = head.windows(4).position(|octets| octets == b"\r\n\r\n") {
                head.truncate(end);
                return Ok(Some(String::from_utf8_lossy(&head).into_owned()));
            }
            if head.len() > REQUEST_BYTES_MAX {
                return Ok(None);
            }
        }
    }

    fn left(&self) -> io::Result<Duration> {
        let left = self.end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        Ok(left)
    }

    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        loop {
            self.stream.set_read_timeout(Some(self.left()?))?;
            match self.stream.read(to) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                outcome => return outcome,
            }
        }
    }

    fn write(&mut self, mut octets: &[u8]) -> io::Result<()> {
        while !octets.is_empty() {
            self.stream.set_write_timeout(Some(self.left()?))?;
            match self.stream.write(octets) {
                Ok(count) => octets = &octets[count..],
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

fn answer_to(head: &str, page: &dyn Fn() -> String) -> String {
    let words: Vec<&str> = head.lines().next().unwrap_or_default().split(' ').collect();
    let &[method, target, version] = &words[..] else { return refusal("400 Bad Request", "") };
    if !version.starts_with("HTTP/1.") {
        return refusal("505 HTTP Version Not Supported", "");
    }
    if target.split('?').next() != Some(PATH) {
        return refusal("404 Not Found", "");
    }
    if method != "GET" {
        return refusal("405 Method Not Allowed", "Allow: GET\r\n");
    }
    let page = page();
    // The version of the text format of Prometheus.
    let kind = "text/plain; version=0.0.4; charset=utf-8";
    with_head("200 OK", &format!("Content-Type: {kind}\r\n"), &page)
}

fn refusal(status: &str, fields: &str) -> String {
    let fields = format!("{fields}Content-Type: text/plain; charset=utf-8\r\n");
    with_head(status, &fields, &format!("{status}: the counters are at GET {PATH}\n"))
}

fn with_head(status: &str, fields: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\n{fields}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_that_says_nothing_is_given_up_when_its_time_is_over() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (stream, _) = listener.accept().unwrap();
        let end = Instant::now() + Duration::from_millis(20);
        let error = Exchange { stream, end }.run(&String::new).unwrap_err();
        // What a system says of a read that took too long.
        let kinds = [io::ErrorKind::TimedOut, io::ErrorKind::WouldBlock];
        assert!(kinds.contains(&error.kind()), "{error}");
        assert_eq!(client.read(&mut [0]).unwrap(), 0);
    }

    #[test]
    fn places_come_back() {
        let places = Arc::new(AtomicUsize::new(1));
        let place = Place::take(&places).unwrap();
        assert!(Place::take(&places).is_none());
        drop(place);
        assert!(Place::take(&places).is_some());
    }
}
