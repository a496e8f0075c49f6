-- An adapter against a table of cases: params in and request out, answers in and fields out. Each
-- case is run twice, and must come out the same and leave what it was given as it was.
--
--   { submit = params, [kind =,] request = … | refused = true|"field" }
--   { query = ref, request = … }      cancel alike      { credits = true, request = … }
--   { accepted = body, [status =,] fields = … | tells = … | unreadable = true }
--   { task = body, [ref =,] … }       { callback = body, [headers =,] … }
--   { balance = body, value = … }     { limits = body, value = … }
--   { problem = body, status =, tells = … }
--   { upload = file, answers = {…}, request = … | uri = … | refused = true }
--   { retryable_failure = code, value = true|false|nil }
--   { price = request, [kind =,] value = … }           { sign = key, value = headers }
-- `tells` is what is told of a problem: true, its kind, or a table of what it must hold.

local compare = require "runway.conformance.compare"
local contract = require "runway.contract"
local order = require "runway.order"
local params = require "runway.params"
local pure = require "runway.conformance.pure"
local shape = require "runway.conformance.shape"
local slips = require "runway.conformance.slips"

local unpack = table.unpack or unpack         -- 5.1 has it as a global

local cases = {}

local function describe(case, index, way)
  return case.name and ("case %d, %s"):format(index, case.name) or ("case %d (%s)"):format(index, way)
end

---------------------------------------------------------------------------------------------------
-- One call, twice

local Run = {}
Run.__index = Run

-- What a function returns, told with every way in which it is not pure. `args` are copied for each
-- call, so that one call cannot spoil the next.
---@return any value
---@return any problem
---@return boolean|nil failed
function Run:call(name, where, ...)
  local given, count = { ... }, select("#", ...)
  local results = {}
  for turn = 1, 2 do
    local args = {}
    for i = 1, count do args[i] = compare.copy(given[i]) end
    local ok, value, problem = pure.try(self.adapter[name], unpack(args, 1, count))
    if not ok then
      self.say(name, "raises: " .. tostring(value), where)
      return nil, nil, true
    end
    for i = 1, count do
      local changed = compare.difference(given[i], args[i], "argument " .. i)
      if changed then self.say(name, "changes what it is given: " .. changed, where) end
    end
    results[turn] = { value, problem }
  end
  local differs = compare.difference(results[1][1], results[2][1], "its result")
    or compare.difference(results[1][2], results[2][2], "its problem")
  if differs then
    self.say(name, "gives another result for the same input: " .. differs, where)
  else
    local path = compare.shared(results[1], results[2])
    if path then
      self.say(name, "gives out the same table twice (one caller could spoil the other's): "
        .. path:gsub("^%[1%]%.?", "result "):gsub("^%[2%]%.?", "problem "), where)
    end
  end
  return results[1][1], results[1][2]
end

-- The kind that a client would ask for.
function Run:kind_of(case, where, given)
  if case.kind or given.kind then return case.kind or given.kind end
  local kind, problem, failed
  if self.adapter.kind_of then kind, problem, failed = self:call("kind_of", where, given) end
  return kind or params.kind_of(given), problem, failed
end

-- The request that a function returned, when it is one.
function Run:request_of(name, use, where, ...)
  local request, problem, failed = self:call(name, where, ...)
  if failed then return nil, nil, true end
  local wrong
  if request ~= nil then
    wrong = shape.request(request, use)
  elseif problem == nil then
    wrong = "returns neither a request nor a problem"
  else
    wrong = shape.problem(problem)
  end
  if wrong then
    self.say(name, wrong, where)
    return nil, nil, true
  end
  return request, problem
end

---------------------------------------------------------------------------------------------------
-- What a case expects

local function field_of(problem) return type(problem) == "table" and problem.field or nil end

local function message_of(problem)
  return type(problem) == "table" and problem.message or tostring(problem)
end

-- What of a request goes out.
local function sent(request)
  local copy = {}
  for name, v in next, request do copy[name] = v end
  copy.warnings = nil
  return copy
end

-- A request with what it means when nothing is said. `warnings` are for people, so a case need not name
-- them.
local function spelled_out(request, expected)
  local full = sent(request)
  full.warnings = expected.warnings and request.warnings
  full.method, full.safe = request.method or "GET", request.safe or nil
  return full
end

function Run:expect_request(name, case, request, problem, where)
  if case.refused then
    if request ~= nil then return self.say(name, "makes a request of what is to be refused", where) end
    local field = field_of(problem)
    if type(case.refused) == "string" and field ~= case.refused then
      self.say(name, ("refuses %s, expected %s: %s"):format(tostring(field), case.refused,
        message_of(problem)), where)
    end
  elseif request == nil then
    self.say(name, "refuses it: " .. message_of(problem), where)
  elseif case.request then
    local difference = compare.difference(spelled_out(case.request, case.request), spelled_out(request, case.request),
      "request")
    if difference then self.say(name, difference, where) end
  end
end

-- What a case need not name.
local FOR_PEOPLE = { word = true, reason = true, flagged = true }

local function without_remarks(fields, expected)
  local copy = {}
  for name, v in next, fields do
    if not FOR_PEOPLE[name] or expected[name] ~= nil then copy[name] = v end
  end
  return copy
end

-- nil when a problem is as expected.
local function unlike(problem, tells)
  if tells == nil then
    return problem ~= nil and "tells a problem, expected none: " .. message_of(problem) or nil
  elseif problem == nil then
    return "tells no problem"
  end
  if tells == true then return nil end
  local whole = type(problem) == "string" and { message = problem } or problem
  for name, v in next, type(tells) == "table" and tells or { kind = tells } do
    local difference = compare.difference(v, whole[name], "problem." .. name)
    if difference then return difference end
  end
  return nil
end

function Run:expect_fields(name, case, out, problem, where)
  local wrong = out ~= nil and shape.fields(out) or problem ~= nil and shape.problem(problem)
  if wrong then
    return self.say(name, wrong, where)
  elseif case.fields then
    if out == nil then
      wrong = problem and "tells a problem: " .. message_of(problem)
        or "returns nil, which says that it cannot read the answer; expected fields (is a return missing?)"
    else
      wrong = compare.difference(case.fields, without_remarks(out, case.fields), "fields")
    end
  elseif case.tells or case.unreadable then
    wrong = out ~= nil and "returns fields, expected none" or unlike(problem, case.tells)
  end
  if wrong then self.say(name, wrong, where) end
end

local function answer_of(case, body)
  return {
    status = case.status or 200, headers = case.headers or {}, json = body or nil,
    body = case.body or "…",
  }
end

---------------------------------------------------------------------------------------------------
-- The ways a case may go

local ways = {}

function ways.accepted(run, case, where)
  local out, problem, failed = run:call("accepted", where, answer_of(case, case.accepted), case.kind)
  if not failed then run:expect_fields("accepted", case, out, problem, where) end
  if out then run:note("accepted", case.accepted) end
end

local STATES = { SUCCEEDED = "succeeded", FAILED = "failed", CANCELLED = "failed" }

function ways.task(run, case, where)
  local ref = case.ref or { id = "asked-for" }
  local out, problem, failed = run:call("task", where, answer_of(case, case.task), ref)
  if failed then return end
  local wanted = case.fields and case.fields.id
  if not case.ref and type(out) == "table" and out.id == ref.id and wanted ~= nil and wanted ~= ref.id then
    return run.say("cases", ("the task was asked for by another id; give the case ref = { id = %q }"):format(wanted),
      where)
  end
  run:expect_fields("task", case, out, problem, where)
  if type(out) ~= "table" or (case.status or 200) ~= 200 then return end
  run:note(out.missing and "missing" or STATES[out.status] or "running", case.task, ref)
end

function ways.callback(run, case, where)
  local out, problem, failed = run:call("callback", where, case.callback, case.headers or {})
  if not failed then run:expect_fields("callback", case, out, problem, where) end
  if out then run:note("callback", case.callback) end
end

for name, what in pairs { balance = "the balance", limits = "the limits" } do
  ways[name] = function(run, case, where)
    local value, _, failed = run:call(name, where, answer_of(case, case[name]))
    if failed then return end
    local difference = compare.difference(case.value, value, what)
    if difference then run.say(name, difference, where) end
    run:note(name, case[name])
  end
end

function ways.problem(run, case, where)
  local problem, _, failed = run:call("problem", where, answer_of(case, case.problem))
  if failed then return end
  local wrong = problem ~= nil and shape.problem(problem) or unlike(problem, case.tells)
  if wrong then run.say("problem", wrong, where) end
  run:note("problem", case.problem)
end

for _, name in ipairs { "query", "cancel" } do
  ways[name] = function(run, case, where)
    local request, problem, failed = run:request_of(name, name, where, case[name])
    if not failed then run:expect_request(name, case, request, problem, where) end
    if request then run:note(name) end
  end
end

function ways.credits(run, case, where)
  local request, problem, failed = run:request_of("credits", "credits", where)
  if not failed then run:expect_request("credits", case, request, problem, where) end
  if request then run:note("credits") end
end

function ways.upload(run, case, where)
  local answers = {}
  for i, answer in ipairs(case.answers or {}) do
    answers[i] = { status = answer.status or 200, headers = answer.headers or {}, json = answer.json,
      body = answer.body or "" }
  end
  local step, problem, failed = run:call("upload", where, case.upload, answers)
  if failed then return end
  local wrong
  if step == nil then
    wrong = problem == nil and "returns neither a step nor a problem" or shape.problem(problem)
  else
    wrong = shape.step(step)
  end
  if not wrong and case.uri then wrong = compare.difference(case.uri, step and step.uri, "uri") end
  if wrong then return run.say("upload", wrong, where) end
  if not case.uri then
    run:expect_request("upload", case, step and (step.request or step), problem, where)
  else
    run.examples.upload[#run.examples.upload + 1] = { file = case.upload, answers = answers }
  end
end

function ways.retryable_failure(run, case, where)
  local value, _, failed = run:call("retryable_failure", where, case.retryable_failure)
  if not failed and value ~= case.value then
    run.say("retryable_failure", ("says %s, expected %s"):format(tostring(value),
      tostring(case.value)), where)
  end
end

function ways.price(run, case, where)
  local price, _, failed = run:call("price", where, case.kind or run.adapter.kinds[1], case.price)
  if failed then return end
  local wrong = price ~= nil and shape.price(price) or compare.difference(case.value, price, "the price")
  if wrong then run.say("price", wrong, where) end
end

function ways.sign(run, case, where)
  local headers, _, failed = run:call("sign", where, case.sign)
  if failed then return end
  local wrong = shape.headers(headers) or compare.difference(case.value, headers, "the headers")
  if wrong then run.say("sign", wrong, where) end
end

---------------------------------------------------------------------------------------------------
-- Submits: the case itself, and what every adapter promises beside it

local FIRST, LAST = "https://images.example/first.png", "https://images.example/last.png"

-- One neutral param at a time: it is sent, or it is refused, but never dropped without a word.
local NEUTRAL = {
  { "prompt_text", "a text that no case holds" },
  { "prompt_image", { { uri = FIRST } }, FIRST },
  { "prompt_video", "https://videos.example/probe.mp4" },
  { "seed", 1234567 },
  { "callback_url", "https://callbacks.example/probe" },
}

local TWO_IMAGES = { { uri = FIRST, position = "first" }, { uri = LAST, position = "last" } }

local function with(given, name, v)
  local copy = compare.copy(given)
  copy[name] = v
  return copy
end

function Run:probe_neutral(kind, given, where)
  for _, probe in ipairs(NEUTRAL) do
    local name, v = probe[1], probe[2]
    if given[name] == nil then
      local more = where .. " and " .. name
      local request, _, failed = self:request_of("submit", "submit", more, kind, with(given, name, v))
      if request and not failed and not compare.holds(sent(request), probe[3] or v) then
        self.say("submit", ("drops %s without a word: send it or refuse it"):format(name), more)
      end
    end
  end
end

function Run:probe_images(kind, given, where)
  local more = where .. " with two images"
  local request = self:request_of("submit", "submit", more, kind, with(given, "prompt_image", TWO_IMAGES))
  if request and not (compare.holds(sent(request), FIRST) and compare.holds(sent(request), LAST)) then
    self.say("submit", "drops one of two images without a word: send it or refuse it", more)
  end
end

function Run:probe_others(kind, given, request, where)
  local extra = { deep_key = { 1, "x" } }
  local more = self:request_of("submit", "submit", where, kind, with(given, "conformance_probe", extra))
  if request.json and not (more and compare.holds(sent(more), extra)) then
    self.say("submit", "drops a name it does not know; such names pass through, so that a new "
      .. "option needs no new adapter", where)
  end
  more = self:request_of("submit", "submit", where, kind, with(given, "key", "conformance-key"))
  if more and compare.holds(sent(more), "conformance-key") then
    self.say("submit", "sends `key`, which is the caller's own and not the API's", where)
  end
  if given.model == nil then return end
  local problem, failed
  more, problem, failed = self:request_of("submit", "submit", where, kind,
    with(given, "model", "model-of-tomorrow"))
  if not failed and not more and field_of(problem) == "model" then
    self.say("submit", "refuses a model it does not know; such a one is let through: "
      .. message_of(problem), where)
  elseif more and not compare.holds(sent(more), "model-of-tomorrow") then
    self.say("submit", "does not send a model that it does not know", where)
  end
end

-- Whatever an id holds, it names one task.
local ODD_ID = "a/../b?c#d e%2F"

function Run:probe_query(kind, request, where)
  for _, name in ipairs { "query", "cancel" } do
    if self.adapter[name] then
      local ref = { id = ODD_ID, kind = kind, format = request.format }
      local asked, _, failed = self:request_of(name, name, where .. " and its " .. name, ref)
      if asked and not failed and (asked.path or asked.url):find("../b", 1, true) then
        self.say(name, "puts an id into the path as it is; fields.escape makes it fit", where)
      end
    end
  end
end

function ways.submit(run, case, where)
  local read, problem = order.read(run.order, case.submit, true)
  if not read then
    return run.say("submit", "params that never reach an adapter: " .. problem.message, where)
  end
  local given = read.params
  local kind, _, failed = run:kind_of(case, where, given)
  if failed then return end
  local request
  request, problem, failed = run:request_of("submit", "submit", where, kind, given)
  if failed then return end
  run:expect_request("submit", case, request, problem, where)
  if not request or case.refused then return end
  run.shown[kind] = true
  run:note("submit")
  run:probe_neutral(kind, given, where)
  run:probe_images(kind, given, where)
  run:probe_others(kind, given, request, where)
  run:probe_query(kind, request, where)
  if not run.adapter.price then return end
  local price
  price, _, failed = run:call("price", where, kind, request)
  local wrong = not failed and price ~= nil and shape.price(price)
  if wrong then run.say("price", wrong, where) end
end

---------------------------------------------------------------------------------------------------

-- Keeps a good answer, to be broken later.
function Run:note(name, body, ref)
  local list = self.examples[name]
  if type(body) == "table" or not list then
    list = list or {}
    self.examples[name] = list
    list[#list + 1] = { json = body, ref = ref }
  end
end

---Runs every case.
---@param adapter table
---@param list runway.Case[]
---@param say fun(subject: string, complaint: string, where: string)
---@return table examples  the good answers, for runway.conformance.hostile
---@return table shown     kinds of which a submit was seen
---@return table faulted   what cases are about that show it badly; `all`: nobody knows what
function cases.check(adapter, list, say)
  local faulted, about = {}, "all"
  local function tell(...)
    faulted[about] = true
    say(...)
  end
  local run = setmetatable({
    adapter = adapter, say = tell, examples = { upload = {} }, shown = {},
    order = { adapter = { upload = adapter.upload, media = not contract.unfit(adapter, "media") and adapter.media,
      names = not contract.unfit(adapter, "names") and adapter.names } },
  }, Run)
  for _, name in ipairs { "query", "cancel", "credits" } do -- they need no more than an id
    about = name
    if adapter[name] then run:request_of(name, name, "an id", name ~= "credits" and { id = "x" } or nil) end
  end
  about = "all"
  for _, index in ipairs(slips.places_of(list, tell)) do
    local case = list[index]
    local wrong, way = slips.look(case)
    local where = way and describe(case, index, way) or "case " .. index
    about = way or "all"
    local unsaid = way and slips.vague(case, way)
    if unsaid then tell("cases", unsaid, where) end
    if wrong then
      tell("cases", wrong, where)
    elseif adapter[way] == nil then
      tell("cases", "the adapter has no " .. way, where)
    else
      ways[way](run, case, where)
    end
  end
  return run.examples, run.shown, faulted
end

return cases
