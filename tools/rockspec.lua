-- Writes the lists of modules in the rockspecs anew from the files that are there.
--
--   lua5.4 tools/rockspec.lua                                   (make rockspec)
--   lua5.4 tools/rockspec.lua release VERSION URL DIRECTORY     (make release)
--
-- A list stands between the lines "-- modules: begin" and "-- modules: end". The second form writes the
-- rockspecs of a release, whose source archive lies at URL. Required as a module it returns the
-- functions, for the spec that keeps the lists true.

local M = {}

local function files(pattern)
  local list = {}
  local pipe = assert(io.popen("find " .. pattern .. " | LC_ALL=C sort"))
  for line in pipe:lines() do list[#list + 1] = line end
  pipe:close()
  return list
end

-- The C files that are linked into several modules, as the Makefile lists them under this name.
local function listed(name)
  local set = {}
  local makefile = assert(io.open "Makefile"):read("a"):gsub("\\\n", " ")
  for path in (("\n" .. makefile):match("\n" .. name .. "%s*:=([^\n]*)") or ""):gmatch "%S+" do set[path] = true end
  assert(next(set), "Makefile: no line " .. name)
  return set
end

-- The rocks. The first has the core and all that is Lua, each companion a module in C that needs a library
-- more: what is its alone, by the beginning of its name, and what it shares with others.
--
-- Where luarocks builds it copies a whole folder `lua`, whatever a rockspec lists. So the first has the Lua
-- of all, and the companions are built in src/, where no such folder is.
M.rocks = {
  { name = "runway", path = "rockspec/runway-dev-1.rockspec" },
  { name = "runway-server",
    c = { name = "runway.listener", own = { "src/listener", "src/lua_listener" }, shared = listed "SHARED_C",
      library = "MICROHTTPD", define = "RUNWAY_LISTENER" } },
  { name = "runway-sqlite",
    c = { name = "runway.sqlite", own = { "src/store_sqlite%.", "src/lua_sqlite%." }, shared = listed "STORE_C",
      library = "SQLITE3", define = "RUNWAY_SQLITE" } },
  { name = "runway-postgresql",
    c = { name = "runway.postgresql", own = { "src/store_postgresql", "src/lua_postgresql%." },
      shared = listed "STORE_C", library = "PQ", under = "postgresql", define = "RUNWAY_POSTGRESQL" } },
}
for _, rock in ipairs(M.rocks) do
  -- LuaRocks looks for one rockspec in rockspec/ when none is named, so the others lie a folder deeper.
  rock.path = rock.path or ("rockspec/companions/%s-dev-1.rockspec"):format(rock.name)
end

-- Linked into none but these.
local NOT_CORE = { "src/listener", "src/lua_listener", "src/cells", "src/store", "src/lua_store%.", "src/lua_sqlite%.",
  "src/lua_postgresql%." }

local function begins(path, beginnings)
  for _, beginning in ipairs(beginnings) do
    if path:find("^" .. beginning) then return true end
  end
  return false
end

-- As the rockspec has them: relative to where luarocks builds.
local function c_files(c)
  local sources = {}
  for _, path in ipairs(files "src -maxdepth 1 -name '*.c'") do
    if not c and not begins(path, NOT_CORE) then
      sources[#sources + 1] = path
    elseif c and (begins(path, c.own) or c.shared[path]) then
      sources[#sources + 1] = path:match "^src/(.*)$"
    end
  end
  return sources
end

--- A rock's modules: { name=, sources={…}, … } for C, { name=, path= } for Lua, sorted by name.
function M.modules(rock)
  local c = rock.c or { name = "runway", library = "CURL" }
  local list = { { name = c.name, sources = c_files(rock.c), headers = rock.c and "." or "src", library = c.library,
    under = c.under, define = c.define } }
  for _, path in ipairs(rock.c and {} or files "lua -name '*.lua'") do
    local name = path:match "^lua/(.*)%.lua$":gsub("/init$", ""):gsub("/", ".")
    list[#list + 1] = { name = name, path = path }
  end
  table.sort(list, function(x, y) return x.name < y.name end)
  return list
end

local function c_module(module)
  local lines = { ('    ["%s"] = {'):format(module.name), "      sources = {" }
  for _, path in ipairs(module.sources) do
    lines[#lines + 1] = ('        "%s",'):format(path)
  end
  lines[#lines + 1] = "      },"
  if module.define then lines[#lines + 1] = ('      defines = { "%s" },'):format(module.define) end
  local headers = "$(" .. module.library .. "_INCDIR)"
  lines[#lines + 1] = ('      incdirs = { "%s", "%s"%s },'):format(module.headers, headers,
    module.under and (', "%s/%s"'):format(headers, module.under) or "")
  lines[#lines + 1] = '      libdirs = { "$(' .. module.library .. '_LIBDIR)" },'
  lines[#lines + 1] = ('      libraries = { "%s", "pthread", "m" },'):format(module.library:lower())
  lines[#lines + 1] = "    },"
  return table.concat(lines, "\n")
end

--- The text between the two marks.
function M.text(rock)
  local lines = {}
  for _, module in ipairs(M.modules(rock)) do
    lines[#lines + 1] = module.sources and c_module(module)
      or ('    ["%s"] = "%s",'):format(module.name, module.path)
  end
  return table.concat(lines, "\n") .. "\n"
end

local function read(path)
  local file = assert(io.open(path))
  local text = file:read "a"
  file:close()
  return text
end

local function write(path, text)
  local file = assert(io.open(path, "w"))
  assert(file:write(text))
  assert(file:close())
end

local function rewrite(rock)
  local old = read(rock.path)
  local head, tail = old:match "^(.*%-%- modules: begin\n).*( *%-%- modules: end\n.*)$"
  assert(head, rock.path .. ': no lines "-- modules: begin" and "-- modules: end"')
  local new = head .. M.text(rock) .. tail:gsub("^ *", "    ")
  if new ~= old then
    write(rock.path, new)
    print("written: " .. rock.path)
  end
end

--- A rockspec of a release: the checkout's, with its number, the place of its source, and of the rocks
-- the one that it was made with.
---@return string name, string text
function M.released(rock, version, url)
  local text = read(rock.path)
  local function put(old, new)
    local at, to = text:find(old, 1, true)
    assert(at, rock.path .. ": no " .. old)
    text = text:sub(1, at - 1) .. new .. text:sub(to + 1)
  end
  put('version = "dev-1"', ('version = "%s-1"'):format(version))
  text = text:gsub("%-%- For `luarocks make`[^\n]*\n", "", 1)
  put('url = "."', ('url = %q, dir = "runway-%s%s"'):format(url, version, rock.c and "/src" or ""))
  if rock.c then put('  "runway",\n', ('  "runway == %s",\n'):format(version)) end
  return ("%s-%s-1.rockspec"):format(rock.name, version), text
end

local function main(what, version, url, directory)
  for _, rock in ipairs(M.rocks) do
    if what == "release" then
      local name, text = M.released(rock, version, url)
      write(directory .. "/" .. name, text)
    else
      rewrite(rock)
    end
  end
end

if arg and arg[0] and arg[0]:match "tools/rockspec%.lua$" then main(table.unpack(arg)) end

return M
