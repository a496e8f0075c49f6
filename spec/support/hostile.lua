-- The hostile answers of runway.conformance as an assertion, with a few more that only a hand-made
-- table can hold: the built-in readers bear those too.

local conformance = require "runway.conformance.hostile"

local hostile = {}

local function cyclic()
  local t = {}
  t.data, t.task, t.result, t.error = t, t, t, t
  return t
end

-- Values that no JSON text becomes.
local function impossible() return { 0 / 0, 1 / 0, -1 / 0, cyclic() } end

---Values in place of any other.
---@return any[]
function hostile.values()
  local values = conformance.values()
  for _, v in ipairs(impossible()) do values[#values + 1] = v end
  return values
end

---Raises at the first broken promise.
---@param adapter table
---@param examples table  { running = { body… }, succeeded = { body… }, failed = { body… } }
---@return integer count  of answers read
function hostile.check(adapter, examples)
  local lists = {}
  for state, bodies in pairs(examples) do
    lists[state] = {}
    for i, body in ipairs(bodies) do lists[state][i] = { json = body } end
  end
  return conformance.check(adapter, lists, function(reader, complaint, where)
    error(("%s: %s: %s"):format(where, reader, complaint), 0)
  end, { values = impossible(), bodies = hostile.values() })
end

return hostile
