-- signature.lua: what a relay signed, by the Standard Webhooks specification (1.0.0, symmetric signatures: v1). Pure
-- but for the time, which it is given.
--
-- Signed is "id.timestamp.body", each as it came, with HMAC-SHA256. The id is the same each time a callback is sent
-- again, so that it counts once; the time keeps one that was overheard from being sent again later.

local core = require "runway.core"
local text = require "runway.text"

local signature = {}

local TOLERANCE = 300                         -- seconds that the clocks of both sides may be apart, either way
local LONGEST = 4096                          -- bytes of a header; a signature has 47
local SHORTEST_SECRET = 16                    -- bytes; the specification wants 24 to 64

--- The keys of secrets as they are given: "whsec_" and base64, or base64 alone.
---@param given string|string[]  several: while one is being replaced by another
---@return string[]|nil keys     bytes
---@return string|nil fault      what is wrong, without showing any of it
function signature.keys(given)
  if type(given) == "string" then given = { given } end
  local keys = {}
  for i, secret in ipairs(given) do
    keys[i] = type(secret) == "string" and text.unbase64((text.trim(secret):gsub("^whsec_", "")))
    if not keys[i] or #keys[i] < SHORTEST_SECRET then
      return nil, ('a secret is "whsec_" and at least %d bytes in base64, as the relay shows it'):format(
        SHORTEST_SECRET)
    end
  end
  if not keys[1] then return nil, "the list of secrets is empty" end
  return keys
end

-- A header by its name, whatever its case; nil where it is absent, came twice, or is too long to be one.
local function header(headers, name)
  local value = headers[name]
  if value == nil then
    for had, v in pairs(headers) do
      if type(had) == "string" and #had == #name and text.lower(had) == name then
        if value ~= nil then return nil end
        value = v
      end
    end
  end
  return type(value) == "string" and value ~= "" and #value <= LONGEST and value or nil
end

-- Is one of the signatures made with one of the keys? All are compared, each in constant time.
local function fits(keys, id, time, body, signatures)
  local found = false
  local signed = {}
  for i, key in ipairs(keys) do signed[i] = core.hmac(key, id, ".", time, ".", body) end
  for version, said in signatures:gmatch "([^ ,]+),([^ ]+)" do
    local made = version == "v1" and text.unbase64(said) or ""
    for _, mac in ipairs(signed) do
      if core.equal(mac, made) then found = true end
    end
  end
  return found
end

--- Who has one of the secrets signed this body, a moment ago. Whether it came before is not looked at.
---@param keys string[]
---@param body string     the bytes as they came
---@param headers table   names in any case
---@param now number      Unix seconds
---@return string|nil id  of the callback
---@return string|nil why  it is not believed
function signature.check(keys, body, headers, now)
  local id, time = header(headers, "webhook-id"), header(headers, "webhook-timestamp")
  local signatures = header(headers, "webhook-signature")
  if not (id and time and signatures) then
    return nil, "it is not signed (webhook-id, webhook-timestamp, webhook-signature)"
  end
  local sent = time:find "^%d+$" and #time <= 15 and tonumber(time)
  if not sent then return nil, "its webhook-timestamp is none" end
  if not fits(keys, id, time, body, signatures) then return nil, "its signature is not made with the secret" end
  if math.abs(now - sent) > TOLERANCE then
    return nil, ("it was signed more than %s before or after now"):format(text.span(TOLERANCE))
  end
  return id
end

---@class runway.SeenIds      of callbacks that were believed, as long as one of them could be sent again
---@field now table<string, true>
---@field before table<string, true>
---@field since number        on a clock that only goes forward

--- Did one of this id come before? From now on it did.
---@param seen runway.SeenIds
---@param id string
---@param now number      seconds, on a clock that only goes forward
---@return boolean
function signature.is_known(seen, id, now)
  if now - seen.since > 2 * TOLERANCE then    -- signed at most so long ago, and so long from now
    seen.before, seen.now = now - seen.since > 4 * TOLERANCE and {} or seen.now, {}
    seen.since = now
  end
  local known = seen.now[id] or seen.before[id] or false
  seen.now[id] = true
  return known
end

---@param now number
---@return runway.SeenIds
function signature.seen(now) return { now = {}, before = {}, since = now } end

return signature
