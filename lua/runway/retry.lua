-- retry.lua: what one exchange means, and whether to make it again. Pure.
--
-- The rule: a paid request is made again only when it provably was not
-- accepted: it never left whole (the gate was not passed, or the connection
-- went in the middle of it), or the server said that it took nothing (408, 421,
-- 425, 429, a 503 that names a time to return, an HTTP/2 stream it refused), or
-- its adapter knows that it says so in words of its own (`retry_after`).
-- What left and got no readable answer is `unknown_submit`, never repeated.
-- A request that costs nothing is repeated on anything that may pass, but for one that is to leave once.

local text = require "runway.text"

local retry = {}

local LONGEST_HEADER = 64                     -- bytes of a number or a date that are looked at
local FIRST, LONGEST = 0.5, 8                 -- seconds of backoff
local MAX_RETRY_AFTER = 3600                  -- a longer one is told, not waited for
retry.MAX_RETRY_AFTER = MAX_RETRY_AFTER

-- Statuses by which a server says that it did not take the request.
local NOT_TAKEN = { [408] = "timeout", [421] = "server", [425] = "server", [429] = "rate_limited" }

local BY_STATUS = {
  [401] = "authentication", [402] = "insufficient_credits", [403] = "permission",
  [404] = "not_found", [410] = "not_found", [429] = "rate_limited", [408] = "timeout",
  [412] = "protocol", [416] = "protocol",       -- to conditions and ranges that no call of the API has
}

-- Kinds for which the same call, made later, may succeed without harm.
local PASSING = { rate_limited = true, server = true, network = true, timeout = true }

--- The kind of a refusal by its HTTP status.
---@param status integer
---@return string
function retry.kind_of_status(status)
  if BY_STATUS[status] then return BY_STATUS[status] end
  if status >= 500 then return "server" end
  if status >= 400 then return "invalid_request" end
  return "protocol"
end

local MONTHS = { jan = 1, feb = 2, mar = 3, apr = 4, may = 5, jun = 6,
                 jul = 7, aug = 8, sep = 9, oct = 10, nov = 11, dec = 12 }

-- The parts of an HTTP date in each of its forms (RFC 9110): as in mail, of RFC 850, of asctime.
local function date_parts(s)
  local d, month, y, clock = s:match("(%d%d?)[ -]([A-Za-z][a-z][a-z])[ -](%d+) ([%d:]+)")
  if d then return d, month, y, clock end
  month, d, clock, y = s:match("([A-Z][a-z][a-z])  ?(%d%d?) ([%d:]+) (%d%d%d%d)")
  return d, month, y, clock
end

--- Seconds of an HTTP date since the epoch, proleptic and in UTC; nil for what is none. A year of two
--- digits (RFC 850) is one of 1970 to 2069.
---@param s string
---@return integer|nil
function retry.http_date(s)
  if #s > LONGEST_HEADER then return nil end
  local d, name, y, clock = date_parts(s)
  local month = name and MONTHS[text.lower(name)]
  local h, m, sec = (clock or ""):match("^(%d%d):(%d%d):(%d%d)$")
  if not (month and h) or #y ~= 2 and #y ~= 4 then return nil end
  d, y = tonumber(d), tonumber(y)
  if y < 100 then y = y + (y < 70 and 2000 or 1900) end
  if month <= 2 then y = y - 1 end
  local era_days = 365 * y + math.floor(y / 4) - math.floor(y / 100) + math.floor(y / 400)
  local month_days = math.floor((153 * ((month + 9) % 12) + 2) / 5) + d - 1
  return ((era_days + month_days - 719468) * 24 + tonumber(h)) * 3600 + tonumber(m) * 60 + tonumber(sec)
end

-- A decimal number, maybe with a sign; nil for what is none or too long to be meant.
local function decimal(v)
  if type(v) ~= "string" or #v > LONGEST_HEADER then return nil end
  local whole, part = text.trim(v):match("^([+-]?%d+)(.*)$")
  if not whole or part ~= "" and not part:find("^%.%d*$") then return nil end
  return tonumber(whole .. part)
end

--- What a server asks for in Retry-After (or retry-after-ms): seconds, 0 or
--- more, never NaN; nil when it says nothing that can be read. A date counts
--- from the answer's own Date, so no clock of ours is asked.
---@param headers table<string,string>
---@return number|nil seconds
function retry.retry_after(headers)
  local ms = decimal(headers["retry-after-ms"])
  if ms and ms >= 0 then return ms / 1000 end
  local asked = headers["retry-after"]
  if not asked then return nil end            -- as a rule
  local seconds = decimal(asked) or decimal(asked:match("^[^,]*")) -- of two, the first
  if seconds then return math.max(0, seconds) end
  local at, now = retry.http_date(asked), retry.http_date(headers["date"] or "")
  if at and now then return math.max(0, at - now) end
  return nil
end

-- Does a server name a time to return, be it one that cannot be counted for want of its own Date?
local function names_time(headers, after)
  return after ~= nil or retry.http_date(headers["retry-after"] or "") ~= nil
end

-- Its own sequence: the host's math.random stays as the host seeded it.
local seed
local function random()
  if not seed then
    local address = tostring({}):match("0x(%x+)")
    local time = os and os.time and os.time() or 0  -- a host may have no os
    seed = (tonumber(address or "1f", 16) % 65536 + time) % 2147483646 + 1
  end
  seed = (seed * 16807) % 2147483647
  return seed / 2147483647
end
retry.random = random

--- Begins the sequence anew, so that what came by chance can be had again.
---@param n integer   1 or more
function retry.reseed(n)
  seed = n % 2147483646 + 1
end

--- Seconds to wait before attempt number `n + 1`.
---@param n integer             attempts made so far
---@param retry_after number|nil
---@return number
function retry.delay(n, retry_after)
  if retry_after then return retry_after + 0.1 * random() end
  local base = math.min(FIRST * 2 ^ (n - 1), LONGEST)
  return base * (1 - 0.25 * random())
end

-- Kinds of failure by which a server is not there, or not itself.
local OUTAGE = { network = true, timeout = true, server = true, protocol = true, unknown_submit = true }

--- Is the server out of order? One that says when to come back is not, nor one that is asked too much.
---@param v table   a verdict
---@return boolean
function retry.is_outage(v)
  return OUTAGE[v.kind] == true and not v.after
end

--- Does the server work, though what it says is no success? One that turns requests away has no hands free.
---@param v table       a verdict
---@param result table  of the transport
---@return boolean
function retry.is_answer(v, result)
  return not (result.error or v.after or OUTAGE[v.kind] or v.kind == "rate_limited")
end

local function verdict(kind, again, extra)
  local v = extra or {}
  v.kind, v.again = kind, again
  v.retryable = (again or PASSING[kind]) and kind ~= "unknown_submit" or false
  return v
end

-- What this machine may lack for a while, by the transport's words: a descriptor, a thread, and either
-- of them to start the engine with.
local SHORT = { descriptors = true, threads = true, engine = true }

--- Is it something that this machine lacks for the moment?
---@param e table   of a transport
---@return boolean
function retry.is_shortage(e)
  return SHORT[e.code] == true and not e.permanent
end

local function of_transport(paid, sent, e)
  if paid and sent then return verdict("unknown_submit", false) end
  local again = not e.permanent
    and (e.kind == "network" or e.kind == "timeout" or e.kind == "protocol" or retry.is_shortage(e))
  local v = verdict(e.kind, again)
  if e.permanent then v.retryable = false end
  return v
end

-- What an adapter says of an answer, of whatever type: a table whose kind is a string or nothing.
local function said(problem)
  if not problem then return nil end
  if type(problem) ~= "table" then return {} end
  if problem.kind == nil or type(problem.kind) == "string" then return problem end
  return { refused = problem.refused, retry_after = problem.retry_after }
end

-- Words of a limit that lasts until tomorrow: to come back in seconds would be in vain.
local DAILY = { "daily", "per day", "a day", "24 h", "24h", "每日", "每天", "今日" }

local function is_daily(problem)
  local message = problem and type(problem.message) == "string" and text.lower(problem.message) or ""
  for _, word in ipairs(DAILY) do
    if message:find(word, 1, true) then return true end
  end
  return false
end

-- The server took nothing, and is to be asked again: what it says in the header, or its adapter reads in the answer.
-- What it refuses for good it refuses all the same, and a limit of the day for today.
local function come_back(kind, problem, after, daily)
  local final = problem and problem.kind and not PASSING[problem.kind]
  if daily and not final then return verdict("rate_limited", false, { after = after, daily = true }) end
  local too_long = after and after > MAX_RETRY_AFTER
  return verdict(final and problem.kind or too_long and "rate_limited" or kind, not final and not too_long,
    { after = after, untaken = true })
end

local function judge(paid, result, problem, unreadable)
  if result.error then return of_transport(paid, result.sent, result.error) end
  local status = result.status
  if not problem and not unreadable and status >= 200 and status < 300 then return nil end -- as a rule
  problem = said(problem)
  local headers = result.headers or {}
  local after = retry.retry_after(headers)
  if problem and type(problem.retry_after) == "number" and problem.retry_after >= 0 then
    return come_back(problem.kind or "rate_limited", problem, math.max(problem.retry_after, after or 0))
  end
  local too_long = after and after > MAX_RETRY_AFTER
  if status >= 200 and status < 300 then
    if problem then
      -- Of a paid request it is the refusal; of a free one it says nothing of the task asked about,
      -- which may well be running, and an answer that is none is asked for again.
      local kind = problem.kind or (paid and "invalid_request" or "server")
      if paid and PASSING[kind] and kind ~= "rate_limited" and not problem.refused then
        return verdict("unknown_submit", false)  -- trouble of its own is no refusal
      end
      return verdict(kind, not paid and kind == "protocol")
    end
    if not unreadable then return nil end
    if paid then return verdict("unknown_submit", false) end
    return verdict("protocol", true)
  end
  if status < 400 then return verdict("protocol", false) end
  local kind = problem and problem.kind or retry.kind_of_status(status)
  local not_taken = NOT_TAKEN[status] or (status == 503 and names_time(headers, after) and "server")
  if not_taken then
    return come_back(not_taken, problem, after, status == 429 and is_daily(problem))
  end
  if status < 500 then return verdict(kind, not paid and kind == "server", { after = after }) end
  if paid and not (problem and problem.refused) then return verdict("unknown_submit", false, { after = after }) end
  if problem and problem.refused then return verdict(problem.kind or "invalid_request", false) end
  return verdict(problem and problem.kind or "server", not too_long, { after = after })
end

--- Judges one exchange.
---@param paid boolean          may it cost money
---@param result table          of the transport: status, headers, sent, error
---@param problem any           what the adapter says of the answer, a table: kind, refused, retry_after
---@param unreadable boolean    a 2xx that the adapter could not read
---@param once? boolean         it costs nothing, and is to leave once all the same
---@return table|nil verdict    nil: all is well. kind; again: make it once more; retryable; after: seconds asked for;
---  daily: it is a limit of the day; once: it would be made again, were it not to leave once; untaken: the server took
---  nothing
function retry.judge(paid, result, problem, unreadable, once)
  local found = judge(paid, result, problem, unreadable)
  if once and found and found.again and result.sent and not found.untaken then found.again, found.once = false, true end
  return found
end

return retry
