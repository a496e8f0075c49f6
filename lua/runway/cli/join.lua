-- `runway join`: the clips of a directory, in the order of its list, or files in the order in which they are named, as
-- one film.

local batch = require "runway.batch"
local core = require "runway.core"
local exits = require "runway.cli.exits"
local names = require "runway.names"
local progress = require "runway.progress"
local provenance = require "runway.provenance"
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
  for _, path in ipairs(args.directory) do
    if path == "" then return "the name of the directory, or of a file, is empty" end
  end
  return nil
end

local function is_directory(path) return core.same(path, path .. "/.") end

-- Are clips named one by one, and no directory? nil, misuse.
local function names_files(args)
  local directories = 0
  for _, path in ipairs(args.directory) do directories = directories + (is_directory(path) and 1 or 0) end
  if #args.directory > 1 and directories > 0 then return nil, "join takes one directory, or files, and not both" end
  if directories > 0 or #args.directory == 1 and not core.readable(args.directory[1]) then return false end
  if args.list then return nil, "join takes --list with a directory: files are joined as they are named" end
  return true
end

-- Those that were named, in that order, as the films of a list.
local function named(args)
  local films = {}
  for i, path in ipairs(args.directory) do films[i] = { key = path, path = path } end
  return films
end

-- Would the film take the place of its list, of a clip, of what belongs to one, or of what a batch keeps there?
-- Whatever way leads to it.
local function is_ours(args, films, directory)
  if args.list and core.same(args.output, args.list) then return true end
  for _, film in ipairs(films) do
    if core.same(args.output, film.path) then return true end
  end
  local to, name = args.output:match "^(.*/)([^/]*)$"
  to, name = to or ".", name or args.output
  if directory then
    return core.same(to, directory .. "/stills") or core.same(to, directory) and batch.keeps(directory, name, args.list)
  end
  for _, film in ipairs(films) do
    if core.same(args.output, provenance.path(film.path)) then return true end
  end
  return batch.keeps(to, name)
end

local function refuse(args, world, message, code)
  return report.failure(world, args, message, { kind = "io", code = code })
end

local MOST_TOLD = 10

-- Films that are there, and are not what their rows ask for now: none is taken in silence.
local function of_another(args, world, films)
  local older, more = {}, 0
  for _, film in ipairs(films) do
    if film.older and core.readable(film.path) then
      if #older < MOST_TOLD then older[#older + 1] = ("%s (%s)"):format(film.key, film.path) else more = more + 1 end
    end
  end
  if #older == 0 then return nil end
  return refuse(args, world, ("what is there is of another request than the list has now: %s%s. Give those rows keys "
    .. "and files of their own and run the list, or give them back what they had; to join the files as they are, name "
    .. "them one by one: runway join FILE … -o %s"):format(text.line(table.concat(older, ", "), 1000),
    more > 0 and (" and %d more"):format(more) or "", text.shell(args.output)), "key_conflict")
end

-- The clips, and the directory in which they were made, where that was named. nil, nil, exit code, misuse.
local function clips(args, world)
  local one_by_one, misuse = names_files(args)
  if misuse then return nil, nil, nil, misuse end
  if one_by_one then
    local films = named(args)
    local _, missing = sort(films)
    if not missing[1] then return films end
    return nil, nil, refuse(args, world, ("%s: there is no such file, or it cannot be read"):format(missing[1].path),
      "open")
  end
  local directory = args.directory[1]
  local films, why = batch.films(directory, args.list)
  if films then return films, directory end
  return nil, nil, refuse(args, world, args.list and why or ("%s: what it holds, and in which order, is not known "
    .. "(%s); was a list made there? --list FILE names it"):format(directory, why), "list")
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
  local films, directory, code, wrong = clips(args, world)
  if not films then return code, wrong end
  if is_ours(args, films, directory) then
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
  local refused = of_another(args, world, films)
  if refused then return refused end
  local paths, missing = sort(films)
  for _, one in ipairs(missing) do
    world.stderr:write("runway: missing: ", text.line(one.key, 200) or "", " (", one.path, ")\n")
  end
  if #paths == 0 then return refuse(args, world, directory .. " has no film yet", "nothing") end
  if world.terminal or world.terminal == nil and progress.is_terminal() then -- it takes a while, and says nothing else
    world.stderr:write(("runway: putting %d clips together\n"):format(#paths))
  end
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
