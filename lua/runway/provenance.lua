-- provenance.lua: what a film was made from, and the receipt beside it that says so.
--
-- A receipt is kept for years and shown around: it holds neither a key, nor the query of a URL, nor the
-- bytes of a data URI. A local file stands in it as its name, size and SHA-256, read before anything was
-- paid for.

local core = require "runway.core"
local files = require "runway.files"
local json = require "runway.json"
local text = require "runway.text"
local values = require "runway.values"

local provenance = {}

-- Not what it is made from: where the answer is told, and what the caller calls it.
local LEFT_OUT = { callback_url = true, key = true, kind = true }

-- A file's own name, as JSON can hold it.
local function name_of(path)
  local name = files.base(path)
  return text.bad_byte(name) and name:gsub("[\128-\255]", "?") or name
end

--------------------------------------------------------------------- of a request

-- The paths of all files in a value, each once.
local function paths(v, found)
  if files.is_file(v) then
    if not found[v.path] then found[#found + 1], found[v.path] = v.path, true end
  elseif type(v) == "table" then
    for _, value in next, v do paths(value, found) end
  end
  return found
end

-- A text without what must not be kept.
local function kept_text(session, s)
  local kind = text.lower(s:sub(1, 300)):match("^[ \t-\r]*data:([^,;]*)")
  if kind then return ("data:%s (%d characters)"):format(text.line(kind, 60) or "", #s) end
  return session:redact(s)
end

local function kept(session, v, sums)
  if files.is_file(v) then
    local sum = sums[v.path]
    return { file = name_of(v.path), size = sum.size, sha256 = sum.sha256 }
  elseif type(v) == "string" then
    return kept_text(session, v)
  elseif type(v) ~= "table" or values.is_null(v) then
    return v
  end
  local copy = {}
  for name, value in next, v do
    copy[type(name) == "string" and kept_text(session, name) or name] = kept(session, value, sums)
  end
  return json.is_array(v) and json.array(copy) or copy
end

--- What a task is to be made from, as it may be kept.
---@param session runway.Session
---@param order runway.Order
---@param deadline? number      on scheduler.now()
---@return { params: table, extra: table|nil }|nil made_from
---@return runway.Error|nil err  a file that cannot be read
function provenance.of(session, order, deadline)
  local sums = {}
  for _, path in ipairs(paths({ order.params, order.extra or nil }, {})) do
    local result = session:look("digest", path, deadline)
    if result.error then return session:refuse(result.error) end
    sums[path] = result
  end
  local params = {}
  for name, v in next, order.params do
    if not LEFT_OUT[name] then params[kept_text(session, name)] = kept(session, v, sums) end
  end
  return { params = params, extra = order.extra and kept(session, order.extra, sums) }
end

--------------------------------------------------------------------- of a file

--- Where the receipt of a file is.
---@param path string
---@return string
function provenance.path(path)
  return path .. ".json"
end

-- Unix seconds, where the host can tell.
local function now()
  return os and os.time and os.time() or nil
end

--- Writes the receipt beside a file: whole or not at all.
---@param session runway.Session
---@param t runway.Task
---@param made_from table|nil   of `provenance.of`; nil: the task was attached to by its id
---@param file table            as `download` returns it
---@param opts table            index, overwrite, deadline (on scheduler.now())
---@return string|nil path
---@return runway.Error|nil err
function provenance.write(session, t, made_from, file, opts)
  local path = provenance.path(file.path)
  local encoded, message = json.encode {
    runway = core.version, provider = t.provider, task_id = t.id, kind = t.kind, output = opts.index,
    params = made_from and made_from.params, extra = made_from and made_from.extra,
    cost = t.cost, estimated_cost = t.estimated_cost, created_at = t.created_at, downloaded_at = now(),
    file = { name = name_of(file.path), bytes = file.bytes, sha256 = file.sha256,
      content_type = session:redact(text.line(file.content_type, 100)) },
  }
  if not encoded then return session:refuse("the receipt cannot be written: " .. message) end
  local result = session:look("write", path, opts.deadline, opts.overwrite, encoded .. "\n")
  if result.error then return session:refuse(result.error) end
  return path
end

return provenance
