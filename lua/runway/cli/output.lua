-- Where a film goes: to a file, or to standard output.
--
-- To standard output goes what is whole: the film is fetched to a file of its own first (which can go on where
-- it broke off, and is known to be a film), and that is taken away again. So a reader of the pipe gets all of it,
-- or an exit code that says otherwise.

local exits = require "runway.cli.exits"
local progress = require "runway.progress"
local report = require "runway.cli.report"

local output = {}

local BLOCK = 65536

-- A name of this program's own for the film on its way to standard output.
local function passing(world)
  local directory = os.getenv "TMPDIR"
  if not directory or directory == "" then directory = "/tmp" end
  local random = require("runway.retry").random
  world.passing = world.passing or ("%s/runway-%08x%08x"):format(directory, math.floor(random() * 2 ^ 32),
    math.floor(random() * 2 ^ 32))
  return world.passing
end

--- What is wrong with where the film is to go. Asked before anything is paid for.
---@param args table
---@param world table
---@return string|nil misuse
---@return string|nil message   what is there forbids it
---@return string|nil code      the library's word for it
function output.check(args, world)
  local path, overwrite = args.output, args.overwrite
  if path == "" then return "option '--output': the name of the file is empty" end
  if path == "-" then
    if args.json then return "-o - and --json both want standard output" end
    if world.stdout_terminal and not overwrite then
      return "-o - would write a film to the terminal; send it on (| or >), or say --overwrite"
    end
    path, overwrite = passing(world), false
  end
  local ok, message = require("runway.core").target(path, overwrite)
  if ok then return nil end
  if message:find("over a directory", 1, true) then
    return ("option '--output': %s is a directory, where a file's name is wanted"):format(path)
  end
  if message:find("existing file", 1, true) then
    return nil, ("%s is already there; --overwrite writes over it"):format(path), "exists"
  end
  local where = args.output ~= "-" and "-o " .. path
    or "-o - keeps the film in $TMPDIR until it is whole, and cannot: " .. path
  return nil, where .. ": " .. message, "file"
end

-- The file's bytes to standard output: true, or nil and why not.
local function pour(path, world)
  local file, why = io.open(path, "rb")
  if not file then return nil, why end
  os.remove(path)                             -- whatever happens now, nothing is left of it
  local stdout = world.stdout
  while true do
    local bytes = file:read(BLOCK)
    if not bytes then break end
    local ok
    ok, why = stdout:write(bytes)
    if not ok then
      file:close()
      return nil, why
    end
  end
  file:close()
  return stdout:flush()
end

local function to_stdout(task, args, world, show)
  local path = passing(world)
  local ok, file, err = pcall(progress.download, task, path, show)
  if not ok or not file then
    os.remove(path)
    os.remove(path .. ".part")
    if not ok then error(file, 0) end
    return report.failure(world, args, err)
  end
  local whole, why = pour(path, world)
  if whole then return exits.OK end
  world.cut_short = true                      -- which is said here
  return report.failure(world, args, ("standard output broke off, and what it got is not the whole film: %s")
    :format(tostring(why)), { kind = "io", sent = "yes" })
end

--- Waits for a task and fetches its film.
---@param task runway.Task
---@param args table
---@param world table
---@return integer exit_code
function output.fetch(task, args, world)
  local waited, code = output.wait(task, args, world)
  if not waited then return code end
  local show = { label = "file", stream = world.stderr, terminal = world.terminal, overwrite = args.overwrite,
    max_bytes = args.max_bytes }
  if args.output == "-" then return to_stdout(task, args, world, show) end
  local file, err = progress.download(task, args.output, show)
  if not file then return report.failure(world, args, err) end
  world.made = file.path
  report.task(world, args, task, { path = file.path, bytes = file.bytes, sha256 = file.sha256 })
  return exits.OK
end

--- Waits for a task.
---@param task runway.Task
---@param args table
---@param world table
---@return boolean ended
---@return integer|nil exit_code   when it has not, or not well
function output.wait(task, args, world)
  local done, err = progress.wait(task, { label = "task", timeout = args.timeout, stream = world.stderr,
    terminal = world.terminal })
  if done then return true end
  local code = report.failure(world, args, err)
  return false, err.kind == "timeout" and exits.RUNNING or code
end

return output
