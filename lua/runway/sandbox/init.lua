--- runway.sandbox: an offline server that answers like each provider, over real sockets, so that a
-- script can be written, shown and tested without an account and without spending money. It runs in
-- the Lua state that starts it and is pumped by the same scheduler, so a script and its sandbox
-- share one process; `runway sandbox` is the same with a loop around it.
--
--   local sandbox = require "runway.sandbox"
--   local s = assert(sandbox.start { seconds = 0.5 })
--   local client = runway.client { provider = "runwayml", api_key = "any", base_url = s.base_url }
--   ...
--   s:close()
--
-- What goes wrong is chosen with `scenario`, or per task by a word in its prompt: "sandbox:fail"
-- (see scenarios.lua). It is written from the providers' documents and shares no code with the
-- adapters, so that a mistake in one shows in the other.

local companion = require "runway.companion"
local scenarios = require "runway.sandbox.scenarios"
local tell = require "runway.sandbox.tell"
local text = require "runway.text"

local sandbox = {}

local MAX_BODY = 256 * 1024 * 1024 -- bytes of one request: the documents allow uploads of 200 MB
local RECORDED_BODY = 65536        -- bytes of a request's body that are kept
local AFTER = 0.001                -- seconds after a change it is to be seen, whatever is lost in sums of times
local RECORDED = 10000             -- requests that are kept; beyond, the older half is forgotten

local OPTIONS = {
  host = "string", port = "number", seconds = "number", api_key = "string", base_url = "string",
  shape = "string", relay = "string", epoch = "number", url_seconds = "number",
  retry_after = "number", seed = "number", scenario = true, log = "function",
}

-- Times that are none below 0.
local TIMES = { seconds = true, url_seconds = true, retry_after = true }

local function check_options(options, level)
  if type(options) ~= "table" then error("the sandbox's options must be a table", level + 1) end
  for name, value in pairs(options) do
    local wanted = OPTIONS[name]
    if not wanted then
      error(("the sandbox has no option '%s'"):format(tostring(name)), level + 1)
    end
    if wanted ~= true and type(value) ~= wanted then
      error(("option '%s' must be a %s, not a %s"):format(name, wanted, type(value)), level + 1)
    end
    if TIMES[name] and not (value >= 0 and value < math.huge) then
      error(("option '%s' must be a number of seconds, 0 or more"):format(name), level + 1)
    end
  end
  local scenario = options.scenario
  if scenario ~= nil and type(scenario) ~= "string" and type(scenario) ~= "function" then
    error("option 'scenario' must be a name or a function", level + 1)
  end
end

local function new_app(options, level)
  local app, why = require("runway.sandbox.app").new(options) -- the list of scenarios is had without it
  if not app then error(why, level + 1) end
  return app
end

--- The pure server, without socket or clock: `app:handle(request, now)` gives the response.
---@param options runway.sandbox.options
---@return table app
function sandbox.app(options)
  options = options or {}
  check_options(options, 2)
  local app = new_app(options, 2)
  return app
end

--- The scenarios there are.
---@return { name: string, about: string }[]  sorted by name
function sandbox.scenarios()
  local list = {}
  for i, name in ipairs(scenarios.names()) do
    list[i] = { name = name, about = scenarios.list[name].about }
  end
  return list
end

---@class runway.sandbox.Server
---@field base_url string       give it to a client as its base_url: the option's, where it stands behind a front
---@field listening string      where it listens itself
---@field port integer
---@field requests table[]      what came in, oldest first: { method=, path=, query=, headers=,
---  body= (its first 64 KiB), bytes=, status= (once answered) }
---@field tasks table[]         every task that was accepted, heard of or not, oldest first
---@field app table                   see app.lua
---@field host string                  where it listens
---@field log? fun(line: string)       of `verbose`
---@field scheduler table
---@field source? table                of the loop, while it is open
local Server = {}
Server.__index = Server

local function record(self, request)
  local requests = self.requests
  if #requests >= RECORDED then
    local kept = {}
    for i = RECORDED / 2 + 1, #requests do kept[#kept + 1] = requests[i] end
    requests, self.requests = kept, kept
  end
  local entry = {
    method = request.method, path = request.path, query = request.query,
    headers = request.headers, body = request.body:sub(1, RECORDED_BODY), bytes = #request.body,
  }
  requests[#requests + 1] = entry
  return entry
end

-- A mistake of the sandbox's own must not leave a client waiting.
local function answer(self, request, now)
  local ok, response = pcall(self.app.handle, self.app, request, now)
  if ok then return response end
  return {
    status = 500, headers = { ["content-type"] = "text/plain" },
    body = "the sandbox itself failed: " .. tostring(response) .. "\n",
  }
end

local function respond(self, id, response)
  if not self.listener then return end
  self.listener:respond(id, {
    status = response.status, headers = response.headers, body = response.body,
    fault = response.fault, chunk = response.chunk, every = response.every,
  })
end

-- Posts to the callback URL of a new task when it changes, one after the other, if that is at this machine: a sandbox
-- is offline.
local function plan_callbacks(self, task)
  local core, scheduler = require "runway.core", self.scheduler
  local hook = task.callback
  local url = hook and core.url(hook.url)
  if not url or not url.loopback then return end
  self.lane = self.lane or require("runway.session").lanes(1)
  for _, at in ipairs(self.app:changes(task)) do
    scheduler.at(at, function()
      if not self.listener or task.deleted then return end
      require("runway.transport"):start({ method = "POST", url = hook.url, address = "any",
        headers = { ["Content-Type"] = "application/json" }, body = self.app:callback(task, at + AFTER),
        timeout = 10, connect_timeout = 10, max_body_bytes = MAX_BODY, lane = self.lane, lane_limit = 1,
      }, function(result)
        if self.log then self.log(("callback of %s -> %s"):format(task.id, result.status or "not delivered")) end
      end)
    end)
  end
end

local function drain(self, over)
  local scheduler = self.scheduler
  local request = self.listener and self.listener:take()
  while request do
    local id = request.id
    local entry, had = record(self, request), #self.tasks
    local response = answer(self, request, scheduler.now())
    entry.status = response.status
    if self.log then tell(self.log, request, response) end
    if #self.tasks > had then plan_callbacks(self, self.tasks[#self.tasks]) end
    if response.delay then
      scheduler.at(scheduler.now() + response.delay, function() respond(self, id, response) end)
    else
      respond(self, id, response)
    end
    if over() then return true end
    request = self.listener and self.listener:take()
  end
end

--- Chooses what happens to the tasks that come from now on.
---@param choice nil|string|fun(request: table): string|nil  "fail", "rate_limit=3", or a function
---  that picks one for each submit; nil: all goes well
function Server:scenario(choice)
  local ok, why = self.app:choose(choice)
  if not ok then error(why, 2) end
end

--- Stops listening; what waits for an answer is cut off. As often as you like.
function Server:close()
  local listener = self.listener
  if not listener then return end
  self.listener = nil
  self.scheduler.detach(self.source)
  listener:close()
end

Server.__close = Server.close
Server.__gc = Server.close

local function host_in_url(host)
  if host == "0.0.0.0" then return "127.0.0.1" end
  if host == "::" then return "[::1]" end
  return host:find(":", 1, true) and "[" .. host .. "]" or host
end

-- The address of a front, without a slash at its end; nil, message where it is none.
local function front(url)
  if url == nil then return nil end
  if not url:find "^https?://[^/?#%z\1-\32\127]+[^?#%z\1-\32\127]*$" then
    return nil, "option 'base_url' must be an address such as https://front.example, without a query"
  end
  return (url:gsub("/+$", ""))
end

--- Starts a sandbox in this Lua state. It answers whenever the scheduler takes a step: in `wait`,
-- `sleep`, `run`, `step`, …
---@param options runway.sandbox.options|nil  and beside them: host (an address, "127.0.0.1"), port
---  (0: any free one), log (a function that is told, a line at a time, what is asked and answered)
---@return runway.sandbox.Server|nil server
---@return string|nil message  when the port is taken, a library is missing or no engine can start
---@return boolean|nil missing  it is the library
function sandbox.start(options)
  options = options or {}
  check_options(options, 2)
  local listener_module, missing = companion.load("listener", "the sandbox")
  if not listener_module then return nil, missing, true end
  local scheduler = require "runway.scheduler"
  local core = require "runway.core"

  local notify, idle = core.notify_fd()
  if not notify then return nil, idle end
  local host = options.host or "127.0.0.1"
  local settings = {}
  for name, value in pairs(options) do settings[name] = value end
  settings.epoch = settings.epoch or os.time() - scheduler.now()
  local base, wrong = front(options.base_url)
  if wrong then error(wrong, 2) end
  local app = new_app(settings, 2)

  local listener, why = listener_module.listen {
    host = host, port = options.port or 0, notify = notify, max_body_bytes = MAX_BODY,
  }
  if not listener and why:find("the host must be", 1, true) then
    error(("option 'host' must be an IPv4 or IPv6 address, not %s"):format(text.quote(host)), 2)
  elseif not listener then
    return nil, why
  end
  local port = listener:port()
  local self = setmetatable({
    listener = listener, scheduler = scheduler, app = app, port = port,
    base_url = base or ("http://%s:%d"):format(host_in_url(host), port),
    listening = ("http://%s:%d"):format(host_in_url(host), port), requests = {}, tasks = app.tasks,
    log = options.log,
  }, Server)
  -- a sandbox open to other machines is reached by names only they know: the Host header tells
  local everywhere = host == "0.0.0.0" or host == "::"
  app.base_url = base or not everywhere and self.base_url or nil
  self.source = { drain = function(over) return drain(self, over) end }
  scheduler.attach(self.source)
  return self
end

--- Serves until the sandbox is closed or the program is interrupted (Ctrl-C), then closes it.
---@param server runway.sandbox.Server
function sandbox.loop(server)
  local scheduler = server.scheduler
  local ok, err = pcall(function()
    while server.listener do scheduler.step(1, math.huge) end
  end)
  server:close()
  if not ok and not tostring(err):find("interrupted!", 1, true) then error(err, 0) end
end

return sandbox
