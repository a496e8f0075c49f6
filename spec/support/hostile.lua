-- What a server may send instead of an answer, against a reader of answers.
--
-- `check(adapter, examples)` takes good answers and breaks them, one place at a time, with every
-- value below, and also sends answers that are nothing like them. It is the same promise for every
-- adapter: a reader never raises, an id is a clean string or none, what ends a task is said by the
-- server and not by accident, and an output is an http(s) URL that the answer held.

local json = require "runway.json"

local hostile = {}

local CANONICAL = {
  PENDING = true, THROTTLED = true, RUNNING = true, SUCCEEDED = true, FAILED = true,
  CANCELLED = true,
}
local ENDS = { SUCCEEDED = true, FAILED = true, CANCELLED = true }

local function cyclic()
  local t = {}
  t.data, t.task, t.result, t.error = t, t, t, t
  return t
end

---Values that JSON can hold (and a few that only a hand-made table can) in place of any other.
---@return any[]
function hostile.values()
  return {
    "", " ", "x", "\0", "a\0b", "a\nb", ("y"):rep(10240), "REVIEWING", "null", "NaN",
    0 / 0, 1 / 0, -1 / 0, -1, 0.5, 250, 9007199254740993, 1e308, true, false,
    {}, { {} }, { 1, 2, 3 }, { "a", "b" }, { x = 1 }, { url = 5 }, { url = { url = "x" } },
    { message = {} }, { code = {} }, json.null, { json.null }, json.array {}, cyclic(),
    { reason = {}, errorMessage = false }, "javascript:alert(1)", "file:///etc/passwd",
  }
end

---Whole bodies that are no answer.
---@return any[]
function hostile.bodies()
  local bodies = hostile.values()
  for _, code in ipairs { 500, "500", 401, "fail", true, {}, 0.5, -1 } do
    bodies[#bodies + 1] = { code = code, msg = "busy", message = "busy" }
    bodies[#bodies + 1] = { code = code, data = {} }
  end
  for _, e in ipairs { "busy", { message = "busy" }, { code = 5 }, {}, true } do
    bodies[#bodies + 1] = { error = e }
  end
  return bodies
end

local function clean_id(id)
  return id == nil or (type(id) == "string" and id ~= "" and #id <= 256 and not id:find("%c"))
end

-- nil when the fields keep the promise, else what is wrong with them.
local function broken_promise(out)
  if type(out) ~= "table" then return "fields are a " .. type(out) end
  if not clean_id(out.id) then return "an unclean id" end
  if out.status ~= nil and not CANONICAL[out.status] then return "an unknown status" end
  if out.word ~= nil and type(out.word) ~= "string" then return "word is a " .. type(out.word) end
  local p = out.progress
  if p ~= nil and not (type(p) == "number" and p >= 0 and p <= 1) then return "progress" end
  for _, name in ipairs { "failure", "failure_code" } do
    local v = out[name]
    if v ~= nil and (type(v) ~= "string" or #v > 4096) then return name end
  end
  for _, name in ipairs { "created_at", "cost", "estimated_cost", "next_poll" } do
    local v = out[name]
    if v ~= nil and not (type(v) == "number" and v == v and math.abs(v) < math.huge) then
      return name
    end
  end
  if out.output ~= nil then
    if type(out.output) ~= "table" or #out.output == 0 then return "an empty output" end
    for _, url in ipairs(out.output) do
      if type(url) ~= "string" or not url:find("^https?://") then return "output" end
    end
    if not ENDS[out.status] then return "an output of a task that goes on" end
  end
  return nil
end

local function broken_problem(problem)
  if problem == nil then return nil end
  if type(problem) ~= "table" or type(problem.message) ~= "string" or problem.message == "" then
    return "a problem without a message"
  end
  if problem.code ~= nil and type(problem.code) ~= "string" then return "its code" end
  return nil
end

local REF = { id = "asked-for" }

-- Runs every reader over one body; returns what task() read.
local function read(adapter, body, where)
  for _, status in ipairs { 200, 400, 404, 500 } do
    local answer = { status = status, headers = {}, json = body, body = "…" }
    local problem = adapter.problem(answer)
    assert(not broken_problem(problem), where .. ": problem: " .. tostring(broken_problem(problem)))
  end
  local answer = { status = 200, headers = {}, json = body, body = "…" }
  local fields, problem = adapter.accepted(answer)
  local wrong = fields ~= nil and (broken_promise(fields) or fields.id == nil and "no id"
    or ENDS[fields.status] and "ended at once") or broken_problem(problem)
  assert(not wrong, where .. ": accepted: " .. tostring(wrong))
  if adapter.callback then
    local hint = adapter.callback(body, {})
    wrong = hint ~= nil and (broken_promise(hint) or hint.id == nil and "no id") or nil
    assert(not wrong, where .. ": callback: " .. tostring(wrong))
  end
  fields, problem = adapter.task(answer, REF)
  wrong = fields ~= nil and broken_promise(fields) or broken_problem(problem)
  assert(not wrong, where .. ": task: " .. tostring(wrong))
  return fields, problem
end

local function copy(v)
  if type(v) ~= "table" then return v end
  local t = {}
  for k, inner in pairs(v) do t[k] = copy(inner) end
  return t
end

-- Calls fn(path, set) for every place in a tree; set(v) puts v there.
local function each_place(tree, fn, path)
  path = path or ""
  local keys = {}
  for k in pairs(tree) do keys[#keys + 1] = k end
  for _, k in ipairs(keys) do
    local old = tree[k]
    local here = path .. "." .. tostring(k)
    fn(here, function(v) tree[k] = v end)
    tree[k] = old
    if type(old) == "table" then each_place(old, fn, here) end
  end
end

---@param adapter table
---@param examples table  { running = { body… }, succeeded = { body… }, failed = { body… } }
---@return integer count  bodies read
function hostile.check(adapter, examples)
  local count = 0
  local values = hostile.values()
  for _, body in ipairs(hostile.bodies()) do
    local fields = read(adapter, body, "a body of another kind")
    assert(not (fields and ENDS[fields.status]), "a body of another kind ended the task")
    count = count + 1
  end
  read(adapter, nil, "no JSON at all")
  for state, bodies in pairs(examples) do
    for index, example in ipairs(bodies) do
      local body = copy(example)
      each_place(body, function(path, set)
        for i = 0, #values do
          set(values[i])                       -- values[0] is nil: the place is empty
          local where = ("%s[%d]%s = %s"):format(state, index, path, tostring(values[i]):sub(1, 20))
          local fields = read(adapter, body, where)
          local status = fields and fields.status
          assert(not (state == "running" and ENDS[status]), where .. " ended a running task")
          assert(not (state ~= "succeeded" and status == "SUCCEEDED"), where .. " read as success")
          count = count + 1
        end
      end)
    end
  end
  return count
end

return hostile
