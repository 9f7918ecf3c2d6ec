//! Ways to save time, each of which can be forced on and off, and given to a process by name.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use rogue_mem::bridge::{ClientOptions, ServerOptions};
use rogue_mem::net::Spin;

/// How long who always looks again does so: longer than an answer takes.
const SPIN: Duration = Duration::from_micros(200);

/// What a server and its clients do to save time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Speed {
    pub direct: bool,
    pub duplex: bool,
    pub spin: Spin,
    pub shared_loop: bool,
}

/// Every two of their values occur together in one of these, and in the default.
pub const PAIRS: [Speed; 6] = [
    Speed { direct: true, duplex: true, spin: Spin::Never, shared_loop: true },
    Speed { direct: false, duplex: false, spin: Spin::Never, shared_loop: false },
    Speed { direct: true, duplex: false, spin: Spin::Adaptive, shared_loop: false },
    Speed { direct: false, duplex: true, spin: Spin::Adaptive, shared_loop: true },
    Speed { direct: true, duplex: true, spin: Spin::Always(SPIN), shared_loop: false },
    Speed { direct: false, duplex: false, spin: Spin::Always(SPIN), shared_loop: true },
];

impl Speed {
    pub fn default() -> Speed {
        let ClientOptions { direct, duplex, spin, shared_loop, .. } = ClientOptions::default();
        Speed { direct, duplex, spin, shared_loop }
    }

    pub fn client(self) -> ClientOptions {
        let Speed { direct, duplex, spin, shared_loop } = self;
        ClientOptions { direct, duplex, spin, shared_loop, ..ClientOptions::default() }
    }

    pub fn server(self) -> ServerOptions {
        let Speed { duplex, spin, .. } = self;
        ServerOptions { duplex, spin, ..ServerOptions::default() }
    }
}

impl fmt::Display for Speed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let spin = match self.spin {
            Spin::Never => "never",
            Spin::Adaptive => "adaptive",
            Spin::Always(_) => "always",
        };
        write!(f, "{},{},{spin},{}", self.direct, self.duplex, self.shared_loop)
    }
}

impl FromStr for Speed {
    type Err = String;

    fn from_str(text: &str) -> Result<Speed, String> {
        let words: Vec<&str> = text.split(',').collect();
        let [direct, duplex, spin, shared_loop] = words[..] else { return Err(text.to_owned()) };
        let flag = |word: &str| word.parse().map_err(|_| text.to_owned());
        let spin = match spin {
            "never" => Spin::Never,
            "adaptive" => Spin::Adaptive,
            "always" => Spin::Always(SPIN),
            _ => return Err(text.to_owned()),
        };
        let shared_loop = flag(shared_loop)?;
        Ok(Speed { direct: flag(direct)?, duplex: flag(duplex)?, spin, shared_loop })
    }
}
