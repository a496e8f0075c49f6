-- HTTP/2 as a server of specs speaks it: frames, and as much of HPACK as a request for a film needs.

local socket, ssl = require "socket", require "ssl"

local h2 = {
  END_STREAM = 1, END_HEADERS = 4, ACK = 1,
  DATA = 0, HEADERS = 1, RST_STREAM = 3, SETTINGS = 4, GOAWAY = 7, WINDOW_UPDATE = 8,
}

local PREFACE = 24                            -- bytes

function h2.frame(kind, flags, stream, payload)
  return string.pack(">I3BBI4", #payload, kind, flags, stream) .. payload
end

--- It looks at no stream above `last`.
function h2.goaway(last)
  return h2.frame(h2.GOAWAY, 0, 0, string.pack(">I4I4", last, 0))
end

function h2.reset(stream, code)
  return h2.frame(h2.RST_STREAM, 0, stream, string.pack(">I4", code))
end

--- Listens, and prints the port.
function h2.listen()
  local listener = assert(socket.bind("127.0.0.1", 0))
  local _, port = listener:getsockname()
  print(port)
  io.stdout:flush()
  return listener, port
end

--- The next connection, before its handshake; it speaks HTTP/2 or nothing.
---@param directory string    of certificates
function h2.accept(listener, directory)
  local raw = listener:accept()
  raw:settimeout(5)
  return assert(ssl.wrap(raw, { mode = "server", protocol = "any", alpn = function(offered)
    for _, name in ipairs(offered) do if name == "h2" then return "h2" end end
  end, key = directory .. "/good.key", certificate = directory .. "/good.pem" }))
end

--- Shakes hands; `first` is said before the client is heard.
function h2.begin(peer, first)
  assert(peer:dohandshake())
  if first then peer:send(first) end
  assert(peer:receive(PREFACE))
end

--- The next frame; settings are acknowledged.
function h2.read(peer)
  local length, kind, flags, stream = string.unpack(">I3BBI4", assert(peer:receive(9)))
  local payload = length > 0 and assert(peer:receive(length)) or ""
  if kind == h2.SETTINGS and flags & h2.ACK == 0 then peer:send(h2.frame(h2.SETTINGS, h2.ACK, 0, "")) end
  return kind, flags, stream, payload
end

--------------------------------------------------------------------- headers

h2.NO_TABLE = string.pack(">I2I4", 1, 0)      -- a setting: a client refers to no header that it sent before

local NAMES = { [4] = "path", [5] = "path", [42] = "if-range", [50] = "range" }   -- of HPACK's static table
local NUMBERS = { ["content-length"] = 28, ["content-range"] = 30, ["content-type"] = 31, etag = 34 }

-- Huffman's code, for the characters in what is read here.
local CODES = {
  ["00000"] = "0", ["00001"] = "1", ["00010"] = "2", ["011001"] = "3", ["011010"] = "4", ["011011"] = "5",
  ["011100"] = "6", ["011101"] = "7", ["011110"] = "8", ["011111"] = "9", ["100000"] = "=", ["010110"] = "-",
  ["1111111000"] = '"', ["011000"] = "/", ["00011"] = "a", ["100011"] = "b", ["00101"] = "e", ["100101"] = "f",
  ["00110"] = "i", ["1110101"] = "k", ["101000"] = "l", ["101001"] = "m", ["01000"] = "s", ["01001"] = "t",
  ["1110111"] = "v", ["1111010"] = "y",
}

local function unhuffman(bytes)
  local text, code = {}, ""
  for i = 1, #bytes do
    for bit = 7, 0, -1 do
      code = code .. (bytes:byte(i) >> bit & 1)
      if CODES[code] then text[#text + 1], code = CODES[code], "" end
    end
  end
  return table.concat(text)
end

-- An integer whose first byte has so many bits for it, and what comes after.
local function integer(block, at, bits)
  local most = (1 << bits) - 1
  local value, shift = block:byte(at) & most, 0
  at = at + 1
  if value < most then return value, at end
  repeat
    local byte = block:byte(at)
    value, shift, at = value + ((byte & 127) << shift), shift + 7, at + 1
  until byte < 128
  return value, at
end

local function literal(block, at)
  local coded = block:byte(at) >= 128
  local length
  length, at = integer(block, at, 7)
  local bytes = block:sub(at, at + length - 1)
  return coded and unhuffman(bytes) or bytes, at + length
end

--- What a request says of these: path, range, if-range.
---@param block string   of its headers
---@return table<string, string>
function h2.headers(block)
  local headers, at = {}, 1
  while at <= #block do
    local byte, _ = block:byte(at), nil
    if byte >= 128 then
      _, at = integer(block, at, 7)
    elseif byte & 0xe0 == 0x20 then           -- the size of a table that we have not
      _, at = integer(block, at, 5)
    else
      local number, value
      number, at = integer(block, at, byte >= 64 and 6 or 4)
      if number == 0 then _, at = literal(block, at) end
      value, at = literal(block, at)
      if NAMES[number] then headers[NAMES[number]] = value end
    end
  end
  return headers
end

--- An answer's headers, as a frame.
---@param headers table<string, string|integer>  of those that have a number above
function h2.head(stream, status, headers)
  local parts = { string.pack(">Bs1", 8, tostring(status)) }
  for name, value in pairs(headers) do
    parts[#parts + 1] = string.pack(">BBs1", 15, NUMBERS[name] - 15, tostring(value))
  end
  return h2.frame(h2.HEADERS, h2.END_HEADERS, stream, table.concat(parts))
end

return h2
