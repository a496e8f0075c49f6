-- http.lua: policy over a transport; the only room that sends.
--
-- A session is what a client gives it: transport, adapter, base, signature,
-- limits, log. `call` makes one API call out of as many exchanges as retry.lua
-- allows; `exchange` makes exactly one.
--
--   session = { transport=, adapter=, base="https://host/prefix", key= (only to keep it out of texts),
--               sign=function() -> headers, limits={ timeout=, … }, lane=, log=function(level, message, fields) }

local errors = require "runway.errors"
local fields = require "runway.fields"
local json = require "runway.json"
local retry = require "runway.retry"
local scheduler = require "runway.scheduler"

local http = {}

local SAFE_METHODS = { GET = true, HEAD = true, DELETE = true, PUT = true, OPTIONS = true }

local LOST = " The task may exist and may have been charged: look for it at the provider before submitting again."

--------------------------------------------------------------------- one exchange

--- Sends one request and waits for its result.
---@param session table
---@param wire table           a transport request
---@param deadline? number     on scheduler.now(); the exchange is given up then
---@param on_progress? fun(received: integer, total: integer|nil)
---@return table result
function http.exchange(session, wire, deadline, on_progress)
  local transport, w = session.transport, scheduler.waiter()
  local handle, timer, ticker
  w.critical = wire.gate                      -- a paid answer is awaited even by a cancelled job
  local live = session.live
  local function give_up(kind, message)
    transport:cancel(handle)
    w:wake { sent = false, error = { kind = kind, code = kind, message = message, permanent = true } }
  end
  live[w] = not wire.gate and give_up or nil
  w.abandon = function()
    live[w] = nil
    scheduler.cancel_timer(timer)
    scheduler.cancel_timer(ticker)
    transport:cancel(handle)
  end
  if wire.gate then scheduler.checkpoint() end
  handle = transport:start(wire, function(result) w:wake(result) end)
  if deadline and not wire.gate then
    timer = scheduler.at(deadline, function() give_up("timeout", "the time given for the whole call is over") end)
  end
  if on_progress then
    local function tick()
      if w.done then return end
      scheduler.guard(on_progress, transport:progress(handle))
      ticker = scheduler.at(scheduler.now() + 0.1, tick)
    end
    ticker = scheduler.at(scheduler.now(), tick)
  end
  local result = scheduler.park(w)
  live[w] = nil
  scheduler.cancel_timer(timer)
  scheduler.cancel_timer(ticker)
  return result
end

--- What every wire request of a session has in common.
---@param session table
---@param wire table
---@return table wire
function http.limited(session, wire)
  local limits = session.limits
  wire.timeout = wire.timeout or limits.timeout
  wire.connect_timeout = limits.connect_timeout
  wire.max_body_bytes = limits.max_body_bytes
  wire.proxy, wire.ca_file, wire.resolve = limits.proxy, limits.ca_file, limits.resolve
  wire.allow_http = limits.allow_http
  wire.lane, wire.lane_limit = session.lane, limits.max_in_flight
  return wire
end

--- The reach of a request to an address that a server named.
---@param session table
---@return "any"|"public"|"loopback_or_public"
function http.foreign_reach(session)
  if session.limits.allow_private then return "any" end
  return session.loopback and "loopback_or_public" or "public"
end

--------------------------------------------------------------------- request -> wire

local function query_string(query, path)
  local names, parts = {}, {}
  for name in pairs(query or {}) do names[#names + 1] = name end
  table.sort(names)
  for i, name in ipairs(names) do
    local value = query[name]
    if type(value) == "number" and value % 1 == 0 then value = ("%d"):format(value) end
    parts[i] = fields.escape(name) .. "=" .. fields.escape(tostring(value))
  end
  if #parts == 0 then return "" end
  return (path:find("?", 1, true) and "&" or "?") .. table.concat(parts, "&")
end

-- Adds headers; a later one of the same name, in whatever case, replaces an earlier one.
local function add_headers(to, from)
  for name, value in pairs(from or {}) do
    for had in pairs(to) do
      if had:lower() == name:lower() then
        to[had] = nil
        break
      end
    end
    to[name] = tostring(value)
  end
end

-- The wire form of an adapter's request; nil, message when it cannot be written.
local function to_wire(session, request, paid)
  local method = (request.method or "GET"):upper()
  local headers = { Accept = "application/json", ["User-Agent"] = session.limits.user_agent }
  local wire = http.limited(session, { method = method, headers = headers, form = request.form, file = request.file })
  if request.url then                         -- another origin: no key, no private address
    wire.url = request.url .. query_string(request.query, request.url)
    wire.address = http.foreign_reach(session)
  else
    wire.url = session.base .. request.path .. query_string(request.query, request.path)
    wire.path = request.path                  -- what a mock compares
    wire.address = "any"
    add_headers(headers, session.sign())
  end
  if request.json ~= nil then
    local body, message = json.encode(request.json)
    if body == nil then return nil, message end
    wire.body = body
    headers["Content-Type"] = "application/json"
  elseif request.body then
    wire.body = request.body
  end
  add_headers(headers, request.headers)
  wire.gate = paid or not (request.safe or SAFE_METHODS[method])
  return wire
end

--------------------------------------------------------------------- result -> answer

local function looks_like_html(body)
  return body:find("^%s*<") ~= nil
end

-- The answer as adapters see it. `why` says why there is no JSON in it.
local function to_answer(result)
  local answer = { status = result.status, headers = result.headers or {}, body = result.body or "" }
  if not answer.body:find("%S") then
    answer.why = "the answer is empty"
  else
    local message
    answer.json, message = json.decode(answer.body)
    if looks_like_html(answer.body) then
      answer.why = "the answer is HTML, not JSON (a wrong base URL, or a proxy's page?)"
    elseif answer.json == nil then
      answer.why = "the answer is not JSON: " .. tostring(message)
    elseif type(answer.json) ~= "table" then
      answer.why = "the answer is a JSON " .. type(answer.json) .. ", not an object"
      answer.json = nil
    end
  end
  return answer
end

-- Calls an adapter's reader; one that raises must not lose a paid task.
local function read(session, reader, ...)
  if not reader then return nil, nil end
  local ok, value, problem = pcall(reader, ...)
  if not ok then
    session.log("error", "the adapter " .. session.adapter.name .. " failed to read an answer: " .. tostring(value))
    return nil, nil
  end
  if type(problem) == "string" then problem = { message = problem } end
  return value, problem
end
http.read = read

--- Lets an adapter make a request, which must not end the program when the adapter breaks.
---@param session table
---@param name string          "submit", "query", "cancel" or "upload"
---@return table|nil request
---@return table|nil problem   of the adapter, or that it broke or made nothing
function http.ask(session, name, ...)
  local maker = session.adapter[name]
  if not maker then return nil, { message = ("the adapter %s has no %s"):format(session.adapter.name, name) } end
  local ok, request, problem = pcall(maker, ...)
  if not ok then
    return nil, { message = ("the adapter %s failed in %s: %s"):format(session.adapter.name, name, tostring(request)) }
  end
  if request then return request end
  if type(problem) == "table" then return nil, problem end
  return nil, { message = problem or ("the adapter %s made nothing in %s"):format(session.adapter.name, name) }
end

-- The id of a task in an answer that is otherwise a failure.
local function id_in(session, answer, problem, kind)
  if problem and problem.id then return fields.id(problem.id) end
  if type(answer.json) ~= "table" then       -- cut off, or not quite JSON: the id may stand in it all the same
    return fields.id(answer.body:match('"task_?[iI]d"%s*:%s*"([%w%-_]+)"')
      or answer.body:match('"id"%s*:%s*"([%w%-_]+)"'))
  end
  local found = read(session, session.adapter.accepted, answer, kind)
  local id = type(found) == "table" and found.id
  return fields.id(id) or fields.id(answer.json.id) or fields.id(answer.json.task_id)
end

local function request_id(headers)
  return headers["x-request-id"] or headers["request-id"] or headers["x-amzn-requestid"] or headers["cf-ray"]
end

--------------------------------------------------------------------- errors for the reader

local function first_bytes(text)
  return fields.line(fields.cut(text, 80)) or ""
end

-- What happened, in words.
local function story(verdict, result, answer, problem)
  local e = result.error
  if e then
    if verdict.kind == "unknown_submit" then
      return "the request was sent, but no answer came back (" .. e.message .. ")." .. LOST
    end
    return e.message
  end
  local said = problem and problem.message
  if verdict.kind == "unknown_submit" then
    local what = said and ("the server said: " .. said) or answer.why or "the answer names no task"
    if answer.why and answer.why:find("HTML", 1, true) then what = what .. ": " .. first_bytes(answer.body) end
    return ("the request was sent and answered with status %d, but %s."):format(result.status, what) .. LOST
  end
  if result.status >= 300 and result.status < 400 then
    return "the API answered with a redirect, which is never followed; is the base URL right?"
  end
  if said then return said end
  if verdict.kind == "authentication" then return "the API key was refused" end
  if verdict.kind == "protocol" and answer.why then
    return answer.why .. (looks_like_html(answer.body) and ": " .. first_bytes(answer.body) or "")
  end
  if verdict.kind == "rate_limited" then return "too many requests, or a limit of the account is reached" end
  return ("the server answered with status %d"):format(result.status)
end

local function failure(session, verdict, result, answer, problem, attempts, wire, kind)
  local e = result.error
  return errors.new({
    kind = verdict.kind, message = story(verdict, result, answer or {}, problem),
    provider = session.adapter.name, http_status = result.status,
    code = problem and problem.code or e and e.code or nil,
    retryable = verdict.retryable, sent = result.sent and "yes" or "no",
    retry_after = verdict.after, attempts = attempts,
    request_id = result.headers and request_id(result.headers),
    body = answer and answer.body ~= "" and answer.body or nil,
    task_id = answer and wire.gate and id_in(session, answer, problem, kind) or nil,
  }, session.key)
end

--- An error before anything was sent.
---@param session table
---@param problem table|string   of an adapter, or a message
---@return nil
---@return runway.Error
function http.refuse(session, problem)
  if type(problem) ~= "table" then problem = { message = tostring(problem) } end
  return nil, errors.new({
    kind = problem.kind or "invalid_request", code = problem.code, message = problem.message or "refused",
    provider = session.adapter.name, sent = "no", retryable = false,
  }, session.key)
end

--------------------------------------------------------------------- one API call

-- What an adapter makes of a result: the answer, what its reader read, and what it says is wrong.
local function understand(session, wire, result, opts)
  if result.error then                        -- what came before it broke off may name the task
    return wire.gate and result.status and (result.body or "") ~= "" and to_answer(result) or nil
  end
  local answer, value, problem = to_answer(result), nil, nil
  if opts.reader then
    value, problem = read(session, opts.reader, answer, opts.ref)
    local page = looks_like_html(answer.body)  -- says nothing of a task, whatever its status
    if page then value = nil end
    if type(value) == "table" and value.missing then return answer, value end
    if page and answer.status >= 400 and not wire.gate then
      return answer, nil, { kind = "server", message = "a page that is not the API's came instead of an answer" }
    end
  elseif answer.json or answer.status == 204 or opts.raw then
    value = answer
  end
  if not problem and (value == nil or answer.status < 200 or answer.status > 299) then
    problem = read(session, session.adapter.problem, answer)
  end
  return answer, value, problem
end

-- A server that says "later" but names a task has taken the request all the same.
local function names_task(session, answer, opts)
  if not opts.paid or not answer or type(answer.json) ~= "table" or answer.json.error then return false end
  local made = read(session, session.adapter.accepted, answer, opts.ref)
  return type(made) == "table" and fields.id(made.id) ~= nil
end

--- Waits between two requests of a session; `close` ends it.
---@param session table
---@param seconds number
---@return boolean open   false: the client was closed meanwhile
function http.pause(session, seconds)
  local w = scheduler.waiter()
  local timer = scheduler.at(scheduler.now() + seconds, function() w:wake() end)
  session.live[w] = function() w:wake() end
  w.abandon = function()
    session.live[w] = nil
    scheduler.cancel_timer(timer)
  end
  scheduler.park(w)
  w.abandon()
  return not session.closed
end

--- Makes one API call: sends, judges, and sends again where that is safe. The session's timeout
--- covers all requests of the call and the pauses between them, but not those that a server asked
--- for, nor time in line. A paid request always gets the whole of it, so that its answer is awaited.
---@param session table
---@param request table        an adapter's request
---@param opts? table          { reader = adapter's reader of a good answer, ref = its second argument,
---                              deadline=, paid = true (a submit, whatever its adapter says),
---                              raw = true (any body will do) }
---@return table|nil fields    what the reader read (or the answer, without a reader)
---@return runway.Error|nil err
---@return table|nil answer
function http.call(session, request, opts)
  opts = opts or {}
  if session.closed then return http.refuse(session, { kind = "cancelled", message = "the client is closed" }) end
  local wire, message = to_wire(session, request, opts.paid)
  if not wire then return http.refuse(session, message) end
  local attempts, left = 0, wire.timeout
  while true do
    attempts = attempts + 1
    if not wire.gate then wire.timeout = left end
    local started = scheduler.now()
    local result = http.exchange(session, wire, opts.deadline)
    local answer, value, problem = understand(session, wire, result, opts)
    if type(value) == "table" and value.missing then return value, nil, answer end
    local verdict = retry.judge(wire.gate, result, problem, value == nil)
    if verdict and verdict.again and wire.gate and names_task(session, answer, opts) then
      verdict = { kind = "unknown_submit", again = false, retryable = false }
    end
    local seconds = result.timings and result.timings.total or scheduler.now() - started
    session.log("debug", ("%s %s: %s"):format(wire.method, (request.path or "(another host)"):match("^[^?#]*"),
      result.error and result.error.message or result.status), { seconds = seconds, attempt = attempts })
    if not verdict then return value, nil, answer end
    local delay = verdict.again and retry.delay(attempts, verdict.after)
    left = left - seconds - (delay and not verdict.after and delay or 0)
    local late = delay and (left <= 0 or opts.deadline and scheduler.now() + delay >= opts.deadline)
    if not delay or late or attempts > session.limits.max_retries or session.closed then
      return nil, failure(session, verdict, result, answer, problem, attempts, wire, opts.ref), answer
    end
    session.log("warning", ("%s; trying again in %.1f s"):format(story(verdict, result, answer or {}, problem), delay),
      { attempt = attempts, kind = verdict.kind })
    if not http.pause(session, delay) then
      return http.refuse(session, { kind = "cancelled", message = "the client was closed" })
    end
  end
end

return http
