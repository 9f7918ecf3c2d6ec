// Every recorded sequence of operations on a block, and of calls of a variable.

#include "registers.h"

namespace {

/** What happens behind and around a block, in order. */
typedef std::vector<json> Events;

const char *nameOf(uint32_t type) {
    static const char *const names[] = {"", "Read", "Write", "Post", "Verify"};
    return names[type];
}

uint32_t typeOf(const std::string &name) {
    uint32_t type = rim::Read;
    while (name != nameOf(type)) {
        ++type;
    }
    return type;
}

/** A memory with faults for its next transactions. */
class FaultyMemory : public rim::Slave {
public:
    FaultyMemory(const json &row, Events &events)
        : rim::Slave(row["min_access"], 0xFFFFFFFF), memory(fromHex(row["memory"])),
          base_(row["block_offset"]), events_(events) {}

    void doTransaction(rim::TransactionPtr t) override {
        json fault;
        if (!faults.empty()) {
            fault = faults.front();
            faults.erase(faults.begin());
        }
        const std::string kind = fault.is_array() ? fault[0].get<std::string>() : "";
        const bool fails = kind == "error" || kind == "drop";
        const bool isWrite = t->type() == rim::Write || t->type() == rim::Post;
        json shown;
        {
            auto lock = t->lock();
            const auto at = memory.begin() + static_cast<std::ptrdiff_t>(t->address() - base_);
            if (isWrite && !fails && kind != "ignore") {
                std::copy(t->begin(), t->end(), at);
            } else if (!isWrite && !fails) {
                std::copy(at, at + t->size(), t->begin());
                if (kind == "corrupt") {
                    t->begin()[fault[1].get<size_t>()] ^= fault[2].get<uint8_t>();
                }
            }
            if (isWrite || !fails) {
                shown = hex(std::vector<uint8_t>(t->begin(), t->end()));
            }
        }
        json event = {"transaction", nameOf(t->type()), t->address(), t->size(), shown};
        if (!kind.empty()) {
            event.push_back(kind);
        }
        events_.push_back(event);
        if (kind == "error") {
            t->errorStr(fault[1]);
        } else if (kind != "drop") {
            t->done();
        }
    }

    std::vector<uint8_t> memory;
    std::vector<json> faults;

private:
    uint64_t base_;
    Events &events_;
};

/** A variable that notes its updates. */
class NotingVariable : public rim::Variable {
public:
    template <typename... Arguments>
    explicit NotingVariable(Events &events, Arguments &&...arguments)
        : rim::Variable(std::forward<Arguments>(arguments)...), events_(events) {}

    void queueUpdate() override { events_.push_back({"queue_update", name()}); }

private:
    Events &events_;
};

/** A text with the id of a transaction replaced as in the recorded lines. */
std::string withoutId(std::string text) {
    const std::string before = "register transaction ";
    const size_t at = text.find(before);
    if (at != std::string::npos) {
        const size_t start = at + before.size();
        const size_t end = text.find_first_not_of("0123456789", start);
        text.replace(start, end - start, "<id>");
    }
    return text;
}

/** A block over a memory, with all that happens to it. */
class Rig {
public:
    explicit Rig(const json &row)
        : block(rim::Block::create(row["block_offset"], row["block_size"])),
          slave(std::make_shared<FaultyMemory>(row, events)) {
        block->setSlave(slave);
        // What waits for an answer that never comes waits for this time.
        const bool drops = row.dump().find("\"drop\"") != std::string::npos;
        block->setTimeout(drops ? SHORT_TIMEOUT_US : LONG_TIMEOUT_US);
        for (const json &described : row["variables"]) {
            variables.push_back(makeVariable<NotingVariable>(described, false, events));
            const json shift = member(described, "shift");
            if (shift.is_array()) {
                variables.back()->shiftOffsetDown(shift[0], shift[1]);
            }
        }
        block->addVariables(variables);
        block->setEnable(row.value("enabled", true));
    }

    rim::Variable *variable(const json &name) const {
        for (const rim::VariablePtr &one : variables) {
            if (one->name() == name) {
                return one.get();
            }
        }
        return nullptr;
    }

    /** The result of a step, null for none. */
    json carryOut(const json &step) {
        const std::string op = step["op"];
        const int32_t index = step.value("index", -1);
        rim::Variable *const named = variable(member(step, "variable"));
        if (op == "set") {
            stage(*block, *named, step["value"], index);
        } else if (op == "get") {
            return staged(*block, *named, index);
        } else if (op == "start") {
            block->startTransaction(typeOf(step["type"]), step.value("force_write", false),
                                    step.value("check", false), named, index);
        } else if (op == "check") {
            block->checkTransaction();
        } else if (op == "enable") {
            block->setEnable(step["value"]);
        } else if (op == "get_error") {
            return block->getError();
        } else if (op == "faults") {
            slave->faults = step["next_transactions"].get<std::vector<json>>();
        } else if (op == "poke") {
            const std::vector<uint8_t> data = fromHex(step["data"]);
            std::copy(data.begin(), data.end(),
                      slave->memory.begin() + step["offset"].get<std::ptrdiff_t>());
        } else {
            REQUIRE(op == "memory");
            return hex(slave->memory);
        }
        return nullptr;
    }

    /** Compares what a step does with what its line says. */
    void judge(const json &step, const char *result, const std::function<json()> &act) {
        CAPTURE(step);
        events.clear();
        json found;
        json message = messageOf([&] { found = act(); });
        if (message.is_string()) {
            message = withoutId(message);
        }
        CHECK(message == member(step, "text"));
        CHECK(found == member(step, result));
        json expected = member(step, "events");
        CHECK(json(events) == (expected.is_null() ? json::array() : expected));
    }

    Events events;
    rim::BlockPtr block;
    std::shared_ptr<FaultyMemory> slave;
    std::vector<rim::VariablePtr> variables;
};

/** A call of an accessor, as a recorded line words it. */
class Call {
public:
    Call(const json &step, const rim::Variable &variable) {
        std::string call = step["call"];
        if (call.find("next") == 0) {
            faults.push_back({"error", "bus fault"});
        } else if (call.find("second") == 0) {
            faults = {nullptr, {"corrupt", 0, 255}};
        }
        const size_t colon = call.rfind(": ");
        call = colon == std::string::npos ? call : call.substr(colon + 2);
        name = call.substr(0, call.find('('));
        std::vector<std::string> arguments;
        std::string listed =
            call.find('(') == std::string::npos ? "" : call.substr(name.size() + 1);
        listed = listed.substr(0, listed.find(')'));
        for (size_t end; !listed.empty(); listed = end == listed.size() ? "" : listed.substr(end)) {
            end = std::min(listed.find(", "), listed.size());
            arguments.push_back(listed.substr(0, end));
            end = std::min(end + 2, listed.size());
        }
        if (!arguments.empty()) {
            first = arguments[0];
        }
        const bool hasValue = name.find("set") == 0 || name == "getValue";
        const int32_t own = variable.numValues() > 0 ? 2 : -1;
        // Calls in words have the element of their test.
        index = call == "setUInt(90)" || call == "getUInt()" ? -1 : own;
        const size_t position = hasValue ? 1 : 0;
        if (arguments.size() > position && arguments[position] != "index" &&
            name != "getDumpValue") {
            index = std::stoi(arguments[position]);
        }
    }

    json run(rim::Variable &variable) const {
        uint64_t value = 0;
        if (name == "setUInt") {
            variable.setUInt(std::stoull(first), index);
        } else if (name == "setValue") {
            variable.setValue(uint64_t{std::stoull(first)}, index);
        } else if (name == "setInt") {
            variable.setInt(std::stoll(first), index);
        } else if (name == "getUInt") {
            return variable.getUInt(index);
        } else if (name == "getValue") {
            variable.getValue(value, index);
            return value;
        } else if (name == "read") {
            variable.read();
        } else {
            REQUIRE(name == "getDumpValue");
            return variable.getDumpValue(first == "true");
        }
        return nullptr;
    }

    std::vector<json> faults;

private:
    std::string name;
    std::string first;
    int32_t index;
};

} // namespace

TEST_CASE("d86_every_recorded_sequence_is_carried_out_without_its_defects") {
    const unsigned count = forEachLine("block_transactions", "trace", 12, [](const json &row) {
        Rig rig(row);
        CHECK(rig.block->mode() == row["block_mode"]);
        for (const json &step : row["steps"]) {
            const char *result = step["op"] == "memory" ? "data" : "value";
            const bool hasResult =
                step["op"] == "get" || step["op"] == "get_error" || step["op"] == "memory";
            rig.judge(step, hasResult ? result : "none", [&] { return rig.carryOut(step); });
        }
    });
    CHECK(count == 334);
}

TEST_CASE("d56_every_recorded_call_of_an_accessor_does_what_it_should") {
    const unsigned count = forEachLine("block_transactions", "cpp_trace", 4, [](const json &row) {
        Rig rig(row);
        for (const json &step : row["steps"]) {
            const Call call(step, *rig.variables[0]);
            rig.slave->faults = call.faults;
            rig.judge(step, "result", [&] { return call.run(*rig.variables[0]); });
            rig.slave->faults.clear();
        }
    });
    CHECK(count == 20);
}
