-- media.lua: local files on their way to a provider.
--
-- Nothing of a file is read until a request needs it, and then never on this thread. How it travels
-- is the adapter's choice: as a data URI inside the body while that is short enough, else by upload.

local adapter = require "runway.adapter"
local files = require "runway.files"
local http = require "runway.http"

local media = {}

media.file, media.is_file = files.make, files.is_file

--- Size and type of a file, read off this thread.
---@param session runway.Session
---@param path string
---@return table|nil info   { size= bytes, type="image/png", class="image" }
---@return runway.Error|nil err
function media.probe(session, path)
  local transport = session.transport
  if not transport.probe then transport = require "runway.transport" end -- files are real even in a play
  local result = session:look(function(done) transport:probe(path, done) end)
  if result.error then return session:refuse(result.error) end
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
  if files.is_file(value) then return fn(value) end
  if type(value) ~= "table" then return value end
  local copy = setmetatable({}, getmetatable(value))
  for k, v in pairs(value) do
    local new, err = media.replace(v, fn)
    if new == nil then return nil, err end
    copy[k] = new
  end
  return copy
end

-- Is there a file object anywhere in it?
local function holds_file(value)
  if type(value) ~= "table" then return false end
  if files.is_file(value) then return true end
  for _, inner in next, value do
    if type(inner) == "table" and holds_file(inner) then return true end
  end
  return false
end

--- The params with each file looked at, so that an adapter can judge them.
---@param session runway.Session
---@param params table
---@return table|nil params     the same table when no file is in it
---@return runway.Error|nil err
function media.look(session, params)
  if not holds_file(params) then return params end
  return media.replace(params, function(file)
    local info, err = media.probe(session, file.path)
    if not info then return nil, err end
    return files.known(file.path, info)
  end)
end

-- May this file travel inside the body?
local function fits(file, limits)
  local most = limits[file.class]
  return most ~= nil and media.data_uri_length(file) <= most, most
end

local function refuse(session, file, most)
  local name = session.adapter.name
  if not most then return session:refuse(("%s: %s takes %ss by https URL only"):format(file.path, name, file.class)) end
  return session:refuse(("%s is too large for a data URI: %d characters, %s takes %d; make it smaller, "
    .. "or give an https URL"):format(file.path, media.data_uri_length(file), name, most))
end

--- The params ready to be sent: files that fit stay (the engine encodes them),
--- the others are uploaded and become URIs.
---@param session runway.Session
---@param params table            as `look` returned them
---@param limits table            class -> longest data URI in characters
---@param deadline? number        on scheduler.now()
---@return table|nil params
---@return runway.Error|boolean|nil changed  was anything uploaded? or err
function media.settle(session, params, limits, deadline)
  if not holds_file(params) then return params, false end
  local changed = false
  local settled, err = media.replace(params, function(file)
    local ok, most = fits(file, limits)
    if ok then return file end
    if not session.adapter.upload then return refuse(session, file, most) end
    changed = true
    return media.upload(session, file.path, deadline)
  end)
  if not settled then return nil, err end
  return settled, changed
end

-- The longest upload known takes three requests.
local MAX_UPLOAD_STEPS = 10

--- Uploads a local file.
---@param session runway.Session
---@param path string
---@param deadline? number      on scheduler.now()
---@return string|nil uri       to be given wherever a URL is taken
---@return runway.Error|nil err
function media.upload(session, path, deadline)
  if not session.adapter.upload then
    return session:refuse(session.adapter.name .. " has no uploads; give it https URLs")
  end
  local info, failure = media.probe(session, path)
  if not info then return nil, failure end
  local file = { path = path, name = files.base(path), size = info.size, type = info.type }
  local answers = {}
  while #answers < MAX_UPLOAD_STEPS do
    local step, problem = adapter.ask(session, "upload", file, answers)
    if not step then return session:refuse(problem) end
    if step.uri then return step.uri end
    local answer, err = http.call(session, step.request, { raw = true, deadline = deadline })
    if not answer then return nil, err end
    answers[#answers + 1] = answer
  end
  return session:refuse("the adapter's upload comes to no end")
end

return media
