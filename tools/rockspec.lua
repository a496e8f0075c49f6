-- Writes the list of modules in a rockspec anew from the files that are there.
--
--   lua5.4 tools/rockspec.lua rockspec/runway-dev-1.rockspec            (make rockspec)
--
-- It stands between the lines "-- modules: begin" and "-- modules: end". Required as a module it
-- returns the two functions, for the spec that keeps the list true.

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

-- The modules beside the core: what is theirs alone, by the beginning of its name, and what they share.
local BESIDE = {
  { name = "runway.listener", own = { "src/listener", "src/lua_listener" }, shared = listed "SHARED_C",
    library = "MICROHTTPD", define = "RUNWAY_LISTENER" },
  { name = "runway.sqlite", own = { "src/store_sqlite%.", "src/lua_sqlite%." }, shared = listed "STORE_C",
    library = "SQLITE3", define = "RUNWAY_SQLITE" },
  { name = "runway.postgresql", own = { "src/store_postgresql", "src/lua_postgresql%." },
    shared = listed "STORE_C", library = "PQ", under = "postgresql", define = "RUNWAY_POSTGRESQL" },
}
-- Linked into none but these.
local NOT_CORE = { "src/listener", "src/lua_listener", "src/cells", "src/store", "src/lua_store%.", "src/lua_sqlite%.",
  "src/lua_postgresql%." }

local function begins(path, beginnings)
  for _, beginning in ipairs(beginnings) do
    if path:find("^" .. beginning) then return true end
  end
  return false
end

--- The rock's modules: { name=, sources={…} } for C, { name=, path= } for Lua, sorted by name.
function M.modules()
  local core = { name = "runway", sources = {}, library = "CURL" }
  local list = { core }
  for _, module in ipairs(BESIDE) do
    list[#list + 1] = { name = module.name, sources = {}, library = module.library,
      under = module.under, define = module.define }
  end
  for _, path in ipairs(files "src -maxdepth 1 -name '*.c'") do
    if not begins(path, NOT_CORE) then table.insert(core.sources, path) end
    for i, module in ipairs(BESIDE) do
      if begins(path, module.own) or module.shared[path] then table.insert(list[i + 1].sources, path) end
    end
  end
  for _, path in ipairs(files "lua -name '*.lua'") do
    local name = path:match "^lua/(.*)%.lua$":gsub("/init$", ""):gsub("/", ".")
    list[#list + 1] = { name = name, path = path }
  end
  table.sort(list, function(a, b) return a.name < b.name end)
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
  lines[#lines + 1] = ('      incdirs = { "src", "%s"%s },'):format(headers,
    module.under and (', "%s/%s"'):format(headers, module.under) or "")
  lines[#lines + 1] = '      libdirs = { "$(' .. module.library .. '_LIBDIR)" },'
  lines[#lines + 1] = ('      libraries = { "%s", "pthread", "m" },'):format(module.library:lower())
  lines[#lines + 1] = "    },"
  return table.concat(lines, "\n")
end

--- The text between the two marks.
function M.text()
  local lines = {}
  for _, module in ipairs(M.modules()) do
    lines[#lines + 1] = module.sources and c_module(module)
      or ('    ["%s"] = "%s",'):format(module.name, module.path)
  end
  return table.concat(lines, "\n") .. "\n"
end

local function rewrite(path)
  local file = assert(io.open(path))
  local old = file:read "a"
  file:close()
  local head, tail = old:match "^(.*%-%- modules: begin\n).*( *%-%- modules: end\n.*)$"
  assert(head, path .. ': no lines "-- modules: begin" and "-- modules: end"')
  local new = head .. M.text() .. tail:gsub("^ *", "    ")
  if new == old then return end
  file = assert(io.open(path, "w"))
  assert(file:write(new))
  assert(file:close())
  print("rewritten: " .. path)
end

if arg and arg[0] and arg[0]:match "tools/rockspec%.lua$" then
  rewrite(arg[1] or "rockspec/runway-dev-1.rockspec")
end

return M
