// Rogue's documented C++ client of the memory TCP bridge, verbatim, with the master class that the
// documentation leaves to the reader. It is compiled and linked, but not run, because it connects
// to a fixed address.
#include "rogue/interfaces/memory/Master.h"

#include <memory>

class MyMemMaster : public rogue::interfaces::memory::Master {
public:
    static std::shared_ptr<MyMemMaster> create() { return std::make_shared<MyMemMaster>(); }
};

#include "client.inc"
