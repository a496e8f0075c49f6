-- The `runway` command. `main(argv)` returns the exit code; what they mean is in runway.cli.exits.
--
-- Standard output holds results alone (the path of the file, the task's state, the film itself with -o -), so
-- that scripts can read it; everything else goes to standard error.

local errors = require "runway.errors"
local exits = require "runway.cli.exits"
local parser = require "runway.cli.parser"
local report = require "runway.cli.report"
local results = require "runway.cli.results"
local text = require "runway.text"

local cli = {}

-- The rooms of the commands, loaded when they are asked for.
local ROOMS = {
  generate = "tasks", task = "tasks", cancel = "tasks", credits = "errands", upload = "errands", models = "models",
  batch = "batch", estimate = "estimate", journal = "journal", join = "join", sandbox = "sandbox",
  completion = "completion", work = "work", doctor = "doctor",
}

-- Runs one command: its exit code, or nil and what the caller did wrong.
local function run(root, argv, world)
  world.json, world.command = false, "runway"
  for _, word in ipairs(argv) do world.json = world.json or word == "--json" end
  local args, command, misuse = parser.read(root, argv)
  world.command = command
  if not args then return nil, misuse end
  if not args.command then
    world.stderr:write(root:get_help(), "\n")
    return exits.MISUSE
  end
  world.args = args
  return require("runway.cli." .. ROOMS[args.command])[args.command](args, world)
end

-- "client: option poll_interval must be …" is the option --poll-interval here.
local function as_options(message)
  return (message:gsub("^[a-z]+: option", "option"):gsub("option '?([a-z_]+)'?", function(name)
    return "option '--" .. name:gsub("_", "-") .. "'"
  end, 1))
end

-- What a raised value means: the exit code.
local function raised(world, value)
  if world.answered then return exits.OK end
  local said = text.raised(value)
  if said:find("interrupted!", 1, true) then
    local open = type(value) == "table" and value.tasks and value.tasks[1]
    world.task_id = world.task_id or open and open.task_id
    report.failure(world, world.args or {}, "interrupted",
      { kind = "cancelled", sent = world.task_id and "yes" or "unknown" })
    return exits.INTERRUPTED
  end
  -- A wrong value is told by the library as "where: what"; where is of no use here.
  local _, where = said:find("%.lua:%d+: ")
  local misuse = where and not said:find("\n", 1, true) and said:sub(where + 1)
  if misuse and not misuse:find "^attempt to " then
    return report.misuse(world, as_options(misuse))
  end
  report.failure(world, world.args or {}, errors.is(value) and value or said,
    { kind = "internal", sent = world.task_id and "yes" or "unknown" })
  return exits.FAILED
end

-- The end of every command: its client closes, and what was said on standard output must be there.
local function ended(world, code)
  if world.client then world.client:close() end
  local ok, why = world.stdout:flush()
  if ok then return code end
  if not world.cut_short then
    world.stderr:write("runway: standard output could not be written, and what it was to hold is lost: ", why, "\n",
      world.made and "runway: the file is there: " .. world.made .. "\n" or "")
  end
  return code == exits.OK and exits.FAILED or code
end

--- The `runway` command.
---@param argv string[]
---@param world? { stdin?: file*, stdout?: file*, stderr?: file*, transport?: table, terminal?: boolean,
---  stdin_terminal?: boolean, stdout_terminal?: boolean, columns?: integer }  for specs: where input comes from and
---  output goes, what answers, which of these are terminals (`terminal`: standard error), and how wide the last is
---@return integer exit_code   see runway.cli.exits
function cli.main(argv, world)
  local state = { stdin = io.stdin, stdout = io.stdout, stderr = io.stderr }
  for name, value in pairs(world or {}) do state[name] = value end
  state.stdout = results.new(state.stdout)
  local argparse, missing = parser.load()
  if not argparse then
    state.stderr:write("runway: ", missing, "\n")
    return exits.MISUSE
  end
  local terminal = require("runway.core").terminal
  local is_terminal, columns = terminal "stdout"
  columns = columns or select(2, terminal "stderr") -- of a pager's, where the output goes into one
  if state.stdout_terminal == nil then state.stdout_terminal = is_terminal end
  state.columns = state.columns or columns
  local root = parser.new(argparse, state)
  local ok, code, misuse = pcall(run, root, argv, state)
  if not ok then return ended(state, raised(state, code)) end
  return ended(state, code or report.misuse(state, misuse))
end

return cli
