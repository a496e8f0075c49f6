-- description.lua: a request as it may be kept, for years and in sight: what it asks for, and nothing that
-- must stay hidden.
--
-- A file is its name, its size and the sum of its bytes, read before anything is paid for. A text that holds
-- the key, the query of a URL or a data URI is kept without them, with the sum of the whole behind it.

local core = require "runway.core"
local files = require "runway.files"
local json = require "runway.json"
local text = require "runway.text"
local values = require "runway.values"

local description = {}

-- Not the request's own: where the answer is told does not change what is made.
local LEFT_OUT = { key = true, kind = true, callback_url = true }

--- A file's own name, as JSON can hold it.
---@param path string
---@return string
function description.file_name(path)
  local name = files.base(path)
  return text.bad_byte(name) and name:gsub("[\128-\255]", "?") or name
end

-- A text without what must not be kept.
local function kept_text(s, redact)
  local head = text.lower(s:sub(1, 300)):match("^[ \t-\r]*data:([^,;]*)")
  if head then
    return ("data:%s [sha256 %s]"):format(text.line(head, 60) or "", core.sha256(s))
  end
  local clean = redact(s)
  if clean == s then return s end
  return ("%s [sha256 %s]"):format(clean, core.sha256(s))
end

-- `sums` holds what was read of each path; what was not is as it was looked at.
local function kept(v, redact, sums)
  if files.is_file(v) then
    local sum = sums[v.path] or v
    return { file = description.file_name(v.path), size = sum.size, sha256 = sum.sha256,
      last_frame_of = v.last_frame_of and kept_text(v.last_frame_of, redact) }
  elseif type(v) == "string" then
    return kept_text(v, redact)
  elseif type(v) ~= "table" or values.is_null(v) then
    return v
  end
  local copy = {}
  for name, value in next, v do
    copy[type(name) == "string" and kept_text(name, redact) or name] = kept(value, redact, sums)
  end
  return json.is_array(v) and json.array(copy) or copy
end

--- The first name in a table of parameters under which something stands that is kept in part alone: a URL's query,
--- data, the key.
---@param v table
---@param redact fun(s: string): string
---@return string|nil
function description.hidden(v, redact)
  for name, value in next, v do
    local whole = value
    if type(value) == "table" and not files.is_file(value) and not values.is_null(value) then
      whole = not description.hidden(value, redact) and value
    elseif type(value) == "string" then
      whole = kept_text(value, redact)
    end
    if whole ~= value or type(name) == "string" and kept_text(name, redact) ~= name then return tostring(name) end
  end
  return nil
end

--- The paths of all files in a value, each once.
---@param v any
---@param found? table
---@return table<string|integer, any>   a list, and by path its file
function description.paths(v, found)
  found = found or {}
  if files.is_file(v) then
    if not found[v.path] then found[#found + 1], found[v.path] = v.path, v end
  elseif type(v) == "table" then
    for _, value in next, v do
      if type(value) == "table" then description.paths(value, found) end
    end
  end
  return found
end

--- A value as it may be shown; of a file its name.
---@param v any
---@param redact fun(s: string): string
---@return any
function description.shown(v, redact) return kept(v, redact, {}) end

---@class runway.Description
---@field kind string
---@field params table
---@field extra? table
---@field fit? string      its pictures are these, brought to the ratio so

--- What is kept of a request.
---@param kind string
---@param order runway.Order
---@param redact fun(s: string): string   takes the key, queries and data out of a text
---@param sums table<string, { size: integer, sha256: string }>  by path
---@return runway.Description|nil
---@return string|nil why   it cannot be kept, since no JSON can hold it
function description.make(kind, order, redact, sums)
  local params = {}
  for name, v in next, order.params do
    if not LEFT_OUT[name] then params[kept_text(name, redact)] = kept(v, redact, sums) end
  end
  local made = { kind = kind, params = params, extra = order.extra and kept(order.extra, redact, sums),
    fit = order.fit }
  local encoded, why = json.encode(made)
  if not encoded then return nil, why end
  return json.decode(encoded)                 -- as it will be read again
end

-- An order as it was seen, called for its description: a task holds one until its receipt is written, so it is as
-- small as can be.
local Seen = {}

function Seen:__call(session, kind)
  local made, why = description.make(kind, self.order, function(said) return session:redact(said) end, self.sums)
  if not made then return session:refuse(why) end
  return made, nil, self.sums
end

local NONE = {}                               -- the sums of an order without files

--- What must be seen of an order before it is paid for: its files, as they are now. The rest can be asked
--- for when someone wants it.
---@param session runway.Session
---@param order runway.Order
---@param deadline? number      on scheduler.now()
---@return (fun(session: runway.Session, kind: string): runway.Description|nil, runway.Error|nil, table|nil)|nil of
---  with the sums, by path; nil, err: a value that no JSON can hold
---@return runway.Error|nil err   a file that cannot be read
function description.read(session, order, deadline)
  local paths = description.paths(order.params)
  if order.extra then description.paths(order.extra, paths) end
  local sums = paths[1] and {} or NONE
  for _, path in ipairs(paths) do
    local result = session:look("digest", path, deadline)
    -- a frame that is gone can be taken anew; its task, which may be paid for already, is not given up for it
    if result.error and not paths[path].last_frame_of then return session:refuse(result.error) end
    sums[path] = result
  end
  return setmetatable({ order = order, sums = sums }, Seen)
end

return description
