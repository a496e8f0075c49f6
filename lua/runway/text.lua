-- Texts: cut, put on one line, escaped, measured.
--
-- Nothing here, nor in any room that handles what is sent or read, depends on the host's locale: a
-- host may have called setlocale, after which string.upper("i") is no "I", "%w" matches half a
-- UTF-8 character, and a number is written with a comma. So case is changed here, by byte, and
-- classes of characters are spelled out in patterns ([A-Za-z0-9] and not %w, [\128-\255] left alone).

local text = {}

local floor = math.floor

local QUOTED = 40           -- bytes of a value shown in a message
local FIELD, MOST_FIELDS = 20, 6 -- bytes of a field's name, and how many fields, of what was raised
local LONGEST_WIDE = 1024 * 1024
local REPLACEMENT = "\239\191\189"

---------------------------------------------------------------------------------------------------
-- Case

local LOWER, UPPER = {}, {}
for byte = 65, 90 do
  local upper, lower = string.char(byte), string.char(byte + 32)
  LOWER[upper], UPPER[lower] = lower, upper
end

-- Nearly every text has nothing to change in it. That is seen three times faster by a pattern that is held to both
-- ends than by one that is tried at each byte: so here, and below.

---A to Z as a to z; every other byte stays.
---@param s string
---@return string
function text.lower(s)
  if s:find("^[^A-Z]*$") then return s end
  return (s:gsub("[A-Z]", LOWER))
end

---a to z as A to Z; every other byte stays.
---@param s string
---@return string
function text.upper(s)
  if s:find("^[^a-z]*$") then return s end
  return (s:gsub("[a-z]", UPPER))
end

---Does a stand before b, byte by byte? `<` heeds the locale.
---@param a string
---@param b string
---@return boolean
function text.before(a, b)
  for at = 1, #a do
    local one, other = a:byte(at), b:byte(at)
    if one ~= other then return other ~= nil and one < other end
  end
  return #a < #b
end

---------------------------------------------------------------------------------------------------
-- Length and shape

---Cuts a string to at most `limit` bytes without splitting a UTF-8 character.
---@param s string
---@param limit integer  bytes
---@return string
function text.cut(s, limit)
  if #s <= limit then return s end
  local last = limit
  -- Byte last+1 is the first left out: while it continues a character, that character goes too.
  while last > 0 and last > limit - 4 do
    local byte = s:byte(last + 1)
    if byte < 128 or byte > 191 then break end
    last = last - 1
  end
  return s:sub(1, last)
end

-- Where the spaces at the end begin. Found from behind, for "(.-) *$" looks at each run of spaces
-- once for every space in it.
local function last_word(s)
  for at = #s, 1, -1 do
    local byte = s:byte(at)
    if byte ~= 32 and (byte < 9 or byte > 13) then return at end
  end
  return 0
end

---Without the white space at both ends.
---@param s string
---@return string
function text.trim(s)
  local head = s:byte(1)
  if not head or head > 32 and s:byte(-1) > 32 then return s end -- as a rule
  local first = s:find("[^ \t-\r]")
  return first and s:sub(first, last_word(s)) or ""
end

-- As much as there is room for, with a sign that there was more.
local function shorten(s, limit)
  if not limit or #s <= limit then return s end
  return limit > 9 and text.cut(s, limit - #"…") .. "…" or text.cut(s, limit)
end

---A text as one readable line: control characters and runs of spaces become one space; what is cut ends with an
---ellipsis. nil for what is no string, and for what is empty then.
---@param s any
---@param limit integer|nil  bytes
---@return string|nil
function text.line(s, limit)
  if type(s) ~= "string" then return nil end
  if s:find("^[!-~\128-\255]+$") then return shorten(s, limit) end
  local line = s:gsub("[%z\1-\32\127]+", " ")
  local from = line:byte(1) == 32 and 2 or 1
  local to = line:byte(-1) == 32 and -2 or -1
  line = line:sub(from, to)
  if line == "" then return nil end
  return shorten(line, limit)
end

---------------------------------------------------------------------------------------------------
-- UTF-8

-- Byte offset (from 1) of the first byte that is not UTF-8, for hosts without the utf8 library, and
-- for Lua 5.3, whose own takes half a surrogate pair for a character.
local function bad_byte_by_hand(s)
  local at = 1
  while true do
    at = s:find("[\128-\255]", at)
    if not at then return nil end
    local b, second = s:byte(at, at + 1)
    local tail = b >= 0xF0 and 3 or b >= 0xE0 and 2 or 1
    local low = b == 0xE0 and 0xA0 or b == 0xF0 and 0x90 or 0x80
    local high = b == 0xED and 0x9F or b == 0xF4 and 0x8F or 0xBF
    if b < 0xC2 or b > 0xF4 or not second or second < low or second > high
      or #s:sub(at + 1, at + tail):match("^[\128-\191]*") < tail then
      return at
    end
    at = at + tail + 1
  end
end

local strict = utf8 and not utf8.len "\237\160\128" and utf8.len

---The byte offset of the first byte that is not valid UTF-8, nil when all are.
---@param s string
---@return integer|nil
function text.bad_byte(s)
  if not strict then return bad_byte_by_hand(s) end
  local count, at = strict(s)
  if not count then return at end
  return nil
end

-- The bytes of a character up to U+FFFF.
local function encoded(unit)
  if unit < 0x80 then return string.char(unit) end
  local rest = 128 + unit % 64
  if unit < 0x800 then return string.char(192 + floor(unit / 64), rest) end
  return string.char(224 + floor(unit / 4096), 128 + floor(unit / 64) % 64, rest)
end

-- Does the second byte of each pair count more? nil: the text is not one of pairs.
local function is_little(s)
  local first, second = s:byte(1, 2)
  if first == 0xFF and second == 0xFE then return true end
  if first == 0xFE and second == 0xFF then return false end
  if first == 0 and second ~= 0 and s:find("^%z[^%z]%z", 1) then return false end
  if second == 0 and first ~= 0 and s:find("^[^%z]%z[^%z]%z") then return true end
  return nil
end

---A text of two bytes a character (UTF-16) in UTF-8; any other stays as it is, and one too long as well.
---@param s string
---@param longest? integer  bytes; default: what an answer may have
---@return string
function text.narrow(s, longest)
  local first = s:byte(1)
  if not first or first > 0 and first < 0xFE and s:byte(2) ~= 0 or #s > (longest or LONGEST_WIDE) then return s end
  local little = is_little(s)
  if little == nil then return s end
  local high
  return (s:gsub("(.)(.?)", function(a, b)
    if b == "" then return "" end
    local unit = little and a:byte() + 256 * b:byte() or 256 * a:byte() + b:byte()
    local before
    before, high = high, nil
    if unit >= 0xD800 and unit < 0xDC00 then
      high = unit
      return before and REPLACEMENT or ""
    elseif unit >= 0xDC00 and unit < 0xE000 then
      if not before then return REPLACEMENT end
      local point = (before - 0xD800) * 1024 + unit - 0xDC00 + 0x10000
      return string.char(240 + floor(point / 262144), 128 + floor(point / 4096) % 64,
        128 + floor(point / 64) % 64, 128 + point % 64)
    end
    return (before and REPLACEMENT or "") .. (unit == 0xFEFF and "" or encoded(unit))
  end))
end

---Length in UTF-16 code units, which is what Runway's documented limits count.
---@param s string  valid UTF-8
---@return integer
function text.length(s)
  if strict and strict(s) == #s or s:find("^[\1-\127%z]*$") then return #s end
  local _, characters = s:gsub("[^\128-\191]", "")
  local _, pairs_of_units = s:gsub("[\240-\247]", "")
  return characters + pairs_of_units
end

---------------------------------------------------------------------------------------------------
-- In an address

local function percent(c) return ("%%%02X"):format(c:byte()) end

---Percent-encodes a value for one segment of a path (or one value of a query), so that an id
---with a slash, a question mark or a space still names one task.
---@param s string
---@return string
function text.escape(s)
  if s:find("^[a-z0-9A-Z%-%._~]*$") then return s end -- as a rule
  return (s:gsub("[^A-Za-z0-9%-%._~]", percent))
end

-- A line break with the like of a header after it is no slip of a server's.
local SMUGGLED = "[\r\n][\r\n]?[A-Za-z0-9-]+:"

-- An address in which nothing is to be mended.
local RIGHT = "^[Hh][Tt][Tt][Pp][Ss]?://[A-Za-z0-9%[][a-z!#-;=?-Z%[%]_~]*$"

---An address as a browser mends one that was pasted: without the white space around it, without
---line breaks and tabs inside, with two slashes behind http:, `\` as `/`, and spaces and what is no
---ASCII percent-encoded. nil when it holds other control characters. What stands right already stays
---as it is.
---@param s string
---@return string|nil
function text.mend_url(s)
  if s:find(RIGHT) then return s end
  s = text.trim(s)
  if s:find(SMUGGLED) then return nil end
  s = s:gsub("[\t\n\r]", ""):gsub("\\/", "/")  -- "\/" is left of JSON that was encoded twice
  if s:find("[%z\1-\31\127]") then return nil end
  s = s:gsub("^[/\\][/\\]+", "https://"):gsub("^([Hh][Tt][Tt][Pp][Ss]?:)[/\\]+", "%1//")
  local _, origin = s:find("^[A-Za-z]+://[^/?#\\]*")
  if not origin then return s end
  local query = s:find("[?#]", origin + 1) or #s + 1
  local path = s:sub(origin + 1, query - 1):gsub("\\", "/")
  return s:sub(1, origin) .. (path .. s:sub(query)):gsub('[ "<>`{}|^\\\128-\255]', percent)
end

---------------------------------------------------------------------------------------------------
-- For people

---A number as a person writes it: 5, 5.5, 1e+308. With a point in every locale.
---@param n number
---@return string
function text.number(n)
  if math.type and math.type(n) == "integer" then return ("%d"):format(n) end
  if n % 1 == 0 and n > -1e17 and n < 1e17 then return ("%.0f"):format(n) end
  return (("%.14g"):format(n):gsub("^(-?%d+)[^%de]+", "%1."))
end

---A number with so many digits after the point: 5.0, 5.5. With a point in every locale.
---@param n number
---@param digits integer  1 or more
---@return string
function text.fixed(n, digits)
  return ((("%%.%df"):format(digits)):format(n):gsub("^(-?%d+)[^%d]+", "%1."))
end

local DIGITS = {}
for i = 1, 64 do
  DIGITS[("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"):sub(i, i)] = i - 1
end

---The bytes of a base64 text, with or without its padding; nil where it is none.
---@param said string
---@return string|nil
function text.unbase64(said)
  local body = said:match "^([A-Za-z0-9+/]*)=?=?$"
  if not body or #body % 4 == 1 then return nil end
  local missing, bytes = -#body % 4, {}
  for a, b, c, d in (body .. ("A"):rep(missing)):gmatch "(.)(.)(.)(.)" do
    local n = DIGITS[a] * 262144 + DIGITS[b] * 4096 + DIGITS[c] * 64 + DIGITS[d]
    bytes[#bytes + 1] = string.char(math.floor(n / 65536), math.floor(n / 256) % 256, n % 256)
  end
  return table.concat(bytes):sub(1, -1 - missing)
end

---Why a module did not load, without where it was looked for.
---@param raised any  by `require`
---@return string
function text.cause(raised)
  return (tostring(raised):gsub(":?\n\tno f.*", ""))
end

local SPANS = { { 172800, 86400, "days" }, { 7200, 3600, "h" }, { 600, 60, "min" }, { 0, 1, "s" } } -- from, of, name

---A time to wait, in words: 12 s, 45 min, 3 h, 30 days. Never less than it is.
---@param seconds number   0 or more
---@return string
function text.span(seconds)
  local span = SPANS[#SPANS]
  for i = #SPANS - 1, 1, -1 do
    if seconds >= SPANS[i][1] then span = SPANS[i] end
  end
  return text.number(math.ceil(seconds / span[2])) .. " " .. span[3]
end

---One of a list, in words: a, b or c.
---@param list (string|number)[]  one or more
---@return string
function text.either(list)
  local words = {}
  for i, v in ipairs(list) do words[i] = type(v) == "number" and text.number(v) or v end
  if #words == 1 then return words[1] end
  return table.concat(words, ", ", 1, #words - 1) .. " or " .. words[#words]
end

---A word as a shell takes it: quoted where it has to be.
---@param word string
---@return string
function text.shell(word)
  if word:find "^[a-z0-9A-Z_./:%%@+-]+$" then return word end
  return "'" .. word:gsub("'", "'\\''") .. "'"
end

---A string for a message: quoted, short, on one line, and never the bytes of a data URI nor the
---query of a URL, for either may hold what must not reach a log.
---@param s string
---@return string
function text.quote(s)
  if text.lower(s:sub(1, 32)):find("^[ \t-\r]*data:") then return "a data URI" end
  if s:find("://", 1, true) then s = s:gsub("[?#].*$", ""):gsub("://+[^/@]*@", "://") end
  s = s:gsub("[%z\1-\31\127]", "?")
  if #s > QUOTED then s = text.cut(s, QUOTED) .. "..." end
  return '"' .. s .. '"'
end

-- A field of what was raised, for a message; nil: it says nothing there.
local function field_as_text(v)
  if type(v) == "string" then return text.quote(v) end
  if type(v) == "number" then return text.number(v) end
  return type(v) == "boolean" and tostring(v) or nil
end

-- Its message, and what stands beside it: no disk (code = 5).
local function table_as_text(raised)
  local message, named, rest = raised.message, {}, {}
  local is_text = type(message) == "string" or type(message) == "number"
  for i = 1, #raised do rest[i] = field_as_text(raised[i]) or type(raised[i]) end
  for name, v in next, raised do
    local said = type(name) == "string" and not (is_text and name == "message") and (field_as_text(v) or type(v))
    if said then named[#named + 1] = (text.line(name, FIELD) or "?") .. " = " .. said end
  end
  table.sort(named)
  for _, field in ipairs(named) do rest[#rest + 1] = field end
  local fields = table.concat(rest, ", ", 1, math.min(#rest, MOST_FIELDS)) .. (#rest > MOST_FIELDS and ", …" or "")
  if not is_text then return fields ~= "" and "{ " .. fields .. " }" or "an empty table" end
  message = type(message) == "number" and text.number(message) or message
  return fields ~= "" and ("%s (%s)"):format(message, fields) or message
end

local function as_text(raised)
  local meta, kind = getmetatable(raised), type(raised)
  local shows = type(meta) == "table" and meta.__tostring or meta ~= nil and type(meta) ~= "table"
  if kind == "string" or kind == "number" or shows then return tostring(raised) end
  if kind == "table" then return table_as_text(raised) end
  return ("(error object is a %s value)"):format(kind)
end

---What was raised, in words: what it shows itself as, its message and fields, or what it is; never an address, which
---says nothing. What its own metamethods raise is nobody's.
---@param raised any
---@return string
function text.raised(raised)
  local ok, said = pcall(as_text, raised)
  return ok and said or "an error that cannot be shown as text"
end

return text
