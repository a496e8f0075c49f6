-- provenance.lua: what a film was made from, and the receipt beside it that says so.
--
-- A receipt is kept for years and shown around: it holds neither a key, nor the query of a URL, nor the
-- bytes of a data URI (see description.lua).

local core = require "runway.core"
local description = require "runway.description"
local download = require "runway.download"
local json = require "runway.json"
local text = require "runway.text"

local provenance = {}

--- Where the receipt of a file is.
---@param path string
---@return string
function provenance.path(path)
  return path .. ".json"
end

-- What stands at a film's receipt, if it is a receipt: a file of that name may be anyone's.
local function receipt_at(session, path, opts)
  local said = session:look("read", provenance.path(path), opts.deadline).text
  local it = said and json.decode(said)
  local is_one = type(it) == "table" and type(it.provider) == "string" and type(it.task_id) == "string"
    and type(it.output) == "number" and type(it.file) == "table"
  return is_one and it or nil
end

-- The same, if it is of this very output; of a task that is not made yet there is none.
local function ours(session, t, path, opts)
  local it = receipt_at(session, path, opts)
  return it and t and it.provider == t.provider and it.task_id == t.id and it.output == opts.index and it or nil
end

-- May what stands there be written over? `overwrite` is about the film, and goes for a receipt with it.
local function is_replaceable(session, t, path, opts)
  if opts.overwrite then return receipt_at(session, path, opts) ~= nil end
  return ours(session, t, path, opts) ~= nil
end

-- Why not. Of what is no receipt the advice to overwrite it would lead nowhere.
local function refuse(session, path, opts, problem)
  if problem.code == "exists" and not receipt_at(session, path, opts) then
    problem = { kind = problem.kind, code = "exists", message = ("%s is there, and is no receipt of runway's: move it "
      .. "away, give the film another name, or leave out receipt"):format(provenance.path(path)) }
  end
  return session:refuse(problem)
end

--- Could a receipt be written there? One of this very output may be written over (its film was lost, or is another
--- by now), with `overwrite` any receipt; what is none is left alone. Asked before the film is fetched, and by who
--- wants one in any case before it is paid for.
---@param session runway.Session
---@param t runway.Task|nil  nil: it is not made yet
---@param path string       the film's
---@param opts table        as of `write`
---@return true|nil
---@return runway.Error|nil err
function provenance.check(session, t, path, opts)
  local result
  repeat result = session:look("try", provenance.path(path), opts.deadline)
  until not (result.error and download.waits_for_other(session, result.error, opts.deadline))
  if not result.error or result.error.code == "exists" and is_replaceable(session, t, path, opts) then return true end
  return refuse(session, path, opts, result.error)
end

--- The receipt of this very film that an earlier run has written.
---@param session runway.Session
---@param t runway.Task
---@param file table        as `download` returns it
---@param opts table        as of `write`
---@return string|nil path
function provenance.there(session, t, file, opts)
  local it = ours(session, t, file.path, opts)
  local same = it and it.file.bytes == file.bytes and it.file.sha256 == file.sha256
  return same and provenance.path(file.path) or nil
end

--- The sum of a film by its receipt; nil: there is none.
---@param session runway.Session
---@param t runway.Task
---@param path string       the film's
---@param opts table        as of `write`
---@return string|nil sha256
function provenance.sum(session, t, path, opts)
  local it = ours(session, t, path, opts)
  return it and type(it.file.sha256) == "string" and it.file.sha256 or nil
end

-- Unix seconds, where the host can tell.
local function now()
  return os and os.time and os.time() or nil
end

--- Writes the receipt beside a file: whole or not at all, and over no file but a receipt: of this very output, or with
--- `overwrite` any.
---@param session runway.Session
---@param t runway.Task
---@param made_from (fun(session: runway.Session, kind: string): runway.Description|nil)|nil   nil: the task was
---  attached to by its id
---@param file table            as `download` returns it
---@param opts table            index, overwrite, deadline (on scheduler.now())
---@return string|nil path
---@return runway.Error|nil err
function provenance.write(session, t, made_from, file, opts)
  local path = provenance.path(file.path)
  local made = made_from and made_from(session, t.kind) or {}
  local encoded, message = json.encode {
    runway = core.version, provider = t.provider, task_id = t.id, kind = t.kind, output = opts.index,
    params = made.params, extra = made.extra, fit = made.fit,
    cost = t.cost, estimated_cost = t.estimated_cost, created_at = t.created_at, downloaded_at = now(),
    file = { name = description.file_name(file.path), bytes = file.bytes, sha256 = file.sha256,
      content_type = session:redact(text.line(file.content_type, 100)) },
  }
  if not encoded then return session:refuse("the receipt cannot be written: " .. message) end
  local result, anew
  repeat                                      -- another program that fetches the same may have written it just now
    anew = is_replaceable(session, t, file.path, opts)
    result = session:look("write", path, opts.deadline, anew, encoded .. "\n")
    local e = result.error
  until not e or not (e.code == "exists" and not anew and is_replaceable(session, t, file.path, opts)
    or download.waits_for_other(session, e, opts.deadline))
  if result.error then return refuse(session, file.path, opts, result.error) end
  return path
end

return provenance
