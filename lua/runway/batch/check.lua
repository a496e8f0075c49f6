-- check.lua: a whole list held against what its providers take, before the first shot is paid for.

local core = require "runway.core"
local description = require "runway.description"
local names = require "runway.batch.names"
local options = require "runway.options"
local scheduler = require "runway.scheduler"
local text = require "runway.text"

local check = {}

local BREATH = 0.05                           -- seconds of looking at shots between two turns of the loop

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

-- One shot, as its provider would be asked.
local function check_shot(shot, dry, fault)
  local made, problem = dry(shot)
  if not made then return fault(shot.line, column_of(shot, problem), problem.message) end
  shot.kind, shot.request, shot.estimate = made.kind, made.request, made.estimate
  shot.output = shot.output or names.output(shot.key, made.kind)
end

-- Two shots of one file would be one, and the receipt of one may not be another's film.
local function check_files(shots, fault)
  local taken = {}
  for _, shot in ipairs(shots) do
    for _, name in ipairs(shot.output and names.taken(shot.output) or {}) do
      local other = taken[name]
      if other then
        fault(shot.line, "output", ("the file %s of the shot %s is that of line %d as well"):format(
          text.quote(shot.output), text.quote(shot.key), other.line))
        break
      end
      taken[name] = shot
    end
  end
end

--- Fills in each shot's kind, request, output, and estimate where its price is known.
---@param shots runway.Shot[]
---@param dry fun(shot: runway.Shot): table|nil, table|nil    what its provider would be asked; nil, problem
---@param fault fun(line: integer, column: string|nil, message: string)
---@param broken table<integer, true>   lines that have a fault already
function check.all(shots, dry, fault, broken)
  local began = core.now()
  for _, shot in ipairs(shots) do
    if not broken[shot.line] then check_shot(shot, dry, fault) end
    if core.now() - began > BREATH then
      scheduler.breathe()
      began = core.now()
    end
  end
  check_files(shots, fault)
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
      local near = options.nearest(key, keys)
      return nil, ("no shot of the list has the key %s%s"):format(text.quote(key),
        near and (" (did you mean %s?)"):format(near) or "")
    end
    wanted[key] = true
  end
  return wanted
end

return check
