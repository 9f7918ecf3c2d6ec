use super::super::check_access as check_access_of;
use super::*;
use rand::{Rng, RngCore, SeedableRng};

fn random_header(rng: &mut impl Rng) -> Header {
    Header {
        control: Control(rng.random()),
        id: rng.random(),
        address: rng.random(),
        size_minus_one: rng.random(),
    }
}

#[test]
fn a_header_decodes_to_what_was_encoded() {
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(3);
    for _ in 0..10_000 {
        let header = random_header(&mut rng);
        let mut frame = header.encode().to_vec();
        frame.resize(HEADER_BYTES + rng.random_range(0..50), 0xA5);
        assert_eq!(Header::decode(&frame), Some(header));
        assert_eq!(id_of(&frame), Some(header.id));
        let mut bytes = [0; HEADER_BYTES];
        rng.fill_bytes(&mut bytes);
        assert_eq!(Header::decode(&bytes).unwrap().encode(), bytes, "every bit is kept");
    }
}

#[test]
fn the_words_of_a_request_lie_where_the_protocol_has_them() {
    let header = Header::request(Opcode::Write, 1, 0x1234_5678_9ABC_DEF0, 8, 0x8A);
    let expected = [
        [0x03, 0x01, 0x00, 0x8A],
        [0x01, 0x00, 0x00, 0x00],
        [0xF0, 0xDE, 0xBC, 0x9A],
        [0x78, 0x56, 0x34, 0x12],
        [0x07, 0x00, 0x00, 0x00],
    ];
    assert_eq!(header.encode(), expected.concat()[..]);
    assert_eq!(header.control.version(), VERSION);
    assert_eq!((header.control.opcode(), header.control.timeout()), (Opcode::Write, 0x8A));
}

#[test]
fn a_shorter_frame_has_no_header_and_an_id_from_eight_bytes_on() {
    let frame = Header::request(Opcode::Read, 0x0403_0201, 0, 4, 0).encode();
    for count in 0..HEADER_BYTES {
        assert_eq!(Header::decode(&frame[..count]), None, "{count} bytes");
        let id = (count >= 8).then_some(0x0403_0201);
        assert_eq!(id_of(&frame[..count]), id, "{count} bytes");
    }
}

#[test]
fn every_opcode_comes_back_and_only_writes_carry_data() {
    for (opcode, data) in
        [(Opcode::Read, false), (Opcode::Write, true), (Opcode::Post, true), (Opcode::Null, false)]
    {
        assert_eq!(Control::request(opcode, 0xFF).opcode(), opcode);
        assert_eq!(opcode.carries_data(), data);
    }
}

#[test]
fn the_size_word_that_holds_most_is_four_gigabytes_and_not_zero() {
    let mut header = Header::request(Opcode::Read, 1, 0, 4, 0);
    header.size_minus_one = 0xFFFF_FFFF;
    assert_eq!(header.size(), 0x1_0000_0000);
    assert_eq!(check_request(&header, 20), Err(RequestFault::Size { id: 1, size: 1 << 32 }));
}

#[test]
fn a_response_header_may_differ_in_the_capabilities_only() {
    let request = Header::request(Opcode::Read, 0x55, 0x100, 4, TIMEOUT_DEFAULT);
    let bytes = request.encode();
    for bit in 0..HEADER_BYTES * 8 {
        let mut changed = bytes;
        changed[bit / 8] ^= 1 << (bit % 8);
        let response = Header::decode(&changed).unwrap();
        assert_eq!(response.answers(&request), (10..14).contains(&bit), "bit {bit}");
    }
}

#[test]
fn a_status_is_a_lockup_before_it_is_a_timeout_before_it_is_anything_else() {
    assert_eq!(StatusWord(0).check(), Ok(()));
    for bit in 0..32 {
        let status = StatusWord(1 << bit);
        let fault = match bit {
            13 => StatusFault::Lockup,
            8 => StatusFault::Timeout,
            _ => StatusFault::Other(1 << bit),
        };
        assert_eq!(status.check(), Err(fault));
        assert_eq!(StatusWord::decode(status.encode()), status);
    }
    assert_eq!(StatusWord(0x2100).check(), Err(StatusFault::Lockup));
    assert_eq!(StatusWord(0x0102).check(), Err(StatusFault::Timeout));
}

#[test]
fn faults_have_the_texts_that_users_search_for() {
    let size = ResponseFault::Size { id: 7, frame_bytes: 36, size: 4 };
    let header = ResponseFault::Header { id: 7, address: 0x1_0000_0010 };
    for (text, expected) in [
        (
            size.to_string(),
            "Received SRPV3 message had a header size mismatch. id=7, frameSize=36, \
             expectedSize=28, tranSize=4, headerSize=4",
        ),
        (
            header.to_string(),
            "Received SRPV3 message did not match expected protocol. id=7, \
             addr=0x0000000100000010",
        ),
        (RequestFault::Version(4).to_string(), "Got non-SRPv3 frame, version = 0x4"),
        (RequestFault::Null { id: 9 }.to_string(), "Got invalid SRPv3 opcode 0x3 for id=9"),
        (
            RequestFault::Size { id: 9, size: 2 }.to_string(),
            "Got invalid SRPv3 request size=2 for id=9",
        ),
        (
            RequestFault::Truncated { frame_bytes: 20, needed: 24 }.to_string(),
            "Write frame too small: got 20, need 24",
        ),
    ] {
        assert_eq!(text, expected);
    }
}

#[test]
fn a_status_is_told_in_words_with_the_address() {
    let text = |status, size| {
        FailedAccess { status: StatusWord(status), address: 0x4_0010, size }.to_string()
    };
    let other = "Non zero status message returned on fpga register bus in hardware";
    assert_eq!(text(0x3, 4), format!("AXI bus error DECERR at 0x40010. {other}: 0x3"));
    assert_eq!(text(0x2, 16), format!("AXI bus error SLVERR at 0x40010 (16 bytes). {other}: 0x2"));
    assert_eq!(
        text(0x402, 4),
        format!(
            "AXI bus error SLVERR at 0x40010; the request arrived with another length than it \
             states. {other}: 0x402"
        )
    );
    assert_eq!(
        text(0x20, 4),
        format!("the size is not a multiple of 4, at 0x40010. {other}: 0x20")
    );
    assert_eq!(
        text(1 << 31, 4),
        format!("Unknown error of the device at 0x40010. {other}: 0x80000000")
    );
    let lockup = text(0x2100, 4);
    assert!(lockup.starts_with("FPGA register bus lockup detected in hardware at 0x40010: "));
    assert!(lockup.contains("until the firmware is reset") && lockup.contains("0x2100"));
    assert_eq!(
        text(0x100, 4),
        "FPGA register bus timeout detected in hardware at 0x40010 (status 0x100)"
    );
    for bit in 0..32 {
        assert!(text(1 << bit, 4).contains(" at 0x40010"), "bit {bit}");
    }
}

#[test]
fn an_access_is_refused_for_its_address_then_its_size_then_its_length() {
    let text = |address, size| check_access(address, size).unwrap_err().to_string();
    assert_eq!(check_access(0xFFFF_FFFF_FFFF_FFFC, 4096), Ok(()));
    assert_eq!(
        text(0x1_0000_0002, 4099),
        "Transaction address 0x100000002 is not aligned to min size 4"
    );
    assert_eq!(text(0, 0), "Transaction size 0x0 is not aligned to min size 4");
    assert_eq!(text(0, 4099), "Transaction size 0x1003 is not aligned to min size 4");
    assert_eq!(text(0, 8192), "Transaction size 8192 exceeds max size 4096");
    assert!(check_access_of(0, 2052, 4, 2048).is_err() && check_access(0, 2052).is_ok());
}

#[test]
fn d47_a_frame_that_is_too_long_is_judged_by_its_length_before_its_last_word() {
    let request = Header::request(Opcode::Read, 1, 0, 8, 0);
    let junk = StatusWord(0x2000);
    let too_long = ResponseFault::Size { id: 1, frame_bytes: 36, size: 8 };
    assert_eq!(check_response(&request, &request, 36, junk), Err(too_long));
    assert_eq!(check_response(&request, &request, 36, StatusWord(0)), Err(too_long));
    let lockup = ResponseFault::Status(FailedAccess { status: junk, address: 0, size: 8 });
    for frame_bytes in [24, 28, 32] {
        assert_eq!(check_response(&request, &request, frame_bytes, junk), Err(lockup));
    }
    assert_eq!(check_response(&request, &request, 32, StatusWord(0)), Ok(()));
    for frame_bytes in [24, 25, 28, 31] {
        let too_short = ResponseFault::Size { id: 1, frame_bytes, size: 8 };
        assert_eq!(check_response(&request, &request, frame_bytes, StatusWord(0)), Err(too_short));
    }
}

#[test]
fn a_write_needs_all_of_its_data_and_a_read_needs_none() {
    for (opcode, needed) in [(Opcode::Read, 20), (Opcode::Write, 28), (Opcode::Post, 28)] {
        let request = Header::request(opcode, 1, 3, 8, 0);
        for frame_bytes in 20..32 {
            let taken = check_request(&request, frame_bytes).is_ok();
            assert_eq!(taken, frame_bytes >= needed, "{opcode:?} {frame_bytes}");
        }
    }
}

#[test]
fn no_header_makes_a_judgement_panic() {
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(4);
    for _ in 0..20_000 {
        let (request, response) = (random_header(&mut rng), random_header(&mut rng));
        let frame_bytes = rng.random_range(0..=usize::MAX);
        let status = StatusWord(rng.random());
        if let Err(fault) = check_response(&request, &response, frame_bytes, status) {
            assert!(!fault.to_string().is_empty());
        }
        // As if the device echoed the request.
        let judged = check_response(&request, &request, frame_bytes, status);
        assert_eq!(judged.is_ok(), frame_bytes as u64 == 24 + request.size() && status.0 == 0);
        if let Err(fault) = check_request(&request, frame_bytes) {
            assert!(!fault.to_string().is_empty());
        }
    }
}
