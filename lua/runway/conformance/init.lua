-- conformance.lua: is an adapter what the client needs it to be? For those who write their own; the
-- built-in ones are held to the same.
--
--   local conformance = require "runway.conformance"
--   conformance.assert_ok(require "myhost", {
--     { submit = { prompt = "a cat", ratio = "16:9" }, request = { method = "POST", path = "/v2/make",
--         json = { prompt = "a cat", size = "16:9" } } },
--     { accepted = { job = 7 }, fields = { id = "7" } },
--     { task = { job = 7, state = "busy" }, fields = { status = "RUNNING" } },
--     …
--   })
--
-- It looks at the adapter's table, runs every case (twice: the functions are pure), breaks every
-- answer in the cases in every place, and sends answers that are none. No network, no files, no
-- test framework. What a case may hold is in docs/adapters.md.

local cases = require "runway.conformance.cases"
local compare = require "runway.conformance.compare"
local hostile = require "runway.conformance.hostile"
local providers = require "runway.providers"
local pure = require "runway.conformance.pure"
local shape = require "runway.conformance.shape"

local conformance = {}

-- One line for each mistake, however often it was met: where it was met first, and how many times.
local function collector()
  local list, by_key = {}, {}
  local function say(subject, complaint, where)
    local key = subject .. "\0" .. complaint
    local one = by_key[key]
    if one then
      one.more = one.more + 1
      return
    end
    one = { subject = subject, complaint = complaint, where = where, more = 0 }
    by_key[key], list[#list + 1] = one, one
  end
  local function lines()
    local texts = {}
    for i, one in ipairs(list) do
      local where = one.where and " (" .. one.where
        .. (one.more > 0 and (", and %d more"):format(one.more) or "") .. ")" or ""
      texts[i] = ("%s: %s%s"):format(one.subject, one.complaint, where)
    end
    return texts
  end
  return say, lines
end

---------------------------------------------------------------------------------------------------
-- What needs no cases

-- Calls a function of the adapter twice; nil when it raises or differs.
local function call(adapter, say, name, ...)
  local ok, one = pure.try(adapter[name], ...)
  if not ok then
    say(name, "raises: " .. tostring(one))
    return nil
  end
  local _, other = pure.try(adapter[name], ...)
  local differs = compare.difference(one, other, "its result")
  if differs then say(name, "gives another result for the same input: " .. differs) end
  return one
end

local function check_sign(adapter, say)
  if not adapter.sign then return end
  local signed = {}
  for i, key in ipairs { "key_0123456789abcdef", "sk-Ab.c_d~e+f/g=" } do
    signed[i] = call(adapter, say, "sign", key)
    local wrong = shape.headers(signed[i])
    if wrong then return say("sign", wrong) end
  end
  if not compare.difference(signed[1], signed[2]) then say("sign", "makes no use of the key") end
end

local function check_small(adapter, say)
  if adapter.retryable_failure then
    for i = 0, 4 do
      local code = ({ "", "INTERNAL", "a code that no one knows", "%" })[i]
      local verdict = call(adapter, say, "retryable_failure", code)
      if verdict ~= nil and type(verdict) ~= "boolean" then
        say("retryable_failure", "returns a " .. type(verdict) .. ", not true, false or nil")
      end
    end
  end
  if adapter.kind_of then
    local kind = call(adapter, say, "kind_of", { model = "model-of-tomorrow" })
    if kind ~= nil and type(kind) ~= "string" then say("kind_of", "returns no name and not nil") end
  end
  for _, kind in ipairs(type(adapter.media) == "function" and adapter.kinds or {}) do
    local wrong = shape.media(call(adapter, say, "media", kind, {}))
    if wrong then return say("media", wrong, kind) end
  end
end

local function check_stranger(adapter, say)
  local ok, request, problem = pure.try(adapter.submit, "a_kind_that_no_one_has", { prompt_text = "x" })
  if not ok then
    say("submit", "raises: " .. tostring(request), "a kind that it does not have")
  elseif request == nil and problem == nil then
    say("submit", "returns neither a request nor a problem", "a kind that it does not have")
  end
end

---------------------------------------------------------------------------------------------------
-- What the cases must show

local STATES = { { "running", "a task that goes on" }, { "succeeded", "a task that succeeded" },
  { "failed", "a task that failed" } }

-- What cases that failed are about may be shown by them: that is looked at again when they are well.
local function check_coverage(adapter, examples, shown, faulted, say)
  local function missing(what, about)
    if not faulted[about] and not faulted.all then say("cases", "no case shows " .. what) end
  end
  for _, kind in ipairs(adapter.kinds or {}) do
    if not shown[kind] then missing("the request that submits " .. tostring(kind), "submit") end
  end
  if not examples.accepted then missing("an answer that accepts a task", "accepted") end
  for _, state in ipairs(STATES) do
    if not examples[state[1]] then missing(state[2], "task") end
  end
  if not examples.query then missing("how a task is asked about (query)", "query") end
  for _, name in ipairs { "cancel", "credits", "balance", "limits", "callback", "problem" } do
    if adapter[name] and not examples[name] then missing("what " .. name .. " does", name) end
  end
  if adapter.upload and #examples.upload == 0 then
    missing("an upload up to its end (answers in, uri out)", "upload")
  end
end

-- The data of an adapter, to see that no call changed it.
local function data_of(adapter)
  local data = {}
  for name, v in next, adapter do
    if type(v) ~= "function" then data[name] = compare.copy(v) end
  end
  return data
end

---Looks for every mistake that can be found without a network.
---@param adapter runway.Adapter
---@param list? runway.Case[]  params in and requests out, answers in and fields out
---@return string[] failures   one line each; empty when all is well
function conformance.check(adapter, list)
  if list ~= nil and type(list) ~= "table" then error("check takes a list of cases", 2) end
  local say, lines = collector()
  local usable = shape.adapter(adapter, function(complaint) say("adapter", complaint) end)
  if not usable then return lines() end
  local namesake = providers[adapter.name]
  if namesake and namesake ~= adapter then
    say("adapter", ("its name is that of a built-in one, %s, for which receipts and journals would take it"):format(
      adapter.name))
  end
  local before = data_of(adapter)
  pure.reach(adapter, function(name, path) say("adapter", "holds " .. name, path) end)
  local look = pure.remember(adapter)
  pure.isolated(function()
    check_sign(adapter, say)
    check_small(adapter, say)
    check_stranger(adapter, say)
    local examples, shown, faulted = cases.check(adapter, list or {}, say)
    check_coverage(adapter, examples, shown, faulted, say)
    hostile.check(adapter, examples, say)
  end, function(name) say("adapter", "uses " .. name) end)
  local changed = compare.difference(before, data_of(adapter), "")
  if changed then say("adapter", "changes itself when it is called: " .. changed) end
  look(function(place)
    say("adapter", "leaves something in " .. place .. " when it is called, which the call for another task finds there")
  end)
  return lines()
end

---The same, raising one error that tells all failures.
---@param adapter runway.Adapter
---@param list? runway.Case[]
function conformance.assert_ok(adapter, list)
  if list ~= nil and type(list) ~= "table" then error("assert_ok takes a list of cases", 2) end
  local failures = conformance.check(adapter, list)
  if #failures == 0 then return end
  local name = type(adapter) == "table" and tostring(adapter.name) or "the adapter"
  error(("%s does not conform (%d):\n  %s"):format(name, #failures,
    table.concat(failures, "\n  ")), 2)
end

return conformance
