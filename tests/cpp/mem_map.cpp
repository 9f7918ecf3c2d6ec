// A memory map of an ordinary file.

#include "support.h"

#include "rogue/GeneralError.h"
#include "rogue/hardware/MemMap.h"

#include <cstdio>
#include <fstream>
#include <iterator>
#include <unistd.h>

namespace rh = rogue::hardware;

namespace {

/** A file of zeros, removed at the end. */
struct File {
    explicit File(std::size_t size) : path("/tmp/rogue-mem-cpp-" + std::to_string(::getpid())) {
        std::ofstream(path, std::ios::binary) << std::string(size, '\0');
    }
    ~File() { std::remove(path.c_str()); }

    std::vector<uint8_t> content() const {
        std::ifstream file(path, std::ios::binary);
        return std::vector<uint8_t>(std::istreambuf_iterator<char>(file), {});
    }

    std::string path;
};

} // namespace

TEST_CASE("words of a file are registers") {
    const File file(4096);
    for (uint32_t width : {4u, 8u}) {
        auto map = rh::MemMap::create(0, 4096, file.path, width);
        auto master = rim::Master::create();
        *master >> map;
        CHECK(master->reqMinAccess() == width);
        std::vector<uint8_t> bytes = {1, 2, 3, 4, 5, 6, 7, static_cast<uint8_t>(width)};
        CHECK(request(*master, 0x40, bytes, rim::Write) == "");
        std::vector<uint8_t> read(8);
        CHECK(request(*master, 0x40, read, rim::Read) == "");
        CHECK(read == bytes);
        const std::vector<uint8_t> content = file.content();
        CHECK(std::equal(bytes.begin(), bytes.end(), content.begin() + 0x40));
        CHECK(request(*master, 4096, read, rim::Read).find("is out of bounds") !=
              std::string::npos);
        map->stop();
        CHECK(request(*master, 0, read, rim::Read).find("was stopped") != std::string::npos);
    }
}

TEST_CASE("what cannot be mapped says why") {
    CHECK(std::string(MAP_DEVICE) == "/dev/mem");
    CHECK_THROWS_AS(rh::MemMap::create(0, 0), rogue::GeneralError);
    try {
        rh::MemMap::create(0, 4096, "/no/such/device");
        FAIL("it was mapped");
    } catch (rogue::GeneralError &error) {
        CHECK(std::string(error.what()).find("Failed to open device file: /no/such/device") !=
              std::string::npos);
    }
}
