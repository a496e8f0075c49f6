-- contents.lua: what a directory holds, or is to hold, in the order of its list: a line a shot, in a file beside the
-- films. A journal knows the shots by when they were submitted, which is side by side and in no order.

local json = require "runway.json"
local list = require "runway.batch.list"
local names = require "runway.names"
local params = require "runway.params"
local scheduler = require "runway.scheduler"
local text = require "runway.text"
local transport = require "runway.transport"

local contents = {}

local FILE = "/runway.list"
local MOST_BYTES = 256 * 1024 * 1024
local MOST_RECEIPT = 1024 * 1024

---@class runway.Content
---@field key string
---@field output string     a file in the directory
---@field kind string
---@field older? boolean     what its key stands for in the journal is another request

--- Writes it down: whole or not at all.
---@param directory string
---@param shots runway.Shot[]
---@return true|nil
---@return string|nil why
function contents.write(directory, shots)
  local path, lines = directory .. FILE, {}
  for i, shot in ipairs(shots) do
    lines[i] = assert(json.encode { key = shot.key, output = shot.output, kind = shot.kind,
      older = shot.older and true }) .. "\n"
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
  local path, held, number = directory .. FILE, {}, 0
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
    held[number] = one
  end
  return held
end

-- Is what lies there the film of another request than this row's, as far as its receipt tells? What the row leaves to
-- defaults, files and addresses are not looked at.
local function is_older(path, row)
  local file = io.open(path .. ".json", "rb")
  local receipt = file and json.decode(file:read(MOST_RECEIPT) or "")
  if file then file:close() end
  local was = type(receipt) == "table" and type(receipt.params) == "table" and receipt.params or {}
  for name, v in pairs(params.normalise(row) or {}) do
    local plain = type(v) == "number" or type(v) == "string" and not v:find "://" and not v:find "^data:"
    if plain and type(v) == type(was[name]) and v ~= was[name] then return true end
  end
  return false
end

-- What a list says of its shots' files; whose they are to be is not asked, so a kind is known where it is written.
local function held_by(where, directory)
  local content, err = list.content(where)
  if not content then return nil, err.message end
  local shots, faults = list.read(content, { name = where })
  if #faults > 0 then return nil, ("%s: %s"):format(where, list.told(faults[1])) end
  local held = {}
  for i, shot in ipairs(shots) do
    local kind = shot.params.kind or "text_to_video"
    held[i] = { key = shot.key, kind = kind, output = shot.output or names.output(shot.key, kind) }
    held[i].older = is_older(directory .. "/" .. held[i].output, shot.params)
  end
  return held
end

--- The films of a directory in which a list was made, in the order of that, whether they are there already or not.
---@param directory string
---@param where? string     the path of a list: these films, in this order; default: the list that was made there
---@return { key: string, path: string, older: boolean|nil }[]|nil   older: what may be there is of another request
---@return string|nil why   it cannot be read, or no list was made there
function contents.films(directory, where)
  directory = directory:gsub("(.)/+$", "%1")
  local films, held, why = {}
  if where then held, why = held_by(where, directory) else held, why = contents.read(directory) end
  if not held then return nil, why end
  for _, one in ipairs(held) do
    if names.media(one.kind) == "video" then
      films[#films + 1] = { key = one.key, path = directory .. "/" .. one.output, older = one.older }
    end
  end
  return films
end

--- Is it the name of a file that a batch keeps in its directory, or that one of its shots has or takes?
---@param directory string
---@param name string
---@param where? string     the path of a list whose films lie there, beside the one that was made there
---@return boolean
function contents.keeps(directory, name, where)
  if names.is_reserved(name) then return true end
  for _, held in ipairs { contents.read(directory) or {}, where and held_by(where, directory) or {} } do
    for _, one in ipairs(held) do
      for _, taken in ipairs(names.taken(one.output)) do
        if text.lower(name) == taken then return true end
      end
    end
  end
  return false
end

return contents
