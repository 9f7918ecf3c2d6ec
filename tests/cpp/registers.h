// Blocks and variables as the recorded lines of tests/vectors/block_*.jsonl describe them.
#ifndef ROGUE_TEST_REGISTERS_H
#define ROGUE_TEST_REGISTERS_H

#include "support.h"

#include "rogue/interfaces/memory/Block.h"
#include "rogue/interfaces/memory/Constants.h"
#include "rogue/interfaces/memory/Variable.h"

#include <nlohmann/json.hpp>

#include <cmath>
#include <fstream>

#ifndef ROGUE_MEM_TEST_VECTORS
#define ROGUE_MEM_TEST_VECTORS "tests/vectors"
#endif

using nlohmann::json;

/** A list of octets as hexadecimal digits. */
inline std::string hex(const std::vector<uint8_t> &data) {
    static const char digits[] = "0123456789abcdef";
    std::string text;
    for (uint8_t octet : data) {
        text += digits[octet >> 4];
        text += digits[octet & 15];
    }
    return text;
}

inline std::vector<uint8_t> fromHex(const std::string &text) {
    std::vector<uint8_t> data;
    for (size_t at = 0; at + 1 < text.size(); at += 2) {
        data.push_back(static_cast<uint8_t>(std::stoul(text.substr(at, 2), nullptr, 16)));
    }
    return data;
}

/** Replaces what block_better.jsonl says of a line: a step by its index, all else by its name. */
inline void improve(json &row, json better) {
    const json steps = better.value("steps", json::object());
    for (const char *name : {"file", "line", "steps"}) {
        better.erase(name);
    }
    row.merge_patch(better);
    for (auto step = steps.begin(); step != steps.end(); ++step) {
        row["steps"][std::stoul(step.key())].merge_patch(step.value());
    }
}

/**
 * Calls `judge` with each line of a file that has this kind: the recorded one, or what holds in its
 * place. Returns their number. Under the memory checker one of `thinning` lines is taken.
 */
inline unsigned forEachLine(const std::string &file, const std::string &kind, unsigned thinning,
                            const std::function<void(const json &)> &judge) {
    const std::string folder = ROGUE_MEM_TEST_VECTORS;
    std::map<std::string, std::string> improved;
    std::ifstream better(folder + "/block_better.jsonl");
    for (std::string line; std::getline(better, line);) {
        const size_t at = line.find("\"file\":\"" + file + "\",\"line\":");
        if (at != std::string::npos) {
            const size_t number = line.find("\"line\":", at) + 7;
            improved[line.substr(number, line.find_first_of(",}", number) - number)] = line;
        }
    }
    std::ifstream lines(folder + "/" + file + ".jsonl");
    REQUIRE_MESSAGE(lines, "no vectors in " << folder);
    unsigned count = 0;
    unsigned number = 0;
    for (std::string line; std::getline(lines, line);) {
        ++number;
        if (line.find("\"kind\":\"" + kind + "\"") == std::string::npos) {
            continue;
        }
        ++count;
        if (underMemcheck() && count % thinning != 0) {
            continue;
        }
        CAPTURE(line);
        json row = json::parse(line);
        const auto found = improved.find(std::to_string(number));
        if (found != improved.end()) {
            improve(row, json::parse(found->second));
        }
        judge(row);
    }
    return count;
}

/** The number of a model. */
inline uint32_t modelOf(const std::string &name) {
    static const std::map<std::string, uint32_t> models = {
        {"PyFunc", rim::PyFunc},     {"Bytes", rim::Bytes},
        {"UInt", rim::UInt},         {"Int", rim::Int},
        {"Bool", rim::Bool},         {"String", rim::String},
        {"Float", rim::Float},       {"Double", rim::Double},
        {"Fixed", rim::Fixed},       {"UFixed", rim::UFixed},
        {"Float16", rim::Float16},   {"Float8", rim::Float8},
        {"BFloat16", rim::BFloat16}, {"TensorFloat32", rim::TensorFloat32},
        {"Float6", rim::Float6},     {"Float4", rim::Float4},
        {"Custom", rim::Custom},
    };
    return models.at(name);
}

/** A member that is a number; 0 if it is none. Floating point values have bits of the same name. */
inline uint32_t number(const json &row, const char *name) {
    const auto found = row.find(name);
    return found != row.end() && found->is_number() ? found->get<uint32_t>() : 0;
}

/** A member that is a number or a list of them. */
inline std::vector<uint32_t> numbers(const json &row, const char *name) {
    const json value = row.value(name, json(0));
    return value.is_array() ? value.get<std::vector<uint32_t>>()
                            : std::vector<uint32_t>{value.get<uint32_t>()};
}

/** The variable of class V that a line describes. `arguments` go before those of Variable. */
template <typename V = rim::Variable, typename... Arguments>
std::shared_ptr<V> makeVariable(const json &row, bool overlaps, Arguments &&...arguments) {
    return std::make_shared<V>(
        std::forward<Arguments>(arguments)..., row.value("name", "v"), row.value("mode", "RW"),
        row.value("min", 0.0), row.value("max", 0.0), row.value("offset", uint64_t{0}),
        numbers(row, "bit_offset"), numbers(row, "bit_size"),
        overlaps || row.value("overlap_en", false), row.value("verify", true),
        row.value("bulk_op_en", true), row.value("update_notify", false),
        modelOf(row.value("model", "UInt")), row.value("byte_reverse", false), false,
        number(row, "bin_point"), number(row, "num_values"), number(row, "value_bits"),
        number(row, "value_stride"), number(row, "retry_count"));
}

/** A variable with a name, a model, and bits, and all else as it mostly is. */
inline rim::VariablePtr field(const std::string &name, uint32_t model, uint32_t bitOffset,
                              uint32_t bitSize, const json &other = json::object()) {
    json row = {{"name", name}, {"bit_offset", {bitOffset}}, {"bit_size", {bitSize}}};
    row.update(other);
    rim::VariablePtr made;
    for (const auto &known :
         {"PyFunc", "Bytes", "UInt", "Int", "Bool", "String", "Float", "Double", "Fixed", "UFixed",
          "Float16", "Float8", "BFloat16", "TensorFloat32", "Float6", "Float4", "Custom"}) {
        if (modelOf(known) == model) {
            row["model"] = known;
        }
    }
    return makeVariable(row, false);
}

/** A list of `count` elements of `bits` bits, one each `stride` bits; otherwise as field(). */
inline rim::VariablePtr list(const std::string &name, uint32_t model, uint32_t count, uint32_t bits,
                             uint32_t stride, json other = json::object()) {
    other["num_values"] = count;
    other["value_bits"] = bits;
    other["value_stride"] = stride;
    return field(name, model, 0, count * stride, other);
}

/** A block whose octets a test sees and sets beside its variables. */
class Bench {
public:
    Bench(const std::vector<uint8_t> &image, std::vector<rim::VariablePtr> variables)
        : block(rim::Block::create(0x100, static_cast<uint32_t>(image.size()))) {
        // Only read, so that the octets do not count as staged.
        const json whole = {{"mode", "RO"}, {"overlap_en", true}};
        all_ = field("all", rim::Bytes, 0, static_cast<uint32_t>(image.size() * 8), whole);
        variables.push_back(all_);
        block->addVariables(variables);
        block->setByteArray(image.data(), all_.get(), -1);
    }

    std::vector<uint8_t> image() const {
        std::vector<uint8_t> octets(block->size());
        block->getByteArray(octets.data(), all_.get(), -1);
        return octets;
    }

    rim::BlockPtr block;

private:
    rim::VariablePtr all_;
};

template <typename T>
T numberOf(const json &value) {
    return value.is_boolean() ? static_cast<T>(value.get<bool>()) : value.get<T>();
}

template <>
inline bool numberOf<bool>(const json &value) {
    return value.is_boolean() ? value.get<bool>() : value != 0;
}

/** A number as JSON has it. */
template <typename T>
json jsonOf(T value) {
    return value;
}

inline json jsonOf(double value) {
    if (std::isfinite(value)) {
        return value;
    }
    return std::isnan(value) ? "nan" : value > 0 ? "inf" : "-inf";
}

inline json jsonOf(float value) { return jsonOf(static_cast<double>(value)); }

/** Calls `act` with the accessors of a block for the numbers of a variable; false: it has none. */
template <typename Act>
bool withAccessors(const rim::Variable &variable, Act act) {
    typedef rim::Block B;
    if (variable.valueBits() > 64) {
        return false;
    }
    switch (variable.modelId()) {
    case rim::UInt:
        act(&B::setUInt, &B::getUInt);
        return true;
    case rim::Int:
        act(&B::setInt, &B::getInt);
        return true;
    case rim::Bool:
        act(&B::setBool, &B::getBool);
        return true;
    case rim::Float:
        act(&B::setFloat, &B::getFloat);
        return true;
    case rim::Double:
        act(&B::setDouble, &B::getDouble);
        return true;
    case rim::Fixed:
        act(&B::setFixed, &B::getFixed);
        return true;
    case rim::UFixed:
        act(&B::setUFixed, &B::getUFixed);
        return true;
    case rim::Float16:
        act(&B::setFloat16, &B::getFloat16);
        return true;
    case rim::Float8:
        act(&B::setFloat8, &B::getFloat8);
        return true;
    case rim::BFloat16:
        act(&B::setBFloat16, &B::getBFloat16);
        return true;
    case rim::TensorFloat32:
        act(&B::setTensorFloat32, &B::getTensorFloat32);
        return true;
    case rim::Float6:
        act(&B::setFloat6, &B::getFloat6);
        return true;
    case rim::Float4:
        act(&B::setFloat4, &B::getFloat4);
        return true;
    default:
        return false;
    }
}

/** Stages as Python's `_set` does. */
class Staging {
public:
    Staging(rim::Block &block, rim::Variable &variable, const json &value, int32_t index)
        : block_(block), variable_(variable), value_(value), index_(index) {}

    void run() {
        if (withAccessors(variable_, *this)) {
            return;
        }
        const std::string text = value_.get<std::string>();
        if (variable_.modelId() == rim::String) {
            block_.setString(text, &variable_, index_);
        } else {
            block_.setByteArray(fromHex(text).data(), &variable_, index_);
        }
    }

    template <typename T>
    void operator()(void (rim::Block::*set)(const T &, rim::Variable *, int32_t),
                    T (rim::Block::*)(rim::Variable *, int32_t)) {
        std::vector<T> values;
        if (value_.is_array()) {
            for (const json &one : value_) {
                values.push_back(numberOf<T>(one));
            }
        } else if (variable_.numValues() > 0 && index_ == -1) {
            // A value for a list without an index is one for its first element.
            values.push_back(numberOf<T>(value_));
        } else {
            return (block_.*set)(numberOf<T>(value_), &variable_, index_);
        }
        block_.setValues(values, &variable_, index_);
    }

private:
    rim::Block &block_;
    rim::Variable &variable_;
    const json &value_;
    int32_t index_;
};

/** A staged value, as Python's `_get` returns it. */
class Staged {
public:
    Staged(rim::Block &block, rim::Variable &variable, int32_t index)
        : block_(block), variable_(variable), index_(index) {}

    json run() {
        if (withAccessors(variable_, [this](auto, auto get) { (*this)(get); })) {
            return found_;
        }
        if (variable_.modelId() == rim::String) {
            return block_.getString(&variable_, index_);
        }
        std::vector<uint8_t> octets(variable_.valueBytes());
        block_.getByteArray(octets.data(), &variable_, index_);
        return hex(octets);
    }

private:
    template <typename T>
    void operator()(T (rim::Block::*get)(rim::Variable *, int32_t)) {
        if (variable_.numValues() == 0 || index_ >= 0) {
            found_ = jsonOf((block_.*get)(&variable_, index_));
            return;
        }
        found_ = json::array();
        std::vector<T> values;
        block_.getValues(values, &variable_);
        for (const T value : values) {
            found_.push_back(jsonOf(value));
        }
    }

    rim::Block &block_;
    rim::Variable &variable_;
    int32_t index_;
    json found_;
};

inline void stage(rim::Block &block, rim::Variable &variable, const json &value, int32_t index) {
    Staging(block, variable, value, index).run();
}

inline json staged(rim::Block &block, rim::Variable &variable, int32_t index) {
    return Staged(block, variable, index).run();
}

/** The message of the failure of a call; null without one. */
inline json messageOf(const std::function<void()> &call) {
    try {
        call();
    } catch (const rogue::GeneralError &e) {
        return e.what();
    }
    return nullptr;
}

/** A member of a line; null if it is not there. */
inline json member(const json &row, const char *name) {
    const auto found = row.find(name);
    return found == row.end() ? json() : *found;
}

#endif
