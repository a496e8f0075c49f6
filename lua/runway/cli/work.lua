-- `runway work`: a worker.

local account = require "runway.cli.account"
local report = require "runway.cli.report"
local text = require "runway.text"

local command = {}

local WORDS = { "done", "failed", "unknown", "put_back" }

---@param args table    of the command line
---@param world table
---@return integer|nil exit_code
---@return string|nil misuse
function command.work(args, world)
  if not args.journal then return nil, "work needs --journal JOURNAL" end
  if not args.output then return nil, "work needs -o DIR" end
  local client, err = account.open(args, world)
  if not client then return report.failure(world, args, err) end
  local result
  result, err = require("runway.work").run(client, { directory = args.output, jobs = args.jobs,
    until_empty = args.until_empty, attempts = args.attempts, timeout = args.timeout })
  if not result then return report.failure(world, args, err) end
  if result.halted then world.stderr:write("runway: ", tostring(result.halted), "\n") end
  local object, words = { credits = result.credits, drained = result.drained }, {}
  for _, word in ipairs(WORDS) do
    object[word] = result.counts[word]
    if object[word] > 0 then words[#words + 1] = ("%d %s"):format(object[word], (word:gsub("_", " "))) end
  end
  if args.json then
    report.line(world, object)
  else
    words[#words + 1] = text.number(result.credits) .. " credits"
    world.stdout:write(table.concat(words, ", "), "\n")
  end
  return result.exit_code
end

return command
