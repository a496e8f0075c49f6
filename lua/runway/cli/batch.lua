-- `runway batch`: a list of shots, made; and what is said of it.
--
-- Standard output gets the path of each film as soon as it is there; with --json an object for each shot once
-- nothing more is done about it, and a last one of sums.

local account = require "runway.cli.account"
local batch = require "runway.batch"
local board = require "runway.cli.board"
local core = require "runway.core"
local errors = require "runway.errors"
local exits = require "runway.cli.exits"
local gauge = require "runway.gauge"
local ledger = require "runway.ledger"
local plan = require "runway.cli.plan"
local report = require "runway.cli.report"
local scheduler = require "runway.scheduler"
local text = require "runway.text"

local command = {}

local AGAIN = "run the same command again"

-- What stands in the way of a shot that failed: made anew with its key, a key of its own, or whatever it says.
local MADE_ANEW = { task_failed = true, task_cancelled = true }
local DAY = 86400                             -- seconds
local LONG = 1e6                              -- bytes of a list

--------------------------------------------------------------------- one shot

-- What is told of a shot, where it is known.
local TOLD = { "key", "state", "task_id", "provider", "credits", "line", "kind", "output", "entry", "attempt", "status",
  "bytes", "sha256", "receipt", "submitted_at", "ended_at" }

local function where_of(args) return args.journal or args.output .. "/runway.db" end

local function as_object(args, shot)
  local object = { path = shot.state == "done" and shot.path or nil }
  for _, name in ipairs(TOLD) do object[name] = shot[name] end
  object.older = shot.older
  if shot.error then
    object.error = report.as_typed({ key = shot.entry, journal = where_of(args) }, shot.error.message)
    object.error_kind, object.error_code = shot.error.kind, shot.error.code
  end
  return object
end

--------------------------------------------------------------------- all of them

local UNDER_WAY = { "submitting", "submitted", "downloading" }
local IS_UNDER_WAY = {}
for _, state in ipairs(UNDER_WAY) do IS_UNDER_WAY[state] = true end

-- Of how many shots these are the counts.
local function all_of(counts)
  local all = 0
  for _, many in pairs(counts) do all = all + many end
  return all
end

-- When more may be submitted, as far as it is known: of a day's limit it is over after a day.
local function until_of(halt)
  if halt.until_time then return halt.until_time, true end
  return halt.error.code == "daily_limit" and core.wall_ms() / 1000 + DAY or nil, false
end

local function halts_as_object(halted)
  local object = {}
  for provider, halt in pairs(halted) do
    object[provider] = { kind = halt.error.kind, code = halt.error.code, message = halt.error.message,
      ["until"] = until_of(halt) }
  end
  return object
end

local function page_of(args)
  return require("runway.sheet").at(args.output)
end

local function sums_as_object(args, sums, code)
  local null = require("runway.json").null
  return { shots = all_of(sums.counts), counts = sums.counts, credits = sums.credits, budget = sums.budget or null,
    directory = args.output, journal = errors.redact(where_of(args)), page = page_of(args) or null,
    halted = halts_as_object(sums.halted), plan = plan.as_object(sums.plan), exit_code = code }
end

local function say(world, ...) world.stderr:write("runway: ", table.concat { ... }, "\n") end

-- A budget is that of all in the journal: these shots alone are not set against it. `open`: what some of them cost is
-- not known yet.
local function credits_of(sums, open)
  local credits, others = text.number(sums.credits), (sums.others or 0) > 0
  if not sums.budget then return credits .. " credits" .. (open and " spent or held back" or "") end
  for _, shot in ipairs(sums.shots) do others = others or shot.left_out end
  local budget = text.number(sums.budget)
  return others and ("%s credits spent or held back by these; the budget of %s is that of all in the journal"):format(
    credits, budget) or ("%s of %s credits spent or held back"):format(credits, budget)
end

-- "18 of 20 done, 1 failed, 1 under way; 240 of 500 credits spent or held back"
local function sums_as_text(sums, under_way)
  local counts, made = sums.counts, 0         -- made: and could not be fetched
  for _, shot in ipairs(sums.shots) do
    if not shot.left_out and IS_UNDER_WAY[shot.state] and shot.status == "SUCCEEDED" then made = made + 1 end
  end
  local words = { ("%d of %d done"):format(counts.done, all_of(counts)) }
  for _, row in ipairs { { counts.failed, "failed" }, { counts.unknown, "unknown" },
    { under_way - made, "under way at the provider" }, { made, made == 1 and "made, whose file is not here"
      or "made, whose files are not here" }, { counts.queued, "not submitted" } } do
    if row[1] > 0 then words[#words + 1] = ("%d %s"):format(row[1], row[2]) end
  end
  return table.concat(words, ", ") .. "; " .. credits_of(sums, counts.unknown + under_way - made > 0)
end

local function tell_halts(args, world, halted)
  local providers = {}
  for provider in pairs(halted) do providers[#providers + 1] = provider end
  table.sort(providers)
  for _, provider in ipairs(providers) do
    local halt = halted[provider]
    local at, is_said = until_of(halt)
    say(world, "nothing more was submitted to ", provider, ": ", halt.error.message, at and ("; %s %s (in %s)"):format(
      is_said and "until" or "it does not say until when: a day's limit is over by", os.date("!%Y-%m-%d %H:%M UTC",
      math.floor(at)), gauge.clock(math.max(0, at - core.wall_ms() / 1000))) or "",
      halt.error.kind == "authentication" and "; " .. report.about_the_key(args, provider) or "")
  end
end

-- What there is to do about shots that failed, as far as it is the same for several: a task that failed stands under
-- its key for good; what was refused has left its key free.
local function tell_failed(args, world, sums)
  local failed, refused, conflicts = false, false, false
  for _, shot in ipairs(sums.shots) do
    if shot.state == "failed" and not shot.left_out then
      local err = shot.error or { kind = "task_failed" }
      if MADE_ANEW[err.kind] then failed = true
      elseif err.code == "key_conflict" then conflicts = true
      else refused = true end
    end
  end
  if failed then
    say(world, args.retry_failed and "what failed has failed in this run: see with each why, and change its row "
      .. "before it is paid for again" or "what failed is made anew with --retry-failed")
  end
  if refused then say(world, "what was refused made no task: once that is mended, ", AGAIN) end
  if conflicts then
    say(world, "a key stands for the request that it was first given: one that was changed needs another key in the "
      .. "list")
  end
end

-- Is the budget what stands in the way?
local function is_spent(sums)
  for _, halt in pairs(sums.halted) do
    if halt.error.code == "budget" then return true end
  end
  return false
end

-- Their keys in the journal.
local function unknown_in(shots)
  local keys = {}
  for _, shot in ipairs(shots) do
    if shot.state == "unknown" and not shot.left_out then keys[#keys + 1] = shot.entry end
  end
  return keys
end

local function tell_sums(args, world, sums)
  local counts, under_way = sums.counts, 0
  for _, state in ipairs(UNDER_WAY) do under_way = under_way + counts[state] end
  say(world, sums_as_text(sums, under_way))
  tell_halts(args, world, sums.halted)
  world.stderr:write(report.unknown(where_of(args), unknown_in(sums.shots)))
  tell_failed(args, world, sums)
  if args.enqueue and counts.queued > 0 then
    say(world, ("left to workers: runway work --journal %s -o %s"):format(text.shell(errors.redact(where_of(args))),
      text.shell(args.output)))
  elseif under_way + counts.queued > 0 then
    say(world, "to go on: ", AGAIN, is_spent(sums) and " with a larger --budget" or "")
  end
  local page = page_of(args)
  if page or not args.enqueue then say(world, page and "the page is " .. page or "the files are in " .. args.output) end
end

--------------------------------------------------------------------- the night

-- What is under way is in the journal: the end of the program need not tell of it.
local function leave(shots)
  for _, shot in ipairs(shots) do
    if shot.task_id then ledger.told(shot.task_id) end
  end
end

local function finish(args, world, watched, sums, code)
  if args.json then
    for _, shot in ipairs(sums.shots) do
      if not shot.left_out and not watched.ended[shot] then report.entry(world, as_object(args, shot)) end
    end
    report.line(world, sums_as_object(args, sums, code))
  end
  tell_sums(args, world, sums)
  leave(sums.shots)
  return code
end

-- What is printed of a shot that has ended, in the place of the lines that are redrawn.
local function print_shot(args, world, watched, shot)
  if not args.json and shot.state ~= "done" then return end
  watched:beside(function()
    if args.json then report.entry(world, as_object(args, shot)) else world.stdout:write(shot.path, "\n") end
    world.stdout:flush()
  end)
end

local function make(args, world, client)
  local watched = board.new { stream = world.stderr, terminal = world.terminal, columns = world.stderr_columns,
    rows = world.stderr_rows, jobs = args.jobs, budget = args.budget,
    message = function(shot) return report.of_one(shot.error.message) end }
  function world.say(line) watched:say(line) end
  local function on_progress(shots, shot, ended)
    watched:tell(shots, shot, ended)
    if ended then print_shot(args, world, watched, shot) end
  end
  scheduler.on_deferred = function()
    watched:say("runway: waiting for the answers to paid requests, so that their tasks are not lost; a second Ctrl-C "
      .. "gives up")
  end
  ledger.to_go_on, ledger.to_find_out = function() return AGAIN end, report.AGAIN
  local ok, result, err = pcall(batch.run, client, args.file, { directory = args.output,
    jobs = args.jobs, attempts = args.attempts, timeout = args.timeout, retry_failed = args.retry_failed,
    only = #args.only > 0 and args.only or nil, enqueue = args.enqueue, on_progress = on_progress })
  scheduler.on_deferred = nil
  world.say = nil
  watched:finish()
  if not ok and scheduler.is_interrupt(result) and watched.shots then
    say(world, "interrupted: nothing more is submitted, and what is under way keeps its ids in ",
      errors.redact(where_of(args)))
    return finish(args, world, watched, batch.sum_up(watched.shots, {}, args.budget), exits.INTERRUPTED)
  end
  if not ok then error(result, 0) end
  if not result then return plan.refused(world, args, err) end
  return finish(args, world, watched, result, result.exit_code)
end

-- A long list takes some seconds until anything else is said.
local function tell_of_size(args, world)
  local file = io.open(args.file, "rb")
  local size = file and file:read(1) and file:seek "end" or 0 -- of a directory nothing is read
  if file then file:close() end
  if size >= LONG then say(world, ("looking through %d MB of shots"):format(math.floor(size / 1e6 + 0.5))) end
end

-- What is wrong with where it all is to go.
local function misuse_of(args)
  if args.file == "-" then
    return "batch takes the name of a file: the same command, run again, goes on with that list"
  end
  if args.dry_run then return nil end
  if not args.output then return "batch needs -o DIR" end
  if args.output == "" or args.output == "-" then return "option '--output': the name of a directory is wanted" end
  return nil
end

---@param args table
---@param world table
---@return integer|nil exit_code
---@return string|nil misuse
function command.batch(args, world)
  local misuse = misuse_of(args)
  if misuse then return nil, misuse end
  if args.output then args.output = args.output:gsub("(.)/+$", "%1") end
  local client, err = account.open(args, world, args.dry_run)
  if not client then return report.failure(world, args, err) end
  tell_of_size(args, world)
  if args.dry_run then return plan.tell(args, world, client, true) end
  return make(args, world, client)
end

return command
