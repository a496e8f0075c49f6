-- Readers of what servers send.
--
-- A provider's answer is never trusted to have the type its document promises: a relay may turn a
-- number into a string, an array into one string, an id into an integer, or anything into null.
-- Each reader here takes any Lua value whatever, never raises, and returns either a clean value
-- of the one type it promises or nil. Adapters read answers through these and through nothing else.

local text = require "runway.text"

local floor, huge = math.floor, math.huge

local MAX_ID = 4096         -- bytes; most are under 100, but some are a signed token
local MAX_WORD = 64         -- bytes; a longer "status" is no status
local MAX_TEXT = 4096       -- bytes kept of a failure text
local MAX_URLS = 64         -- outputs kept of one task
local MAX_URL = 16384       -- bytes; signed CloudFront URLs are about 1 KB
local MAX_DIGITS = 64       -- bytes of a number sent as a string
local OVERSHOT = 1.01       -- a share a little above 1 is 1; what is more is percent
local MILLISECONDS = 1e11   -- as seconds this is the year 5138, as milliseconds 1973

-- The words of Runway's own API (tasks and workflow invocations alike).
local OFFICIAL = {
  PENDING = "PENDING", THROTTLED = "THROTTLED", RUNNING = "RUNNING",
  SUCCEEDED = "SUCCEEDED", FAILED = "FAILED", CANCELLED = "CANCELLED",
}

local DAYS_IN_MONTH = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 }

local fields = {}

-- For adapters, which know these by this room's name.
fields.cut, fields.escape = text.cut, text.escape

local function is_finite(n)
  return n == n and n ~= huge and n ~= -huge
end

-- True for integers; where numbers have no subtype (5.1, LuaJIT), for whole numbers that a double
-- holds exactly.
local function is_integer(n)
  if math.type then return math.type(n) == "integer" end
  return n % 1 == 0 and n > -2^53 and n < 2^53
end

-- Decimal notation only: tonumber alone would also take "0x10" and answer inf to "1e999".
local function decimal(s)
  if #s > MAX_DIGITS then return nil end
  local digits = text.trim(s)
  local n = (digits:find("^[+-]?[%d.]+$") or digits:find("^[+-]?[%d.]+[eE][+-]?%d+$")) and tonumber(digits)
  return n and is_finite(n) and n or nil
end

---A finite number, also one sent as a decimal string.
---@param v any
---@return number|nil
function fields.number(v)
  if v == nil then return nil end             -- as a rule
  if type(v) == "number" then return is_finite(v) and v or nil end
  if type(v) == "string" then return decimal(v) end
  return nil
end

--- The same, 0 or more: credits, of which no one gives any away.
---@param v any
---@return number|nil
function fields.credits(v)
  local n = fields.number(v)
  return n and n >= 0 and n or nil
end

-- How programs without a task write that there is none.
local NO_ID = { ["0"] = true, ["-1"] = true, null = true, NULL = true, ["nil"] = true, None = true, undefined = true }

-- Those that were found to be right, since each answer of a task has the same. Forgotten when they are many.
local ids, ids_count, MOST_IDS = {}, 0, 1000

---A task id: a non-empty string of at most 4096 bytes without control characters, or an integer
---(some relays number their tasks). "." and ".." are refused, for an id becomes part of a path, and so
---is what stands for none: 0, "null".
---@param v any
---@return string|nil
function fields.id(v)
  if ids[v] then return v end                 -- as a rule
  if type(v) == "number" then
    return is_integer(v) and v ~= 0 and v ~= -1 and ("%d"):format(v) or nil
  end
  if type(v) ~= "string" or #v > MAX_ID or NO_ID[v] or not v:find("^[ -~\128-\255]+$") then return nil end
  if v == "." or v == ".." or text.trim(v) == "" then return nil end
  if #v > MAX_WORD then return v end          -- too much to be kept of each
  if ids_count == MOST_IDS then ids, ids_count = {}, 0 end
  ids[v], ids_count = true, ids_count + 1
  return v
end

---The canonical status for a provider's word, nil when the word is not known. Spaces around the
---word and its case do not matter; a number counts as its decimal digits.
---@param word any
---@param map table<string,string>|nil  UPPERCASE word -> canonical; default: the official six
---@return string|nil
function fields.status(word, map)
  if type(word) == "number" then
    if not is_finite(word) or word % 1 ~= 0 then return nil end
    word = ("%.0f"):format(word)
  end
  if type(word) ~= "string" or #word > MAX_WORD then return nil end
  map = map or OFFICIAL
  return map[word] or map[text.upper(text.trim(word))]
end

---How far a task is, from 0 to 1: takes 0.37, "0.37", "37%", and of no scale that is known what is above 1 as
---percent: 37. Then 1 is the end, so whoever counts to 100 says so. What lies outside is clamped.
---@param v any
---@param whole? any   what a bare number is when all is done: 100; nil: not known
---@return number|nil
function fields.progress(v, whole)
  if v == nil then return nil end
  local n, most = fields.number(v), nil
  if whole ~= nil then
    most = fields.number(whole)
    if not (most and most > 0) then return nil end
  end
  if not n and type(v) == "string" and #v <= MAX_DIGITS then
    local percent = text.trim(v)
    n = percent:sub(-1) == "%" and decimal(percent:sub(1, -2))
    n = n and n / 100
  elseif n then
    n = n / (most or n > OVERSHOT and 100 or 1)
  end
  if not n then return nil end
  if n < 0 then return 0 elseif n > 1 then return 1 end
  return n
end

-- Under which names an object holds the URL that it stands for, the likeliest first.
local ADDRESSES = { "url", "uri", "video_url", "videoUrl", "download_url", "downloadUrl" }

local function stands_for(v)
  for _, name in ipairs(ADDRESSES) do
    if type(v[name]) == "string" then return v[name] end
  end
  return nil
end

-- One http(s) URL, mended as a browser would, or nil. An output may be the bare string or an object
-- around it.
local function url(v)
  if type(v) == "table" then v = stands_for(v) end
  if type(v) ~= "string" or #v > MAX_URL then return nil end
  v = text.mend_url(v)
  return v and v:find("^[Hh][Tt][Tt][Pp][Ss]?://[^/?#]") and v or nil
end

---The URLs of an output: a string, an array of strings or of objects that hold one (`{url=}`,
---`{uri=}`, `{video_url=}`, …), or one such object. What stands around or inside a URL and has no
---place there (spaces, line breaks, other alphabets) is mended; entries that are no http(s) URL are
---dropped; the first 64 are kept.
---@param v any
---@return string[]|nil urls     nil when none is left
---@return string|nil flagged    what was left out, when anything was
function fields.urls(v)
  local what = type(v)
  if what == "string" or what == "table" and v[1] == nil and (v.url ~= nil or v.uri ~= nil or stands_for(v) ~= nil) then
    v = { v }
  elseif what ~= "table" then
    return nil
  end
  local kept, total, dropped = {}, #v, 0
  for i = 1, total do
    if #kept == MAX_URLS then break end
    local one = url(v[i])
    if one then kept[#kept + 1] = one else dropped = dropped + 1 end
  end
  local flagged
  if dropped > 0 then
    flagged = ("%d of %d outputs are no http(s) URL"):format(dropped, total)
  elseif total > #kept then
    flagged = ("only the first %d of %d outputs are kept"):format(#kept, total)
  end
  if #kept == 0 then return nil, flagged end
  return kept, flagged
end

---A text for people (a failure, a message): at most 4096 bytes, nil when empty.
---@param v any
---@return string|nil
function fields.text(v)
  if v == nil then return nil end             -- as a rule
  if type(v) == "number" then
    if not is_finite(v) then return nil end
    return text.number(v)
  end
  if type(v) ~= "string" or v == "" then return nil end
  return text.cut(v, MAX_TEXT)
end

---A text as one readable line: control characters and runs of spaces become one space.
---@param v any
---@param limit integer|nil  bytes, default 4096
---@return string|nil
function fields.line(v, limit)
  if v == nil then return nil end             -- as a rule
  return text.line(fields.text(v), limit)
end

-- Days from 1970-01-01 to a date of the Gregorian calendar. March counts as the first month, so
-- that the leap day is the last day of its year (H. Hinnant, "chrono-compatible date algorithms").
local function days_from_epoch(year, month, day)
  if month <= 2 then year = year - 1 end
  local era = floor(year / 400)
  local year_of_era = year - era * 400
  local day_of_year = floor((153 * ((month + 9) % 12) + 2) / 5) + day - 1
  local day_of_era = year_of_era * 365 + floor(year_of_era / 4) - floor(year_of_era / 100)
    + day_of_year
  return era * 146097 + day_of_era - 719468
end

local function days_in(month, year)
  local leap = year % 4 == 0 and (year % 100 ~= 0 or year % 400 == 0)
  return month == 2 and leap and 29 or DAYS_IN_MONTH[month]
end

-- "Z", "+02:00", "-0730", "+01" -> seconds east of Greenwich; nil for anything else, also for no
-- zone at all: a local time of an unknown place says nothing.
local function zone_offset(zone)
  if zone == "Z" or zone == "z" then return 0 end
  local sign, hours, minutes = zone:match("^([+-])(%d%d):?(%d%d)$")
  if not sign then
    sign, hours = zone:match("^([+-])(%d%d)$")
    minutes = 0
  end
  if not sign then return nil end
  hours, minutes = tonumber(hours), tonumber(minutes)
  if hours > 14 or minutes > 59 then return nil end
  local seconds = hours * 3600 + minutes * 60
  return sign == "-" and -seconds or seconds
end

local function iso8601(s)
  local year, month, day, hour, minute, rest =
    s:match("^(%d%d%d%d)%-(%d%d)%-(%d%d)[Tt ](%d%d):(%d%d)(.*)$")
  if not year then return nil end
  local second = 0
  local with_seconds, after = rest:match("^:(%d%d)(.*)$")
  if with_seconds then second, rest = with_seconds, after end
  local zone = rest:match("^[.,]%d+(.*)$") or rest
  year, month, day = tonumber(year), tonumber(month), tonumber(day)
  hour, minute, second = tonumber(hour), tonumber(minute), tonumber(second)
  local offset = zone_offset(text.trim(zone))
  local days = days_in(month, year)
  if not (offset and days) or year < 1970 or day < 1 or day > days
    or hour > 23 or minute > 59 or second > 60 then
    return nil
  end
  local moment = days_from_epoch(year, month, day) * 86400 + hour * 3600 + minute * 60 + second - offset
  return moment > 0 and moment or nil
end

-- What was read before, since each answer of a task has the same moment in it. Forgotten when they are many.
local moments, count, MOST_MOMENTS = {}, 0, 1000

local function kept(said, moment)
  if not moments[said] then
    if count == MOST_MOMENTS then moments, count = {}, 0 end
    moments[said], count = moment, count + 1
  end
  return moment
end

---A moment in whole Unix seconds: ISO 8601 with `Z` or an offset, seconds or milliseconds since
---1970 as a number or a decimal string. Zero and negative times mean "not set". A local time
---without a zone is nil.
---@param v any
---@return integer|nil
function fields.time(v)
  if v == nil then return nil end             -- as a rule
  if type(v) == "string" then
    if #v > MAX_DIGITS then return nil end
    local moment = moments[v] or iso8601(v)
    if moment then return kept(v, moment) end
  end
  local n = fields.number(v)
  if not n or n < 1 then return nil end
  if n >= MILLISECONDS then n = n / 1000 end
  if n >= MILLISECONDS then return nil end
  return floor(n)
end

return fields
