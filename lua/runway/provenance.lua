-- provenance.lua: what a film was made from, and the receipt beside it that says so.
--
-- A receipt is kept for years and shown around: it holds neither a key, nor the query of a URL, nor the
-- bytes of a data URI (see description.lua).

local core = require "runway.core"
local description = require "runway.description"
local json = require "runway.json"
local text = require "runway.text"

local provenance = {}

--- Where the receipt of a file is.
---@param path string
---@return string
function provenance.path(path)
  return path .. ".json"
end

--- The receipt that an earlier run has written.
---@param session runway.Session
---@param path string       the film's
---@param deadline? number  on scheduler.now()
---@return string|nil path
function provenance.there(session, path, deadline)
  local receipt = provenance.path(path)
  return not session:look("digest", receipt, deadline).error and receipt or nil
end

-- No receipt is larger.
local LONGEST = 16 * 1024 * 1024

--- The sum of a file by the receipt that lies beside it; nil: there is none, or it names none.
---@param session runway.Session
---@param path string       the film's
---@param deadline? number  on scheduler.now()
---@return string|nil sha256
function provenance.sum(session, path, deadline)
  local receipt = io and io.open and provenance.there(session, path, deadline)
  local file = receipt and io.open(receipt, "rb") -- small, a plain file, and read a moment ago
  local said = file and json.decode(file:read(LONGEST) or "")
  if file then file:close() end
  local of = type(said) == "table" and said.file
  return type(of) == "table" and type(of.sha256) == "string" and of.sha256 or nil
end

-- Unix seconds, where the host can tell.
local function now()
  return os and os.time and os.time() or nil
end

--- Writes the receipt beside a file: whole or not at all.
---@param session runway.Session
---@param t runway.Task
---@param made_from (fun(): runway.Description|nil)|nil   nil: the task was attached to by its id
---@param file table            as `download` returns it
---@param opts table            index, overwrite, deadline (on scheduler.now())
---@return string|nil path
---@return runway.Error|nil err
function provenance.write(session, t, made_from, file, opts)
  local path = provenance.path(file.path)
  local made = made_from and made_from() or {}
  local encoded, message = json.encode {
    runway = core.version, provider = t.provider, task_id = t.id, kind = t.kind, output = opts.index,
    params = made.params, extra = made.extra,
    cost = t.cost, estimated_cost = t.estimated_cost, created_at = t.created_at, downloaded_at = now(),
    file = { name = description.file_name(file.path), bytes = file.bytes, sha256 = file.sha256,
      content_type = session:redact(text.line(file.content_type, 100)) },
  }
  if not encoded then return session:refuse("the receipt cannot be written: " .. message) end
  local result = session:look("write", path, opts.deadline, opts.overwrite, encoded .. "\n")
  if result.error then return session:refuse(result.error) end
  return path
end

return provenance
