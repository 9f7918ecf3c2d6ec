// A custom Hub that translates addresses: a device with 64 pages of registers shows one page at a
// time, at 0x100, selected by the page register at 0x0. The hub makes one flat address space
// of it.
//
// Takes no arguments, and ends with 0 if all went as expected.

#include "rogue/interfaces/memory/Hub.h"
#include "rogue/interfaces/memory/Constants.h"
#include "rogue/interfaces/memory/Master.h"
#include "rogue/interfaces/memory/Slave.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace rim = rogue::interfaces::memory;

// The device.
class PagedDevice : public rim::Slave {
public:
    PagedDevice() : rim::Slave(4, PAGE_BYTES) {}

    static const uint32_t PAGE_BYTES = 0x100;
    static const uint32_t PAGES = 64;
    static const uint64_t PAGE_REGISTER = 0x0;
    static const uint64_t WINDOW = 0x100;

    void doTransaction(rim::TransactionPtr tran) override {
        auto lock = tran->lock();
        uint8_t *registers = find(tran->address(), tran->size());
        if (registers == nullptr) {
            tran->error("No register at 0x%llx", static_cast<unsigned long long>(tran->address()));
        } else if (tran->type() == rim::Write || tran->type() == rim::Post) {
            std::copy(tran->begin(), tran->end(), registers);
            tran->done();
        } else {
            std::copy(registers, registers + tran->size(), tran->begin());
            tran->done();
        }
    }

private:
    uint8_t *find(uint64_t address, uint32_t size) {
        if (address == PAGE_REGISTER && size == sizeof(page_)) {
            return page_;
        }
        const bool inWindow =
            address >= WINDOW && size <= PAGE_BYTES && address - WINDOW <= PAGE_BYTES - size;
        return inWindow && page_[0] < PAGES ? pages_[page_[0]] + (address - WINDOW) : nullptr;
    }

    uint8_t page_[4] = {};
    uint8_t pages_[PAGES][PAGE_BYTES] = {};
};

class MyHub : public rim::Hub {
public:
    static std::shared_ptr<MyHub> create(uint64_t offset) {
        return std::make_shared<MyHub>(offset);
    }

    // With limits of its own it is the root of an address space: no access exceeds a page.
    explicit MyHub(uint64_t offset) : rim::Hub(offset, 4, PagedDevice::PAGE_BYTES) {}

    // The address is relative to this hub.
    void doTransaction(rim::TransactionPtr tran) override {
        const uint64_t page = tran->address() / PagedDevice::PAGE_BYTES;
        const uint64_t within = tran->address() % PagedDevice::PAGE_BYTES;
        if (page >= PagedDevice::PAGES || within + tran->size() > PagedDevice::PAGE_BYTES) {
            tran->error("Page %llu ends before the access does",
                        static_cast<unsigned long long>(page));
            return;
        }
        // Page register and window need exclusive use: one access at a time.
        std::lock_guard<std::mutex> guard(mutex_);
        uint32_t selector = static_cast<uint32_t>(page);
        std::string error = access(PagedDevice::PAGE_REGISTER, &selector, 4, rim::Write);
        auto lock = tran->lock();
        if (error.empty() && !tran->expired()) {
            error = access(PagedDevice::WINDOW + within, tran->begin(), tran->size(), tran->type());
        }
        if (error.empty()) {
            tran->done();
        } else {
            tran->error(error);
        }
    }

private:
    // A request of the hub itself. Its offset is not added automatically.
    std::string access(uint64_t address, void *data, uint32_t size, uint32_t type) {
        std::string error;
        waitTransaction(reqTransaction(getOffset() + address, size, data, type), error);
        return error;
    }

    std::mutex mutex_;
};

int main() {
    auto master = rim::Master::create();
    auto hub = MyHub::create(0);
    auto device = std::make_shared<PagedDevice>();
    *(*master >> hub) >> device;

    // One register in each page.
    std::vector<uint32_t> written(PagedDevice::PAGES), read(PagedDevice::PAGES);
    const auto address = [](uint32_t page) { return uint64_t{page} * 0x100 + 4 * (page % 64); };
    for (uint32_t page = 0; page < written.size(); ++page) {
        written[page] = 0xA0000000u + page;
        master->reqTransaction(address(page), 4, &written[page], rim::Write);
    }
    master->waitTransaction(0);
    for (uint32_t page = 0; page < read.size(); ++page) {
        master->reqTransaction(address(page), 4, &read[page], rim::Read);
    }
    master->waitTransaction(0);
    std::printf("%u pages, %s %s\n", static_cast<unsigned>(written.size()),
                read == written ? "all registers hold what was written" : "differences!",
                master->getError().c_str());
    if (read != written || !master->getError().empty()) {
        return 1;
    }

    uint32_t value = 0;
    master->waitTransaction(master->reqTransaction(64 * 0x100, 4, &value, rim::Read));
    std::printf("outside: %s\n", master->getError().c_str());
    return master->getError() == "Page 64 ends before the access does" ? 0 : 1;
}
