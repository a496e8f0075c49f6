-- What a server may send instead of an answer, against the readers of an adapter.
--
-- Good answers are broken, one place at a time, with every value below, and answers are sent that
-- are nothing like them. The promise is the same for every adapter: a reader never raises, an id is
-- a clean string or none, what ends a task is said by the server and not by accident, and an output
-- is a list of http(s) URLs.

local compare = require "runway.conformance.compare"
local contract = require "runway.contract"
local json = require "runway.json"
local pure = require "runway.conformance.pure"
local shape = require "runway.conformance.shape"
local text = require "runway.text"

local ENDS = shape.ENDS

local hostile = {}

local function nested(depth)
  local t = {}
  for _ = 1, depth do t = { data = t, task = t, result = t } end
  return t
end

---Values that JSON can hold, in place of any other.
---@return any[]
function hostile.values()
  return {
    "", " ", "x", "\0", "a\0b", "a\nb", ".", "..", ("y"):rep(10240), "REVIEWING", "null", "NaN",
    "0x10", "1e999", -1, 0.5, 250, 9007199254740993, 1e308, true, false,
    {}, { {} }, { 1, 2, 3 }, { "a", "b" }, { x = 1 }, { url = 5 }, { url = { url = "x" } },
    { message = {} }, { code = {} }, json.null, { json.null }, json.array {}, nested(3),
    { reason = {}, errorMessage = false }, "javascript:alert(1)", "file:///etc/passwd",
    "https://x.test/a\0b",
  }
end

---Whole bodies that are no answer.
---@return table[]
function hostile.bodies()
  local bodies = {}
  for _, v in ipairs(hostile.values()) do
    if type(v) == "table" then bodies[#bodies + 1] = v end
  end
  for _, code in ipairs { 500, "500", 401, "fail", true, {}, 0.5, -1 } do
    bodies[#bodies + 1] = { code = code, msg = "busy", message = "busy" }
    bodies[#bodies + 1] = { code = code, data = {} }
  end
  for _, e in ipairs { "busy", { message = "busy" }, { code = 5 }, {}, true } do
    bodies[#bodies + 1] = { error = e }
  end
  return bodies
end

---------------------------------------------------------------------------------------------------
-- Places in a tree

-- Calls fn(path, keys, set) for every place; set(v) puts v there.
local function each_place(tree, fn, path, keys)
  path, keys = path or "", keys or {}
  local names = {}
  for name in next, tree do names[#names + 1] = name end
  for _, name in ipairs(names) do
    local old, here = tree[name], compare.step(path, name)
    keys[#keys + 1] = name
    fn(here, keys, function(v) tree[name] = v end, old)
    tree[name] = old
    if type(old) == "table" then each_place(old, fn, here, keys) end
    keys[#keys] = nil
  end
end

local function at(tree, keys)
  for _, key in ipairs(keys) do
    if type(tree) ~= "table" then return nil end
    tree = tree[key]
  end
  return tree
end

-- Does an example of another state hold this value at this very place? Then it is no accident.
local function is_said_by(examples, keys, v)
  for _, example in ipairs(examples or {}) do
    if not compare.difference(at(example.json, keys), v) then return true end
  end
  return false
end

---------------------------------------------------------------------------------------------------
-- One reader, one answer

local Run = {}
Run.__index = Run

function Run:complain(reader, complaint, where) self.say(reader, complaint, where) end

-- Calls a reader; what it raises is a complaint.
function Run:call(name, where, ...)
  self.count = self.count + 1
  local ok, value, problem = pure.try(self.adapter[name], ...)
  if ok then return value, problem end
  self:complain(name, "raises: " .. tostring(value), where)
  return nil, nil, true
end

local function answer_of(body, status)
  return { status = status or 200, headers = {}, json = body, body = body == nil and "<html>" or "…" }
end

-- Was a value that is no id made into one?
local function is_made_up(id, v)
  if type(v) == "boolean" or type(v) == "number" and v % 1 ~= 0 then return id == tostring(v) end
  return id ~= v and id:find("^table: ") ~= nil or id:find("^%d+%.?%d*[eE]%+") ~= nil
end

function Run:accepted(where, body, keys, v)
  local out, problem, raised = self:call("accepted", where, answer_of(body))
  if raised then return end
  local wrong
  if out == nil then
    wrong = problem ~= nil and (shape.problem(problem)
      or body == nil and "tells a problem of an answer without JSON; bare nil leaves it unknown")
  else
    wrong = shape.fields(out) or out.id == nil and "returns fields without an id"
      or is_made_up(out.id, v) and "makes an id of what is none"
      or ENDS[out.status] and not is_said_by(self.ends, keys or {}, v) and not self.prompt
        and "ends a task that was only just submitted"
  end
  if wrong then self:complain("accepted", wrong, where) end
end

-- Statuses that leave open whether a task was made, unless the answer says that none was.
local OPEN = { [200] = true, [500] = true }
local UNSAID = "says that nothing was taken (retry_after) of an answer without JSON under HTTP %d: it would be made "
  .. "again, and may be paid for twice"

local SPOKEN = "tells a problem of an answer under HTTP 200 that has nothing in it: a submit whose answer came broken "
  .. "would be told as refused, and its task be lost; nil (or the kind server) leaves it unknown"

-- Kinds by which a submit stays unknown.
local LEAVES_OPEN = { unknown_submit = true, server = true, network = true, timeout = true, protocol = true }

-- No JSON, or an empty object.
local function is_nothing(body) return body == nil or type(body) == "table" and next(body) == nil end

local function closes(problem, status)
  return status == 200 and not (type(problem) == "table" and LEAVES_OPEN[problem.kind])
end

function Run:problem(where, body)
  if not self.adapter.problem then return end
  for _, status in ipairs { 200, 400, 404, 429, 500, 503 } do
    local problem, _, raised = self:call("problem", where, answer_of(body, status))
    if raised then return end
    local wrong = problem ~= nil and (shape.problem(problem) or body == nil and OPEN[status]
      and type(problem) == "table" and problem.retry_after and UNSAID:format(status)
      or is_nothing(body) and closes(problem, status) and SPOKEN)
    if wrong then return self:complain("problem", wrong, where) end
  end
end

-- A cancel is done when `problem` has nothing to say of the answer.
function Run:silence()
  if not (self.adapter.problem and self.adapter.cancel) then return end
  local problem = self:call("problem", "an empty HTTP 204", { status = 204, headers = {}, body = "" })
  if problem then
    self:complain("problem", "tells a problem of an answer that says nothing: every cancel would be told as refused",
      "an empty HTTP 204")
  end
end

function Run:callback(where, body)
  if not self.adapter.callback or type(body) ~= "table" then return end
  local hint, _, raised = self:call("callback", where, body, {})
  if raised or hint == nil then return end
  local wrong = shape.fields(hint) or hint.id == nil and "returns a hint without an id"
  if wrong then self:complain("callback", wrong, where) end
end

function Run:balance(where, body)
  if not self.adapter.balance then return end
  local v, _, raised = self:call("balance", where, answer_of(body))
  if raised or v == nil then return end
  if type(v) ~= "number" or v ~= v or v == math.huge or v == -math.huge then
    self:complain("balance", "returns no finite number", where)
  end
end

function Run:limits(where, body)
  if not self.adapter.limits then return end
  local v, _, raised = self:call("limits", where, answer_of(body))
  if raised or v == nil or contract.is_allowance(v) then return end
  self:complain("limits", "returns what is not " .. contract.ALLOWANCE, where)
end

---@return table|nil fields
---@return boolean|nil told  when there are none: something was said about it (also here)
function Run:task(where, body, ref, status)
  local out, problem, raised = self:call("task", where, answer_of(body, status), ref)
  if raised then return nil, true end
  local wrong
  if out ~= nil then
    wrong = shape.fields(out)
  elseif problem ~= nil then
    wrong = shape.problem(problem)
    local final = type(problem) == "table" and problem.kind == "invalid_request"
    if not wrong and not status and final then
      wrong = "tells a problem under HTTP 200 that ends the waiting; without a kind it is asked again"
    end
  end
  if wrong then
    self:complain("task", wrong, where)
    return nil, true
  end
  return out, problem ~= nil
end

---------------------------------------------------------------------------------------------------
-- Answers that are none

-- How fields end a task: in a message, what is to be left out.
local function ending(out)
  return out.missing and "missing = true" or ("status = %q"):format(tostring(out.status))
end

local RUNNING = "ends a task that is running, by %s: what does not say so of the task is bare nil, and asked again"

function Run:strangers(bodies)
  local none = {}
  for i = 0, #bodies do
    local body = bodies[i]                    -- bodies[0] is nil: no JSON at all
    local where = body == nil and "an answer without JSON" or "a body of another kind"
    self:accepted(where, body)
    self:problem(where, body)
    self:callback(where, body)
    self:balance(where, body)
    self:limits(where, body)
    local out = self:task(where, body, self.ref)
    if out and (ENDS[out.status] or out.missing) then
      self:complain("task", RUNNING:format(ending(out)), where)
    end
  end
  for _, body in ipairs { none, { error = "busy" }, { message = "busy" }, {} } do
    for _, status in ipairs { 301, 400, 401, 403, 429, 500, 502, 503 } do
      local out = self:task("HTTP " .. status, body ~= none and body or nil, self.ref, status)
      if out and (ENDS[out.status] or out.missing) then
        self:complain("task", "takes an error for the end of the task", "HTTP " .. status)
      end
    end
  end
end

---------------------------------------------------------------------------------------------------
-- Good answers with one place broken

-- What `task` made of a broken answer, judged by what the whole one said.
function Run:judge(state, out, keys, v, where)
  if not out then return end
  if state == "running" and (ENDS[out.status] or out.missing) and not is_said_by(self.ends, keys, v) then
    self:complain("task", RUNNING:format(ending(out)), where)
  elseif state ~= "succeeded" and out.status == "SUCCEEDED"
    and not is_said_by(self.examples.succeeded, keys, v) then
    self:complain("task", "takes a task for succeeded that is not", where)
  end
end

-- The place of the status: where the word stands that `task` gave back as fields.word.
local function is_word(old, word)
  if type(old) ~= "string" and type(old) ~= "number" then return false end
  return word ~= nil and (text.trim(tostring(old)) == word)
end

-- A word that no one knows leaves the task as it was; a known one is known in any case.
function Run:words(example, whole, set, where, word)
  for i, v in ipairs { "REVIEWING", 7777, {}, false } do
    set(i < 4 and v or nil)
    local out, told = self:task(where, example.json, example.ref)
    if not out and not told then
      self:complain("task", "cannot read an answer whose status word is unknown; the task goes on, "
        .. "so return fields without a status", where)
    end
  end
  if not word:find("[A-Za-z]") then return end
  for _, v in ipairs { text.lower(word), text.upper(word), "  " .. word .. " " } do
    set(v)
    local out, told = self:task(where, example.json, example.ref)
    if not told and not (out and out.status == whole.status) then
      self:complain("task", "knows the status word in one spelling only (case and spaces around it "
        .. "do not count)", where)
    end
  end
end

-- Is it the place of the status, though `task` gave no word back? A failed task's word there ends a running one.
function Run:ends_with_word_of_failed(example, keys, set, old)
  for _, failed in ipairs(type(old) == "string" and self.examples.failed or {}) do
    local v = at(failed.json, keys)
    if type(v) == "string" and v ~= old then
      set(v)
      local ok, out = pure.try(self.adapter.task, answer_of(example.json), example.ref)
      if ok and type(out) == "table" and out.status == "FAILED" then return true end
    end
  end
  return false
end

-- Files may be there before the task is done, or though it failed: the word of its status counts for more.
function Run:word_over_files(example, keys, set, where)
  if not self.status_at[table.concat(keys, "\0")] then return end
  for _, state in ipairs { "running", "failed" } do
    for _, other in ipairs(self.examples[state] or {}) do
      local word = at(other.json, keys)
      set(word)
      local out = word ~= nil and self:task(where, example.json, example.ref)
      if out and out.status == "SUCCEEDED" then
        self:complain("task", ("takes a task for succeeded whose status word is a %s one's, since it has files"):format(
          state), where)
      end
    end
  end
end

-- An output may come as one string, and as too many.
function Run:outputs(example, whole, set, where)
  local url = whole.output[1]
  set(url)
  local out, told = self:task(where, example.json, example.ref)
  if not told and not (out and out.output and out.output[1] == url) then
    self:complain("task", "does not take an output that is one string instead of a list", where)
  end
  local many = {}
  for i = 1, 10000 do many[i] = url .. i end
  set(many)
  self:task(where, example.json, example.ref)
end

-- What counts to 100 begins with 1, which is not the end.
function Run:scale(example, whole, set, where, old)
  if type(old) ~= "number" or old < 2 or whole.progress ~= old / 100 then return end
  set(1)
  local out = self:task(where, example.json, example.ref)
  if out and out.progress == 1 then
    self:complain("task", ("reads %s as %s, and 1 as the end; where that is 1 of 100, fields.progress(v, 100) knows it")
      :format(text.number(old), text.number(whole.progress)), where)
  end
end

function Run:broken_task(state, index, original)
  local example = { json = compare.copy(original.json), ref = original.ref or self.ref }
  local whole = self:task(("the %s task %d"):format(state, index), example.json, example.ref)
  if not whole then return end                -- the cases say so, or it was just told
  each_place(example.json, function(path, keys, set, old)
    local place = ("%s task %d, %s"):format(state, index, path)
    for i = 0, #self.values do                -- values[0] is nil: the place is empty
      local v = self.values[i]
      set(v)
      local where = ("%s = %s"):format(place, compare.brief(v))
      self:judge(state, self:task(where, example.json, example.ref), keys, v, where)
      if state == "running" then self:accepted(where, example.json, keys, v) end
      self:problem(where, example.json)
      self:callback(where, example.json)
    end
    if is_word(old, whole.word) then self:words(example, whole, set, place, whole.word) end
    if state == "running" then
      self.status_at[table.concat(keys, "\0")] = is_word(old, whole.word)
        or self:ends_with_word_of_failed(example, keys, set, old)
    elseif state == "succeeded" then
      self:word_over_files(example, keys, set, place)
    end
    self:scale(example, whole, set, place, old)
    local first = type(old) == "table" and old[1]
    if first and whole.output and first == whole.output[1] then
      self:outputs(example, whole, set, place)
    end
  end)
end

-- Any other reader, over its own examples.
function Run:broken(name, read)
  for index, example in ipairs(self.examples[name] or {}) do
    local body = compare.copy(example.json)
    each_place(body, function(path, keys, set)
      for i = 0, #self.values do
        local v = self.values[i]
        set(v)
        local where = ("%s %d, %s = %s"):format(name, index, path, compare.brief(v))
        read(self, where, body, keys, v)
      end
    end)
  end
end

-- An upload goes on with what its answers say, so each of them is broken in turn.
function Run:broken_upload(index, example)
  local answers = {}
  local function try(where)
    local step, problem, raised = self:call("upload", where, example.file, answers)
    if raised then return end
    local wrong
    if step == nil then
      wrong = problem ~= nil and shape.problem(problem) or problem == nil and "returns neither a "
        .. "step nor a problem"
    else
      wrong = shape.step(step)
    end
    if wrong then self:complain("upload", wrong, where) end
  end
  for step, answer in ipairs(example.answers) do
    local broken = compare.copy(answer)
    answers[step] = broken
    local where = ("upload %d, answer %d"):format(index, step)
    for i = 0, #self.bodies do
      broken.json = self.bodies[i]
      try(where)
    end
    broken.json = compare.copy(answer.json)
    each_place(broken.json or {}, function(path, _, set)
      for i = 0, #self.values do
        set(self.values[i])
        try(("%s, %s = %s"):format(where, path, compare.brief(self.values[i])))
      end
    end)
    answers[step] = answer
  end
end

---Reads every example with every place broken, and what is no answer at all.
---@param adapter table
---@param examples table  lists of { json=, ref= } by name: accepted, running, succeeded, failed,
---  missing, callback, problem, balance, limits; and upload: { file=, answers= }
---@param say fun(reader: string, complaint: string, where: string)
---@param more? table     { values = {…}, bodies = {…} } beside those above
---@return integer count  of calls
function hostile.check(adapter, examples, say, more)
  local run = setmetatable({
    adapter = adapter, examples = examples, say = say, count = 0, ref = { id = "asked-for" },
    values = hostile.values(), bodies = hostile.bodies(), ends = {}, prompt = examples.prompt, status_at = {},
  }, Run)
  for _, name in ipairs { "values", "bodies" } do
    for _, v in ipairs(more and more[name] or {}) do run[name][#run[name] + 1] = v end
  end
  for _, state in ipairs { "succeeded", "failed", "missing" } do
    for _, example in ipairs(examples[state] or {}) do run.ends[#run.ends + 1] = example end
  end
  run:silence()
  run:strangers(run.bodies)
  for _, state in ipairs { "running", "succeeded", "failed" } do
    for index, example in ipairs(examples[state] or {}) do
      run:broken_task(state, index, example)
    end
  end
  run:broken("accepted", Run.accepted)
  run:broken("callback", Run.callback)
  run:broken("problem", Run.problem)
  run:broken("balance", Run.balance)
  run:broken("limits", Run.limits)
  for index, example in ipairs(examples.upload or {}) do run:broken_upload(index, example) end
  return run.count
end

return hostile
