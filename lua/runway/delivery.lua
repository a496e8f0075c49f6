-- delivery.lua: a task's film on its way to its file, and the journal told of it.
--
-- The journal names the file from when it is begun, so that a program that was killed after the file was put
-- in its place, and before that was written down, finds it when it is run again: a film appears whole or not
-- at all, and its place was seen to be free before.

local download = require "runway.download"
local provenance = require "runway.provenance"

local delivery = {}

local CHANGED = "%s is there, but it is not the file that was fetched for this task (has it been changed since?): move "
  .. "it away to have it fetched again"

--- A file that is here already, as a download gives it but for its sum. Its length tells, where that is known;
--- else it must be a picture, film or sound.
---@param session runway.Session
---@param path string
---@param bytes integer|nil      how many it must have
---@param deadline? number       on scheduler.now()
---@return table|nil file        nil: there is none, or it cannot be read, or it is another
function delivery.seen(session, path, bytes, deadline)
  local seen = session:look("probe", path, deadline)
  if seen.error and not (bytes and seen.error.code == "not_media") or bytes and seen.size ~= bytes then return nil end
  return { path = path, bytes = seen.size, content_type = seen.type }
end

--- The same with its sum: all of it is read.
---@param session runway.Session
---@param path string
---@param bytes integer|nil
---@param deadline? number
---@return table|nil file
function delivery.there(session, path, bytes, deadline)
  local file = delivery.seen(session, path, bytes, deadline)
  local sum = file and session:look("digest", path, deadline)
  if not sum or sum.error or bytes and sum.size ~= bytes then return nil end
  file.bytes, file.sha256 = sum.size, sum.sha256
  return file
end

-- The file that an earlier run, or another program beside this one, has fetched for this very task.
local function left_there(session, trail, path, deadline)
  local row = trail:row()
  if not row or row.path ~= path or row.state ~= "downloading" and row.state ~= "done" then return nil end
  return (delivery.there(session, path, row.state == "done" and row.bytes or nil, deadline))
end

--- A file that an earlier run has fetched, under a name that no other task gives. Where its length or its sum is
--- known, by the journal or its receipt, it must be that.
---@param session runway.Session
---@param t runway.Task
---@param trail runway.Trail|nil
---@param path string
---@param opts { index: integer, deadline?: number }   on scheduler.now()
---@return table|nil file         nil: there is none
---@return table|nil problem      fields of an error: it is another
function delivery.kept(session, t, trail, path, opts)
  local sum = session:look("digest", path, opts.deadline)
  if sum.error then return nil end
  local row = trail and trail:row()
  local bytes = row and row.path == path and row.state == "done" and row.bytes or sum.size
  if bytes ~= sum.size or (provenance.sum(session, t, path, opts) or sum.sha256) ~= sum.sha256 then
    return nil, { kind = "io", code = "exists", message = CHANGED:format(path) }
  end
  return { path = path, bytes = sum.size, sha256 = sum.sha256, skipped = true }
end

-- Is the file that is in the way the one that was fetched for this very task once, and is another by now?
local function was_changed(trail, path, err)
  local row = err.code == "exists" and trail:row()
  return row and row.state == "done" and row.path == path
end

local function attempt(session, trail, url, path, opts, renew)
  local free, file, err = true, nil, nil
  if not opts.overwrite then
    free, err = download.check(session, path, false, opts.deadline)
    if not free and was_changed(trail, path, err) then err.message = CHANGED:format(path) end
  end
  if free then
    -- what is to be written over is not ours until it is
    free, err = trail:downloading(not opts.overwrite and path or nil)
    if not free then return nil, err end
    file, err = download.fetch(session, url, path, opts, renew)
  end
  if not file and not opts.overwrite then file = left_there(session, trail, path, opts.deadline) end
  if file then
    trail:downloaded(file)
    return file
  end
  if free and err.code ~= "locked" then trail:hindered(err) end
  return nil, err
end

local function journalled(session, trail, url, path, opts, renew)
  local file, err
  repeat file, err = attempt(session, trail, url, path, opts, renew)
  until file or not download.waits_for_other(session, err, opts.deadline)
  return file, err
end

--- Fetches a URL to a file: see download.fetch.
---@param session runway.Session
---@param trail runway.Trail|nil    whom to tell
---@param url string
---@param path string
---@param opts table
---@param renew fun(): string|nil, runway.Error|nil
---@return table|nil file
---@return runway.Error|nil err
function delivery.fetch(session, trail, url, path, opts, renew)
  if trail then return journalled(session, trail, url, path, opts, renew) end
  return download.fetch(session, url, path, opts, renew)
end

return delivery
