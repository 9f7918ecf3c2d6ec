#include "wire.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

/* Steps over `done` bytes of the pieces; returns the first that is not done yet. */
static size_t advance(struct iovec *pieces, size_t first, size_t count, size_t done) {
    while (first < count && done >= pieces[first].iov_len) {
        done -= pieces[first].iov_len;
        first += 1;
    }
    if (first < count) {
        pieces[first].iov_base = (uint8_t *)pieces[first].iov_base + done;
        pieces[first].iov_len -= done;
    }
    return first;
}

static bool is_gone(int error) { return error == EPIPE || error == ECONNRESET; }

bool channel_send(channel_t channel, struct iovec *pieces, size_t count) {
    size_t first = 0;
    int flags = MSG_NOSIGNAL | (channel.spin ? MSG_DONTWAIT : 0);
    while (first < count) {
        struct msghdr message = {0};
        message.msg_iov = pieces + first;
        message.msg_iovlen = count - first;
        ssize_t sent = sendmsg(channel.fd, &message, flags);
        if (sent >= 0) {
            first = advance(pieces, first, count, (size_t)sent);
        } else if (is_gone(errno)) {
            return false;
        } else if (errno != EINTR && !(channel.spin && errno == EAGAIN)) {
            bench_fail_errno("sending");
        }
    }
    return true;
}

size_t channel_receive(channel_t channel, struct iovec *pieces, size_t count) {
    int flags = channel.spin ? MSG_DONTWAIT : 0;
    while (true) {
        struct msghdr message = {0};
        message.msg_iov = pieces;
        message.msg_iovlen = count;
        ssize_t got = recvmsg(channel.fd, &message, flags);
        if (got >= 0) {
            return (size_t)got;
        }
        if (is_gone(errno)) {
            return 0;
        }
        if (errno != EINTR && !(channel.spin && errno == EAGAIN)) {
            bench_fail_errno("receiving");
        }
    }
}

bool channel_receive_all(channel_t channel, struct iovec *pieces, size_t count) {
    size_t first = advance(pieces, 0, count, 0);
    while (first < count) {
        size_t got = channel_receive(channel, pieces + first, count - first);
        if (got == 0) {
            return false;
        }
        first = advance(pieces, first, count, got);
    }
    return true;
}

void channel_prepare(int fd) {
    int on = 1;
    if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0) {
        bench_fail_errno("TCP_NODELAY");
    }
}
