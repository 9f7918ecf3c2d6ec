// Geometry of typed registers: parts, lists, coverage, overlaps, and the addition of variables.

#include "registers.h"

#include "rogue/interfaces/memory/Hub.h"

namespace {

/** Where a read with an index begins in the block, and how many octets it covers. */
json readRange(const std::vector<uint8_t> &image, const rim::VariablePtr &variable, int32_t index) {
    Bench bench(image, {variable});
    auto slave = MemorySlave::create(1, 0xFFFFFFFF);
    bench.block->setSlave(slave);
    bench.block->setEnable(true);
    bench.block->startTransaction(rim::Read, false, true, variable.get(), index);
    const Seen seen = slave->takeSeen().at(0);
    return {seen.address - 0x100, seen.size};
}

json names(rim::Block &block) {
    json names = json::array();
    for (const rim::VariablePtr &variable : block.variables()) {
        names.push_back(variable->name());
    }
    return names;
}

/** The text of a refusal, where one list is told from another. */
json withArray(json text) {
    if (text.is_string()) {
        std::string changed = text;
        const size_t at = changed.find("passed list");
        text = at == std::string::npos ? changed : changed.replace(at, 11, "passed array");
    }
    return text;
}

} // namespace

TEST_CASE("d62_every_recorded_geometry_places_its_values") {
    const unsigned count = forEachLine("block_geometry", "geometry", 10, [](const json &row) {
        auto variable = makeVariable(row["variable"], true);
        if (row.find("shift") != row.end()) {
            variable->shiftOffsetDown(row["shift"][0], row["shift"][1]);
            CHECK(variable->offset() == row["offset_after"]);
        }
        CHECK(variable->varBytes() == row["var_bytes"]);
        CHECK(variable->valueBits() == row["value_bits"]);
        CHECK(variable->valueStride() == row["value_stride"]);
        CHECK(variable->numValues() == row["num_values"]);
        const std::vector<uint8_t> image = fromHex(row["image"]);
        {
            Bench bench(image, {variable});
            for (const json &step : row["steps"]) {
                CAPTURE(step);
                const int32_t index = step["index"];
                const json message =
                    messageOf([&] { stage(*bench.block, *variable, step["set"], index); });
                CHECK(message == withArray(member(step, "text")));
                CHECK(hex(bench.image()) == step["staged"]);
                if (message.is_null()) {
                    CHECK(staged(*bench.block, *variable, index) == step["get"]);
                }
            }
        }
        for (const json &range : member(row, "read_ranges")) {
            CHECK(readRange(image, variable, range[0]) == json({range[1], range[2]}));
        }
    });
    CHECK(count == 212);
}

TEST_CASE("every recorded shift moves the variable") {
    const unsigned count = forEachLine("block_geometry", "shift", 4, [](const json &row) {
        auto variable = makeVariable(row, true);
        const json before = member(row, "before");
        if (before.is_object() && before.find("var_bytes") != before.end()) {
            CHECK(variable->varBytes() == before["var_bytes"]);
        }
        variable->shiftOffsetDown(row["shift"][0], row["shift"][1]);
        CHECK(variable->varBytes() == row["var_bytes"]);
        CHECK(variable->offset() == row["offset_after"]);
        const std::vector<uint8_t> image(row["block_size"].get<size_t>());
        for (const json &range : member(row, "read_ranges")) {
            CHECK(readRange(image, variable, range[0]) == json({range[1], range[2]}));
        }
        if (row.find("read_range") != row.end()) {
            CHECK(readRange(image, variable, -1) == row["read_range"]);
        }
        if (row.find("var_bytes_after_shift_0_1") != row.end()) {
            variable->shiftOffsetDown(0, 1);
            CHECK(variable->varBytes() == row["var_bytes_after_shift_0_1"]);
            CHECK(readRange(image, variable, -1) == row["read_range_after_shift_0_1"]);
        }
    });
    CHECK(count == 28);
}

TEST_CASE("d64_every_recorded_list_of_variables_is_accepted_or_refused_as_a_whole") {
    const unsigned count = forEachLine("block_geometry", "add_variables", 4, [](const json &row) {
        auto block = rim::Block::create(row["block_offset"], row["block_size"]);
        std::vector<rim::VariablePtr> variables;
        for (const json &variable : row["variables"]) {
            variables.push_back(makeVariable(variable, false));
        }
        const json message = messageOf([&] { block->addVariables(variables); });
        CHECK(message == member(row, "text"));
        CHECK(block->path() == row["path"]);
        CHECK(block->mode() == row["mode"]);
        CHECK(block->bulkOpEn() == row["bulk_op_en"]);
        CHECK(names(*block) == row["variables_after"]);
        if (message.is_null()) {
            CHECK(block->variables() == variables);
        }
    });
    CHECK(count == 49);
}

TEST_CASE("d73_positions_are_exact_up_to_the_largest") {
    const unsigned count = forEachLine("block_geometry", "large_position", 1, [](json row) {
        if (row.value("num_values", 0u) > 0) {
            row["value_bits"] = row["value_bits_in"];
            row["value_stride"] = row["value_stride_in"];
            row["bit_size"] = {row["num_values"].get<uint64_t>() *
                               row["value_stride"].get<uint64_t>()};
        }
        CHECK(makeVariable(row, false)->varBytes() == row["var_bytes"]);
    });
    CHECK(count == 10);
}

TEST_CASE("fields of one block leave each other alone") {
    const unsigned count = forEachLine("block_geometry", "fields", 4, [](const json &row) {
        std::map<std::string, rim::VariablePtr> named;
        std::vector<rim::VariablePtr> variables;
        for (const json &variable : row["variables"]) {
            variables.push_back(makeVariable(variable, true));
            named[variable["name"]] = variables.back();
        }
        Bench bench(fromHex(row["image"]), variables);
        for (const json &step : row["steps"]) {
            stage(*bench.block, *named.at(step["variable"]), step["set"], -1);
            CHECK(hex(bench.image()) == step["staged"]);
        }
        for (auto expected = row["get"].begin(); expected != row["get"].end(); ++expected) {
            CHECK(staged(*bench.block, *named.at(expected.key()), -1) == expected.value());
        }
    });
    CHECK(count == 25);
}

TEST_CASE("a block tells its properties and its address behind hubs") {
    forEachLine("block_geometry", "block_properties", 1, [](const json &row) {
        auto block = rim::Block::create(row["offset"], row["size"]);
        if (row.find("path") != row.end()) {
            CHECK(block->path() == row["path"]);
            CHECK(block->mode() == row["mode"]);
            CHECK_FALSE(block->bulkOpEn());
            CHECK(block->variables().empty());
        } else {
            block->setSlave(rim::Hub::create(0x1000, 0, 0));
        }
        CHECK(block->offset() == row["offset"]);
        CHECK(block->size() == row["size"]);
        CHECK(block->address() == row["address"]);
        CHECK_FALSE(block->blockPyTrans());
    });
    forEachLine("block_geometry", "address_text", 1, [](const json &row) {
        auto block = rim::Block::create(row["block_offset"], 8);
        auto hub = rim::Hub::create(row["hub_offset"], 0, 0);
        *(*block >> hub) >> FunctionSlave::create([](rim::TransactionPtr t) { t->error("x"); });
        auto v = field("v", rim::UInt, 0, 8);
        auto w = field("w", rim::UInt, 0, 8);
        CHECK(messageOf([&] { block->addVariables({v, w}); }) == row["overlap_text"]);
        block->addVariables({v});
        block->setEnable(true);
        CHECK(messageOf([&] { block->startTransaction(rim::Read, false, true, nullptr); }) ==
              row["read_text"]);
        CHECK(block->address() == row["address"]);
    });
}
