-- `runway join`: the clips of a directory, in the order of its list, as one film.

local batch = require "runway.batch"
local core = require "runway.core"
local exits = require "runway.cli.exits"
local files = require "runway.files"
local names = require "runway.names"
local report = require "runway.cli.report"
local text = require "runway.text"

local command = {}

-- The paths of those that are there, and those that are not.
local function sort(films)
  local paths, missing = {}, {}
  for _, film in ipairs(films) do
    if core.readable(film.path) then paths[#paths + 1] = film.path else missing[#missing + 1] = film end
  end
  return paths, missing
end

local function check(args)
  if args.cut and args.fade then return "one of --cut and --fade is possible" end
  if not args.output then return "join needs -o FILE" end
  if args.output == "" then return "option '--output': the name of the file is empty" end
  if args.directory == "" then return "the name of the directory is empty" end
  return nil
end

-- A path without `.` and `..`, as two are compared.
local function plain(path)
  local steps = {}
  for step in files.from_anywhere(path, core.working_directory()):gmatch "[^/]+" do
    if step == ".." then steps[#steps] = nil elseif step ~= "." then steps[#steps + 1] = step end
  end
  return "/" .. table.concat(steps, "/")
end

-- Would the film take the place of a clip, of what belongs to one, or of what a batch keeps there?
local function is_ours(args, films)
  local to, directory = plain(args.output), plain(args.directory)
  local below = to:sub(1, #directory + 1) == directory .. "/" and to:match("^[^/]+", #directory + 2)
  if below and names.is_reserved(below) then return true end
  for _, film in ipairs(films) do
    for _, taken in ipairs(names.taken(plain(film.path))) do
      if text.lower(to) == taken then return true end
    end
  end
  return false
end

local function refuse(args, world, message, code)
  return report.failure(world, args, message, { kind = "io", code = code })
end

--- Joins what is there; what is missing is told, and makes the exit code.
---@param args table
---@param world table
---@return integer|nil exit_code
---@return string|nil misuse
function command.join(args, world)
  local misuse = check(args)
  if misuse then return nil, misuse end
  local missing_program = require("runway.ffmpeg").missing "joining"
  if missing_program then
    refuse(args, world, missing_program.message, missing_program.code)
    return exits.MISUSE                       -- something is not set up
  end
  local films, why = batch.films(args.directory, args.list)
  if not films then
    return refuse(args, world, args.list and why or ("%s: what it holds, and in which order, is not known (%s); was a "
      .. "list made there? --list FILE names it"):format(args.directory, why), "list")
  end
  if is_ours(args, films) then
    return nil, ("option '--output': %s is a clip, or another file of the batch: join into another file"):format(
      args.output)
  end
  local free, message = core.target(args.output, args.overwrite or false)
  if not free then
    if message:find("existing file", 1, true) then
      return refuse(args, world, ("%s is already there; --overwrite writes over it"):format(args.output), "exists")
    end
    return refuse(args, world, ("-o %s: %s"):format(args.output, message), "file")
  end
  local paths, missing = sort(films)
  for _, one in ipairs(missing) do
    world.stderr:write("runway: missing: ", text.line(one.key, 200) or "", " (", one.path, ")\n")
  end
  if #paths == 0 then return refuse(args, world, args.directory .. " has no film yet", "nothing") end
  local film, err = require("runway.reel").join(paths, args.output, { fade = args.fade, overwrite = args.overwrite })
  if not film then return report.failure(world, args, err) end
  if args.json then
    local keys, json = {}, require "runway.json"
    for i, one in ipairs(missing) do keys[i] = one.key end
    report.line(world, { path = args.output, clips = #paths, frames = film.frames, seconds = film.seconds,
      width = film.width, height = film.height, missing = json.array(keys), error = json.null })
  else
    world.stdout:write(args.output, "\n")
  end
  return #missing > 0 and exits.FAILED or exits.OK
end

return command
