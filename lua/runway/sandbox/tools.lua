--- Small tools the rooms of the sandbox share: chance, ids, time, text, base64 and URLs.
-- All pure: the clock is given, and chance is a generator of our own, so that a sandbox inside a
-- script never disturbs that script's math.random.

local words = require "runway.text"

local tools = {}

local floor = math.floor

--- A source of chance: `chance(n)` gives an integer 0..n-1. (L'Ecuyer's two combined generators,
-- whose products stay exact in a double.) For ids that must look unguessable, not for secrets.
---@param seed integer|nil  nil: differs from run to run
---@return fun(n: integer): integer
function tools.chance(seed)
  if not seed then
    local address = tostring({}):match("(%x+)$") or "0"
    seed = os.time() * 1009 + tonumber(address:sub(-8), 16)
  end
  local a = floor(seed) % 2147483562 + 1
  local b = floor(seed / 7) % 2147483398 + 1
  local function chance(n)
    a = a * 40014 % 2147483563
    b = b * 40692 % 2147483399
    return (a - b) % 2147483562 % n
  end
  for _ = 1, 16 do chance(2) end -- the first draws still resemble the seed
  return chance
end

---@param alphabet string
---@param length integer
---@return string  `length` characters of `alphabet`
function tools.word(chance, alphabet, length)
  local out = {}
  for i = 1, length do
    local at = chance(#alphabet) + 1
    out[i] = alphabet:sub(at, at)
  end
  return table.concat(out)
end

local HEX = "0123456789abcdef"
local ALNUM = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

function tools.hex(chance, length) return tools.word(chance, HEX, length) end

function tools.alnum(chance, length) return tools.word(chance, ALNUM, length) end

function tools.decimal(chance, length)
  return tools.word(chance, "123456789", 1) .. tools.word(chance, "0123456789", length - 1)
end

--- A random UUID (version 4), the form of the official API's ids.
function tools.uuid(chance)
  return table.concat({
    tools.hex(chance, 8), tools.hex(chance, 4), "4" .. tools.hex(chance, 3),
    tools.word(chance, "89ab", 1) .. tools.hex(chance, 3), tools.hex(chance, 12),
  }, "-")
end

--- "2026-08-11T06:12:01.171Z"
---@param unix number seconds
function tools.iso(unix)
  local whole = floor(unix)
  return os.date("!%Y-%m-%dT%H:%M:%S", whole) .. (".%03dZ"):format(floor((unix - whole) * 1000))
end

--- "2024-12-07 12:01:36" in China's time, with no zone written: as qimu prints times.
function tools.local_time(unix) return os.date("!%Y-%m-%d %H:%M:%S", floor(unix) + 8 * 3600) end

--- "2026-08-11", UTC
function tools.day(unix) return os.date("!%Y-%m-%d", floor(unix)) end

--- Days since 1970-01-01 of "YYYY-MM-DD", or nil when there is no such day.
function tools.days(text)
  local y, m, d = text:match("^(%d%d%d%d)%-(%d%d)%-(%d%d)$")
  y, m, d = tonumber(y), tonumber(m), tonumber(d)
  if not y or m < 1 or m > 12 or d < 1 then return nil end
  local leap = (y % 4 == 0 and y % 100 ~= 0) or y % 400 == 0
  local lengths = { 31, leap and 29 or 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 }
  if d > lengths[m] then return nil end
  local before = y - 1
  local days = before * 365 + floor(before / 4) - floor(before / 100) + floor(before / 400) - 719162
  for month = 1, m - 1 do days = days + lengths[month] end
  return days + d - 1
end

--- Length in UTF-16 code units, in which the documents count their limits.
function tools.utf16_length(text)
  local _, continuation = text:gsub("[\128-\191]", "")
  local _, astral = text:gsub("[\240-\247]", "")
  return #text - continuation + astral
end

--- Decodes base64; blanks and line ends are skipped.
---@return string|nil  nil when the text is not base64
function tools.unbase64(said)
  said = said:gsub("[ \t-\r]+", "")
  return #said % 4 == 0 and words.unbase64(said) or nil
end

local function unescape(text)
  text = text:gsub("%%(%x%x)", function(hex) return string.char(tonumber(hex, 16)) end)
  return text
end

--- "a=1&b=%20" -> { a = "1", b = " " }
function tools.query(raw)
  local fields = {}
  for pair in (raw or ""):gmatch("[^&]+") do
    local name, value = pair:match("^([^=]*)=?(.*)$")
    fields[unescape((name:gsub("%+", " ")))] = unescape((value:gsub("%+", " ")))
  end
  return fields
end

tools.unescape = unescape

--- The object keys of a JSON text whose value is null. (runway.json reads such a key as absent,
-- which is right for answers; a server that checks a request must see it.)
---@param text string
---@return string[]
function tools.null_keys(text)
  local keys = {}
  if not text:find("null", 1, true) then return keys end
  text = text:gsub("\\.", "_")
  for key in text:gmatch('"([^"]*)"[ \t-\r]*:[ \t-\r]*null') do keys[#keys + 1] = key end
  return keys
end

return tools
