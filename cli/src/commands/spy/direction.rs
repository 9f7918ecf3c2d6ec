//! The two directions of a connection.

/// From where to where octets go.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Direction {
    /// From the client to the server.
    ToServer,
    /// From the server to the client.
    ToClient,
}

impl Direction {
    /// Both.
    pub const BOTH: [Direction; 2] = [Direction::ToServer, Direction::ToClient];

    /// Its place in an array of two.
    pub fn index(self) -> usize {
        self as usize
    }

    /// The way back.
    pub fn reversed(self) -> Direction {
        match self {
            Direction::ToServer => Direction::ToClient,
            Direction::ToClient => Direction::ToServer,
        }
    }

    /// The end that sends, for people.
    pub fn sender(self) -> &'static str {
        match self {
            Direction::ToServer => "client",
            Direction::ToClient => "server",
        }
    }

    /// Its name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Direction::ToServer => "to_server",
            Direction::ToClient => "to_client",
        }
    }

    /// Its mark in a line of text.
    pub fn mark(self) -> char {
        match self {
            Direction::ToServer => '>',
            Direction::ToClient => '<',
        }
    }
}
