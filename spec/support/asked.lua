-- asked.lua: what an adapter makes of a caller's params, for its specs.

local assert = require "luassert"
local params = require "runway.params"

local asked = {}

--- The adapter's request, or its problem. The kind is the one that a client would choose.
---@param adapter runway.Adapter
---@param raw table    as a caller writes them
---@param kind? string
---@return table|nil request
---@return table|nil problem
function asked.submit(adapter, raw, kind)
  local given, problem = params.normalise(raw)
  assert(given, problem and problem.message)
  kind = kind or given.kind or adapter.kind_of and adapter.kind_of(given) or params.kind_of(given)
  return adapter.submit(kind, given)
end

--- The request of what goes through.
---@return table
function asked.sent(adapter, raw, kind)
  local request, problem = asked.submit(adapter, raw, kind)
  assert.is_nil(problem and problem.message)
  return request
end

--- The JSON body of what goes through, posted to one path.
---@param path string
---@return table
function asked.json(adapter, path, raw, kind)
  local request = asked.sent(adapter, raw, kind)
  assert.equal("POST", request.method)
  assert.equal(path, request.path)
  assert.is_nil(request.safe)
  return request.json
end

--- What does not go through says which field, and in whose name.
---@param field string
---@param words string   of the message
function asked.refused(adapter, raw, field, words)
  local request, problem = asked.submit(adapter, raw)
  assert.is_nil(request)
  assert.equal(field, problem.field)
  assert.matches(words, problem.message, 1, true)
  assert.matches(adapter.name, problem.message, 1, true)
end

return asked
