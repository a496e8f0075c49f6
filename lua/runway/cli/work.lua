-- `runway work`: a worker, and what it says of each entry: a line on standard error, as `runway batch` has it where it
-- draws nothing. Standard output gets the sums, at its end.

local account = require "runway.cli.account"
local errors = require "runway.errors"
local exits = require "runway.cli.exits"
local ledger = require "runway.ledger"
local report = require "runway.cli.report"
local scheduler = require "runway.scheduler"
local text = require "runway.text"

local command = {}

local WORDS = { "done", "failed", "unknown", "put_back" }

-- What has become of one, in words.
local function told(entry)
  local words = { entry.key, entry.state }
  if entry.error then
    if entry.state == "queued" then words[2] = "waits" end
    if entry.state == "submitted" then
      words[2] = entry.error.kind == "io" and "is made, but its file is not here" or "goes on at its provider"
    end
    words[2] = words[2] .. ": " .. report.of_one(entry.error.message)
  elseif entry.state == "submitted" then
    if entry.taken_over then words[2] = "goes on with" end
    words[3] = "task " .. entry.task_id
  else
    words[3] = entry.credits and text.number(entry.credits) .. " credits"
    words[#words + 1] = entry.path
  end
  return errors.redact(report.words(words))
end

local function sums_of(args, world, result)
  local page = require("runway.sheet").at(args.output)
  local object, words = { credits = result.credits, drained = result.drained,
    page = page or require("runway.json").null }, {}
  for _, word in ipairs(WORDS) do
    object[word] = result.counts[word]
    if object[word] > 0 or word == "done" then
      words[#words + 1] = ("%d %s"):format(object[word], (word:gsub("_", " ")))
    end
  end
  if args.json then return report.line(world, object) end
  words[#words + 1] = text.number(result.credits) .. " credits"
  world.stdout:write(table.concat(words, ", "), "\n")
  if page then world.stderr:write("runway: the page is ", page, "\n") end
end

-- Ctrl-C: what is under way was handed on.
local function interrupted(args, world, unknown)
  local where = errors.redact(args.journal)
  report.failure(world, args, ("interrupted: nothing more is submitted, and what is under way keeps its ids in %s; to "
    .. "go on: run the same command again"):format(where), { kind = "cancelled", sent = "unknown" })
  world.stderr:write(report.unknown(args.journal, unknown))
  return exits.INTERRUPTED
end

---@param args table    of the command line
---@param world table
---@return integer|nil exit_code
---@return string|nil misuse
function command.work(args, world)
  if not args.journal then return nil, "work needs --journal JOURNAL" end
  if not args.output then return nil, "work needs -o DIR" end
  local absent = account.absent(args.journal, "`runway batch LIST -o DIR --enqueue` or client:enqueue makes one")
  if absent then return report.failure(world, args, absent) end
  local client, err = account.open(args, world)
  if not client then return report.failure(world, args, err) end
  ledger.to_go_on, ledger.to_find_out = function(id) return report.to_go_on(args, id) end, report.AGAIN
  local unknown = {}                          -- keys
  local ok, result
  ok, result, err = pcall(require("runway.work").run, client, { directory = args.output, jobs = args.jobs,
    until_empty = args.until_empty, attempts = args.attempts, timeout = args.timeout,
    on_progress = function(entry)
      if entry.state == "unknown" then unknown[#unknown + 1] = entry.key end
      world.stderr:write(told(entry), "\n")
      world.stderr:flush()
    end })
  if not ok and scheduler.is_interrupt(result) then return interrupted(args, world, unknown) end
  if not ok then error(result, 0) end
  if not result then return report.failure(world, args, err) end
  if result.halted then
    world.stderr:write("runway: nothing more was submitted: ", report.as_typed(args, tostring(result.halted)), "\n")
  end
  sums_of(args, world, result)
  world.stderr:write(report.unknown(args.journal, unknown))
  return result.exit_code
end

return command
