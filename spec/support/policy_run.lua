-- One schedule of chance for the policy: a few shots in jobs, a world that does to them what it may
-- (policy_world.lua), jobs that are cancelled, a client that is closed, Ctrl-C, a clock that jumps. What comes
-- of each shot is held against what the world knows.

local chance = require "spec.support.chance"
local clock = require "runway.clock"
local errors = require "runway.errors"
local ledger = require "runway.ledger"
local retry = require "runway.retry"
local runway = require "runway"
local scheduler = require "runway.scheduler"
local worlds = require "spec.support.policy_world"

local run = {}

local STAGE = { PENDING = 1, THROTTLED = 1, RUNNING = 2, SUCCEEDED = 3, FAILED = 3, CANCELLED = 3 }
local MOST_STEPS = 200000                     -- far more than any schedule takes

--------------------------------------------------------------------- what was promised

local function check_submit(world, shot, task, err)
  if task then
    if task.id ~= shot.id then world:complain("%s: task %s, but %s was told", shot.tag, task.id, tostring(shot.id)) end
    return
  end
  if not errors.is(err) then return world:complain("%s: no error, but %s", shot.tag, tostring(err)) end
  if err.task_id ~= shot.id then
    world:complain("%s: the id %s is lost: %s", shot.tag, tostring(shot.id), tostring(err))
  end
  local sent = shot.sent and "yes" or "no"
  if err.sent ~= sent then world:complain("%s: sent is %s, and it was %s", shot.tag, tostring(err.sent), sent) end
  if err.kind == "unknown_submit" and not shot.taken then
    world:complain("%s: unknown, and nothing can have been taken", shot.tag)
  elseif shot.taken and err.kind ~= "unknown_submit" then
    world:complain("%s: %s, and it may have been taken", shot.tag, err.kind)
  end
  if err.kind == "unknown_submit" and err.retryable then world:complain("%s: unknown, and retryable", shot.tag) end
end

local function check_wait(world, shot, task, err, took)
  local truth = world.tasks[shot.id]
  -- a query in whose middle the clock jumped has its time again
  local most = shot.timeout + 1 + (world.jumped > 0 and world.jumped + 3600 or 0)
  if took > most then world:complain("%s: waited for %.0f s instead of %d", shot.tag, took, shot.timeout) end
  if not err then
    if task.status ~= "SUCCEEDED" or not truth.told_end or truth.last ~= "SUCCEEDED" then
      world:complain("%s: succeeded, as no one has said", shot.tag)
    end
    return
  end
  if err.task_id ~= shot.id or err.sent ~= "yes" then world:complain("%s: the wait lost its id", shot.tag) end
  if err.kind == "timeout" and took < shot.timeout - 0.001 then world:complain("%s: too early a time-out", shot.tag) end
  if err.kind == "not_found" and truth.missing < 3 then world:complain("%s: gone, and not said thrice", shot.tag) end
  if err.kind == "task_failed" and (truth.last ~= "FAILED" or not truth.told_end) then
    world:complain("%s: failed, as no one has said", shot.tag)
  end
  local ended = { task_failed = true, timeout = true, not_found = true, cancelled = true, task_cancelled = true }
  local revoked = (err.kind == "authentication" or err.kind == "permission") and truth.revoked
  if not ended[err.kind] and not revoked then
    world:complain("%s: the wait ended with %s", shot.tag, tostring(err))
  end
end

--------------------------------------------------------------------- a shot

local function watch(world, shot)
  local stage = 0
  return function(t)
    if STAGE[t.status] < stage then world:complain("%s: from stage %d back to %s", shot.tag, stage, t.status) end
    stage = STAGE[t.status]
  end
end

local function make(client, world, shot)
  local params = { model = "gen4.5", prompt_text = shot.tag, ratio = "1280:720", duration = 5,
    deadline = shot.deadline }
  local task, err = client:generate(params)
  shot.task, shot.told = task or err.task, true
  check_submit(world, shot, task, err)
  if not shot.task then return end
  local began = scheduler.now()
  local done
  done, err = shot.task:wait { timeout = shot.timeout, on_progress = watch(world, shot) }
  check_wait(world, shot, done, err, scheduler.now() - began)
end

-- A job that was stopped tells of the task that it has paid for.
local function check_stopped(world, shot, err)
  if not errors.is(err) then return world:complain("%s: the job raised %s", shot.tag, tostring(err)) end
  if err.kind ~= "cancelled" and not err.traceback then
    world:complain("%s: the job ended with %s", shot.tag, tostring(err))
  end
  if err.traceback and not err.message:find "interrupted!" then world:complain("%s: %s", shot.tag, err.traceback) end
  if shot.id and not shot.told and err.task_id ~= shot.id then
    world:complain("%s: the job's end lost the id %s: %s", shot.tag, shot.id, tostring(err))
  end
  if shot.sent and not shot.told and err.sent ~= "yes" then
    world:complain("%s: the job's end says sent = %s", shot.tag, tostring(err.sent))
  end
end

--------------------------------------------------------------------- a schedule

-- What befalls a schedule from outside, at some time.
local function disturb(world, client, jobs, random)
  local at = scheduler.now() + (random(2) == 1 and random(50) / 10 or random(1200))
  local what = random(6)
  return scheduler.at(at, function()
    if what == 1 then
      jobs[random(#jobs)]:cancel()
    elseif what == 2 then
      client:close()
      world.closed = true
    elseif what == 3 then
      error("interrupted!", 0)
    elseif what == 4 then
      local seconds = random(4) * 3600
      world.jumped = world.jumped + seconds
      clock.jump(seconds)
    elseif what == 5 then
      local beside = runway.spawn(function() client:request { path = "/v1/organization" } end)
      table.insert(world.beside, beside)
    end
  end)
end

local function all_done(jobs)
  for i = 1, #jobs do
    if not jobs[i]:done() then return false end
  end
  return true
end

-- Runs the jobs to their end (nil: until nothing is under way); Ctrl-C comes out of `step`, and the host goes on.
local function drive(world, jobs)
  for _ = 1, MOST_STEPS do
    if jobs and all_done(jobs) or not jobs and not clock.pause() then return end
    local ok, raised = pcall(runway.step, 3600)
    if not ok and not scheduler.is_interrupt(raised) then world:complain("step raised %s", tostring(raised)) end
  end
  world:complain "it does not come to an end"
end

-- No task that is known and not seen to its end is forgotten.
local function check_ledger(world, shots)
  local open = {}
  for _, entry in ipairs(ledger.open_tasks()) do open[entry.task_id] = true end
  for _, shot in pairs(shots) do
    local task = shot.task
    if task and not task:done() and not open[task.id] then world:complain("%s: task %s is not in the ledger", shot.tag,
      task.id) end
    if shot.id then ledger.release { provider = "runwayml", id = shot.id } end
  end
  if #ledger.open_tasks() > 0 then world:complain("%d tasks are left in the ledger", #ledger.open_tasks()) end
end

local function play(world, random)
  local client = assert(runway.client { provider = "runwayml", api_key = "key_of_the_simulation", transport = world,
    max_retries = random(6) - 1, poll_interval = random(4) == 1 and random(20) or nil,
    deadline = random(5) == 1 and random(900) or nil, timeout = random(4) == 1 and random(30) or nil })
  local jobs = {}
  for i = 1, random(5) do
    local shot = { tag = "shot-" .. i, timeout = random(3000), deadline = random(5) == 1 and random(200) or nil }
    world.shots[shot.tag] = shot
    jobs[i] = runway.spawn(make, client, world, shot)
  end
  local troubles = {}
  for i = 1, random(3) - 1 do troubles[i] = disturb(world, client, jobs, random) end
  drive(world, jobs)
  for _, trouble in ipairs(troubles) do scheduler.cancel_timer(trouble) end
  drive(world, world.beside)
  for i = 1, #jobs do
    local shot, err = world.shots["shot-" .. i], select(2, jobs[i]:join())
    if err then check_stopped(world, shot, err) end
  end
  client:close()
  world.closed = true
  drive(world, nil)
  check_ledger(world, world.shots)
end

--- Plays one schedule.
---@param seed integer
---@return string[] complaints   about what was not as promised
---@return table world
function run.schedule(seed)
  scheduler.freeze()
  local random = chance.of(seed)
  retry.reseed(random(1000000))
  local world = worlds.new(random)
  local ok, raised = xpcall(play, debug.traceback, world, random)
  if not ok then world:complain("raised %s", tostring(raised)) end
  scheduler.thaw()
  return world.complaints, world
end

return run
