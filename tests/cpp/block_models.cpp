// Every recorded conversion of typed registers.

#include "registers.h"

namespace {

template <typename Number, typename Bits>
Number fromBits(const json &row) {
    const Bits bits =
        static_cast<Bits>(std::stoull(row["value_bits"].get<std::string>(), nullptr, 16));
    Number value;
    static_assert(sizeof value == sizeof bits, "");
    std::memcpy(&value, &bits, sizeof value);
    return value;
}

template <typename Number>
std::string bitsOf(Number value) {
    std::vector<uint8_t> octets(sizeof value);
    std::memcpy(octets.data(), &value, sizeof value);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    std::reverse(octets.begin(), octets.end());
#endif
    return hex(octets);
}

void parse(const json &row, uint64_t &value) {
    value = std::stoull(row["value"].get<std::string>());
}
void parse(const json &row, int64_t &value) { value = std::stoll(row["value"].get<std::string>()); }
void parse(const json &row, bool &value) { value = row["value"] != "0"; }
void parse(const json &row, float &value) { value = fromBits<float, uint32_t>(row); }
void parse(const json &row, double &value) { value = fromBits<double, uint64_t>(row); }

template <typename Integer>
bool isValueOf(const json &row, Integer value) {
    return row["value"] == std::to_string(value);
}
bool isValueOf(const json &row, float value) {
    // NaNs of Float8 have no payload.
    return (std::isnan(value) && row["value"] == "nan" && row["model"] == "Float8") ||
           row["value_bits"] == bitsOf(value);
}
bool isValueOf(const json &row, double value) { return row["value_bits"] == bitsOf(value); }

/** Stages the value of a line with the accessor of its model. */
void stageValue(rim::Block &block, rim::Variable &variable, const json &row) {
    const bool isNumber = withAccessors(variable, [&](auto set, auto get) {
        auto value = (block.*get)(&variable, -1);
        parse(row, value);
        (block.*set)(value, &variable, -1);
    });
    if (isNumber) {
        return;
    }
    std::vector<uint8_t> octets = fromHex(row["value_hex"]);
    if (variable.modelId() == rim::String) {
        block.setString(std::string(octets.begin(), octets.end()), &variable, -1);
    } else {
        octets.resize(std::max<size_t>(octets.size(), variable.valueBytes()));
        block.setByteArray(octets.data(), &variable, -1);
    }
}

bool hasValue(rim::Block &block, rim::Variable &variable, const json &row) {
    bool isValue = false;
    const bool isNumber = withAccessors(
        variable, [&](auto, auto get) { isValue = isValueOf(row, (block.*get)(&variable, -1)); });
    if (isNumber) {
        return isValue;
    }
    if (variable.modelId() == rim::String) {
        const std::string text = block.getString(&variable, -1);
        return row["value_hex"] == hex(std::vector<uint8_t>(text.begin(), text.end()));
    }
    return row["value_hex"] == staged(block, variable, -1);
}

/** Whether C++ has accessors for the variable of a line. */
bool isOfCpp(const json &row) { return row["model"] != "PyFunc" && row["model"] != "Custom"; }

} // namespace

TEST_CASE("d69_every_recorded_value_is_staged_or_refused_as_it_should") {
    const unsigned count = forEachLine("block_models", "set", 40, [](const json &row) {
        if (!isOfCpp(row) || row.value("error", "") == "OverflowError") {
            return;
        }
        auto variable = makeVariable(row, true);
        Bench bench(fromHex(row["image"]), {variable});
        const json message = messageOf([&] { stageValue(*bench.block, *variable, row); });
        CHECK(message == member(row, "text"));
        CHECK(hex(bench.image()) == row["staged"]);
    });
    CHECK(count == 3820);
}

TEST_CASE("d67_every_recorded_field_has_its_value") {
    const unsigned count = forEachLine("block_models", "get", 40, [](const json &row) {
        if (!isOfCpp(row)) {
            return;
        }
        auto variable = makeVariable(row, true);
        Bench bench(fromHex(row["image"]), {variable});
        CHECK(hasValue(*bench.block, *variable, row));
    });
    CHECK(count == 2030);
}

TEST_CASE("d79_every_model_has_a_text_form_that_can_be_read") {
    const unsigned count = forEachLine("block_models", "dump", 4, [](const json &row) {
        auto variable = makeVariable(row, true);
        Bench bench(fromHex(row["image"]), {variable});
        CHECK(variable->getDumpValue(false) == row["text"].get<std::string>() + "\n");
    });
    CHECK(count == 38);
}

namespace {

/** Calls the accessor of this name. */
void callAccessor(rim::Variable &v, const std::string &name) {
    uint8_t octets[16] = {};
    uint64_t u = 0;
    int64_t i = 0;
    bool b = false;
    float f = 0;
    double d = 0;
    std::string s;
    const std::map<std::string, std::function<void()>> calls = {
        {"setUInt", [&] { v.setUInt(u); }},
        {"setInt", [&] { v.setInt(i); }},
        {"setBool", [&] { v.setBool(b); }},
        {"setString", [&] { v.setString(s); }},
        {"setByteArray", [&] { v.setByteArray(octets); }},
        {"setFloat", [&] { v.setFloat(f); }},
        {"setDouble", [&] { v.setDouble(d); }},
        {"setFloat16", [&] { v.setFloat16(f); }},
        {"setFloat8", [&] { v.setFloat8(f); }},
        {"setBFloat16", [&] { v.setBFloat16(f); }},
        {"setTensorFloat32", [&] { v.setTensorFloat32(f); }},
        {"setFloat6", [&] { v.setFloat6(f); }},
        {"setFloat4", [&] { v.setFloat4(f); }},
        {"setFixed", [&] { v.setFixed(d); }},
        {"getUInt", [&] { v.getUInt(); }},
        {"getInt", [&] { v.getInt(); }},
        {"getBool", [&] { v.getBool(); }},
        {"getString", [&] { v.getString(); }},
        {"getByteArray", [&] { v.getByteArray(octets); }},
        {"getFloat", [&] { v.getFloat(); }},
        {"getDouble", [&] { v.getDouble(); }},
        {"getFloat16", [&] { v.getFloat16(); }},
        {"getFloat8", [&] { v.getFloat8(); }},
        {"getBFloat16", [&] { v.getBFloat16(); }},
        {"getTensorFloat32", [&] { v.getTensorFloat32(); }},
        {"getFloat6", [&] { v.getFloat6(); }},
        {"getFloat4", [&] { v.getFloat4(); }},
        {"getFixed", [&] { v.getFixed(); }},
        {"getString(std::string&)", [&] { v.getString(s); }},
        {"getValue(std::string&)", [&] { v.getValue(s); }},
    };
    calls.at(name)();
}

void checkAccessors(const json &row) {
    auto variable = makeVariable(row, true);
    Bench bench(std::vector<uint8_t>(16), {variable});
    for (const json &name : row["allowed"]) {
        CHECK(messageOf([&] { callAccessor(*variable, name); }) == nullptr);
    }
    for (auto error = row["errors"].begin(); error != row["errors"].end(); ++error) {
        CHECK(messageOf([&] { callAccessor(*variable, error.key()); }) == error.value());
    }
}

} // namespace

TEST_CASE("every model has its accessors and no other") {
    CHECK(forEachLine("block_models", "accessor_set", 4, checkAccessors) == 21);
    CHECK(forEachLine("block_models", "accessor_get", 4, checkAccessors) == 21);
}
