-- Writes types/params.lua anew: what each kind of task takes, for editors, from what the adapters know of it.
--
--   LUA_PATH='./lua/?.lua;./lua/?/init.lua;;' lua5.4 tools/types.lua types/params.lua
--
-- Required as a module it returns the text, for the spec that keeps the file true.

local models = require "runway.providers.runwayml_models"
local order = require "runway.order"
local params = require "runway.params"
local providers = require "runway.providers"

local M = {}

local MOST_VALUES, MOST_MODELS, WIDTH = 16, 5, 120

local function sorted(set)
  local list = {}
  for name in pairs(set) do list[#list + 1] = name end
  table.sort(list)
  return list
end

---------------------------------------------------------------------------------------------------
-- From a rule of advice.lua to a type

local type_of

-- Every list of values is advice: another one goes through as well.
local function one_of(rule, types)
  for _, value in ipairs(rule.allowed) do
    if type(value) == "string" then types[("%q"):format(value)] = true end
    types[type(value) == "string" and "string" or "number"] = true
  end
end

local function object(rule)
  local needed, fields = {}, {}
  for _, name in ipairs(rule.needs) do needed[name] = true end
  for i, name in ipairs(sorted(rule.fields)) do
    fields[i] = ("%s%s: %s"):format(name, needed[name] and "" or "?", type_of(rule.fields[name]))
  end
  return "{ " .. table.concat(fields, ", ") .. " }"
end

local FORMS = {
  text = "string", sizes = "string", whole = "integer", number = "number", positive = "number", flag = "boolean",
  media = "runway.Media", frames = "runway.Images",
}

local function add(rule, types)
  if rule.form == "one_of" then return one_of(rule, types) end
  if rule.form == "object" then types[object(rule)] = true return end
  if rule.form == "list" then types[rule.of and ("(%s)[]"):format(type_of(rule.of)) or "table"] = true return end
  if rule.form == "or_word" then
    add(rule.rule, types)
    return one_of({ allowed = rule.allowed }, types)
  end
  types[assert(FORMS[rule.form], rule.form)] = true
end

-- A union, without the words of a list that is too long to read.
local function union(types)
  local words = 0
  for name in pairs(types) do words = words + (name:find '^"' and 1 or 0) end
  if types.number then types.integer = nil end
  local list = {}
  for _, name in ipairs(sorted(types)) do
    if words <= MOST_VALUES or not name:find '^"' then list[#list + 1] = name end
  end
  return (table.concat(list, "|"):gsub("^%((%b{})%)%[%]$", "%1[]"):gsub("^%(([%w.]+)%)%[%]$", "%1[]"))
end

function type_of(rule)
  local types = {}
  add(rule, types)
  return union(types)
end

---------------------------------------------------------------------------------------------------
-- From a kind to a class

-- TextToVideo
local function class_of(kind)
  return "runway." .. kind:gsub("^%l", string.upper):gsub("_(%l)", string.upper)
end
M.class_of = class_of

local NEUTRAL = {}
for _, name in ipairs(order.KNOWN) do NEUTRAL[params.snake(name)] = true end

-- name -> { types =, models = } of a kind, but for what every kind has.
local function fields_of(kind)
  local fields = {}
  for model, rules in pairs(models[kind]) do
    for field, rule in pairs(rules) do
      local name = params.snake(field)
      if type(rule) == "table" and rule.form and not NEUTRAL[name] and not rules.removed then
        fields[name] = fields[name] or { types = {}, models = {} }
        fields[name].models[model] = true
        add(rule, fields[name].types)
      end
    end
  end
  return fields
end

local function models_of(field, kind)
  local names = sorted(field.models)
  local all = 0
  for _, rules in pairs(models[kind]) do all = all + (rules.removed and 0 or 1) end
  if #names == all then return "" end
  local more = #names > MOST_MODELS and ", …" or ""
  return table.concat(names, ", ", 1, math.min(#names, MOST_MODELS)) .. more
end

local function names_of_models(kind)
  local names = {}
  for name, rules in pairs(models[kind]) do
    if not rules.removed then names[("%q"):format(name)] = true end
  end
  return table.concat(sorted(names), "|") .. "|string"
end

-- A field, its note on a line of its own where one is too short for both.
local function field_line(lines, name, kind, note)
  local line = ("---@field %s? %s"):format(name, kind)
  if note == "" then
    lines[#lines + 1] = line
  elseif #line + #note + 2 <= WIDTH then
    lines[#lines + 1] = line .. "  " .. note
  else
    lines[#lines + 1] = line
    lines[#lines + 1] = "---  " .. note
  end
end

local function kind_class(lines, kind)
  lines[#lines + 1] = ""
  lines[#lines + 1] = ("---What `client:%s` takes beside what every kind does."):format(kind)
  lines[#lines + 1] = ("---@class %s: runway.Submit"):format(class_of(kind))
  if not models[kind] then return end
  lines[#lines + 1] = "---@field model? " .. names_of_models(kind)
  local fields = fields_of(kind)
  for _, name in ipairs(sorted(fields)) do
    field_line(lines, name, union(fields[name].types), models_of(fields[name], kind))
  end
end

-- What resellers take that Runway itself does not: their own documents say of what type.
local function others(lines)
  local official, found = {}, {}
  for kind in pairs(models) do
    for _, rules in pairs(models[kind]) do
      for field in pairs(rules) do official[params.snake(field)] = true end
    end
  end
  for provider, adapter in pairs(providers) do
    for field in pairs(adapter.names or {}) do
      local name = params.snake(field)
      if not official[name] and not NEUTRAL[name] then
        found[name] = found[name] or {}
        found[name][provider] = true
      end
    end
  end
  lines[#lines + 1] = ""
  lines[#lines + 1] = "---What some resellers take beside; docs/providers.md says where it goes."
  lines[#lines + 1] = "---@class runway.ResellerParams"
  for _, name in ipairs(sorted(found)) do
    field_line(lines, name, "any", table.concat(sorted(found[name]), ", "))
  end
end

--- Every kind that a provider offers, sorted.
---@return string[]
function M.kinds()
  local set = {}
  for _, adapter in pairs(providers) do
    for _, kind in ipairs(adapter.kinds) do set[kind] = true end
  end
  return sorted(set)
end

---@return string
function M.text()
  local kinds = M.kinds()
  local lines = {
    "---@meta _",
    "-- luacheck: ignore 631",
    "-- What each kind of task takes, for editors; this file is never loaded. Written by tools/types.lua from what the",
    "-- adapters know: lists of values and models are advice, another one goes through as well. docs/providers.md says",
    "-- what each provider takes.",
    "",
    "---@alias runway.Kind",
  }
  for _, kind in ipairs(kinds) do lines[#lines + 1] = ("---| %q"):format(kind) end
  lines[#lines + 1] = "---| string"
  lines[#lines + 1] = ""
  lines[#lines + 1] = "---@class runway.Client"
  for _, kind in ipairs(kinds) do
    lines[#lines + 1] = ("---@field %s fun(self: runway.Client, params: %s): runway.Task|nil, runway.Error|nil")
      :format(kind, class_of(kind))
  end
  others(lines)
  for _, kind in ipairs(kinds) do kind_class(lines, kind) end
  return table.concat(lines, "\n") .. "\n"
end

if arg and arg[0] and arg[0]:find "tools/types%.lua$" then
  local file = assert(io.open(assert(arg[1], "name the file to write"), "w"))
  assert(file:write(M.text()))
  assert(file:close())
  print("rewritten: " .. arg[1])
end

return M
