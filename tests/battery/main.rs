//! One battery of behaviours, run over every way to reach a slave.
//!
//! A way that ends at any slave ([`ways::ToSlave`]) is put to all of it; one that ends at an
//! emulated device ([`ways::ToMemory`]) to the part that needs no more than memory. A new way is
//! a type in `ways.rs` and a line below.

mod memory_map;
mod registers;
mod slaves;
mod ways;

/// A test for each named behaviour of `$behaviours`, over the way `$way`.
macro_rules! stamp {
    ($behaviours:ident over $way:ty: $($name:ident)*) => {
        $(
            #[test]
            fn $name() {
                crate::$behaviours::$name::<$way>();
            }
        )*
    };
}

/// The behaviours of memory at the far end.
macro_rules! registers {
    ($way:ty) => {
        registers_of_32_bits!($way);
        stamp!(registers over $way:
            addresses_beyond_four_gigabytes_are_places_of_their_own
            f03_no_access_reaches_beyond_the_address_space
        );
    };
}

/// Those of them for which 32 bits of address are enough.
macro_rules! registers_of_32_bits {
    ($way:ty) => {
        stamp!(registers over $way:
            what_is_written_is_read_and_verified
            what_was_never_written_reads_as_zero
            accesses_of_many_sizes_touch_their_bytes_only
            offsets_of_hubs_add_up
            a_large_block_arrives_whole
            a_later_write_wins
            many_requests_may_be_outstanding
            posted_writes_need_no_waiting
            random_accesses_agree_with_a_model
            threads_share_a_master_without_cross_talk
            threads_with_masters_of_their_own_do_not_meet
            dropping_a_master_with_requests_on_their_way_harms_nobody
        );
    };
}

/// The behaviours of slaves that a test has in its hand.
macro_rules! slaves {
    ($way:ty) => {
        stamp!(slaves over $way:
            each_kind_of_request_arrives_as_such
            f04_what_is_no_type_of_transaction_is_an_error_of_it
            data_of_every_small_size_goes_both_ways
            an_error_arrives_with_its_text
            no_error_is_taken_for_a_success
            errors_belong_to_the_request_that_failed
            answers_may_come_in_any_order_and_from_any_thread
            a_write_is_read_when_the_slave_gets_round_to_it
            what_is_not_answered_times_out
            after_a_timeout_all_is_as_before
            a_slow_link_that_moves_does_not_time_out
            lost_requests_succeed_when_they_are_repeated
            a_late_answer_goes_to_nobody
            a_split_transaction_fails_with_its_part
            an_unconnected_end_says_so
        );
    };
}

mod in_process {
    registers!(crate::ways::InProcess);
    slaves!(crate::ways::InProcess);
}

mod hubs {
    registers!(crate::ways::Hubs);
    slaves!(crate::ways::Hubs);
}

mod bridge {
    registers!(crate::ways::Bridge);
    slaves!(crate::ways::Bridge);
}

mod bridge_at_path {
    registers!(crate::ways::BridgeAtPath);
    slaves!(crate::ways::BridgeAtPath);
}

mod two_bridges {
    registers!(crate::ways::TwoBridges);
    slaves!(crate::ways::TwoBridges);
}

mod bridges_on_one_loop {
    registers!(crate::ways::BridgesOnOneLoop);
    slaves!(crate::ways::BridgesOnOneLoop);
}

mod one_at_a_time {
    registers!(crate::ways::OneAtATime);
}

mod srp_v3 {
    registers!(crate::ways::SrpInProcess);
}

mod bridge_to_srp_v3 {
    registers!(crate::ways::BridgeToSrp);
}

mod srp_v0 {
    registers_of_32_bits!(crate::ways::SrpV0InProcess);
}

mod srp_v3_through_packetizers {
    registers!(crate::ways::SrpThroughPacketizers);
}

mod board_road {
    registers!(crate::ways::BoardRoad);
}

mod srp_v3_through_stream_nodes {
    registers!(crate::ways::SrpThroughStreamNodes);
}

mod memory_map_by_4_bytes {
    registers!(crate::memory_map::MemoryMap<4>);
}

mod memory_map_by_8_bytes {
    registers!(crate::memory_map::MemoryMap<8>);
}
