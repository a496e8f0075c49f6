--- The sandbox as a pure function of requests and time: routing, authorization, the scenarios. It
-- has no socket and no clock, so a spec plays an hour with a table and a number; init.lua puts it
-- on a real port. Each API is a room of its own, a table:
--
--   name      for people
--   family    whose tasks these are: an id is known to all APIs of a family, and to no other
--   prefix    the paths that are this API's, even where nothing is there
--   auth      "bearer" or "bare"
--   problem(what, detail, c) -> status, body   how this API says that something is wrong
--   before(c) -> response|nil     checks what every request must have, once the key is good
--   accepted(c, task) -> response what a submit is answered
--   show(c, task, view) -> response   what a query is answered
--   hook      the field of a submit that names a callback URL, where the API has one
--   posted(c, task, view) -> body     and what is posted there
--   routes    { method, path with {names}, submit= | query= | answer= , open=true, raw=true }
--               submit(c) -> draft | nil, response; query(c) -> id | nil, response;
--               answer(c) -> response; open: no key wanted; raw: the body is not JSON.
--               A route may have its own accepted, show and family.
--
-- `c` is one request at work: { app, request, now, wall (Unix time), path = {name = value}, query,
-- json (the decoded body), base_url, problem = function(what, detail) -> response }.

local json = require "runway.json"
local files = require "runway.sandbox.files"
local reply = require "runway.sandbox.reply"
local scenarios = require "runway.sandbox.scenarios"
local tasks = require "runway.sandbox.tasks"
local tools = require "runway.sandbox.tools"
local words = require "runway.text"

local apis = {}
for i, name in ipairs { "runwayml", "gateway", "cometapi", "chatgptsb", "qimu" } do
  apis[i] = require("runway.sandbox." .. name)
end

local App = {}
App.__index = App

-- "/v1/tasks/{id}" -> a Lua pattern and the names of its captures
local function compile(path)
  local names = {}
  local pattern = path:gsub("[%-%.]", "%%%0"):gsub("{([A-Za-z0-9]+)}", function(name)
    names[#names + 1] = name
    return "([^/]+)"
  end)
  return "^" .. pattern .. "$", names
end

local function build_routes()
  local routes = {}
  for _, api in ipairs(apis) do
    for _, route in ipairs(api.routes) do
      local pattern, names = compile(route[2])
      routes[#routes + 1] = { api = api, route = route, pattern = pattern, names = names }
    end
  end
  return routes
end

-- The route of a request; else the API whose prefix it has, and whether the path exists at all.
local function find_route(self, method, path)
  local other
  for _, entry in ipairs(self.routes) do
    local found = { path:match(entry.pattern) }
    if found[1] then
      if entry.route[1] == method then
        local captures = {}
        for i, name in ipairs(entry.names) do captures[name] = tools.unescape(found[i]) end
        return entry, captures
      end
      other = entry
    end
  end
  if other then return nil, other.api, "method" end
  for _, api in ipairs(self.apis) do
    if path:sub(1, #api.prefix) == api.prefix then return nil, api, "not_found" end
  end
  return nil, nil, "not_found"
end

-- Complains when the Authorization header has not the form the API asks for, or not the key.
local function check_key(self, api, value)
  if not value or value == "" then return "no API key was sent in an Authorization header" end
  local key
  if api.auth == "bearer" then
    key = value:match("^Bearer ([^ \t-\r]+)$")
    if not key then return "the Authorization header must be 'Bearer <key>'" end
  else
    key = value:match("^[^ \t-\r]+$")
    if not key then return "the Authorization header must be the bare key, without 'Bearer'" end
  end
  if self.api_key and key ~= self.api_key then return "the API key is not the right one" end
  return nil
end

-- Decodes a JSON body into c.json, or answers that it cannot.
local function read_body(c)
  local kind = c.request.headers["content-type"] or ""
  if not words.lower(kind):find("^application/json[ \t-\r]*;?") then
    return c.problem("bad_request", "the Content-Type of a JSON body must be application/json")
  end
  local value, why = json.decode(c.request.body)
  if type(value) ~= "table" or json.is_array(value) then
    return c.problem("bad_request", "the body is not a JSON object" .. (why and ": " .. why or ""))
  end
  c.json = value
  return nil
end

local function say(c, what)
  if type(what) == "table" then return what end
  if what == "refused_key" then return c.problem("unauthorized", "the API key is not the right one") end
  return c.problem(what)
end

-- How often this very request has come in a row (a retry repeats it byte for byte; its length and
-- ends are enough to know it).
local function count(self, request)
  local body = request.body
  local key = table.concat({ request.path, #body, body:sub(1, 2048), body:sub(-256) }, "\n")
  self.seen[key] = (self.seen[key] or 0) + 1
  return self.seen[key], key
end

local function submit(self, c, api, route)
  local draft, refusal = route.submit(c)
  if not draft then return refusal end
  local scenario, unknown = scenarios.choose(c.request, self.scenario)
  if not scenario then return c.problem("bad_request", unknown) end
  local entry, n = scenario.entry, scenario.n
  if entry.submit then
    local seen, key = count(self, c.request)
    local what = entry.submit(n, seen)
    if what then return say(c, what) end
    self.seen[key] = nil
  end
  local task = tasks.add(self, draft, scenario, c.now)
  local url = api.hook and c.json[api.hook]
  if type(url) == "string" then task.callback = { url = url, api = api, base_url = c.base_url } end
  local response = (route.accepted or api.accepted)(c, task)
  if entry.accepted then response = entry.accepted(response) end
  if entry.answer then entry.answer(response, n) end
  return response
end

local function query(self, c, api, route)
  local id, refusal = route.query(c)
  if not id then return refusal end
  local task = tasks.find(self, route.family or api.family, id)
  if not task then return c.problem("no_task", id) end
  task.polls = task.polls + 1
  local entry, n = task.scenario.entry, task.scenario.n
  local what = entry.poll and entry.poll(n, task.polls)
  if what then return say(c, what) end
  local view = tasks.view(self, task, c.now, c.base_url)
  local response = (route.show or api.show)(c, task, view)
  if entry.answer then entry.answer(response, n) end
  return response
end

local function about(self)
  local names = {}
  for i, api in ipairs(self.apis) do names[i] = ("  %-24s %s"):format(api.prefix, api.name) end
  return reply.text(200, table.concat({
    "runway sandbox: an offline stand-in for video APIs", "", table.concat(names, "\n"), "",
    "Scenarios, as a word in the prompt such as sandbox:fail",
    "  " .. table.concat(scenarios.names(), " "), "",
    "GET /tasks lists what was accepted, heard of or not.",
  }, "\n"))
end

-- Every task, as the page of a provider's would list them: whoever has lost an answer finds it there.
local function list_tasks(self, now)
  local lines = {}
  for i, task in ipairs(self.tasks) do
    local created = os.date("!%Y-%m-%dT%H:%M:%SZ", math.floor(task.created + self.epoch))
    lines[i] = ("%s  %s  %s  %s  %s  %s credits"):format(created, task.id, tasks.status(self, task, now), task.family,
      task.kind, words.number(tasks.cost(self, task, now)))
  end
  return reply.text(200, lines[1] and table.concat(lines, "\n") or "There is no task yet.")
end

local RETRY = { rate_limited = true, unavailable = true }

-- Completes the work sheet of one request.
local function worksheet(self, request, now, api)
  local c = {
    app = self, request = request, now = now, wall = now + self.epoch,
    query = tools.query(request.query),
    base_url = self.base_url or "http://" .. (request.headers.host or "127.0.0.1"),
  }
  function c.problem(what, detail)
    local status, body = api.problem(what, detail, c)
    local response = type(body) == "table" and reply.json(status, body) or reply.html(status, body)
    if RETRY[what] then response.headers["retry-after"] = tostring(self.retry_after) end
    return response
  end
  return c
end

local function dispatch(self, request, now)
  local entry, captures, why = find_route(self, request.method, request.path)
  if not entry then
    local api = captures
    if not api then return reply.text(404, "Nothing is here; GET / says what is.") end
    return worksheet(self, request, now, api).problem(why, request.method .. " " .. request.path)
  end
  local api, route = entry.api, entry.route
  local c = worksheet(self, request, now, api)
  c.path = captures
  if not route.open then
    local complaint = check_key(self, api, request.headers.authorization)
    if complaint then return c.problem("unauthorized", complaint) end
    local refusal = api.before and api.before(c)
    if refusal then return refusal end
  end
  if not route.raw and (request.method == "POST" or request.method == "PATCH") then
    local refusal = read_body(c)
    if refusal then return refusal end
  end
  if route.submit then return submit(self, c, api, route) end
  if route.query then return query(self, c, api, route) end
  return route.answer(c)
end

--- Answers one request.
---@param request table { method=, path=, query=(raw), headers={lowercase}, body= }
---@param now number    seconds on any clock that only goes forward
---@return table response  { status=, headers=, body=, delay=nil|seconds,
---  fault=nil|"drop"|"truncate"|"stall"|"garbage"|"slow", chunk=, every= }, the faults as runway.listener names them
function App:handle(request, now)
  request = {
    method = request.method, path = request.path, query = request.query,
    headers = request.headers or {}, body = request.body or "",
  }
  local name = request.path:match("^/files/([^/]+)$")
  if name and (request.method == "GET" or request.method == "HEAD") then
    return files.serve(self, request, name, tools.query(request.query), now)
  elseif request.path == "/" and request.method == "GET" then
    return about(self)
  elseif request.path == "/tasks" and request.method == "GET" then
    return list_tasks(self, now)
  end
  local response = dispatch(self, request, now)
  response.headers["x-request-id"] = tools.uuid(self.chance)
  return response
end

--- When a task changes after its submit was answered: a provider tells of that.
---@param task table
---@return number[]   on the clock of `now`; none of one that is held in line, of which that is not known
function App:changes(task)
  local times = {}
  for i, stage in ipairs(tasks.timeline_of(task)) do
    if i > 1 and task.begun then times[#times + 1] = task.begun + stage.at * self.seconds end
  end
  return times
end

--- What is posted to a task's callback URL now.
---@param task table   with `callback`
---@param now number
---@return string body
function App:callback(task, now)
  local looks = task.looks
  local c = worksheet(self, { headers = {}, query = "" }, now, task.callback.api)
  c.base_url = task.callback.base_url
  local view = tasks.view(self, task, now, c.base_url)
  task.looks = looks                          -- no one has looked
  return json.encode(task.callback.api.posted(c, task, view))
end

--- Chooses what happens to the tasks that come from now on.
---@param choice nil|string|fun(request: table): string|nil  a scenario ("fail", "rate_limit=3")
---  or a function that picks one per submit request
---@return boolean|nil ok, string|nil message  nil and why when there is no such scenario
function App:choose(choice)
  if type(choice) == "string" then
    local known, why = scenarios.parse(choice)
    if not known then return nil, why end
  end
  self.scenario = choice
  return true
end

local app = {}

---@class runway.sandbox.options
---@field seconds number?       how long a task takes (2)
---@field scenario string|function|nil  see App:choose
---@field api_key string?       the one key that is right; nil: any key of the right form is
---@field base_url string?      what output URLs begin with; nil: taken from each Host header
---@field shape string?         how resellers answer a query: "duomi", "wrapped", "flat",
---  "official", "kling", "luma" or "quirk" (see shapes.lua); nil: as each does today
---@field relay string?         whose page /runwayml/v1 obeys: "gateway" (default) or "cometapi"
---@field epoch number?         Unix time when `now` is 0
---@field url_seconds number?   how long an output URL is good (86400)
---@field retry_after number?   what Retry-After says, in seconds (1)
---@field seed integer?         makes ids and URLs the same at each run
---@field host string?          where it listens (127.0.0.1)
---@field port integer?         any that is free
---@field log fun(line: string)?   is told what was asked and answered

local SHAPES = {
  duomi = true, wrapped = true, flat = true, official = true, kling = true, luma = true,
  quirk = true,
}

---@param options runway.sandbox.options
---@return table|nil app, string|nil message
function app.new(options)
  if options.shape and not SHAPES[options.shape] then
    return nil, ("unknown shape '%s'"):format(tostring(options.shape))
  elseif options.relay and options.relay ~= "gateway" and options.relay ~= "cometapi" then
    return nil, ("unknown relay '%s': gateway or cometapi"):format(tostring(options.relay))
  end
  local self = setmetatable({
    seconds = options.seconds or 2, api_key = options.api_key, base_url = options.base_url,
    shape = options.shape, relay = options.relay or "gateway", epoch = options.epoch or 0,
    url_seconds = options.url_seconds or 86400, retry_after = options.retry_after or 1,
    chance = tools.chance(options.seed),
    tasks = {}, by_id = {}, lines = {}, files = {}, uploads = {}, web_uploads = {}, seen = {},
  }, App)
  self.apis = apis
  self.routes = build_routes()
  local ok, why = self:choose(options.scenario)
  if not ok then return nil, why end
  return self
end

return app
