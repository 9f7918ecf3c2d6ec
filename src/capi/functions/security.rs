//! Functions of keys for CURVE, and of access lists.

use super::{functions, Function, Group};

functions! {
    /// A key pair for CURVE: by its secret key an end of a bridge proves that it is the owner of the
    /// public one. The text form of a key has 40 characters, Z85 (RFC 32), as in libzmq.
    curve_keys {
        /// Makes a key pair, of the system's random numbers.
        /// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_OUT_OF_RESOURCES if
        /// the system has no generator.
        fn generate() -> new curve_keys { Arc::new(crate::security::keys::KeyPair::generate()?) }

        /// Reads a key pair that rogue_mem_curve_keys_save has written.
        /// @param path the file with the secret key.
        /// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_TEXT;
        /// ROGUE_MEM_ERROR_FILE if it cannot be read, or others than its owner may read or write it;
        /// ROGUE_MEM_ERROR_INVALID_ARGUMENT if its contents are no key pair.
        fn load(path: text) -> new curve_keys {
            Arc::new(crate::security::keys::KeyPair::load(path)?)
        }

        /// Makes a key pair from the text form of its secret key.
        /// @param secret the secret key. Wipe it afterwards.
        /// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_TEXT;
        /// ROGUE_MEM_ERROR_INVALID_ARGUMENT if it is no key.
        fn from_secret(secret: text) -> new curve_keys {
            Arc::new(crate::security::keys::KeyPair::from_secret_text(secret)?)
        }

        /// Writes the key pair to a new file that only its owner may read, and the public key alone
        /// to another one, whose name ends in ".pub", for the other end.
        /// @param path the file with the secret key; neither may exist.
        /// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_TEXT;
        /// ROGUE_MEM_ERROR_FILE.
        fn save(self, path: text) -> result { keys.save(path) }

        /// The text form of the public key.
        fn public_key(self) -> text { keys.public().to_string() }

        /// The text form of the secret key. Wipe the buffer afterwards.
        fn secret_key(self) -> text { keys.secret().text().to_string() }
    }

    /// What servers with CURVE need: their key pair, and the clients that they accept. Both may
    /// change while servers have it: that holds for new connections at once, and clients that are not
    /// accepted any more are disconnected as soon as the threads of their servers are free.
    curve_server {
        /// Makes the keys of servers. No client is accepted until one of the functions below says so.
        /// @param keys the servers' own key pair.
        /// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
        fn new(keys: curve_keys) -> new curve_server {
            crate::security::CurveServer::closed((**keys).clone())
        }

        /// Sets the key pair for new connections. Those that exist remain.
        /// @param keys the servers' own key pair.
        fn set_keys(self, keys: curve_keys) -> status { curve.set_keys((**keys).clone()) }

        /// Accepts clients with any key: those that know the servers' public key.
        fn accept_any(self) -> status {
            curve.set_clients(crate::security::AllowedClients::Any)
        }

        /// Accepts the clients with these public keys, and no others.
        /// @param keys_text the keys, separated by white space.
        /// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_TEXT;
        /// ROGUE_MEM_ERROR_INVALID_ARGUMENT if a word is no public key: nothing has changed then.
        fn set_clients(self, keys_text: text) -> result {
            curve.set_clients_from_text(keys_text)
        }

        /// Accepts the clients whose public keys are in a file, and no others. Call it again when the
        /// file has changed.
        /// @param path the file: a line for each key, such as several ".pub" files one behind the
        /// other.
        /// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_TEXT;
        /// ROGUE_MEM_ERROR_FILE if it cannot be read, or others than its owner may write it;
        /// ROGUE_MEM_ERROR_INVALID_ARGUMENT if a line is no public key. Nothing has changed then.
        fn load_clients(self, path: text) -> result {
            curve.load_clients(path)
        }

        /// The text form of the servers' public key, which their clients have to know.
        fn public_key(self) -> text { curve.public_key().to_string() }
    }

    /// What clients need for a server with CURVE.
    curve_client {
        /// Makes the keys of clients.
        /// @param server_key the text form of the server's public key.
        /// @param keys the clients' own key pair, by which the server may know them. For a server that
        /// accepts any, one of rogue_mem_curve_keys_generate is enough.
        /// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_TEXT;
        /// ROGUE_MEM_ERROR_INVALID_ARGUMENT if server_key is no public key.
        fn new(server_key: text, keys: curve_keys) -> new curve_client {
            crate::security::CurveClient::from_text(server_key, &keys)?
        }
    }

    /// The peers that servers let in, and what each of them may do. A text with a rule on each line: a
    /// peer, and its rights; what follows a word that begins with "#" is for people. A peer is
    /// an address ("192.168.1.5", "fe80::1"), a range ("192.168.1.0/24"), a user at a path ("uid:1000"),
    /// the owner of a key ("key:" and its 40 characters), or "*" for all. Rights are "none", "read" and
    /// "read-write", each of the last two with windows if it is limited to them, first and last address
    /// ("read 0x0..0xffff read-write 0x1000..0x1fff"). The first rule for a peer decides; a peer without
    /// a rule has no access. The rules may change while servers have them: that holds for new
    /// connections at once, and for connected clients as soon as their servers' threads are free.
    access_list {
        /// Makes a list.
        /// @param rules the rules, one a line; at least one.
        /// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_TEXT;
        /// ROGUE_MEM_ERROR_INVALID_ARGUMENT if a line is no rule, or there is none.
        fn new(rules: text) -> new access_list { crate::security::AccessList::from_text(rules)? }

        /// Makes a list from a file.
        /// @param path the file, which only its owner may write.
        /// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_TEXT;
        /// ROGUE_MEM_ERROR_FILE if it cannot be read, or others than its owner may write it;
        /// ROGUE_MEM_ERROR_INVALID_ARGUMENT if a line is no rule, or there is none.
        fn load(path: text) -> new access_list { crate::security::AccessList::load(path)? }

        /// Replaces all rules. A client that has no right any more is disconnected, and the rights of
        /// others change, as soon as the threads of their servers are free. Requests that the slave
        /// has got already go on.
        /// @param rules the rules, one a line; at least one.
        /// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_TEXT;
        /// ROGUE_MEM_ERROR_INVALID_ARGUMENT as of rogue_mem_access_list_new: nothing has changed then.
        fn set_rules(self, rules: text) -> result { access.set_rules(rules) }

        /// As rogue_mem_access_list_set_rules, from a file. Call it again when the file has changed.
        /// @param path the file, which only its owner may write.
        /// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT, and all that
        /// rogue_mem_access_list_load returns: ROGUE_MEM_ERROR_INVALID_TEXT, ROGUE_MEM_ERROR_FILE,
        /// ROGUE_MEM_ERROR_INVALID_ARGUMENT. Nothing has changed then.
        fn load_rules(self, path: text) -> result { access.load_rules(path) }
    }

    audit {
        /// Makes an audit that writes its records to a file, a line of JSON each, whose form is in
        /// docs/security.md. An existing file is continued. A full one is renamed to path with ".1",
        /// that one to path with ".2" and so on, and the oldest is removed. A failed write costs
        /// records, is counted, and said once in the log; it is tried again with the next records,
        /// and the file says then how many are missing. Only one audit may write a file at a time.
        /// @param path the file: no pipe.
        /// @param options_or_null the options; NULL: the defaults.
        /// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_TEXT;
        /// ROGUE_MEM_ERROR_INVALID_ARGUMENT if an option is invalid; ROGUE_MEM_ERROR_FILE if the file
        /// cannot be opened; ROGUE_MEM_ERROR_OUT_OF_RESOURCES.
        fn to_file(path: text, options_or_null: options) -> new audit {
            crate::security::Audit::to_file(path, options_or_null)?
        }
    }
}
