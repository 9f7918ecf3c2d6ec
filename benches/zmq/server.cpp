/*
 * A bridge server as the reference has it, on libzmq: one worker thread takes one request at a
 * time from a PULL socket, hands it to a slave, waits for it, and sends the answer through a PUSH
 * socket. Answers go to whichever client is next, so it is right for one client only.
 */
#include <atomic>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "../common/server.h"
#include "message.h"

namespace {

using bench::Header;
using bench::Message;

constexpr unsigned PORT_FIRST = 20000;
constexpr unsigned PORT_LAST = 29998;
constexpr unsigned PORT_TRIES_MAX = 200;
constexpr std::size_t PAGE_BYTES = 4096;

/* A request on its way through the slave: completed by whoever carries it out. */
class Transaction {
public:
    Transaction(const Header &header, uint8_t *data) : header_(header), data_(data) {}

    const Header &header() const { return header_; }
    uint8_t *data() { return data_; }

    void done() {
        std::lock_guard<std::mutex> guard(lock_);
        done_ = true;
        ended_.notify_all();
    }

    void wait() {
        std::unique_lock<std::mutex> guard(lock_);
        ended_.wait(guard, [this] { return done_; });
    }

private:
    Header header_;
    uint8_t *data_;
    std::mutex lock_;
    std::condition_variable ended_;
    bool done_ = false;
};

class Slave {
public:
    virtual ~Slave() = default;
    virtual void doTransaction(const std::shared_ptr<Transaction> &transaction) = 0;
};

/* Sparse memory. */
class Memory : public Slave {
public:
    void doTransaction(const std::shared_ptr<Transaction> &transaction) override {
        const Header &header = transaction->header();
        {
            std::lock_guard<std::mutex> guard(lock_);
            uint64_t address = header.address;
            uint8_t *data = transaction->data();
            for (std::size_t left = header.size; left > 0;) {
                std::size_t at = address % PAGE_BYTES;
                std::size_t chunk = left < PAGE_BYTES - at ? left : PAGE_BYTES - at;
                uint8_t *memory = page(address / PAGE_BYTES) + at;
                if (header.type == BENCH_WRITE) {
                    std::memcpy(memory, data, chunk);
                } else {
                    std::memcpy(data, memory, chunk);
                }
                address += chunk;
                data += chunk;
                left -= chunk;
            }
        }
        transaction->done();
    }

private:
    uint8_t *page(uint64_t number) {
        std::unique_ptr<uint8_t[]> &page = pages_[number];
        if (page == nullptr) {
            page.reset(new uint8_t[PAGE_BYTES]());
        }
        return page.get();
    }

    std::mutex lock_;
    std::map<uint64_t, std::unique_ptr<uint8_t[]>> pages_;
};

class Server {
public:
    Server(const bench_server_options_t &options) : silent_(options.silent) {
        context_ = zmq_ctx_new();
        port_ = bindPair(options);
        worker_ = std::thread([this] { work(); });
    }

    ~Server() {
        stopping_ = true;
        worker_.join();
        zmq_close(requests_);
        zmq_close(responses_);
        zmq_ctx_term(context_);
    }

    uint16_t port() const { return port_; }

private:
    bool bindTo(void *socket, const char *host, unsigned port) {
        std::string endpoint = std::string("tcp://") + host + ":" + std::to_string(port);
        return zmq_bind(socket, endpoint.c_str()) == 0;
    }

    uint16_t bindPair(const bench_server_options_t &options) {
        std::random_device random;
        for (unsigned tries = 0; tries < PORT_TRIES_MAX; tries++) {
            unsigned port = options.port;
            if (port == 0) {
                port = PORT_FIRST + 2 * (random() % ((PORT_LAST - PORT_FIRST) / 2));
            }
            responses_ = bench::openSocket(context_, ZMQ_PUSH);
            requests_ = bench::openSocket(context_, ZMQ_PULL);
            if (options.curve) {
                bench::encryptAsServer(responses_);
                bench::encryptAsServer(requests_);
            }
            if (bindTo(responses_, options.host, port + 1) &&
                bindTo(requests_, options.host, port)) {
                return static_cast<uint16_t>(port);
            }
            zmq_close(responses_);
            zmq_close(requests_);
        }
        bench_fail(BENCH_SYSTEM, "no two free ports in a row");
    }

    void work() {
        while (!stopping_) {
            Message message;
            std::size_t parts = message.receive(requests_);
            if (parts != 0 && !silent_) {
                serve(message, parts);
            }
        }
    }

    void serve(Message &message, std::size_t parts) {
        Header header = message.header();
        bool writes = header.type == BENCH_WRITE;
        if (parts != (writes ? bench::REQUEST_PARTS_MAX : bench::REQUEST_PARTS_MAX - 1) ||
            (writes && message.size(4) != header.size)) {
            bench_fail(BENCH_WRONG, "a request of %zu parts", parts);
        }
        zmq_msg_t *payload = message.part(4);
        if (!writes) {
            zmq_msg_close(payload);
            if (zmq_msg_init_size(payload, header.size) != 0) {
                bench::failZmq("making a message");
            }
        }
        auto transaction =
            std::make_shared<Transaction>(header, static_cast<uint8_t *>(zmq_msg_data(payload)));
        slave_->doTransaction(transaction);
        transaction->wait();
        for (std::size_t i = 0; i < bench::REQUEST_PARTS_MAX; i++) {
            bench::sendPart(responses_, message.part(i), true);
        }
        bench::sendCopy(responses_, "OK", 2, false);
    }

    bool silent_;
    void *context_ = nullptr;
    void *requests_ = nullptr;
    void *responses_ = nullptr;
    uint16_t port_ = 0;
    std::unique_ptr<Slave> slave_{new Memory};
    std::atomic<bool> stopping_{false};
    std::thread worker_;
};

} // namespace

int main(int argc, char **argv) {
    Server server(bench_server_options(BENCH_TAKES_CURVE, argc, argv));
    bench_server_attend(server.port());
    return BENCH_OK;
}
