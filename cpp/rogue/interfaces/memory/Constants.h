/** Transaction types and model ids. */
#ifndef ROGUE_INTERFACES_MEMORY_CONSTANTS_H
#define ROGUE_INTERFACES_MEMORY_CONSTANTS_H

#include "rogue/Directives.h"

#include <cstdint>

namespace rogue {
namespace interfaces {
namespace memory {

/** Transaction type: read into the transaction's buffer. */
static const uint32_t Read = 0x1;
/** Transaction type: write; completes when the device has confirmed it. */
static const uint32_t Write = 0x2;
/** Transaction type: posted write; may complete as soon as the transport has it. */
static const uint32_t Post = 0x3;
/** Transaction type: read to verify a write; every transport treats it as a read. */
static const uint32_t Verify = 0x4;
/** Request type of the readiness probe between TcpClient and TcpServer. */
static const uint32_t TcpBridgeProbe = 0xFFFFFFFE;

/** Model id: value is processed by a Python function. */
static const uint8_t PyFunc = 0x00;
/** Model id: byte array. */
static const uint8_t Bytes = 0x01;
/** Model id: unsigned integer. */
static const uint8_t UInt = 0x02;
/** Model id: signed integer. */
static const uint8_t Int = 0x03;
/** Model id: boolean. */
static const uint8_t Bool = 0x04;
/** Model id: text. */
static const uint8_t String = 0x05;
/** Model id: 32-bit floating point. */
static const uint8_t Float = 0x06;
/** Model id: 64-bit floating point. */
static const uint8_t Double = 0x07;
/** Model id: signed fixed point. */
static const uint8_t Fixed = 0x08;
/** Model id: unsigned fixed point. */
static const uint8_t UFixed = 0x09;
/** Model id: 16-bit floating point. */
static const uint8_t Float16 = 0x0A;
/** Model id: 8-bit floating point. */
static const uint8_t Float8 = 0x0B;
/** Model id: 16-bit floating point with an 8-bit exponent. */
static const uint8_t BFloat16 = 0x0C;
/** Model id: 32-bit floating point with a 10-bit fraction. */
static const uint8_t TensorFloat32 = 0x0D;
/** Model id: 6-bit floating point. */
static const uint8_t Float6 = 0x0E;
/** Model id: 4-bit floating point. */
static const uint8_t Float4 = 0x0F;
/** Model id: defined by the user. */
static const uint8_t Custom = 0x80;

} // namespace memory
} // namespace interfaces
} // namespace rogue

#endif
