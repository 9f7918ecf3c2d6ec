//! Functions of the bridges.

use super::{functions, Function, Group};

functions! {
    tcp_server {
        /// Opens a server, which serves at once. Until its master is connected to a slave, requests
        /// are answered with "Unsupported transaction using unconnected memory bus".
        /// @param addr the address to listen on: "*" for all, an IPv4 or IPv6 address, the name of
        /// an interface or of a host; or a path of this host, "unix:/run/board.sock", for its own
        /// processes.
        /// @param port port for requests; the port for responses is the next one. 0 = a free pair,
        /// see rogue_mem_tcp_server_port. A path has port 0.
        /// @param options_or_null the options; NULL: the defaults.
        /// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if
        /// an option or the port is invalid; ROGUE_MEM_ERROR_INVALID_TEXT; ROGUE_MEM_ERROR_BIND if
        /// a port or path is taken or not allowed; ROGUE_MEM_ERROR_RESOLVE;
        /// ROGUE_MEM_ERROR_OUT_OF_RESOURCES.
        ///
        /// Blocks while the system resolves addr, if that is a name.
        fn new(addr: text, port: u16, options_or_null: options) -> new tcp_server {
            crate::bridge::TcpServer::new(addr, port, options_or_null)?
        }

        /// The master through which requests reach the slave, to be connected to it. Its timeout is
        /// that of the slave's answers.
        /// @return the master, a new reference.
        fn master(self) -> master { server.master().clone() }

        /// The port for requests; with port 0, that of the free pair found. 0 at a path.
        /// @return the port.
        fn port(self) -> u16 { server.port() }

        /// The addresses at which the server listens, each with its port or its path, one a line:
        /// first that of rogue_mem_tcp_server_new, then those of the option addresses.
        fn addresses(self) -> text { convert::lines(server.addresses()) }

        /// Does nothing, because a server serves from its creation. For programs that treat servers
        /// and clients alike.
        fn start(self) -> status { server.start() }

        /// Stops serving: closes both ports and all connections. Returns within 100 ms. No peer can
        /// delay that. If the slave blocks for longer, the ports close when it returns. Further
        /// calls do nothing.
        fn stop(self) { server.stop() }
    }

    tcp_client {
        /// Makes a client, which begins to connect. Returns at once, even without a server.
        /// @param addr the server: an IPv4 or IPv6 address, or a host name; or its path on this
        /// host, "unix:/run/board.sock". A name is looked up again in parallel with every attempt;
        /// the attempt uses the latest known addresses until the answer arrives. If an address has
        /// not answered after 250 ms, the next one is tried in parallel. The client uses the first
        /// address that answers.
        /// @param port the server's port for requests; the port for responses is the next one. A
        /// path has port 0.
        /// @param options_or_null the options; NULL: the defaults.
        /// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if
        /// addr, the port or an option is invalid; ROGUE_MEM_ERROR_INVALID_TEXT;
        /// ROGUE_MEM_ERROR_OUT_OF_RESOURCES.
        fn new(addr: text, port: u16, options_or_null: options) -> new tcp_client {
            crate::bridge::TcpClient::new(addr, port, options_or_null)?
        }

        /// The client as a slave, for masters to connect to.
        /// @return the slave, a new reference, which keeps the client alive.
        fn slave(self) -> slave { client.clone() }

        /// Waits 10 seconds for the server, if the client was made with wait_ready; else does
        /// nothing.
        /// @return ROGUE_MEM_OK, and all that rogue_mem_tcp_client_wait_ready returns:
        /// ROGUE_MEM_ERROR_TIMEOUT, ROGUE_MEM_ERROR_STOPPED, ROGUE_MEM_ERROR_NULL_ARGUMENT,
        /// ROGUE_MEM_ERROR_INVALID_ARGUMENT.
        fn start(self) -> result { client.start() }

        /// Closes the connections, and fails all outstanding and later transactions at once.
        /// Returns within 100 ms; further calls do nothing.
        fn stop(self) { client.stop() }

        /// The state as text, with the obstacle if there is one.
        fn state_text(self) -> text { client.state_text() }
    }
}
