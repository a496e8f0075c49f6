-- recipe.lua: what a journal keeps of an order that another is to submit, beside its description: with both the very
-- same request is made again. Pure.
--
-- Of a local file its description has the sum; here is the path, by which a worker finds it. The worker takes the sum
-- of what it finds there, and so submits no other bytes than were meant.

local files = require "runway.files"
local json = require "runway.json"
local values = require "runway.values"

local recipe = {}

---@class runway.Recipe
---@field output? string          the name of the file to write
---@field callback_url? string
---@field files table<string, string>   paths by their sums
---@field of? string              the key of the first attempt
---@field attempt? integer        which one it is

---@param made runway.Recipe
---@return string
function recipe.write(made) return assert(json.encode(made)) end

--- What was kept; nothing where it cannot be read.
---@param row table   of the journal
---@return runway.Recipe
function recipe.read(row)
  local made = row.recipe and json.decode(row.recipe)
  if type(made) ~= "table" then made = {} end
  if type(made.files) ~= "table" then made.files = {} end
  return made
end

local function restored(v, paths)
  if type(v) ~= "table" or values.is_null(v) then return v end
  local path = v.file and v.sha256 and paths[v.sha256]
  if path then return files.make(path) end
  local copy = {}
  for name, value in next, v do copy[name] = restored(value, paths) end
  return json.is_array(v) and json.array(copy) or copy
end

--- The order as it was.
---@param row table
---@param made runway.Recipe
---@param description runway.Description   the row's
---@return runway.Order
function recipe.order(row, made, description)
  local given = restored(description.params or {}, made.files)
  given.key, given.callback_url = row.key, made.callback_url
  return { params = given, fit = description.fit,
    extra = description.extra and restored(description.extra, made.files) }
end

return recipe
