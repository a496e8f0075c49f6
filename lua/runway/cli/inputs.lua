-- From a command line to the params of a task: what is read from files and standard input, what goes into
-- tables, and what is said twice.
--
-- All of it is told before anything is sent: { message =, misuse = true } is the fault of the words alone, any other
-- that of a file which they name.

local params = require "runway.params"
local text = require "runway.text"

local inputs = {}

local function misuse(message, ...) return { message = message:format(...), misuse = true } end
local function refused(message, ...) return { message = message:format(...) } end

---------------------------------------------------------------------------------------------------
-- Files

-- A scheme of one letter is a drive.
local function is_url(value)
  return value:find "^[A-Za-z][A-Za-z0-9+.-]+:" ~= nil
end

-- A file on disk, which must be there.
local function file_at(option, path)
  if path == "" then return nil, misuse("%s: the name of the file is empty", option) end
  local ok, why = require("runway.core").readable(path)
  if not ok then return nil, refused("%s: %s: %s", option, path, why) end
  return require("runway").file(path)
end

-- What an option for a picture or a film was given: a URL, or a file.
local function media(option, value)
  if is_url(value) then return text.trim(value) end
  return file_at(option, value:sub(1, 1) == "@" and value:sub(2) or value)
end

-- As a shell's $(…) has it: without the line break at the end; nor with the mark that some editors begin with.
local function written(said)
  return (said:gsub("^\239\187\191", ""):gsub("\r?\n$", ""))
end

-- All of standard input, line by line: Ctrl-C comes in between two, and a read of it all would go on waiting.
local function from_stdin(world)
  local stdin, lines = world.stdin or io.stdin, {}
  local typed = world.stdin_terminal
  if typed == nil then typed = stdin == io.stdin and require("runway.core").terminal "stdin" end
  if typed then
    (world.stderr or io.stderr):write "runway: the prompt, please; Ctrl-D in a line of its own ends it\n"
  end
  while true do
    local line, why = stdin:read "L"
    if not line and why then return nil, refused("--prompt -: standard input cannot be read: %s", tostring(why)) end
    if not line then return written(table.concat(lines)) end
    lines[#lines + 1] = line
  end
end

local function prompt(value, world)
  if value == "-" then return from_stdin(world) end
  if value:sub(1, 2) == "@@" then return value:sub(2) end
  if value:sub(1, 1) ~= "@" then return value end
  local path = value:sub(2)
  if path == "" then return nil, misuse("--prompt: @ names no file (a text that begins with @ is given as @@…)") end
  local file, why = io.open(path, "rb")
  local said = file and file:read "a"
  if file then file:close() end
  if said then return written(said) end
  why = why and why:match ": ([^:]*)$" or "it cannot be read"
  return nil, refused("--prompt: %s: %s (a text that begins with @ is given as @@…)", path, why)
end

---------------------------------------------------------------------------------------------------
-- --param and --extra

-- What a flag has said already, by the names under which it may be said again.
local FLAGS = {
  prompt = "prompt", promptText = "prompt", image = "image", promptImage = "image", video = "video",
  promptVideo = "video", model = "model", ratio = "ratio", duration = "duration", seed = "seed", kind = "kind",
  key = "key", output = "output",
}

-- Names that mean something to `generate` itself: as a --param they are the API's.
local LIBRARYS_OWN = { output = true, extra = true, deadline = true, fit = true }

local function was_given(v) return v ~= nil and (type(v) ~= "table" or #v > 0) end

-- The first word of a name, in the spelling in which it is compared.
local function head_of(name) return params.camel(name:match "^[^.]+") end

local function add_all(given, option, list, args)
  for _, one in ipairs(list or {}) do
    local flag = option == "--param" and FLAGS[head_of(one.name)]
    if flag and was_given(args[flag]) then
      return misuse("option '%s': %s contradicts --%s: give one of them%s", option, one.name, flag,
        LIBRARYS_OWN[flag] and " (what the API itself calls so is given as --extra)" or "")
    end
    local value = one.value
    if one.file then
      local missing
      value, missing = file_at(("%s %s"):format(option, one.name), one.file)
      if missing then return missing end
    end
    local into = given
    if option == "--extra" or LIBRARYS_OWN[one.name:match "^[^.]+"] then
      given.extra = given.extra or {}
      into = given.extra
    end
    local taken = params.put(into, one.name, value)
    if taken == one.name then return misuse("option '%s': %s is given twice", option, taken) end
    if taken then return misuse("option '%s': %s contradicts what %s is given as", option, one.name, taken) end
  end
end

---------------------------------------------------------------------------------------------------

local function images(list)
  local looked = {}
  for i, value in ipairs(list) do
    local problem
    looked[i], problem = media("--image", value)
    if problem then return nil, problem end
  end
  if #looked < 2 then return looked[1] end
  return { { uri = looked[1], position = "first" }, { uri = looked[2], position = "last" } }
end

--- The params that a command line asks for.
---@param args table
---@param world table       `stdin`: where `--prompt -` reads
---@return table|nil given  for client:generate
---@return { message: string, misuse: boolean|nil }|nil problem
function inputs.params(args, world)
  local given = {
    model = args.model, ratio = args.ratio, duration = args.duration, seed = args.seed, kind = args.kind,
    key = args.key, fit = args.fit,
  }
  local problem = add_all(given, "--param", args.params, args) or add_all(given, "--extra", args.extras, args)
  if problem then return nil, problem end
  if #(args.image or {}) > 0 then given.prompt_image, problem = images(args.image) end
  if not problem and args.video then given.prompt_video, problem = media("--video", args.video) end
  -- last, since a person may be the one who writes it
  if not problem and args.prompt then given.prompt_text, problem = prompt(args.prompt, world) end
  if problem then return nil, problem end
  return given
end

return inputs
