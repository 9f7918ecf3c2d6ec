//! The members of each object's statistics.

use super::Statistics;

pub const STATISTICS: &[Statistics] = &[
    Statistics {
        object: "tcp_server",
        is: "Counters of a server. Set size before the call.",
        members: &[
            ("clients", "Clients being served now."),
            ("held", "Open connections without a served client."),
            ("accepted", "Connections accepted."),
            (
                "refused_keys",
                "Connections that CURVE has refused: without it, with a wrong key of the server, or \
                 with a client's key that is not allowed.",
            ),
            ("requests", "Requests received, readiness probes included."),
            ("responses", "Responses queued for sending."),
            ("malformed", "Messages dropped because they are not requests."),
            (
                "refused",
                "Requests refused with an error before they reached the slave, for any of the causes \
                 below.",
            ),
            ("dropped_responses", "Responses dropped because their client had gone."),
            ("bytes_in", "Bytes received."),
            ("bytes_out", "Bytes of responses queued for sending."),
            ("refused_access", "Refused: no such access is possible, for its type or its address."),
            ("refused_size", "Refused: larger than the server allows."),
            ("refused_writes", "Refused: a write of a client that may read only."),
            ("refused_late", "Refused: the time had passed when its turn came."),
            ("refused_memory", "Refused: the system had no memory for it."),
            ("refused_malformed", "Refused: the data did not match the header."),
            ("budget_used", "Bytes that the server holds for its clients now."),
            ("budget_waits", "How often a client had to wait for room in the budget."),
            (
                "unfinished_ms",
                "Age of the oldest message that has come in part, or answer that is unread, in \
                 milliseconds; 0 = none.",
            ),
            (
                "closed_slow",
                "Clients disconnected because they were too slow with what they had begun.",
            ),
            (
                "closed_for_room",
                "Clients disconnected because they were the slowest and others needed the room.",
            ),
            ("clients_evicted", "Idle clients that have made room for others."),
            (
                "clients_refused_full",
                "Clients not served because all places were taken by clients that were not idle.",
            ),
            (
                "clients_refused_address",
                "Clients not served because all places of their address were taken by clients \
                 that were not idle.",
            ),
            (
                "closed_malformed",
                "Clients disconnected because too many of their messages were malformed.",
            ),
            (
                "connections_displaced",
                "Connections without a client that have made room for others.",
            ),
            ("draining", "1 since the server drains, see rogue_mem_tcp_server_drain."),
            ("refused_draining", "Refused: the server drained."),
            ("clients_refused_draining", "Clients not served because the server drained."),
            (
                "refused_windows",
                "Refused: outside of the addresses that the access list lets the client read, or \
                 write.",
            ),
            (
                "refused_peers",
                "Connections closed because the access list does not let their peers in, or not any \
                 more.",
            ),
            (
                "closed_no_memory",
                "Connections closed because the system had no memory for what they needed.",
            ),
        ],
        grown_from: None,
    },
    Statistics {
        object: "audit",
        is: "Counters of an audit. records is the sum of delivered, lost and queued. Set size before \
             the call.",
        members: &[
            ("records", "Accesses of which a record was due."),
            ("delivered", "Records that the callback has got, or that are in a file."),
            ("lost", "Records lost: the queue was full, or the file could not be written."),
            ("queued", "Records that wait for the audit's thread now."),
            ("write_errors", "Attempts to write the file that have failed."),
            ("bytes_written", "Bytes written to files."),
            ("files_rotated", "Files begun after the first one."),
        ],
        grown_from: None,
    },
    Statistics {
        object: "tcp_client",
        is: "Counters of a client. Set size before the call.",
        members: &[
            ("outstanding", "Requests without an answer, unsent ones included."),
            ("queued", "Unsent requests."),
            ("requests", "Requests sent, readiness probes included."),
            ("responses", "Responses received."),
            ("connects", "Connections made."),
            ("disconnects", "Connections lost."),
            ("dropped_responses", "Responses to requests that had been given up."),
            ("bytes_in", "Bytes received."),
            ("bytes_out", "Bytes sent."),
        ],
        grown_from: None,
    },
    Statistics {
        object: "packetizer",
        is: "Counters of a packetizer. Set size before the call.",
        members: &[
            ("frames_sent", "Frames sent."),
            ("packets_sent", "Packets sent."),
            (
                "frames_refused",
                "Frames not sent: marked as faulty, empty, without a transport, or of requests \
                 given up while they waited.",
            ),
            ("packets_received", "Packets received, dropped ones included."),
            ("frames_received", "Frames delivered."),
            (
                "dropped",
                "Packets dropped, and, with version 2, unfinished frames that were; modulo 2^32.",
            ),
            ("crc_errors", "Packets dropped for their CRC; modulo 2^32."),
            (
                "abandoned",
                "Unfinished frames dropped because another one began or the link was lost, or for \
                 their size; modulo 2^32.",
            ),
            (
                "wrong_version",
                "Packets dropped because they are of the other version, or of none; modulo 2^32.",
            ),
        ],
        grown_from: None,
    },
    Statistics {
        object: "prbs",
        is: "Counters of a generator and checker. Set size before the call.",
        members: &[
            ("tx_count", "Frames sent; modulo 2^32."),
            ("tx_errors", "Frames that could not be sent; modulo 2^32."),
            ("tx_bytes", "Bytes sent."),
            ("rx_count", "Good frames received; modulo 2^32."),
            ("rx_errors", "Bad frames received; modulo 2^32."),
            ("rx_bytes", "Bytes of good frames received."),
        ],
        grown_from: None,
    },
    Statistics {
        object: "udp",
        is: "Counters and sizes of a client or server. Set size before the call.",
        members: &[
            ("datagrams_in", "Datagrams received and delivered."),
            ("bytes_in", "Their bytes."),
            ("datagrams_out", "Datagrams sent."),
            ("bytes_out", "Their bytes."),
            (
                "send_calls",
                "System calls that have sent them: datagrams that are sent together share one.",
            ),
            ("queued", "Datagrams that wait for room in the socket now."),
            ("oversized", "Datagrams dropped because they exceed the largest payload."),
            (
                "strangers",
                "Datagrams dropped because others than the peer sent them: to a client, or to a \
                 server whose receiver holds a link with the peer.",
            ),
            (
                "unsent",
                "Frames and datagrams not sent: in error, without a peer, refused by the system, \
                 too many, after the end, or of requests given up before.",
            ),
            ("network_errors", "Errors that the network has reported about sent datagrams (ICMP)."),
            (
                "overflows",
                "Datagrams that the system has dropped because the receive buffer was full; 0 \
                 where it does not say.",
            ),
            ("receive_buffer_bytes", "Bytes of the receive buffer; 0 after the end."),
            (
                "no_memory",
                "Datagrams dropped because the system gave this process no memory for them.",
            ),
        ],
        grown_from: None,
    },
    Statistics {
        object: "rssi",
        is: "State and counters of a client or server. Set size before the call.",
        members: &[
            ("open", "1 while the link is open."),
            ("open_count", "How often it has opened."),
            ("down_count", "How often it was lost or stopped."),
            ("drop_count", "Received segments that were dropped, in all; by cause below."),
            ("dropped_malformed", "Dropped: shorter than a header, or with an impossible one."),
            ("dropped_checksum", "Dropped: a wrong checksum."),
            ("dropped_duplicate", "Dropped: received before."),
            (
                "dropped_out_of_window",
                "Dropped: a number too far ahead, or an acknowledge of what was not sent.",
            ),
            (
                "dropped_forged_reset",
                "Dropped: an RST with a number that the peer cannot have sent.",
            ),
            ("dropped_syn", "Dropped: a SYN that has no effect."),
            (
                "dropped_errored",
                "Dropped: datagrams whose frame had an error. Not part of the sum.",
            ),
            (
                "unsent",
                "Frames not sent: in error, empty, too long, without a link, too many, or of \
                 requests given up while they waited.",
            ),
            ("retran_count", "Segments sent again."),
            ("stale_acks", "Acknowledges that were ignored because others were newer."),
            ("frames_out", "Frames sent."),
            ("frames_in", "Frames received."),
            ("outstanding", "Segments that are not acknowledged now."),
            ("queued", "Frames that wait for room now."),
            ("local_busy", "1 while this end is busy: its receiver takes nothing."),
            ("local_busy_count", "How often it was."),
            ("local_busy_us", "How long it was, in microseconds."),
            ("remote_busy", "1 while the peer is busy."),
            ("remote_busy_count", "How often it was."),
            ("remote_busy_us", "How long it was, in microseconds."),
            (
                "round_trip_p50_ns",
                "Median of the latest 256 round trips, in nanoseconds; 0 = none.",
            ),
            ("round_trip_p99_ns", "99th percentile of these."),
        ],
        grown_from: None,
    },
    Statistics {
        object: "stream_server",
        is: "Counters of a stream server. Set size before the call.",
        members: STREAM_BRIDGE_STATISTICS,
        grown_from: None,
    },
    Statistics {
        object: "stream_client",
        is: "Counters of a stream client. Set size before the call.",
        members: STREAM_BRIDGE_STATISTICS,
        grown_from: None,
    },
    super::board::STATISTICS,
    super::files::COMBINER_STATISTICS,
    super::files::SPLITTER_STATISTICS,
    super::files::INVERTER_STATISTICS,
    super::files::WRITER_STATISTICS,
    super::files::READER_STATISTICS,
];

const STREAM_BRIDGE_STATISTICS: &[(&str, &str)] = &[
    ("peers", "Peers connected now: the clients of a server; of a client, its server."),
    ("held", "Open connections of a server that belong to no client yet."),
    (
        "refused_keys",
        "Connections that CURVE has refused at a server, as in rogue_mem_tcp_server_stats_t.",
    ),
    ("connects", "Peers that have connected."),
    ("disconnects", "Peers that have disconnected."),
    ("frames_in", "Frames received and passed on."),
    ("bytes_in", "Bytes of their payload."),
    ("frames_out", "Frames sent, which means: taken by the system."),
    ("bytes_out", "Bytes of their payload."),
    ("queued", "Frames accepted and not yet sent."),
    ("dropped_in", "Received frames that were dropped: too large, or without a receiver."),
    (
        "dropped_out",
        "Frames to be sent that were dropped: the object was stopped, the sender's wait ended, a \
         connection was lost before they were sent completely, or a request was given up before.",
    ),
    ("malformed", "Messages received that are no frames."),
    ("budget_used", "Bytes that a server holds for its clients now: frames in part, unread ones."),
    ("budget_waits", "How often a client of a server had to wait for room in the budget."),
    (
        "unfinished_ms",
        "Age of a server's oldest frame that has come in part, or is unread, in milliseconds; 0 = \
         none.",
    ),
    (
        "closed_slow",
        "Clients of a server disconnected because they were too slow with a frame they had begun.",
    ),
    (
        "closed_for_room",
        "Clients of a server disconnected because they were the slowest and others needed the room.",
    ),
    ("clients_evicted", "Idle clients of a server that have made room for others."),
    (
        "clients_refused_full",
        "Clients that a server did not serve because all places were taken by clients that were \
         not idle.",
    ),
    (
        "clients_refused_address",
        "Clients that a server did not serve because all places of their address were taken by \
         clients that were not idle.",
    ),
    (
        "closed_malformed",
        "Clients of a server disconnected because too many of their messages were malformed.",
    ),
    (
        "connections_displaced",
        "Connections of a server without a client that have made room for others.",
    ),
    (
        "refused_peers",
        "Connections of a server closed because the access list does not let their peers in, or not \
         any more.",
    ),
    (
        "closed_no_memory",
        "Connections of a server closed because the system had no memory for what they needed.",
    ),
];
