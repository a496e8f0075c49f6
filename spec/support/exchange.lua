-- Requests through runway.core, waited for with a bound: a spec that hangs fails instead, and none
-- passes by being quick.

local core = require "runway.core"

local PATIENCE = 20 -- seconds; only ever spent by a spec that fails

local exchange = {}

local finished = {} -- results taken while another was waited for

--- Runs the engine until `done` says so.
---@param done fun(): any
---@param what string for the message when it never does
---@return any what `done` returned
function exchange.until_true(done, what)
  local deadline = core.now() + PATIENCE
  while true do
    local answer = done()
    if answer then return answer end
    local id, result = core.take()
    if id then
      finished[id] = result
    else
      local left = deadline - core.now()
      assert(left > 0, "never happened: " .. what)
      -- Short, since `done` may look at more than finished requests.
      core.wait(math.min(left, 0.02))
    end
  end
end

--- Starts a request; GET unless it names a method.
---@param request table
---@return integer id
function exchange.start(request)
  request.method = request.method or "GET"
  request.timeout = request.timeout or PATIENCE
  return assert(core.start(request))
end

--- The result of a started request or probe.
---@param id integer
---@return table
function exchange.finish(id)
  local result = exchange.until_true(function() return finished[id] end, "the end of " .. id)
  finished[id] = nil
  return result
end

--- Starts a request and waits for its result.
---@param request table
---@return table
function exchange.run(request)
  return exchange.finish(exchange.start(request))
end

--- Waits until `count` bytes of a started request's answer are there.
---@param id integer
---@param count integer
function exchange.until_received(id, count)
  exchange.until_true(function() return core.progress(id) >= count end, "progress of " .. id)
end

return exchange
