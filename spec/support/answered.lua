-- A task over a mock whose server answers with whatever texts a spec gives: to its submit, or to the queries
-- that follow it. What holds of every paid request is asserted on the way.

local assert = require "luassert"
local mocked = require "spec.support.mocked"

local answered = {}

answered.ID = "t1"
answered.close = mocked.close

-- An answer's text, or an entry of a mock.
local function entry(given)
  if type(given) == "table" then return given end
  return { body = given, headers = { ["Content-Type"] = "application/json" } }
end

-- What every provider takes for a task.
local function clip(provider)
  if not provider or provider == "runwayml" then return mocked.clip() end
  return { prompt_text = "a cat", prompt_image = "https://x.test/a.png", ratio = "1280:720" }
end

local function connect(answer, options)
  local all = {}
  for name, value in pairs(options or {}) do all[name] = value end
  if all.provider == "gateway" then all.base_url = "https://relay.example" end
  return mocked.client(answer, all), all.provider
end

--- A submit that is answered so. One paid request leaves, whatever comes back.
---@param given string|table
---@param options? table   of the client
---@return runway.Task|nil task
---@return runway.Error|nil err
function answered.submit(given, options)
  local paid = 0
  local client, provider = connect(function(request)
    if request.paid then paid = paid + 1 end
    return entry(given)
  end, options)
  local task, err = client:generate(clip(provider))
  assert.equal(1, paid)
  return task, err
end

--- The same of which nobody can say whether it was taken: it is told so, with the id if one came.
---@param given string|table
---@param id string|nil
---@param options? table
---@return runway.Error err
function answered.unknown(given, id, options)
  local task, err = answered.submit(given, options)
  assert.is_nil(task)
  assert.equal("unknown_submit", err.kind)
  assert.equal("yes", err.sent)
  assert.is_false(err.retryable)
  assert.equal(1, err.attempts)
  assert.equal(id, err.task_id)
  assert.equal(id, err.task and err.task.id)
  return err
end

--- A task that was just made, and whose queries will be answered so, one after the other; from then on it is
--- made, or what `after` says.
---@param list (string|table)[]
---@param options? table   of the client, and `after`
---@return runway.Task task
---@return fun(): integer asked   queries so far
function answered.polled(list, options)
  local all, asked = {}, 0
  for name, value in pairs(options or {}) do all[name] = value end
  local after = all.after
  all.after = nil
  local client, provider = connect(function(request)
    if request.paid then return { json = { id = answered.ID, task_id = answered.ID } } end
    asked = asked + 1
    return entry(list[asked] or after or { json = mocked.task "SUCCEEDED".json })
  end, all)
  return assert(client:generate(clip(provider))), function() return asked end
end

--- A wait or a look that fails, and says of which task it was.
---@param task runway.Task
---@param method "wait"|"refresh"
---@param kind string
---@param opts? table   of `wait`
---@return runway.Error err
function answered.fails(task, method, kind, opts)
  local done, err = task[method](task, opts)
  assert.is_nil(done)
  assert.equal(kind, err.kind)
  assert.equal(answered.ID, err.task_id)
  assert.equal(task, err.task)
  assert.equal("yes", err.sent)
  return err
end

return answered
