-- Is an adapter made of pure functions? Two looks: what its functions call while the files, the
-- clock and chance are taken away, and what they hold on to that they may never use.

local unpack = table.unpack or unpack         -- 5.1 has it as a global

local text = require "runway.text"

local pure = {}

-- What an adapter may build on; none of it does I/O.
local ALLOWED = {
  "runway", "runway.providers.advice", "runway.fields", "runway.files", "runway.ids", "runway.json", "runway.media",
  "runway.options", "runway.params", "runway.text", "runway.values",
}

-- Ways out of the process that are no part of Lua.
local FOREIGN = {
  "cqueues", "curl", "lfs", "luv", "posix", "socket", "socket.http", "ssl", "ssl.https",
}

-- Every place from which something impure can be had: { table, key, name }.
local function places()
  local list = {}
  local function add(from, key, name) list[#list + 1] = { from, key, name } end
  for _, library in ipairs { "io", "os" } do
    for key in next, _G[library] or {} do add(_G[library], key, library .. "." .. key) end
  end
  for _, key in ipairs { "print", "dofile", "loadfile" } do add(_G, key, key) end
  for _, key in ipairs { "random", "randomseed" } do add(math, key, "math." .. key) end
  return list
end

local function trap(was, name, blame)
  local function sprung()
    blame(name)
    error(name .. " is not for adapters: they do no I/O and know neither clock nor chance", 2)
  end
  if type(was) == "function" then return sprung end
  -- A file, such as io.stdout, is a thing with methods.
  return setmetatable({}, { __call = sprung, __index = sprung, __newindex = sprung })
end

---Runs a function while io, os, print and chance are out of reach. What was touched is told even
---when the adapter hides it behind a pcall.
---@param fn fun()
---@param blame fun(name: string)
function pure.isolated(fn, blame)
  local kept = {}
  for i, place in ipairs(places()) do
    local from, key, name = place[1], place[2], place[3]
    kept[i] = { from, key, rawget(from, key) }
    rawset(from, key, trap(kept[i][3], name, blame))
  end
  local ok, err = pcall(fn)
  for _, place in ipairs(kept) do rawset(place[1], place[2], place[3]) end
  if not ok then error(err, 0) end
end

-- thing -> name, for all that an adapter must not hold; and what is not looked into.
local function boundaries()
  local forbidden, skipped = {}, { [_G] = true, [package] = true, [package.loaded] = true }
  for _, library in ipairs { "string", "table", "math", "coroutine", "utf8", "debug" } do
    if _G[library] then skipped[_G[library]] = true end
  end
  for _, name in ipairs(ALLOWED) do
    local module = package.loaded[name]
    if type(module) == "table" then
      skipped[module] = true
      for _, v in next, module do skipped[v] = true end
    end
  end
  for name, module in next, package.loaded do
    local upper = type(name) == "string" and name:find("^runway%.")
      and not name:find("^runway%.providers") and not skipped[module]
    if upper then forbidden[module] = "the module " .. name end
  end
  for _, name in ipairs(FOREIGN) do
    if package.loaded[name] then forbidden[package.loaded[name]] = "the module " .. name end
  end
  if io then forbidden[io] = "io" end
  if os then forbidden[os] = "os" end
  for _, place in ipairs(places()) do
    local v = rawget(place[1], place[2])
    if v ~= nil then forbidden[v] = place[3] end
  end
  return forbidden, skipped
end

-- What was raised with the line of the adapter's that it came from, also where a function of C's raised it (ipairs).
local function located(raised)
  raised = text.raised(raised)
  if raised:find "^[^\n]-:%d+: " or not (debug and debug.getinfo) then return raised end
  for level = 2, 20 do
    local at = debug.getinfo(level, "Sl")
    if not at then break end
    if at.currentline > 0 then return ("%s:%d: %s"):format(at.short_src, at.currentline, raised) end
  end
  return raised
end

---Calls a function of the adapter.
---@param fn function
---@return boolean ok
---@return any ...   what it gave, or what it raised, with its line
function pure.try(fn, ...)
  local given, count = { ... }, select("#", ...)
  return xpcall(function() return fn(unpack(given, 1, count)) end, located)
end

---Follows what the adapter's functions hold (their upvalues) down to what they must not hold.
---@param adapter table
---@param blame fun(name: string, path: string)
function pure.reach(adapter, blame)
  local upvalue = debug and debug.getupvalue
  if not upvalue then return end
  local forbidden, seen = boundaries()
  local function follow(v, path)
    if type(v) ~= "table" and type(v) ~= "function" and type(v) ~= "userdata" then return end
    if forbidden[v] then return blame(forbidden[v], path) end
    if seen[v] then return end
    seen[v] = true
    if type(v) == "table" then
      for key, inner in next, v do follow(inner, path .. "." .. tostring(key)) end
    elseif type(v) == "function" then
      local i = 1
      local name, inner = upvalue(v, i)
      while name do
        follow(inner, path .. " > " .. name)
        i = i + 1
        name, inner = upvalue(v, i)
      end
    end
  end
  follow(adapter, tostring(adapter.name))
end

-- What a table holds now, for `changed` to look at once more.
local function contents(t)
  local held = {}
  for key, v in next, t do held[key] = v end
  return held
end

-- The first key, by name, under which a table holds another value than it did.
local function changed(t, held)
  local first
  for _, each in ipairs { t, held } do
    for key in next, each do
      local name = tostring(key)
      if not rawequal(rawget(t, key), held[key]) and (not first or name < first) then first = name end
    end
  end
  return first
end

---Remembers what the adapter's functions hold beside the adapter itself: their upvalues, the tables there, and the
---globals.
---@param adapter table
---@return fun(blame: fun(place: string)) look   tells what is another by then, one place of each sort
function pure.remember(adapter)
  local upvalue = debug and debug.getupvalue
  local tables, slots, _, seen = { { _G, contents(_G), "the global " } }, {}, boundaries()
  seen[adapter] = true
  local function follow(v)
    if type(v) ~= "table" and type(v) ~= "function" or seen[v] then return end
    seen[v] = true
    if type(v) == "function" then
      local i = 1
      local name, inner = upvalue(v, i)
      while name do
        slots[#slots + 1] = { v, i, name, inner }
        follow(inner)
        i = i + 1
        name, inner = upvalue(v, i)
      end
    else
      tables[#tables + 1] = { v, contents(v), "the field " }
      for _, inner in next, v do follow(inner) end
    end
  end
  for _, v in next, upvalue and adapter or {} do follow(v) end
  return function(blame)
    for _, slot in ipairs(slots) do
      local _, now = upvalue(slot[1], slot[2])
      if not rawequal(now, slot[4]) then
        blame("the local " .. slot[3])
        break
      end
    end
    for _, each in ipairs(tables) do
      local key = changed(each[1], each[2])
      if key then blame(each[3] .. key) end
    end
  end
end

return pure
