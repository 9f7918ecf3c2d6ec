/*
 * The bridge's multipart messages over libzmq: id, address, size and type as parts of 4, 8, 4 and
 * 4 bytes, then the payload of a write; the answer has a payload and a result in any case.
 */
#ifndef BENCH_ZMQ_MESSAGE_H
#define BENCH_ZMQ_MESSAGE_H

#include <zmq.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "../common/client.h"
#include "../common/curve.h"

namespace bench {

constexpr std::size_t REQUEST_PARTS_MAX = 5;
constexpr std::size_t RESPONSE_PARTS = 6;
/* How long a receive may wait before it looks whether it is to stop; the reference's value. */
constexpr int RECEIVE_TIMEOUT_MS = 100;

struct Header {
    uint32_t id;
    uint64_t address;
    uint32_t size;
    uint32_t type;
};

[[noreturn]] inline void failZmq(const char *what) {
    bench_fail(BENCH_SYSTEM, "%s: %s", what, zmq_strerror(errno));
}

/* One received message. */
class Message {
public:
    Message() {
        for (zmq_msg_t &part : parts_) {
            zmq_msg_init(&part);
        }
    }
    ~Message() {
        for (zmq_msg_t &part : parts_) {
            zmq_msg_close(&part);
        }
    }
    Message(const Message &) = delete;
    Message &operator=(const Message &) = delete;

    /* The number of parts received; 0 if none came within the socket's timeout. */
    std::size_t receive(void *socket) {
        std::size_t count = 0;
        int more = 1;
        while (more != 0) {
            if (count == RESPONSE_PARTS) {
                bench_fail(BENCH_WRONG, "a message of more than %zu parts", RESPONSE_PARTS);
            }
            if (zmq_msg_recv(&parts_[count], socket, 0) < 0) {
                if (count == 0 && (errno == EAGAIN || errno == EINTR)) {
                    return 0;
                }
                failZmq("receiving");
            }
            more = zmq_msg_more(&parts_[count]);
            count += 1;
        }
        return count;
    }

    Header header() {
        Header header;
        if (size(0) != 4 || size(1) != 8 || size(2) != 4 || size(3) != 4) {
            bench_fail(BENCH_WRONG, "a message whose parts have other sizes than the bridge's");
        }
        std::memcpy(&header.id, data(0), 4);
        std::memcpy(&header.address, data(1), 8);
        std::memcpy(&header.size, data(2), 4);
        std::memcpy(&header.type, data(3), 4);
        return header;
    }

    void *data(std::size_t part) { return zmq_msg_data(&parts_[part]); }
    std::size_t size(std::size_t part) { return zmq_msg_size(&parts_[part]); }
    zmq_msg_t *part(std::size_t part) { return &parts_[part]; }

private:
    zmq_msg_t parts_[RESPONSE_PARTS];
};

/* Sends one part, waiting for room in the socket's queue. */
inline void sendPart(void *socket, zmq_msg_t *part, bool more) {
    while (zmq_msg_send(part, socket, more ? ZMQ_SNDMORE : 0) < 0) {
        if (errno != EINTR) {
            failZmq("sending");
        }
    }
}

inline void sendCopy(void *socket, const void *data, std::size_t size, bool more) {
    zmq_msg_t part;
    if (zmq_msg_init_size(&part, size) != 0) {
        failZmq("making a message");
    }
    std::memcpy(zmq_msg_data(&part), data, size);
    sendPart(socket, &part, more);
}

inline void sendHeader(void *socket, const Header &header, bool more) {
    sendCopy(socket, &header.id, 4, true);
    sendCopy(socket, &header.address, 8, true);
    sendCopy(socket, &header.size, 4, true);
    sendCopy(socket, &header.type, 4, more);
}

inline void *openSocket(void *context, int type) {
    int lingerMs = 0, timeoutMs = RECEIVE_TIMEOUT_MS;
    void *socket = zmq_socket(context, type);
    if (socket == nullptr) {
        failZmq("making a socket");
    }
    zmq_setsockopt(socket, ZMQ_LINGER, &lingerMs, sizeof lingerMs);
    if (type == ZMQ_PULL) {
        zmq_setsockopt(socket, ZMQ_RCVTIMEO, &timeoutMs, sizeof timeoutMs);
    }
    return socket;
}

inline void setKey(void *socket, int option, const char *key) {
    if (zmq_setsockopt(socket, option, key, std::strlen(key)) != 0) {
        failZmq("setting a key");
    }
}

/* For a socket that connects. */
inline void encryptAsClient(void *socket) {
    setKey(socket, ZMQ_CURVE_SERVERKEY, BENCH_CURVE_SERVER_PUBLIC);
    setKey(socket, ZMQ_CURVE_PUBLICKEY, BENCH_CURVE_CLIENT_PUBLIC);
    setKey(socket, ZMQ_CURVE_SECRETKEY, BENCH_CURVE_CLIENT_SECRET);
}

/* For a socket that binds. Without a handler of ZAP it accepts any client. */
inline void encryptAsServer(void *socket) {
    int on = 1;
    zmq_setsockopt(socket, ZMQ_CURVE_SERVER, &on, sizeof on);
    setKey(socket, ZMQ_CURVE_SECRETKEY, BENCH_CURVE_SERVER_SECRET);
}

} // namespace bench

#endif
