// The stream TCP bridge.

#include "support.h"

#include "rogue/GeneralError.h"
#include "rogue/Helpers.h"
#include "rogue/interfaces/stream/TcpClient.h"
#include "rogue/interfaces/stream/TcpServer.h"

#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace ris = rogue::interfaces::stream;

namespace {

/** Keeps the payloads that it receives. */
class Receiver : public ris::Slave {
public:
    void acceptFrame(ris::FramePtr frame) override {
        std::lock_guard<std::mutex> guard(mutex_);
        auto lock = frame->lock();
        payloads_.emplace_back(frame->begin(), frame->end());
        last_ = frame;
        changed_.notify_all();
    }

    std::vector<std::string> wait(std::size_t count) {
        std::unique_lock<std::mutex> guard(mutex_);
        changed_.wait(guard, [&] { return payloads_.size() >= count; });
        return payloads_;
    }

    ris::FramePtr last() {
        std::lock_guard<std::mutex> guard(mutex_);
        return last_;
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<std::string> payloads_;
    ris::FramePtr last_;
};

void send(const ris::MasterPtr &master, const std::string &text, uint8_t channel) {
    auto frame = master->reqFrame(static_cast<uint32_t>(text.size()), true);
    frame->setPayload(static_cast<uint32_t>(text.size()));
    std::copy(text.begin(), text.end(), frame->begin());
    frame->setChannel(channel);
    frame->setError(3);
    master->sendFrame(frame);
}

} // namespace

TEST_CASE("frames cross the bridge in both directions") {
    auto server = ris::TcpServer::create("127.0.0.1", 0);
    auto atServer = std::make_shared<Receiver>();
    auto fromServer = ris::Master::create();
    *server >> atServer;
    *fromServer >> server;
    CHECK(server->getPort() > 0);

    ris::TcpClient::Options options;
    options.queue_bytes_max = 100000;
    auto client = ris::TcpClient::create("127.0.0.1", server->getPort(), options);
    auto atClient = std::make_shared<Receiver>();
    auto fromClient = ris::Master::create();
    rogueStreamConnect(client, atClient);
    rogueStreamConnect(fromClient, client);

    const std::string large(300000, 'x');
    send(fromClient, "to the server", 7);
    send(fromClient, large, 8);
    CHECK(atServer->wait(2) == std::vector<std::string>{"to the server", large});
    CHECK(atServer->last()->getChannel() == 8);
    CHECK(atServer->last()->getError() == 3);
    send(fromServer, "to the client", 9);
    CHECK(atClient->wait(1)[0] == "to the client");
    CHECK(client->isConnected());
    CHECK(client->getStateText().find("connected to 127.0.0.1") == 0);
    CHECK(client->getStats().frames_in == 1);
    CHECK(server->getStats().bytes_in == 13 + large.size());
    CHECK(server->getFrameCount() == 1);

    client->stop();
    client->stop();
    CHECK(!client->isConnected());
    send(fromClient, "lost", 0);
    CHECK(client->getStats().dropped_out == 1);
    server->stop();
}

TEST_CASE("connected masters keep an end of the bridge, also one of the base class") {
    auto source = ris::Master::create();
    auto atServer = std::make_shared<Receiver>();
    uint16_t port = 0;
    {
        auto server = ris::TcpServer::create("127.0.0.1", 0);
        *server >> atServer;
        port = server->getPort();
        *source >> ris::TcpCore::create("127.0.0.1", port, false);
        send(source, "still there", 1);
        CHECK(atServer->wait(1)[0] == "still there");
    }
    source->stop();
}

TEST_CASE("a stop releases a sender that waits for a peer") {
    auto server = ris::TcpServer::create("127.0.0.1", 0);
    auto source = ris::Master::create();
    *source >> server;
    std::thread sender([&] { send(source, "nobody", 0); });
    server->stop();
    sender.join();
    CHECK(server->getStats().dropped_out == 1);
}

TEST_CASE("a port that is taken and an address that is none are errors in Rogue's words") {
    auto server = ris::TcpServer::create("127.0.0.1", 0);
    std::string text;
    try {
        ris::TcpServer::create("127.0.0.1", server->getPort());
    } catch (const rogue::GeneralError &error) {
        text = error.what();
    }
    CHECK(text.find("stream::TcpCore::TcpCore: General Error: Failed to bind server to port") == 0);
    text.clear();
    try {
        ris::TcpClient::create("*", 9000);
    } catch (const rogue::GeneralError &error) {
        text = error.what();
    }
    CHECK(text.find("Failed to connect to remote port 9000 at address *") != std::string::npos);
}
