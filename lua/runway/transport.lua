-- transport.lua: the C core as a transport: what http.lua sends through when
-- no mock is given. A transport starts an exchange and calls `done(result)`
-- from a later turn of the loop, never before `start` has returned.

local core = require "runway.core"
local scheduler = require "runway.scheduler"

local transport = {}

local waiting = {}                            -- id -> done

local function drain()
  while true do
    local id, result = core.take()
    if not id then return end
    local done = waiting[id]
    waiting[id] = nil
    if done then scheduler.guard(done, result) end
  end
end

scheduler.attach { drain = drain }

-- A request that the core refused to start fails like one that never left.
local function follow(done, id, message, kind)
  if id then
    waiting[id] = done
    return id
  end
  scheduler.at(scheduler.now(), function()
    done { sent = false, error = { kind = kind, code = "refused", message = message, permanent = true } }
  end)
  return nil
end

--- Starts one HTTP exchange.
---@param request table   method, url, headers, body | form | file, gate, limits (see http.lua)
---@param done fun(result: table)
---@return integer|nil handle
function transport:start(request, done)
  return follow(done, core.start(request))
end

--- Reads size and type of a local file, off this thread.
---@param path string
---@param done fun(result: table)   { size=, type=, class= } or { error= }
function transport.probe(path, done)
  return follow(done, core.probe(path))
end

--- Ends an exchange early; its result still comes.
function transport:cancel(handle)
  if handle then core.cancel(handle) end
end

---@return integer received
---@return integer|nil total
function transport:progress(handle)
  if not handle then return 0, nil end
  return core.progress(handle)
end

return transport
