//! SRP, both versions: headers, and what both ends check of a frame.

use rogue_mem::proto::srp::{v0 as srp0, v3 as srp3};

use super::input::Input;

/// Version 3: a frame as a request, and as a response to a request that the bytes describe.
pub fn v3(data: &[u8]) {
    let Some(header) = srp3::Header::decode(data) else {
        assert!(data.len() < srp3::HEADER_BYTES);
        assert_eq!(srp3::id_of(data).is_some(), data.len() >= 8);
        return;
    };
    assert_eq!(header.encode(), data[..srp3::HEADER_BYTES]);
    assert_eq!(srp3::id_of(data), Some(header.id));
    assert!(header.answers(&header));
    let size = header.size();
    match srp3::check_request(&header, data.len()) {
        Ok(()) => {
            assert!(size % 4 == 0 && (4..=4096).contains(&size));
            let needs_data = header.control.opcode().carries_data();
            assert!(!needs_data || data.len() as u64 >= srp3::HEADER_BYTES as u64 + size);
        }
        Err(fault) => assert!(!fault.to_string().is_empty()),
    }
    let Some(status) = data.last_chunk().filter(|_| data.len() >= srp3::RESPONSE_BYTES_MIN) else {
        return;
    };
    let status = srp3::StatusWord::decode(*status);
    // The request of this response, but for one bit that the first payload byte selects.
    let mut request = data[..srp3::HEADER_BYTES].to_vec();
    let bit = usize::from(data[srp3::HEADER_BYTES]);
    if let Some(byte) = request.get_mut(bit / 8) {
        *byte ^= 1 << (bit % 8);
    }
    let request = srp3::Header::decode(&request).expect("a whole header");
    match srp3::check_response(&request, &header, data.len(), status) {
        Ok(()) => {
            assert_eq!(data.len() as u64, srp3::response_bytes(request.size()));
            assert_eq!((status.0, header.id), (0, request.id));
            assert_eq!(header.address, request.address);
            assert!((10..14).contains(&bit) || bit >= 8 * srp3::HEADER_BYTES);
        }
        Err(fault) => assert!(!fault.to_string().is_empty()),
    }
}

/// Version 0: a frame as a response to a request that the bytes describe.
pub fn v0(data: &[u8]) {
    let mut input = Input(data);
    let (size, bit) = (u32::from(input.u16()), usize::from(input.u8()));
    let frame = input.rest();
    let Some(header) = srp0::Header::decode(frame) else {
        assert!(frame.len() < srp0::HEADER_BYTES);
        return;
    };
    assert_eq!(header.encode(), frame[..srp0::HEADER_BYTES]);
    assert_eq!(srp0::id_of(frame), Some(header.id));
    let again = srp0::Header::request(header.id, header.is_write(), header.address());
    assert_eq!((again.is_write(), again.address()), (header.is_write(), header.address()));
    let is_possible = srp0::check_access(header.address(), size).is_ok();
    let is_even = size % 4 == 0 && size > 0 && size <= srp0::ACCESS_BYTES_MAX;
    assert_eq!(is_possible, is_even && header.address() + u64::from(size) <= 1 << 32);
    let Some(status) = frame.last_chunk().filter(|_| frame.len() >= srp0::RESPONSE_BYTES_MIN)
    else {
        return;
    };
    let status = srp0::StatusWord::decode(*status);
    let mut request = frame[..srp0::HEADER_BYTES].to_vec();
    if let Some(byte) = request.get_mut(bit / 8) {
        *byte ^= 1 << (bit % 8);
    }
    let request = srp0::Header::decode(&request).expect("a whole header");
    match srp0::check_response(&request, size, &header, frame.len(), status) {
        Ok(()) => {
            assert_eq!(frame.len(), srp0::response_bytes(size));
            assert!(request == header && status.0 == 0);
        }
        Err(fault) => assert!(!fault.to_string().is_empty()),
    }
}
