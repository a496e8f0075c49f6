-- What `make static` makes beside the archive.
--
--   lua5.4 tools/static.lua rooms     the Lua files as C: the table of src/rooms.h
--   lua5.4 tools/static.lua all       the same and all of src/, as one file for those who vendor
--
-- Written to standard output.

local PIECE = 4000                            -- bytes of one literal: ISO C wants 4095 at least

local function files(where, ending)
  local list = {}
  local pipe = assert(io.popen(("find %s -name '*%s' | LC_ALL=C sort"):format(where, ending)))
  for path in pipe:lines() do list[#list + 1] = path end
  assert(pipe:close() and list[1], "no files in " .. where)
  return list
end

local function content(path)
  local file = assert(io.open(path, "rb"))
  local bytes = file:read "a"
  file:close()
  return bytes
end

---------------------------------------------------------------------------------------------------
-- Lua as C

local ESCAPES = { ["\\"] = "\\\\", ['"'] = '\\"', ["\n"] = "\\n", ["\t"] = "\\t", ["\r"] = "\\r", ["?"] = "\\?" }

-- A literal of C; three digits end an escape, whatever comes behind it.
local function literal(bytes)
  return '"' .. bytes:gsub('[\\"\n\t\r?%z\1-\31\127-\255]', function(c)
    return ESCAPES[c] or ("\\%03o"):format(c:byte())
  end) .. '"'
end

-- Lines, and of one that is too long its parts.
local function lines_of(source)
  local lines = {}
  for line in source:gmatch "[^\n]*\n?" do
    for from = 1, #line, PIECE do lines[#lines + 1] = line:sub(from, from + PIECE - 1) end
  end
  return lines
end

-- The source as literals of neither more than PIECE bytes, each of some lines.
local function pieces_of(source)
  local pieces, size, parts = {}, 0, {}
  local function finish()
    if parts[1] then pieces[#pieces + 1] = table.concat(parts, "\n    ") end
    size, parts = 0, {}
  end
  for _, line in ipairs(lines_of(source)) do
    if size + #line > PIECE then finish() end
    size, parts[#parts + 1] = size + #line, literal(line)
  end
  finish()
  return pieces
end

local function name_of(path)
  return (path:gsub("^lua/", ""):gsub("%.lua$", ""):gsub("/init$", ""):gsub("/", "."))
end

-- C: the table of all rooms.
local function rooms()
  local out, rows = {}, {}
  for i, path in ipairs(files("lua", ".lua")) do
    local source = content(path)
    assert(not source:find "%z", path .. ": a byte of zero")
    out[#out + 1] = ("static const char *const room_%d[] = { /* %s */\n    %s,\n  NULL\n};\n"):format(i, path,
      table.concat(pieces_of(source), ",\n    "))
    rows[#rows + 1] = ('  { "%s", "@%s", room_%d },'):format(name_of(path), path, i)
  end
  out[#out + 1] = ("const struct rw_room rw_rooms[] = {\n%s\n  { NULL, NULL, NULL }\n};\n"):format(
    table.concat(rows, "\n"))
  return table.concat(out, "\n")
end

---------------------------------------------------------------------------------------------------
-- All of it as one file

local HEAD = [[
/*
** runway_all.c: all of runway, C and Lua, as one file; runway.h is beside it.
**
**   cc -std=c11 -O2 -c runway_all.c $(pkg-config --cflags lua5.4 libcurl)
**
** Written by `make static` from src/ and lua/, which are what is to be changed. Each part
** that needs a library beside libcurl is empty unless RUNWAY_LISTENER (libmicrohttpd),
** RUNWAY_SQLITE or RUNWAY_POSTGRESQL (libpq) is defined.
**
]] .. content("LICENSE"):gsub("[^\n]*\n", function(line) return ("** " .. line):gsub(" +\n", "\n") end) .. [[
*/
#define RUNWAY_ROOMS 1
]] .. content "src/system.h"

-- What a header includes where it is for a part alone that may be left out.
local LIBRARIES = { "<libpq%-fe%.h>", "<sqlite3%.h>", "<microhttpd%.h>" }

local function is_of_a_part(path)
  local source = content(path)
  for _, library in ipairs(LIBRARIES) do
    if source:find("#include " .. library) then return true end
  end
  return false
end

-- The headers stand before all else, for a file that is left out may be the first to include one; but those that are
-- of a part where they are included.
local function all()
  local out, seen = { HEAD }, { ["src/system.h"] = true }
  local function text_of(path, before)
    local lines = { ("\n/* %s */\n"):format(path) }
    for line in content(path):gmatch "[^\n]*\n" do
      local header = line:match '^#include "([^"]+)"'
      header = header and "src/" .. header
      if not header then lines[#lines + 1] = line
      elseif not seen[header] then
        seen[header] = true
        if is_of_a_part(header) then lines[#lines + 1] = text_of(header, before) else before(header) end
      end
    end
    return table.concat(lines)
  end
  local function add(path)
    local source = text_of(path, add)         -- what it includes comes first
    out[#out + 1] = source
  end
  for _, path in ipairs(files("src", ".h")) do
    if not seen[path] and not is_of_a_part(path) then
      seen[path] = true
      add(path)
    end
  end
  for _, path in ipairs(files("src", ".c")) do add(path) end
  out[#out + 1] = "\n" .. rooms()
  return table.concat(out)
end

---------------------------------------------------------------------------------------------------

local what = ...
if what == "rooms" then
  io.write('#include "system.h"\n\n#include <stddef.h>\n\n#include "rooms.h"\n\n', rooms())
elseif what == "all" then
  io.write(all())
else
  error("usage: tools/static.lua rooms|all", 0)
end
