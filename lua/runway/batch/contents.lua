-- contents.lua: what a directory holds, or is to hold, in the order of its list: a line a shot, in a file beside the
-- films. A journal knows the shots by when they were submitted, which is side by side and in no order.

local json = require "runway.json"
local names = require "runway.names"
local scheduler = require "runway.scheduler"
local transport = require "runway.transport"

local contents = {}

local FILE = "/runway.list"
local MOST_BYTES = 256 * 1024 * 1024

---@class runway.Content
---@field key string
---@field output string     a file in the directory
---@field kind string

--- Writes it down: whole or not at all.
---@param directory string
---@param shots runway.Shot[]
---@return true|nil
---@return string|nil why
function contents.write(directory, shots)
  local path, lines = directory .. FILE, {}
  for i, shot in ipairs(shots) do
    lines[i] = assert(json.encode { key = shot.key, output = shot.output, kind = shot.kind }) .. "\n"
  end
  local err = scheduler.await(function(done) transport:write(path, true, table.concat(lines), done) end).error
  if err then return nil, err.message end
  return true
end

local function is_one(v)
  return type(v) == "table" and type(v.key) == "string" and type(v.output) == "string" and type(v.kind) == "string"
    and not names.fault(v.output)
end

---@param directory string
---@return runway.Content[]|nil
---@return string|nil why
function contents.read(directory)
  local path, list, number = directory .. FILE, {}, 0
  local file, why = io.open(path, "rb")
  local said
  if file then
    said, why = file:read(MOST_BYTES)
    file:close()
  end
  if not said and why then return nil, why end
  for line in (said or ""):gmatch "[^\n]+" do
    number = number + 1
    local one = json.decode(line)
    if not is_one(one) then return nil, ("%s: line %d is no shot of a list"):format(path, number) end
    list[number] = one
  end
  return list
end

return contents
