// Data files: a source of frames is recorded, through a queue so that it does not wait for the disk,
// in a series of files of at most 256 KiB. Then the files are read, and every frame is checked.
//
// Takes a path for the files or, without one, removes them in the end. Ends with 0 if all went as
// expected.

#include "rogue/GeneralError.h"
#include "rogue/interfaces/stream/Fifo.h"
#include "rogue/utilities/Prbs.h"
#include "rogue/utilities/fileio/StreamReader.h"
#include "rogue/utilities/fileio/StreamWriter.h"

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace ris = rogue::interfaces::stream;
namespace ruf = rogue::utilities::fileio;

static const uint32_t FRAMES = 200;
static const uint32_t FRAME_BYTES = 4096;
static const uint64_t TIMEOUT_US = 60 * 1000 * 1000;

static void record(const std::string &path) {
    auto source = std::make_shared<rogue::utilities::Prbs>();
    auto queue = ris::Fifo::create(0, 0, true);
    auto writer = ruf::StreamWriter::create();
    writer->setBufferSize(64 * 1024);
    writer->setMaxSize(256 * 1024);
    writer->open(path);
    *(*source >> queue) >> writer->getChannel(1);

    for (uint32_t frame = 0; frame < FRAMES; ++frame)
        source->genFrame(FRAME_BYTES);
    // The queue delivers from a thread of its own.
    if (!writer->waitFrameCount(FRAMES, TIMEOUT_US))
        throw rogue::GeneralError("record", "The frames do not arrive");
    // Throws if anything could not be written, a full disk for example.
    writer->close();
    std::printf("recorded %u frames, %llu bytes in %llu files\n", writer->getFrameCount(),
                static_cast<unsigned long long>(writer->getTotalSize()),
                static_cast<unsigned long long>(writer->getStats().files));
}

static bool check(const std::string &path) {
    auto reader = ruf::StreamReader::create();
    auto checker = std::make_shared<rogue::utilities::Prbs>();
    *reader >> checker;
    reader->open(path + ".1"); // and .2, .3 ...
    reader->closeWait();
    std::printf("read %u good frames, %u bad ones %s\n", checker->getRxCount(),
                checker->getRxErrors(), reader->getError().c_str());
    return checker->getRxCount() == FRAMES && checker->getRxErrors() == 0;
}

int main(int argc, char **argv) {
    std::string folder = "/tmp/record-" + std::string(6, 'X');
    if (argc < 2 && mkdtemp(&folder[0]) == nullptr) {
        std::perror(folder.c_str());
        return 1;
    }
    const std::string path = argc < 2 ? folder + "/data" : argv[1];
    bool good = false;
    try {
        record(path);
        good = check(path);
    } catch (const rogue::GeneralError &error) {
        std::fprintf(stderr, "%s\n", error.what());
    }
    if (argc < 2) {
        for (int part = 1; std::remove((path + "." + std::to_string(part)).c_str()) == 0;)
            ++part;
        std::remove(folder.c_str());
    }
    return good ? 0 : 1;
}
