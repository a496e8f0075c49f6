-- check.lua: a whole list held against what its providers take, before the first shot is paid for.

local chain = require "runway.batch.chain"
local core = require "runway.core"
local description = require "runway.description"
local names = require "runway.names"
local options = require "runway.options"
local scheduler = require "runway.scheduler"
local text = require "runway.text"

local check = {}

local BREATH = 0.05                           -- seconds of looking at shots between two turns of the loop

-- Calls for each shot, and lets the loop turn in between.
local function each(shots, fn)
  local began = core.now()
  for _, shot in ipairs(shots) do
    fn(shot)
    if core.now() - began > BREATH then
      scheduler.breathe()
      began = core.now()
    end
  end
end

-- Is one of these files spoken of?
local function names_file(message, v)
  for _, path in ipairs(description.paths(v)) do
    if message:find(path, 1, true) then return true end
  end
  return false
end

-- The column that a problem speaks of: its field, that of a file in its message, or the first that is named there.
local function column_of(shot, problem)
  if type(problem.field) == "string" then return problem.field end
  local found, first
  for column, v in pairs(shot.params) do
    if names_file(problem.message, v) then return column end
    local at = problem.message:find("%f[A-Za-z]" .. column:gsub("[^A-Za-z0-9_\128-\255]", "%%%0"))
    if at and (not first or at < first or at == first and #column > #found) then found, first = column, at end
  end
  return found
end

-- The model that is asked, where the shot leaves it to us.
local function model_of(shot, request)
  local json = type(request.json) == "table" and request.json or {}
  local model = shot.params.model or json.model
  return type(model) == "string" and model or nil
end

-- What to say of it: here a parameter is a column. Where one is missing, another may be meant for it whose name no one
-- knows.
local function said(shot, column, problem)
  if problem.meant then return ("%s is no column; did you mean %s?"):format(column, problem.meant) end
  local unknown = column and shot.params[column] == nil and problem.unknown
  return unknown and ("%s (%s)"):format(problem.message, table.concat(unknown, "; ")) or problem.message
end

-- The shot without some of its columns.
local function without(shot, columns)
  local params = {}
  for column, v in pairs(shot.params) do params[column] = not columns[column] and v or nil end
  return setmetatable({ params = params }, { __index = shot })
end

-- What else is wrong with a row is told at once: it is looked at again without the columns that have a fault, for what
-- still stands there, and not for what is missing then.
local function tell_rest(shot, dry, fault, told)
  repeat
    local _, problem = dry(without(shot, told))
    local column = problem and column_of(shot, problem)
    local is_new = column and shot.params[column] ~= nil and not told[column]
    if is_new then
      told[column] = true
      fault(shot.line, column, said(shot, column, problem), problem.meant and shot.head)
    end
  until not is_new
end

-- One shot, as its provider would be asked.
local function check_shot(shot, dry, fault)
  local made, problem = dry(shot)
  if not made then
    local column = column_of(shot, problem)
    fault(shot.line, column, said(shot, column, problem), problem.meant and shot.head)
    if column then tell_rest(shot, dry, fault, { [column] = true }) end
    return
  end
  shot.kind, shot.request, shot.estimate, shot.notes = made.kind, made.request, made.estimate, made.notes
  shot.model = model_of(shot, made.request)
  shot.output = shot.output or names.output(shot.key, made.kind)
end

-- Have those that it begins with a last frame? False also where that cannot be known.
local function check_chain(shot, by_key, fault)
  for _, key in ipairs(shot.after or {}) do
    local other = by_key[key]
    if not other.kind then return false end   -- it has a fault, which is told
    local why = chain.fault(other)
    if why then
      fault(shot.line, "prompt_image", why)
      return false
    end
  end
  return true
end

-- Two shots of one file would be one, and the receipt of one may not be another's film.
local function check_files(shots, fault)
  local taken = {}
  for _, shot in ipairs(shots) do
    for _, name in ipairs(shot.output and names.taken(shot.output) or {}) do
      local other = taken[name]
      if other then
        fault(shot.line, "output", ("the file %s of the shot %s is that of %s as well"):format(
          text.quote(shot.output), text.quote(shot.key), other.place))
        break
      end
      taken[name] = shot
    end
  end
end

--- Fills in each shot's kind, model, request, output, and estimate where its price is known.
---@param shots runway.Shot[]   each after those that it begins with
---@param dry fun(shot: runway.Shot): table|nil, table|nil    what its provider would be asked; nil, problem
---@param fault fun(line: integer, column: string|nil, message: string, head?: integer)
---@param broken table<integer, table<string, true>>   lines that have a fault already, and in which columns
function check.all(shots, dry, fault, broken)
  local by_key = chain.by_key(shots)
  each(shots, function(shot)
    local told = broken[shot.line]
    if told then
      local begins_alone = #chain.keys(without(shot, told).params) == 0
      if told.provider == nil and begins_alone then tell_rest(shot, dry, fault, told) end
    elseif check_chain(shot, by_key, fault) then
      check_shot(shot, dry, fault)
    end
  end)
  check_files(shots, fault)
end

--- Holds the shots that are to be made against what their keys stand for already. One whose task failed is made anew,
--- if at all, under another.
---@param shots runway.Shot[]                    recalled
---@param by_key table<string, runway.Entry>
---@param conflict fun(shot: runway.Shot, entry: runway.Entry): runway.Error|nil
---@param found fun(shot: runway.Shot, err: runway.Error)
function check.keys(shots, by_key, conflict, found)
  each(shots, function(shot)
    local entry = not shot.left_out and by_key[shot.entry]
    local err = entry and entry.state ~= "failed" and conflict(shot, entry)
    if err then found(shot, err) end
  end)
end

--- The keys to be made; nil: all.
---@param shots runway.Shot[]
---@param only string[]|nil
---@return table<string, true>|nil
---@return string|nil fault
function check.only(shots, only)
  if not only then return nil end
  local there, keys, wanted = {}, {}, {}
  for i, shot in ipairs(shots) do there[shot.key], keys[i] = true, shot.key end
  for _, key in ipairs(only) do
    if not there[key] then
      local near, several = options.nearest(key, keys), key:find "," ~= nil
      for one in (key .. ","):gmatch "([^,]*)," do several = several and there[one] end
      return nil, ("no shot of the list has the key %s%s"):format(text.quote(key),
        several and (" (keys are words of their own: %s)"):format((key:gsub(",", " ")))
        or near and (" (did you mean %s?)"):format(near) or "")
    end
    wanted[key] = true
  end
  return wanted
end

return check
