-- media.lua: local files on their way to a provider.
--
-- A file object names a file; nothing is read until a request needs it, and
-- then on the engine's thread. How it travels is the adapter's choice: as a
-- data URI inside the body while that is short enough, else by upload.

local errors = require "runway.errors"
local scheduler = require "runway.scheduler"
local transport = require "runway.transport"

local media = {}

local File = { __name = "runway.file" }
File.__index = File
function File.__tostring(file) return "file " .. file.path end
media.file_mt = File

---@class runway.File
---@field path string

--- A local picture, film or sound, to stand where a URL may stand.
---@param path string
---@return runway.File
function media.file(path)
  if type(path) ~= "string" then error("file takes a path, not " .. type(path), 2) end
  if path == "" or path:find("%z") then error("file takes a path that is not empty and holds no NUL", 2) end
  return setmetatable({ path = path }, File)
end

---@param v any
---@return boolean
function media.is_file(v)
  return getmetatable(v) == File
end

--- Size and type of a file, read off this thread.
---@param path string
---@return table|nil info   { size= bytes, type="image/png", class="image" }
---@return table|nil error  of the transport: kind, code, message
function media.probe(path)
  local w = scheduler.waiter()
  transport.probe(path, function(result) w:wake(result) end)
  local result = scheduler.park(w)
  if result.error then return nil, result.error end
  return result
end

--- Length in characters of a file's data URI.
---@param info table
---@return integer
function media.data_uri_length(info)
  return #"data:;base64," + #info.type + math.ceil(info.size / 3) * 4
end

--- A copy of `value` in which every file object is what `fn` made of it.
---@param value any
---@param fn fun(file: runway.File): any, any   nil, err stops
---@return any copy
---@return any err
function media.replace(value, fn)
  if media.is_file(value) then return fn(value) end
  if type(value) ~= "table" then return value end
  local copy = setmetatable({}, getmetatable(value))
  for k, v in pairs(value) do
    local new, err = media.replace(v, fn)
    if new == nil then return nil, err end
    copy[k] = new
  end
  return copy
end

-- One file object, with what its bytes say, for the adapter and the encoder.
local function look(file)
  local info, failure = media.probe(file.path)
  if not info then
    return nil, errors.new { kind = failure.kind, code = failure.code, message = failure.message, sent = "no" }
  end
  return setmetatable({
    path = file.path, name = file.path:match("[^/\\]+$") or file.path,
    size = info.size, type = info.type, class = info.class,
  }, File)
end

--- The params with each file looked at, so that an adapter can judge them.
---@param params table
---@return table|nil params
---@return runway.Error|nil err
function media.look(params)
  return media.replace(params, look)
end

-- May this file travel inside the body?
local function fits(file, limits)
  local most = limits and limits[file.class]
  return most ~= nil and media.data_uri_length(file) <= most, most
end

local function refuse(file, most, name)
  local message
  if most then
    message = ("%s is too large for a data URI: %d characters, %s takes %d; upload it or give a URL")
      :format(file.path, media.data_uri_length(file), name, most)
  else
    message = ("%s: %s takes %ss by https URL only"):format(file.path, name, file.class)
  end
  return nil, errors.new { kind = "invalid_request", provider = name, message = message, sent = "no" }
end

--- The params ready to be sent: files that fit stay (the engine encodes them),
--- the others are uploaded and become URIs.
---@param params table            as `look` returned them
---@param adapter table
---@param limits table|nil        class -> longest data URI in characters
---@param upload fun(file): string|nil, runway.Error|nil
---@return table|nil params
---@return runway.Error|nil err
function media.settle(params, adapter, limits, upload)
  return media.replace(params, function(file)
    local ok, most = fits(file, limits)
    if ok then return file end
    if not adapter.upload then return refuse(file, most, adapter.name) end
    return upload(file)
  end)
end

return media
