-- What the command says when something went wrong: the error, what of its advice is spelled otherwise
-- here, and the command that goes on with a task that is not lost.

local errors = require "runway.errors"

local report = {}

-- What an error advises in the library's words, and how it is had here. The first two are flags, which the
-- command that goes on needs as well.
local FLAGS = { allow_http = "--allow-http", allow_private = "--allow-private" }
local ADVISED = {
  { "allow_http", FLAGS.allow_http }, { "allow_private", FLAGS.allow_private }, { "ca_file", "--ca-file FILE" },
  { "base_url = ", "--base-url URL" }, { "api_key = ", "the environment variable alone" },
  { "extra = {", "--extra NAME=VALUE" }, { 'format = "official"', "--param format=official" },
  { "journal:settle", "runway journal settle KEY --journal FILE --task-id ID, --resubmit or --failed WHY" },
  { "existing file", "--overwrite" }, { "max_bytes", "--max-bytes N" }, { "runway.file", "the path of the file" },
}

--- A message as a line, and below it how what it advises is had here, but for what was given already.
---@param args table
---@param message string
---@return string lines
function report.told(args, message)
  local words = {}
  for _, pair in ipairs(ADVISED) do
    if message:find(pair[1], 1, true) and not args[pair[1]] then words[#words + 1] = pair[2] end
  end
  return ("runway: %s\n%s"):format(message,
    #words > 0 and ("runway: here that is %s\n"):format(table.concat(words, " or ")) or "")
end

local function quoted(word)
  if word:find("^[A-Za-z0-9_./:%%@+-]+$") then return word end
  return "'" .. word:gsub("'", "'\\''") .. "'"
end

-- The command that goes on with a task. It bears what the one before bore, and what its error advised.
local function resume_command(args, id, message)
  local dashed = id:find("^%-") ~= nil        -- not to be taken for an option
  local words = { "runway", "task", not dashed and quoted(id) or nil }
  local function add(option, value)
    if value then
      words[#words + 1] = option
      words[#words + 1] = quoted(value)
    end
  end
  add("--provider", args.provider or os.getenv "RUNWAY_PROVIDER")
  add("--base-url", args.base_url)
  add("--kind", args.kind)
  add("--ca-file", args.ca_file)
  if args.proxy and not args.proxy:find("@", 1, true) then add("--proxy", args.proxy) end -- no password on the screen
  for _, name in ipairs { "allow_http", "allow_private" } do
    if args[name] or message:find(name, 1, true) then words[#words + 1] = FLAGS[name] end
  end
  for _, one in ipairs(args.pins or {}) do add("--resolve", one.name .. "=" .. one.address) end
  if args.overwrite then words[#words + 1] = "--overwrite" end
  if args.max_bytes then add("--max-bytes", ("%d"):format(args.max_bytes)) end
  add("-o", args.output)
  if not args.output then words[#words + 1] = "--wait" end
  if dashed then add("--", id) end
  return table.concat(words, " ")
end

-- Errors after which there is nothing to go on with.
local OVER = { task_failed = true, task_cancelled = true, not_found = true }

-- Says what went wrong, and how to go on with a task that may still bring its film.
---@param world table
---@param args table           the command's options
---@param err runway.Error|string
---@return integer exit_code
function report.failure(world, args, err)
  local message = tostring(err)
  world.stderr:write(report.told(args, message))
  local id = errors.is(err) and err.task_id or world.task_id
  if id then require("runway.ledger").told(id) end
  local over = errors.is(err) and OVER[err.kind] and err.code ~= "output" -- a missing file is no missing task
  if id and not over and (args.output or args.wait) then
    world.stderr:write("runway: task ", id, " is not lost; to go on: ", resume_command(args, id, message), "\n")
  end
  return errors.is(err) and err.kind == "config" and 2 or 1
end

return report
