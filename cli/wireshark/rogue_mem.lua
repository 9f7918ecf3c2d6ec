-- The memory bridge of Rogue and rogue-mem in Wireshark: ZMTP's greeting, READY and frames, and the
-- requests and responses in them.
--
--   wireshark -X lua_script:rogue_mem.lua capture.pcapng
--
-- or in the folder of personal Lua plugins (Help > About > Folders). A TCP connection is taken for
-- one of a bridge by its greeting, whatever its ports. Display filters begin with `rogue_mem.`, for
-- example `rogue_mem.address == 0x1000`, `rogue_mem.error`, `rogue_mem.time > 0.001`.

local rogue_mem = Proto("rogue_mem", "Rogue memory bridge")

local TYPES = {
    [1] = "read",
    [2] = "write",
    [3] = "posted",
    [4] = "verify",
    [0xfffffffe] = "probe",
}
local GREETING_OCTETS = 64
local GREETING_START = 0xff
-- Bits of the flags of a frame, and what they mean.
local MORE, LONG, COMMAND = 1, 2, 4
local HEADER_SIZES = { 4, 8, 4, 4 }
local TIMING_OCTETS = 24
local RESPONSE_PARTS = 6

local fields = {
    version = ProtoField.string("rogue_mem.version", "ZMTP version"),
    mechanism = ProtoField.string("rogue_mem.mechanism", "Mechanism"),
    flags = ProtoField.uint8(
        "rogue_mem.flags", "Flags", base.HEX,
        { [0] = "last part", "more parts", "last part, long", "more parts, long", "command",
          [6] = "command, long" }
    ),
    frame = ProtoField.bytes("rogue_mem.frame", "Frame"),
    command = ProtoField.string("rogue_mem.command", "Command"),
    property = ProtoField.string("rogue_mem.property", "Property"),
    id = ProtoField.uint32("rogue_mem.id", "Id"),
    address = ProtoField.uint64("rogue_mem.address", "Address", base.HEX),
    size = ProtoField.uint32("rogue_mem.size", "Size"),
    type = ProtoField.uint32("rogue_mem.type", "Type", base.HEX, TYPES),
    sent = ProtoField.uint64("rogue_mem.sent", "Sent, on the client's clock in ns"),
    remaining = ProtoField.uint64("rogue_mem.remaining", "Remaining time in ns"),
    timeout = ProtoField.uint64("rogue_mem.timeout", "Timeout in ns"),
    data = ProtoField.bytes("rogue_mem.data", "Data"),
    result = ProtoField.string("rogue_mem.result", "Result"),
    error = ProtoField.string("rogue_mem.error", "Error"),
    request = ProtoField.bool("rogue_mem.request", "Request"),
    response_to = ProtoField.framenum(
        "rogue_mem.response_to", "Request in frame", base.NONE, frametype.REQUEST
    ),
    time = ProtoField.double("rogue_mem.time", "Seconds since the request"),
    sealed = ProtoField.uint64("rogue_mem.sealed", "Octets of a sealed frame"),
}
rogue_mem.fields = fields

local malformed = ProtoExpert.new(
    "rogue_mem.malformed", "Neither a request nor a response", expert.group.MALFORMED,
    expert.severity.WARN
)
rogue_mem.experts = { malformed }

local tcp_stream = Field.new("tcp.stream")

-- Of each TCP connection: by the sender's address and port what it has said in its greeting and its
-- READY. Packets are seen in their order once, and may be asked for in any order later, by when all of
-- this is known.
local streams
-- Requests by what tells them from others, and answers by their frame and id.
local asked, answered

function rogue_mem.init()
    streams, asked, answered = {}, {}, {}
end

local function stream_of()
    local number = tcp_stream().value
    streams[number] = streams[number] or { ends = {} }
    return streams[number]
end

local function end_of(stream, pinfo)
    local key = tostring(pinfo.src) .. " " .. pinfo.src_port
    stream.ends[key] = stream.ends[key] or {}
    return stream.ends[key]
end

-- The flags, the octets of the header and those of the body of the frame at `offset`; nil if the
-- header is incomplete.
local function frame_at(tvb, offset)
    local left = tvb:len() - offset
    if left < 2 then return nil end
    local flags = tvb(offset, 1):uint()
    if bit.band(flags, LONG) == 0 then return flags, 2, tvb(offset + 1, 1):uint() end
    if left < 9 then return nil end
    return flags, 9, tvb(offset + 1, 8):uint64():tonumber()
end

-- The end of the message or command at `offset`, and its frames. Without an end: how many octets
-- are missing, nil if that is not known.
local function message_at(tvb, offset)
    local frames = {}
    local at = offset
    while true do
        local flags, header, body = frame_at(tvb, at)
        if not flags then return nil, nil end
        local missing = at + header + body - tvb:len()
        if missing > 0 then return nil, missing end
        frames[#frames + 1] = { flags = flags, at = at, header = header, body = body }
        at = at + header + body
        local is_command = bit.band(flags, COMMAND) ~= 0
        if is_command or bit.band(flags, MORE) == 0 then return at, frames end
    end
end

-- The text up to the first zero.
local function text_of(range)
    return range:string():match("^[^%z]*")
end

local function dissect_greeting(tvb, offset, tree, sender)
    local range = tvb(offset, GREETING_OCTETS)
    local mechanism = text_of(tvb(offset + 12, 20))
    local version = tvb(offset + 10, 1):uint() .. "." .. tvb(offset + 11, 1):uint()
    sender.mechanism = mechanism
    local branch = tree:add(range, "ZMTP greeting")
    branch:add(fields.version, tvb(offset + 10, 2), version)
    branch:add(fields.mechanism, tvb(offset + 12, 20), mechanism)
    return "greeting " .. mechanism
end

local function dissect_properties(tvb, at, last, branch, sender)
    while at < last do
        local name_octets = tvb(at, 1):uint()
        if at + 1 + name_octets + 4 > last then return end
        local name = tvb(at + 1, name_octets):string()
        local value_octets = tvb(at + 1 + name_octets, 4):uint()
        local value_at = at + 1 + name_octets + 4
        if value_at + value_octets > last then return end
        local value = value_octets > 0 and tvb(value_at, value_octets):string() or ""
        branch:add(fields.property, tvb(at, value_at + value_octets - at), name .. ": " .. value)
        sender[name:lower()] = value
        at = value_at + value_octets
    end
end

local function dissect_command(tvb, frame, tree, sender)
    local at, last = frame.at + frame.header, frame.at + frame.header + frame.body
    local branch = tree:add(tvb(frame.at, last - frame.at), "ZMTP command")
    branch:add(fields.flags, tvb(frame.at, 1))
    local name_octets = frame.body > 0 and tvb(at, 1):uint() or 0
    if name_octets == 0 or at + 1 + name_octets > last then
        branch:add_proto_expert_info(malformed)
        return "command"
    end
    local name = tvb(at + 1, name_octets):string()
    branch:add(fields.command, tvb(at + 1, name_octets))
    branch:append_text(": " .. name)
    if name == "READY" and sender.mechanism == "NULL" then
        dissect_properties(tvb, at + 1 + name_octets, last, branch, sender)
    end
    return name
end

-- Whether the first parts are those of a request or a response.
local function has_header(frames)
    for index, size in ipairs(HEADER_SIZES) do
        if not frames[index] or frames[index].body ~= size then return false end
    end
    return true
end

-- Whether requests of this sender carry their times: both ends have announced it.
local function is_timed(stream, sender)
    if not (sender["x-rogue-session"] and sender["x-rogue-deadline"]) then return false end
    for _, one in pairs(stream.ends) do
        if one ~= sender and one["x-rogue-deadline"] then return true end
    end
    return false
end

-- What a message with a right header is, and its parts behind the header.
local function kind_of(frames, sender, stream)
    local count = #frames
    if is_timed(stream, sender) then
        local is_right = count <= RESPONSE_PARTS and frames[5] and frames[5].body == TIMING_OCTETS
        if is_right then return "request", frames[5], frames[6] end
        return nil
    end
    if count == RESPONSE_PARTS then return "response", frames[5], frames[6] end
    if count < RESPONSE_PARTS then return "request", nil, frames[5] end
    return nil
end

-- What a request and its response have in common: the client, which is known by its session or by
-- its address, and the header.
local function key_of(stream, host, tvb, frames)
    local session
    for _, one in pairs(stream.ends) do session = session or one["x-rogue-session"] end
    local parts = { session or tostring(host) }
    for index = 1, #HEADER_SIZES do
        local frame = frames[index]
        parts[#parts + 1] = tostring(tvb(frame.at + frame.header, frame.body):bytes())
    end
    return table.concat(parts, " ")
end

local function dissect_header(tvb, frames, branch)
    local function body(index)
        return tvb(frames[index].at + frames[index].header, frames[index].body)
    end
    branch:add_le(fields.id, body(1))
    branch:add_le(fields.address, body(2))
    branch:add_le(fields.size, body(3))
    branch:add_le(fields.type, body(4))
    local type = body(4):le_uint()
    local words = { TYPES[type] or string.format("type 0x%x", type), " id ", body(1):le_uint() }
    words[#words + 1] = " at 0x" .. body(2):le_uint64():tohex():gsub("^0+(.)", "%1"):lower()
    words[#words + 1] = ", " .. body(3):le_uint() .. " bytes"
    return table.concat(words)
end

local function body_of(tvb, frame)
    if not frame or frame.body == 0 then return nil end
    return tvb(frame.at + frame.header, frame.body)
end

local function dissect_request(tvb, frames, timing, data, branch)
    branch:add(fields.request, true):set_generated()
    if timing then
        local at = timing.at + timing.header
        branch:add_le(fields.sent, tvb(at, 8))
        branch:add_le(fields.remaining, tvb(at + 8, 8))
        branch:add_le(fields.timeout, tvb(at + 16, 8))
    end
    local octets = body_of(tvb, data)
    if octets then branch:add(fields.data, octets) end
    return "> " .. dissect_header(tvb, frames, branch)
end

-- Whether a result stands for a success: OK, nothing, or the zero of an AXI response.
local function is_success(octets)
    if not octets then return true end
    local text = text_of(octets)
    return text == "" or text == "OK"
end

local function dissect_response(tvb, frames, data, result, branch)
    branch:add(fields.request, false):set_generated()
    local words = "< " .. dissect_header(tvb, frames, branch)
    local octets = body_of(tvb, data)
    if octets then branch:add(fields.data, octets) end
    local text = body_of(tvb, result)
    if text then branch:add(fields.result, text) end
    if is_success(text) then return words .. ", OK" end
    branch:add(fields.error, text):set_generated()
    return words .. ", " .. text_of(text)
end

-- Finds the request of a response at the first look, and says at each what was found.
local function dissect_answer(key, pinfo, branch)
    local mine = pinfo.number .. " " .. key
    if not pinfo.visited and asked[key] then
        answered[mine], asked[key] = asked[key], nil
    end
    local request = answered[mine]
    if not request then return end
    branch:add(fields.response_to, request.number):set_generated()
    branch:add(fields.time, (pinfo.abs_ts - request.at)):set_generated()
end

local function dissect_message(tvb, pinfo, last, frames, tree, sender, stream)
    local first = frames[1].at
    local branch = tree:add(tvb(first, last - first), "Message")
    local kind, one, two
    if has_header(frames) then kind, one, two = kind_of(frames, sender, stream) end
    if not kind then
        for _, frame in ipairs(frames) do
            branch:add(fields.frame, tvb(frame.at, frame.header + frame.body))
        end
        branch:add_proto_expert_info(malformed)
        return #frames .. " parts"
    end
    local words
    if kind == "request" then
        words = dissect_request(tvb, frames, one, two, branch)
        local key = key_of(stream, pinfo.src, tvb, frames)
        if not pinfo.visited then asked[key] = { number = pinfo.number, at = pinfo.abs_ts } end
    else
        words = dissect_response(tvb, frames, one, two, branch)
        dissect_answer(key_of(stream, pinfo.dst, tvb, frames), pinfo, branch)
    end
    branch:append_text(": " .. words)
    return words
end

-- A frame of a mechanism that seals: its size.
local function dissect_sealed(tvb, offset, tree)
    local flags, header, body = frame_at(tvb, offset)
    if not flags then return nil, nil end
    local missing = offset + header + body - tvb:len()
    if missing > 0 then return nil, missing end
    local branch = tree:add(tvb(offset, header + body), "Sealed frame")
    branch:add(fields.flags, tvb(offset, 1))
    branch:add(fields.sealed, tvb(offset, header), UInt64(body))
    return offset + header + body, "sealed frame of " .. body .. " bytes"
end

-- What begins at `offset`: its end and a word for it, or nil and how many octets are missing.
local function dissect_one(tvb, pinfo, offset, tree, sender, stream)
    if tvb(offset, 1):uint() == GREETING_START then
        local missing = offset + GREETING_OCTETS - tvb:len()
        if missing > 0 then return nil, missing end
        return offset + GREETING_OCTETS, dissect_greeting(tvb, offset, tree, sender)
    end
    if sender.mechanism ~= "NULL" then return dissect_sealed(tvb, offset, tree) end
    local last, frames = message_at(tvb, offset)
    if not last then return nil, frames end
    if bit.band(frames[1].flags, COMMAND) ~= 0 then
        return last, dissect_command(tvb, frames[1], tree, sender)
    end
    return last, dissect_message(tvb, pinfo, last, frames, tree, sender, stream)
end

function rogue_mem.dissector(tvb, pinfo, tree)
    local stream = stream_of()
    local sender = end_of(stream, pinfo)
    local root = tree:add(rogue_mem, tvb())
    local offset, words = 0, {}
    pinfo.cols.protocol = "ROGUE-MEM"
    while offset < tvb:len() do
        local last, found = dissect_one(tvb, pinfo, offset, root, sender, stream)
        if not last then
            pinfo.desegment_offset = offset
            pinfo.desegment_len = found or DESEGMENT_ONE_MORE_SEGMENT
            break
        end
        offset = last
        words[#words + 1] = found
    end
    if #words > 0 then
        -- A packet may hold the end of what was put together, and more behind it.
        local info = table.concat(words, "; ")
        if pinfo.private.rogue_mem then info = "; " .. info end
        pinfo.private.rogue_mem = "told"
        pinfo.cols.info:set(info)
        pinfo.cols.info:fence()
    end
    return tvb:len()
end

-- A connection of a bridge begins with the signature of ZMTP.
local function is_bridge(tvb, pinfo, tree)
    if tvb:len() < 10 or tvb(0, 1):uint() ~= GREETING_START then return false end
    if bit.band(tvb(9, 1):uint(), 1) ~= 1 then return false end
    pinfo.conversation = rogue_mem
    rogue_mem.dissector(tvb, pinfo, tree)
    return true
end

rogue_mem:register_heuristic("tcp", is_bridge)
-- For "Decode as", where the greeting was not captured.
DissectorTable.get("tcp.port"):add_for_decode_as(rogue_mem)
