-- What `runway doctor` looks at on this machine.

local companion = require "runway.companion"
local core = require "runway.core"
local errors = require "runway.errors"
local program = require "runway.program"
local text = require "runway.text"

local machine = {}

local MIB = 1024 * 1024
local LEAST, LITTLE = 16 * MIB, 1024 * MIB    -- bytes: no film fits; a night's may not
local FFMPEG = 10                             -- seconds for its version

-- What may be left out of a build: its library, and who needs it. A batch keeps a journal in a file, so it is told
-- of the first as of one that is there and does not load.
local COMPANIONS = {
  { name = "sqlite", library = "SQLite", detail = "sqlite", who = "A journal in a file", usual = true },
  { name = "postgresql", library = "libpq", detail = "libpq", who = "A journal on a server" },
  { name = "listener", library = "libmicrohttpd", detail = "libmicrohttpd", who = "The sandbox, as a listener," },
}

local function is_installed(name) return package.searchpath("runway." .. name, package.cpath) ~= nil end

-- The libraries' versions into `seen`; words for those there are, and advice where one is missed.
local function libraries(seen)
  local said, without, advice = "", {}, {}
  for _, one in ipairs(COMPANIONS) do
    local module, missing = companion.load(one.name, one.who)
    if module then
      seen[one.detail] = module.version
      said = ("%s, %s %s"):format(said, one.library, module.version)
    else
      without[#without + 1] = "no " .. one.library
      if one.usual or is_installed(one.name) then advice[#advice + 1] = missing end
    end
  end
  if without[1] then said = said .. "; " .. table.concat(without, ", ") end
  return said, advice[1] and table.concat(advice, ". ")
end

function machine.versions()
  local curl, tls = core.libcurl()
  local seen = { runway = core.version, lua = _VERSION:match "[%d.]+$", libcurl = curl, tls = tls }
  local more, missed = libraries(seen)
  local said = ("runway %s, Lua %s, libcurl %s with %s%s"):format(seen.runway, seen.lua, curl, tls or "no TLS", more)
  if not tls then return "fail", said, "Install a libcurl that speaks TLS.", seen end
  return missed and "warn" or "ok", said, missed, seen
end

-- As what works with films finds it and runs it: two programs.
function machine.ffmpeg()
  local result = program.run({ "ffmpeg", "-version" }, { timeout = FFMPEG })
  local version = result and result.code == 0 and text.line(result.stdout:match "^ffmpeg version ([^ \r\n]+)", 100)
  if version and program.find "ffprobe" then return "ok", version, nil, { version = version } end
  return "warn", version and "its ffprobe is not there" or "it is not there, or does not run",
    "Stills, last:, fit and join need it: apt-get install ffmpeg. All else works without."
end

local NO_SUBMIT = "Until it can be used, no submit that it is to remember is sent."
local NO_JOURNAL = "none is named; --journal JOURNAL looks at one"

local function journal_seen(seen)
  local said = ("%s holds %d %s"):format(seen.path, seen.entries, seen.entries == 1 and "entry" or "entries")
  if seen.version == 0 then said = seen.path .. " is empty" end
  if seen.commit_seconds then said = ("%s, a commit took %s s"):format(said, text.fixed(seen.commit_seconds, 3)) end
  local detail = { journal = seen.path, version = seen.version, entries = seen.entries, unknown = seen.unknown,
    commit_seconds = seen.commit_seconds }
  if seen.unknown > 0 then
    return "warn", ("%s; %d %s unknown and may be paid for"):format(said, seen.unknown,
      seen.unknown == 1 and "is" or "are"),
      ("See them with runway journal list --journal %s --state unknown, and settle them."):format(
        text.shell(errors.redact(seen.path))), detail
  end
  if seen.version > 0 and seen.version < seen.newest then
    return "warn", ("%s; it is of version %d, this runway writes %d"):format(said, seen.version, seen.newest),
      "It is migrated when it is opened next; older programs refuse it from then on.", detail
  end
  return "ok", said, nil, detail
end

function machine.journal(known)
  local where = known.args.journal
  if not where then return "ok", NO_JOURNAL end
  local is_file = not where:find "^postgres[a-z]*://"
  if is_file and not core.space(where) then
    local driver, missing = companion.load("sqlite", "it")
    if not driver then
      return "fail", ("%s is not there, and cannot be made: %s"):format(where, missing), NO_SUBMIT, { journal = where }
    end
    local fits, why = core.target(where)
    if fits then return "ok", where .. " is not there yet, and can be made", nil, { journal = where, entries = 0 } end
    return "fail", ("%s is not there, and cannot be made: %s"):format(where, why), "Name another place.",
      { journal = where }
  end
  local seen, err = require("runway.journal").examine(where)
  if seen then return journal_seen(seen) end
  return "fail", err.message, NO_SUBMIT,
    { journal = is_file and where or nil }
end

-- The nearest directory that is there, and whether it is the one that was asked for.
local function standing(directory)
  local path = directory
  while path ~= "" and not core.space(path) do
    local above = path:match "^(.*[^/])/+[^/]+/*$" or path:find "^/" and "/" or "."
    if above == path then break end
    path = above
  end
  return path, path == directory
end

local function of_size(bytes)
  local unit = bytes < LITTLE and { MIB, "MiB" } or { 1024 * MIB, "GiB" }
  return ("%s %s"):format(text.fixed(bytes / unit[1], 1), unit[2])
end

function machine.output(known)
  local directory = known.args.output or "."
  if directory == "" then directory = "." end
  local path, there = standing(directory)
  local fits, why = core.target(("%s/.runway-doctor-%d"):format(path, math.floor(core.wall_ms())), false)
  local free = core.space(path)
  local detail = { directory = directory, free = free and math.floor(free) }
  if not fits then
    why = why:gsub("^there is no directory .*: ", "no file can be made there: ") -- it is there, and is as /proc is
    return "fail", ("%s: %s"):format(path, why), "Make it a directory that this user may write to, or name another "
      .. "with -o DIR.", detail
  end
  local said = ("%s %s, %s are free"):format(directory, there and "can be written"
    or "is not there yet, and can be made", of_size(free))
  if free < LEAST then return "fail", said, "Make room: no film fits.", detail end
  if free < LITTLE then return "warn", said, "Make room: a film may have a hundred MiB.", detail end
  return "ok", said, nil, detail
end

return machine
