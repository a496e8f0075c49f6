-- `runway join`: the clips of a directory, in the order of its list, as one film.

local batch = require "runway.batch"
local core = require "runway.core"
local exits = require "runway.cli.exits"
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
  if args.output == "-" then return "option '--output': the name of a file is wanted" end
  if args.output == "" then return "option '--output': the name of the file is empty" end
  if args.directory == "" then return "the name of the directory is empty" end
  return nil
end

-- Would the film take the place of its list, of a clip, of what belongs to one, or of what a batch keeps there?
-- Whatever way leads to it.
local function is_ours(args, films)
  if args.list and core.same(args.output, args.list) then return true end
  for _, film in ipairs(films) do
    if core.same(args.output, film.path) then return true end
  end
  local to, name = args.output:match "^(.*/)([^/]*)$"
  to, name = to or ".", name or args.output
  return core.same(to, args.directory .. "/stills")
    or core.same(to, args.directory) and batch.keeps(args.directory, name, args.list)
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
    return nil, ("option '--output': %s is a clip, the list, or another file of the batch: join into another file")
      :format(args.output)
  end
  local ending = names.untrue(args.output, "video")
  if ending then
    return nil, ("option '--output': the film is an MP4, and no %s: give it a name with .mp4"):format(ending)
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
  if film.shortened > 0 then
    world.stderr:write(("runway: %d of %d cross-fades are shorter than --fade: half of a clip is the most\n"):format(
      film.shortened, #paths - 1))
  end
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
