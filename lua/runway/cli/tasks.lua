-- The commands that make a task, look at one, and stop some.

local account = require "runway.cli.account"
local exits = require "runway.cli.exits"
local inputs = require "runway.cli.inputs"
local output = require "runway.cli.output"
local report = require "runway.cli.report"

local tasks = {}

local EMPTY = "the task's id is empty"

-- What stands in the way of writing where -o says: nil, misuse | exit code. true: nothing.
-- `known`: whoever keeps the journal knows what a file that is there is.
local function writable(args, world, known)
  local misuse, message, code = output.check(args, world)
  if misuse then return nil, misuse end
  if known then return true end
  if message then return report.failure(world, args, message, { kind = "io", code = code }) end
  return true
end

-- The end of the program, should it come before this command says anything itself, speaks as it does.
local function speak_for(args)
  local ledger = require "runway.ledger"
  ledger.to_go_on = function(id) return report.to_go_on(args, id) end
  ledger.to_find_out = report.to_find_out(args)
end

local MAKES = { video = "a film (MP4)", image = "a picture", audio = "a sound" }

-- Tells of a file's name that is not what will be in it, before that is paid for. What is wrong with the params is told
-- by who submits them.
local function tell_of_ending(args, world, client, given)
  local params = require "runway.params"
  local clean = require("runway.providers")[client.provider] and params.normalise(given)
  if not clean then return end
  local kind = clean.kind or require("runway.adapter").kind_of(require("runway.client").session_of(client), clean)
    or params.kind_of(clean)
  local names = require "runway.names"
  local media = kind and names.media(kind)
  local ending = media and names.untrue(args.output, media)
  if not ending then return end
  world.stderr:write(report.told(args, ("-o %s: %s makes %s, and what is written there is no %s"):format(args.output,
    kind, MAKES[media], ending)))
end

--- Makes a clip.
---@return integer|nil exit_code
---@return string|nil misuse
function tasks.generate(args, world)
  if not args.output then return nil, "generate needs -o FILE" end
  if args.key and not args.journal then return nil, "--key needs --journal FILE: without one nothing is remembered" end
  local given, problem = inputs.params(args, world)
  if not given then return report.problem(world, args, problem) end
  if next(given) == nil then return nil, "generate needs at least --prompt, --image or --video" end
  local remembered = args.journal and args.output ~= "-"
  -- a file that is there may be this very task's
  local known = remembered and args.key and not account.absent(args.journal)
  local ok, misuse = writable(args, world, known)
  if ok ~= true then return ok, misuse end
  if remembered then given.output = { path = args.output, overwrite = args.overwrite } end
  local client, err = account.open(args, world)
  if not client then return report.failure(world, args, err) end
  tell_of_ending(args, world, client, given)
  local scheduler = require "runway.scheduler"
  scheduler.on_deferred = function()
    world.stderr:write("runway: waiting for the answer to the paid request, so that its task is not lost; "
      .. "a second Ctrl-C gives up\n")
  end
  speak_for(args)
  local task
  task, err = client:generate(given)
  scheduler.on_deferred = nil
  if not task then return report.failure(world, args, err) end
  world.task_id, world.task = task.id, task
  world.stderr:write("task ", task.id, "\n")
  return output.fetch(task, args, world)
end

-- A client for tasks that are there, and so is the journal that knows them.
local function attach(args, world)
  local absent = args.journal and account.absent(args.journal)
  if absent then return nil, absent end
  return account.open(args, world)
end

--- Looks at a task, waits for it, or fetches what it made.
---@return integer|nil exit_code
---@return string|nil misuse
function tasks.task(args, world)
  if args.id == "" then return nil, EMPTY end
  if args.output then
    local ok, misuse = writable(args, world, args.journal ~= nil and args.output ~= "-")
    if ok ~= true then return ok, misuse end
  end
  local client, err = attach(args, world)
  if not client then return report.failure(world, args, err) end
  local task
  if not args.output and not args.wait then
    task, err = client:get(args.id, args.kind)
    if not task then return report.failure(world, args, err) end
    report.task(world, args, task)
    local ended_badly = task.status == "FAILED" or task.status == "CANCELLED"
    return ended_badly and exits.FAILED or exits.OK
  end
  world.task_id = args.id
  speak_for(args)
  task = client:task(args.id, args.kind)
  world.task = task
  if args.output then return output.fetch(task, args, world) end
  local waited, code = output.wait(task, args, world)
  if not waited then return code end
  report.task(world, args, task)
  return exits.OK
end

-- Stops one task that still runs: an exit code.
local function stop(client, id, args, world)
  local task, err = client:get(id, args.kind)
  local done
  if task and task.status == "SUCCEEDED" then
    return report.failure(world, args, ("task %s has succeeded already, and is left as it is: some providers would "
      .. "delete what it made"):format(id), { kind = "invalid_request" }, task)
  end
  if task then done, err = task:cancel() end
  if not done then return report.failure(world, args, err) end
  report.task(world, args, task)
  return exits.OK
end

--- Stops tasks: all of them, as far as they can be.
---@return integer|nil exit_code   the first that is not 0
---@return string|nil misuse
function tasks.cancel(args, world)
  for _, id in ipairs(args.id) do
    if id == "" then return nil, EMPTY end
  end
  local client, err = attach(args, world)
  if not client then return report.failure(world, args, err) end
  local code = exits.OK
  for _, id in ipairs(args.id) do
    local one = stop(client, id, args, world)
    if code == exits.OK then code = one end
  end
  return code
end

return tasks
