-- What each adapter makes of an answer and of a callback, and what a callback's signature may be. Input: a byte for the
-- adapter, one for the status, and the body.

local adapter = require "runway.adapter"
local answer = require "runway.answer"
local json = require "runway.json"
local providers = require "runway.providers"
local signature = require "runway.callbacks.signature"

local names = {}
for name in pairs(providers) do names[#names + 1] = name end
table.sort(names)

local STATUSES = { 200, 201, 400, 401, 404, 429, 500, 503 }
local READERS = { "accepted", "task", "balance", "problem" }

-- As much of a session as a reader is called with. What it logs is a fault of ours: the adapters are.
local function session(name)
  return {
    adapter = providers[name], key = "key", base = "https://host", loopback = false, limits = {},
    log = function(_, _, message) error(message) end,
  }
end

return function(bytes)
  local which, status = bytes:byte(1, 2)
  if not status then return end
  local s, body = session(names[which % #names + 1]), bytes:sub(3)
  local made = answer.of { status = STATUSES[status % #STATUSES + 1], body = body, headers = {} }
  for _, reader in ipairs(READERS) do
    local _, _, fault = adapter.read(s, reader, made, { id = "x" })
    assert(not fault, fault)
  end
  local payload = json.decode(body)
  if type(payload) == "table" and s.adapter.callback then
    local hint, _, fault = adapter.read(s, "callback", payload, {})
    assert(not fault, fault)
    assert(hint == nil or hint.id == nil or type(hint.id) == "string")
  end
  local headers = { ["webhook-id"] = body:sub(1, 9), ["Webhook-Timestamp"] = status, ["webhook-signature"] = body }
  assert(not signature.check({ "a key" }, body, headers, status), "a signature that no one has made")
  headers["Webhook-Timestamp"] = tostring(status)
  assert(not signature.check(signature.keys(body) or { "a key" }, body, headers, status), "nor with a key of one's own")
end
