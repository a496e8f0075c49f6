-- provider.lua: which adapter is meant: the one that is given, one that is built in, or one that a file or a module of
-- the user's returns.
--
-- A file or a module is run for whoever starts the program alone: RUNWAY_PROVIDER and the command's --provider name
-- one. What a script or a list says is a name, and may come from anywhere.

local api_key = require "runway.api_key"
local contract = require "runway.contract"
local guard = require "runway.guard"
local options = require "runway.options"
local session = require "runway.session"
local shown = require "runway.shown"
local text = require "runway.text"

local provider = {}

local VARIABLE, DEFAULT = "RUNWAY_PROVIDER", "runwayml"

-- How one that is not built in is given.
local OWN = "; one of your own is given as its table, or to the command and in RUNWAY_PROVIDER by its file, ./%s, or "
  .. "as a module that is found in LUA_PATH"
local OWN_FILE = "; an adapter in a file is given to a client as its table: provider = dofile %q"

local function unknown(name, from)
  local known = {}
  for each in pairs(require "runway.providers") do known[#known + 1] = each end
  table.sort(known)
  local near, said = options.nearest(name, known), text.line(name, 60) or ""
  return session.config(nil, ("%sunknown provider %q%s; known: %s%s"):format(from, said,
    near and " (did you mean " .. near .. "?)" or "", table.concat(known, ", "),
    near and "" or said:find "%.lua$" and OWN_FILE:format(said)
      or OWN:format(said:find(".", 1, true) and said or said .. ".lua")))
end

--- What RUNWAY_PROVIDER says.
---@return string|nil
function provider.by_environment() return api_key.environment(VARIABLE) end

--------------------------------------------------------------------- one of the user's own

-- What a file or a module gave, as an adapter; who made it is told with what is wrong.
local function adapter_of(where, from, ok, made, is_module)
  local function fault(said, ...) return session.config(nil, from .. said:format(...)) end
  if not ok then                              -- where it broke is told by Lua, mostly
    local said = guard.text_of(made)
    return fault("%s", said:sub(1, #where) == where and said or ("%s: %s"):format(where, said))
  elseif made == nil or is_module and made == true then -- true: what `require` gives then
    return fault("%s returns nothing; it must return the adapter, a table (is `return` missing at its end?)", where)
  elseif type(made) ~= "table" then
    return fault("%s returns %s; it must return the adapter, a table", where, shown.value(made))
  end
  local wrong = contract.fault(made)
  if wrong then return fault("%s: %s", where, wrong) end
  return made
end

local function from_file(path, from)
  if not loadfile then return session.config(nil, from .. path .. ": no file can be run here") end
  local chunk, message = loadfile(path)
  if not chunk then return session.config(nil, from .. tostring(message):gsub("^cannot open ", "")) end
  return adapter_of(path, from, guard.try(chunk, path))
end

-- A module that was loaded already, or can be found. The library is no one's adapter, and its name everyone's first
-- guess at a provider's.
local function is_module(name)
  if name == "runway" or not package then return false end
  return package.loaded[name] ~= nil or package.preload[name] ~= nil
    or package.searchpath(name, package.path) ~= nil or package.searchpath(name, package.cpath) ~= nil
end

--- The adapter that the user who starts the program names: one that is built in, or that a file (a name with a slash,
--- or that ends in .lua) or a module returns.
---@param name string|nil   nil: as RUNWAY_PROVIDER says, else runwayml
---@return runway.Adapter|nil
---@return runway.Error|nil err   kind "config"
---@return string|nil name
function provider.named(name)
  local from = ""
  if not name or name == "" then
    name = provider.by_environment()
    from = name and VARIABLE .. ": " or ""
    name = name or DEFAULT
  end
  local made, err = require("runway.providers")[name]
  if made then return made, nil, name end
  if name:find("/", 1, true) or name:find "%.lua$" then
    made, err = from_file(name, from)
  elseif name:find "^[A-Za-z_][A-Za-z0-9_.-]*$" and is_module(name) then
    local ok, module = guard.try(require, name)
    made, err = adapter_of("the module " .. name, from, ok, module, true)
  else
    made, err = unknown(name, from)
  end
  return made, err, name
end

--------------------------------------------------------------------- what a script gives

--- The adapter that a client is to use.
---@param given string|table|nil   the name of one that is built in, or an adapter; nil: by the environment
---@return runway.Adapter|nil
---@return runway.Error|nil err    kind "config"
---@return string|nil name         by which the command finds it; nil: of a table it does not
function provider.of(given)
  if given == nil then return provider.named(nil) end
  if type(given) == "table" then
    local fault = contract.fault(given)
    if fault then return session.config(contract.is_word(given.name) and given.name or nil, fault) end
    local known = contract.is_word(given.name) and require("runway.providers")[given.name] == given
    return given, nil, known and given.name or nil
  end
  local made = require("runway.providers")[given]
  if made then return made, nil, given end
  return unknown(given, "")
end

return provider
