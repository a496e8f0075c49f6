-- Retry-After and dates. Input: lines "name: value" of headers.

local fields = require "runway.fields"
local retry = require "runway.retry"

local function is_wait(s) return s == nil or type(s) == "number" and s >= 0 and s == s end

return function(bytes)
  local headers = {}
  for line in bytes:gmatch "[^\n]+" do
    local name, value = line:match "^([^:]*): ?(.*)$"
    if name then headers[name] = value end
    local time = fields.time(value or line)
    assert(time == nil or math.type(time) == "integer" and time > 0, "no moment")
    local n = fields.number(value or line)
    assert(n == nil or n == n, "no number")
  end
  local wait = retry.retry_after(headers)
  assert(is_wait(wait), "no time to wait")
  assert(wait == nil or retry.delay(1, wait) >= wait, "sooner than the server asks")
end
