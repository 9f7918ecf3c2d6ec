/*
 * A bridge client as the reference has it, on libzmq: requests are sent under a lock, a thread of
 * its own receives the answers, finds the transaction in a map and wakes whoever waits for it
 * through a condition variable. Where the reference would drop a request, because the socket's
 * queue is full, this one waits for room.
 */
#include <atomic>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "message.h"

namespace {

using bench::Header;
using bench::Message;

constexpr int WAIT_TIMEOUT_S = 60;

/* A request that has been made and not been waited for yet. */
class Transaction {
public:
    Transaction(const Header &header, void *data) : header_(header), data_(data) {}

    /* Takes the answer in. */
    void complete(Message &message) {
        Header answer = message.header();
        std::lock_guard<std::mutex> guard(lock_);
        if (answer.address != header_.address || answer.size != header_.size ||
            answer.type != header_.type || message.size(4) != header_.size) {
            bench_fail(BENCH_WRONG, "an answer that belongs to another request");
        }
        if (message.size(5) != 2 || std::memcmp(message.data(5), "OK", 2) != 0) {
            bench_fail(BENCH_WRONG, "the server has answered with an error");
        }
        if (header_.type != BENCH_WRITE) {
            std::memcpy(data_, message.data(4), header_.size);
        }
        done_ = true;
        ended_.notify_all();
    }

    void wait() {
        std::unique_lock<std::mutex> guard(lock_);
        if (!ended_.wait_for(guard, std::chrono::seconds(WAIT_TIMEOUT_S),
                             [this] { return done_; })) {
            bench_fail(BENCH_WRONG, "no answer within %d s", WAIT_TIMEOUT_S);
        }
    }

private:
    Header header_;
    void *data_;
    std::mutex lock_;
    std::condition_variable ended_;
    bool done_ = false;
};

class Client {
public:
    explicit Client(const bench_target_t &target) {
        context_ = zmq_ctx_new();
        responses_ = bench::openSocket(context_, ZMQ_PULL);
        requests_ = bench::openSocket(context_, ZMQ_PUSH);
        int on = 1;
        zmq_setsockopt(requests_, ZMQ_IMMEDIATE, &on, sizeof on);
        if (target.curve) {
            bench::encryptAsClient(responses_);
            bench::encryptAsClient(requests_);
        }
        void *events = monitor(responses_);
        connectTo(responses_, target, target.port + 1U);
        connectTo(requests_, target, target.port);
        waitForHandshake(events);
        zmq_socket_monitor(responses_, nullptr, 0);
        zmq_close(events);
        waitForRoom();
        receiver_ = std::thread([this] { receive(); });
    }

    ~Client() {
        stopping_ = true;
        receiver_.join();
        zmq_close(requests_);
        zmq_close(responses_);
        zmq_ctx_term(context_);
    }

    uint32_t request(uint32_t type, uint64_t address, uint32_t size, void *data) {
        std::lock_guard<std::mutex> sending(sending_);
        uint32_t id = nextId_;
        nextId_ += 1;
        Header header = {id, address, size, type};
        auto transaction = std::make_shared<Transaction>(header, data);
        {
            std::lock_guard<std::mutex> guard(lock_);
            issued_[id] = transaction;
            outstanding_[id] = transaction;
        }
        bool writes = type == BENCH_WRITE;
        bench::sendHeader(requests_, header, writes);
        if (writes) {
            bench::sendCopy(requests_, data, size, false);
        }
        return id;
    }

    void wait(uint32_t id) {
        std::shared_ptr<Transaction> transaction;
        {
            std::lock_guard<std::mutex> guard(lock_);
            auto found = issued_.find(id);
            if (found == issued_.end()) {
                bench_fail(BENCH_WRONG, "request %u has not been made", id);
            }
            transaction = std::move(found->second);
            issued_.erase(found);
        }
        transaction->wait();
    }

private:
    void connectTo(void *socket, const bench_target_t &target, unsigned port) {
        std::string endpoint = std::string("tcp://") + target.host + ":" + std::to_string(port);
        if (zmq_connect(socket, endpoint.c_str()) != 0) {
            bench::failZmq("connecting");
        }
    }

    void *monitor(void *socket) {
        static const char endpoint[] = "inproc://events";
        void *events = zmq_socket(context_, ZMQ_PAIR);
        if (zmq_socket_monitor(socket, endpoint, ZMQ_EVENT_HANDSHAKE_SUCCEEDED) != 0 ||
            events == nullptr || zmq_connect(events, endpoint) != 0) {
            bench::failZmq("watching a connection");
        }
        return events;
    }

    void waitForHandshake(void *events) {
        zmq_pollitem_t item = {events, 0, ZMQ_POLLIN, 0};
        if (zmq_poll(&item, 1, WAIT_TIMEOUT_S * 1000) != 1) {
            bench_fail(BENCH_WRONG, "no connection within %d s", WAIT_TIMEOUT_S);
        }
    }

    /* There is room in the queue as soon as the connection is complete. */
    void waitForRoom() {
        zmq_pollitem_t item = {requests_, 0, ZMQ_POLLOUT, 0};
        if (zmq_poll(&item, 1, WAIT_TIMEOUT_S * 1000) != 1) {
            bench_fail(BENCH_WRONG, "no connection within %d s", WAIT_TIMEOUT_S);
        }
    }

    void receive() {
        while (!stopping_) {
            Message message;
            std::size_t parts = message.receive(responses_);
            if (parts == 0) {
                continue;
            }
            if (parts != bench::RESPONSE_PARTS) {
                bench_fail(BENCH_WRONG, "an answer of %zu parts", parts);
            }
            std::shared_ptr<Transaction> transaction;
            {
                std::lock_guard<std::mutex> guard(lock_);
                auto found = outstanding_.find(message.header().id);
                if (found == outstanding_.end()) {
                    bench_fail(BENCH_WRONG, "an answer that nobody has asked for");
                }
                transaction = std::move(found->second);
                outstanding_.erase(found);
            }
            transaction->complete(message);
        }
    }

    void *context_ = nullptr;
    void *requests_ = nullptr;
    void *responses_ = nullptr;
    std::mutex sending_;
    std::mutex lock_;
    /* Those that somebody will still wait for, as the requester knows them, and those without an
     * answer, as the receiver does. */
    std::map<uint32_t, std::shared_ptr<Transaction>> issued_;
    std::map<uint32_t, std::shared_ptr<Transaction>> outstanding_;
    uint32_t nextId_ = 1;
    std::atomic<bool> stopping_{false};
    std::thread receiver_;
};

void *openClient(const bench_target_t *target) { return new Client(*target); }

uint32_t request(void *link, uint32_t type, uint64_t address, uint32_t size, void *data) {
    return static_cast<Client *>(link)->request(type, address, size, data);
}

void waitFor(void *link, uint32_t id) { static_cast<Client *>(link)->wait(id); }

void closeClient(void *link) { delete static_cast<Client *>(link); }

} // namespace

int main(int argc, char **argv) {
    static const bench_peer_t peer = {"zmq",       true,  false, openClient, request, waitFor,
                                      closeClient, false, false, nullptr,    nullptr, true};
    return bench_client_main(&peer, argc, argv);
}
