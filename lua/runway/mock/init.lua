-- mock.lua: a transport that answers from a list instead of from a network.
--
-- For specs of what a script does with a provider: nothing leaves the process,
-- every request is recorded, what was not expected is refused, faults are
-- played where they are asked for. While a mock is open the clock stands still
-- and jumps to the next thing that happens, so an hour of waiting takes
-- milliseconds.
--
--   local m = runway.mock {
--     { "POST /v1/text_to_video", json = { id = "t1" } },
--     { "GET /v1/tasks/t1", json = { id = "t1", status = "RUNNING" }, times = 3 },
--     { "GET /v1/tasks/t1", json = { id = "t1", status = "SUCCEEDED", output = { "https://cdn.example/1.mp4" } } },
--     { "GET https://cdn.example/1.mp4", body = "a film", delay = 20 },
--   }
--   local client = assert(runway.client { api_key = "any", transport = m })
--   … what is to be tested …
--   assert.equal("a cat", m.requests[1].json.promptText)
--   m:finish()
--
-- A request is answered by the first entry that is not used up, and must match
-- it; entries with `times = math.huge` stand aside for those after them. With
-- `any_order = true` in the list, the first entry that matches answers.
-- Reading local files (their type and size) is the only thing that stays real.

local exchange = require "runway.mock.exchange"
local options = require "runway.options"
local scheduler = require "runway.scheduler"
local text = require "runway.text"
local values = require "runway.values"

---@class runway.mock.Entry
---@field [1]? string        "GET /v1/tasks/x" or "/v1/tasks/x": method and path in one
---@field method? string     default: any
---@field path? string|fun(path: string, request: runway.mock.Request): boolean  the path below the client's
---  base_url, as it is sent (with %XX); with "^" at its start a Lua pattern; with a scheme the whole URL;
---  a "?name=value" at its end is a `query`. Default: any
---@field query? table       what these names in the query must be; others do not matter
---@field check? fun(request: runway.mock.Request): any  a request for which it raises or returns false is refused
---@field status? integer    default 200
---@field json? any          the answer's body as a Lua value …
---@field body? string       … or as it is
---@field headers? table<string, string>
---@field delay? number      seconds until the answer is there
---@field fault? "not_sent"|"lost"|"timeout"  no connection; sent, and the answer lost; sent, and never answered
---@field times? number      how often; default 1; math.huge: as often as asked, also never
---@field answer? fun(request: runway.mock.Request, nth: integer): runway.mock.Entry|nil  makes the answer
---  (status, json, body, headers, delay, fault); nil refuses the request

---@class runway.mock.Request
---@field method string
---@field url string
---@field path string        below the client's base_url; of another host: the URL's path
---@field query table<string, string>
---@field headers table<string, string>  names in lower case
---@field body? string       a local file in it shows as [file PATH]
---@field json? any          the body decoded; a local file in it shows as { file = PATH }
---@field form? table        of an upload: { name, value } and { name, file=, filename=, type= }
---@field file? string       the path of a file sent as the body
---@field save? table        of a download: { path=, overwrite=, max_bytes= }
---@field paid boolean       sent through the submit gate: never to be repeated once it was sent
---@field time number        seconds since the mock was made, on its own clock
---@field entry? integer     the entry that answered

---@class runway.Mock
---@field requests runway.mock.Request[]  all that were sent, oldest first
---@field unexpected string[]             what was refused, and why
---@field opened? boolean                        a client has it
---@field entries? table[]                runway.mock.Entry, and how often each has answered; nil: a function answers
local Mock = {}
Mock.__index = Mock
Mock.__name = "runway.mock"
Mock.pretends = true                          -- nothing that it answers cost money

local mock = {}

--------------------------------------------------------------------- reading the list

local FAULTS = { not_sent = true, lost = true, timeout = true }

local function seconds(v)
  return type(v) == "number" and v >= 0 and v < math.huge, "a number of seconds"
end
local function often(v)
  return v == math.huge or type(v) == "number" and v >= 1 and v % 1 == 0, "1 or more, or math.huge"
end
local function http_status(v)
  return type(v) == "number" and v >= 100 and v <= 599 and v % 1 == 0, "an HTTP status"
end

local ENTRY = {
  method = "string", path = "string|function", query = "table", check = "function", answer = "function",
  status = http_status, json = "any", body = "string", headers = "table", delay = seconds, times = often,
  fault = function(v) return FAULTS[v], '"not_sent", "lost" or "timeout"', values.show(v) end,
}

-- "GET /path?a=b" -> its parts, into the entry.
local function read_short_form(entry, short, what, level)
  local method, path = short:match("^([A-Z]+) +([^ ]+)$")
  if not method and not short:find "^/" and not short:find "^[a-z]+://" then
    error(('%s: "GET /path", "/path" or an address is wanted, not %s'):format(what, values.show(short)), level + 1)
  end
  entry.method, entry.path = method or entry.method, path or short
end

-- A copy of an entry, checked; what is wrong raises at `level`.
local function read_entry(given, what, level)
  if type(given) == "function" then given = { answer = given } end
  if type(given) ~= "table" then
    error(("%s must be a table or a function, not a %s"):format(what, type(given)), level + 1)
  end
  local entry = {}
  for name, value in pairs(given) do entry[name] = value end
  if type(entry[1]) == "string" then
    if entry.path then error(what .. ": give the path once", level + 1) end
    read_short_form(entry, entry[1], what, level + 1)
    entry[1] = nil
  end
  options.check(entry, ENTRY, what, level + 1)
  if entry.json ~= nil and entry.body then error(what .. ": give json or body, not both", level + 1) end
  if entry.json ~= nil then
    local encoded, message = exchange.encode(entry.json)
    if not encoded then error(("%s: json: %s"):format(what, message), level + 1) end
    entry.text = encoded
  end
  if entry.method then entry.method = text.upper(entry.method) end
  if type(entry.path) == "string" and entry.path:sub(1, 1) ~= "^" then
    local path, query = entry.path:match("^([^?]*)%?(.*)$")
    if path then
      entry.path, query = path, exchange.read_query(query)
      for name, value in pairs(entry.query or {}) do query[name] = value end
      entry.query = query
    end
  end
  return entry
end

local function read_list(list, level)
  if type(list) == "function" then list = { { answer = list, times = math.huge } } end
  if type(list) ~= "table" then error("mock takes a list of entries", level + 1) end
  local entries = {}
  for key in pairs(list) do
    if key ~= "any_order" and (type(key) ~= "number" or key < 1 or key > #list or key % 1 ~= 0) then
      error(("mock takes entries 1 to n and any_order, not %s"):format(tostring(key)), level + 1)
    end
  end
  for i = 1, #list do
    local entry = read_entry(list[i], "mock, entry " .. i, level + 1)
    entry.index, entry.used, entry.times = i, 0, entry.times or 1
    entries[i] = entry
  end
  return entries
end

--- Makes a mock, and stops the clock until it is closed.
---@param list runway.mock.List|fun(request: runway.mock.Request, nth: integer): runway.mock.Entry|nil
---@return runway.Mock
function mock.new(list)
  local entries = read_list(list, 2)
  local self = setmetatable({
    requests = {}, unexpected = {}, entries = entries,
    any_order = type(list) == "table" and list.any_order == true,
  }, Mock)
  scheduler.freeze()
  self.open, self.opened = true, scheduler.now()
  return self
end

--------------------------------------------------------------------- which entry answers

local function describe(entry)
  local path = entry.path
  if path == nil then path = "any path" elseif type(path) == "function" then path = "a path of its own choice" end
  return ("%s %s (entry %d)"):format(entry.method or "any method:", path, entry.index)
end

local function fits_path(path, request)
  if path == nil then return true end
  if type(path) == "function" then return path(request.path, request) end
  if path:sub(1, 1) == "^" then return request.path:find(path) ~= nil end
  if path:find("^[A-Za-z][A-Za-z0-9+.-]*://") then return request.url:match("^[^?#]*") == path end
  return request.path == path
end

local function fits(entry, request)
  if entry.method and entry.method ~= request.method then return false end
  if not fits_path(entry.path, request) then return false end
  for name, value in pairs(entry.query or {}) do
    if request.query[name] ~= tostring(value) then return false end
  end
  return true
end

-- The entry for a request; nil, and what was expected instead. One that is asked for aside, by no one's wish, takes
-- none that stands for the next request, whatever that is.
local function choose(self, request, aside)
  local expected = {}
  for _, entry in ipairs(self.entries) do
    if entry.used < entry.times then
      local may = not aside or entry.path ~= nil or entry.times == math.huge
      if may and fits(entry, request) then return entry end
      expected[#expected + 1] = describe(entry)
      if not self.any_order and entry.times ~= math.huge then break end
    end
  end
  return nil, #expected > 0 and "expected: " .. table.concat(expected, ", ") or "no more requests were expected"
end

-- The answer to a request; nil and a message when it is refused.
local function decide(self, request, aside)
  if not self.open then return nil, "the mock is closed" end
  local entry, expected = choose(self, request, aside)
  if not entry then return nil, expected end
  entry.used = entry.used + 1
  request.entry = entry.index
  if entry.check and entry.check(request) == false then
    return nil, "its check returned false: " .. describe(entry)
  end
  if not entry.answer then return entry end
  local answer = entry.answer(request, entry.used)
  if answer == nil then return nil, "its function gave no answer: " .. describe(entry) end
  answer = read_entry(answer, "the answer of mock entry " .. entry.index, 1)
  if answer.answer then return nil, "the answer is another function: " .. describe(entry) end
  return answer
end

--------------------------------------------------------------------- the transport

--- Starts one exchange; what a client calls.
---@param wire table
---@param done fun(result: table)
---@return table handle
function Mock:start(wire, done)
  local refusal = wire.save and exchange.check_target(wire.save)
  if refusal then return exchange.deliver(refusal, 0, done) end
  local request = exchange.record(wire)
  request.time = scheduler.now() - self.opened
  local place = #self.requests + 1
  self.requests[place] = request
  local ok, answer, why = scheduler.try(decide, self, request, wire.aside)
  if not ok then answer, why = nil, scheduler.text_of(answer) end
  if answer then return exchange.play(answer, wire, done) end
  if wire.aside then                          -- no one asked for it: as if it had not been
    table.remove(self.requests, place)
    local refused_by = self.entries[request.entry]
    if refused_by then refused_by.used = refused_by.used - 1 end
    return exchange.deliver({ sent = false, error = { kind = "invalid_request", code = "unexpected",
      message = "the mock does not expect it", permanent = true } }, 0, done)
  end
  local message = ("the mock did not expect %s %s (request %d): %s"):format(request.method,
    wire.path and request.path or wire.url:match("^[^?#]*"), #self.requests, why)
  self.unexpected[#self.unexpected + 1] = message
  return exchange.deliver({
    sent = false, error = { kind = "invalid_request", code = "unexpected", message = message, permanent = true },
  }, 0, done)
end

--- Ends an exchange early; its result still comes.
---@param handle table|nil
function Mock:cancel(handle)
  if handle then exchange.cancel(handle) end
end

---@param handle table|nil
---@return integer received
---@return integer|nil total
function Mock:progress(handle)
  return exchange.progress(handle)
end

--------------------------------------------------------------------- the end

local function check_self(self)
  if getmetatable(self) ~= Mock then options.without_self "mock" end
end

--- Lets the clock go on. As often as you like; a mock that is collected closes itself.
function Mock:close()
  check_self(self)
  if not self.open then return end
  self.open = false
  scheduler.thaw()
end

Mock.__close = Mock.close
Mock.__gc = Mock.close

--- Closes the mock, and raises unless all that was expected came, and nothing else.
function Mock:finish()
  check_self(self)
  self:close()
  local complaints = {}
  for i, message in ipairs(self.unexpected) do complaints[i] = message end
  for _, entry in ipairs(self.entries) do
    if entry.used < entry.times and entry.times ~= math.huge then
      complaints[#complaints + 1] = ("the mock expected %s %d times, and it came %d times")
        :format(describe(entry), entry.times, entry.used)
    end
  end
  if #complaints > 0 then error(table.concat(complaints, "\n"), 2) end
end

return mock
