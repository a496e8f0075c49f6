-- download.lua: from an output's URL to a file on disk.
--
-- What broke off is gone on with where the server names the very bytes that are there already (the
-- core judges that, see src/resume.h), by the same URL or a newer one of the same output, in this run
-- or a later one. A download that comes further does not use up its attempts.
--
-- Each hop of a redirect is an exchange of its own, through the same door as
-- the first: https (http on this machine), no user name, no private address
-- unless allowed, and never the API key.

local core = require "runway.core"
local http = require "runway.http"
local retry = require "runway.retry"
local scheduler = require "runway.scheduler"
local text = require "runway.text"
local wires = require "runway.wire"

local download = {}

local MAX_HOPS = 5
local MAX_BYTES = 4 * 1024 * 1024 * 1024      -- unless the caller says otherwise
local STALL = 60                              -- seconds without a byte
local STEP = 1024                             -- bytes, fewer than which are no progress: as many are fetched twice
local FIRST_PAUSE, LONGEST_PAUSE = 1, 15      -- seconds between two looks for a file that is not there yet
local LOOK_AGAIN = 1                          -- seconds until it is looked again whether another program has its file

-- Endings a file may get by its URL; anything else becomes .bin.
local ENDINGS = {
  mp4 = 1, mov = 1, webm = 1, zip = 1, png = 1, jpg = 1, jpeg = 1, webp = 1, gif = 1,
  wav = 1, mp3 = 1, ogg = 1, m4a = 1, flac = 1,
}

--- A file name for an output: nothing in it can lead out of its directory.
---@param id string
---@param index integer
---@param url string
---@return string
function download.name(id, index, url)
  local stem = id:gsub("[^A-Za-z0-9_-]", "_"):gsub("^%-", "_"):sub(1, 100)
  local ending = text.lower(url:gsub("[?#].*", ""):match("%.([A-Za-z0-9]+)$") or "")
  return ("%s-%d.%s"):format(stem, index, ENDINGS[ending] and ending or "bin")
end

-- How stores answer for an address whose time is over.
local EXPIRED = { [401] = true, [403] = true, [404] = true, [410] = true }

-- S3 says 400 of an expired token, and in words what it means.
local function is_expired(result)
  if EXPIRED[result.status] then return true end
  local said = result.status == 400 and text.lower((result.body or ""):sub(1, 1024))
  return said and said:find("expired", 1, true) ~= nil or false
end

-- What a server may say that knows no ranges, to a question for the rest of a file.
local NO_RANGES = { [400] = true, [405] = true, [412] = true, [501] = true }

-- The call that fetches a file (see http.lua): its results are files, redirects or failures.
local Fetch = {}
Fetch.__index = Fetch

-- What is forbidden about a redirect; nil when it may be followed.
local function forbidden(from, to)
  local _, refused = core.url(to)
  if from:find("^https:") and to:find("^http:") then refused = "it leads from https to http" end
  return refused
end

-- A redirect: the next hop, or why there is none.
function Fetch:follow(to)
  self.hops = self.hops + 1
  if self.hops > MAX_HOPS then
    return { verdict = { kind = "protocol", again = false }, problem = { code = "too_many_redirects",
      message = ("more than %d redirects on the way to the file"):format(MAX_HOPS) } }
  end
  local refused = forbidden(self.wire.url, to)
  if refused then
    return { verdict = { kind = "invalid_request", again = false }, problem = { code = "forbidden_url",
      message = "a redirect on the way to the file is refused: " .. refused } }
  end
  self.wire.url = to
  return { hop = true }
end

-- Is there more of the file than there ever was?
local function came_further(way, result)
  local kept = result.kept or 0
  if kept < way.kept + STEP then return false end
  way.kept, way.moved = kept, true
  return true
end

function Fetch:read(_, result)
  local status, save = result.status, self.wire.save
  if not result.error then
    if result.redirect and status >= 300 and status < 400 then return self:follow(result.redirect) end
    if status == 200 or result.sha256 then
      local kind = result.headers["content-type"]
      return { value = { path = save.path, bytes = result.bytes, sha256 = result.sha256, content_type = kind } }
    end
    self.expired = is_expired(result)
    if not self.expired and NO_RANGES[status] and result.kept and not save.anew then
      save.anew = true
      return { hop = true }
    end
  end
  local unreadable = not result.error and status >= 200 and status < 300
  return { verdict = retry.judge(false, result, nil, unreadable), moved = came_further(self.way, result) }
end

function Fetch:tell(_, result, reading)
  local e = reading.problem or result.error
  if e then return { code = e.code, message = e.message, http_status = result.status } end
  local status = result.status
  local message = ("the output's server answered with status %d"):format(status)
  return { http_status = status, code = "output", message = message }
end

-- One URL, its redirects and its retries. A file; or nil, err, expired. `way`: how far it came.
local function fetch(session, url, path, opts, way)
  local headers = { ["User-Agent"] = session.limits.user_agent }
  local wire = wires.limited(session, "GET", url, headers, wires.foreign_reach(session))
  wire.save = { path = path, overwrite = opts.overwrite, only_media = true, max_bytes = opts.max_bytes or MAX_BYTES,
    source = opts.source }
  wire.timeout, wire.stall = 0, STALL
  wire.lane = session.files_lane              -- so that no query and no submit waits for a film
  local call = setmetatable({
    name = path, hops = 0, expired = false, deadline = opts.deadline, on_progress = opts.on_progress,
    wire = wire, way = way,
    session = session, handle = false, given_up = false, ticking = false, attempts = 0, sent = false,
  }, Fetch)
  local file, err = http.send(session, call)
  if not file then return nil, err, call.expired end
  if opts.on_progress then scheduler.guard(opts.on_progress, file.bytes, file.bytes) end
  return file
end

-- The file was not there, and the provider has been asked for a new URL in vain, or it failed as well.
-- `late`: it is not on its way any more; `other`: the provider gave a new URL, once at least.
local function expired(err, failure, late, other)
  if failure then
    err.message = err.message .. "; asking the provider for a new URL failed, too: " .. failure.message
    err.retryable = failure.retryable
  elseif late then
    err.message = err.message .. (other and "; the provider gave a new URL, and the file is not there either"
      or "; the URL may have expired, and the provider gives no other")
  else
    err.message = err.message .. "; it may not be there yet"
    err.retryable = true
  end
  return nil, err
end

--- Could a file be put there? Asked before anything is paid for.
---@param session runway.Session
---@param path string
---@param overwrite? boolean
---@param deadline? number   on scheduler.now()
---@return true|nil
---@return runway.Error|nil err
function download.check(session, path, overwrite, deadline)
  local result = session:look("try", path, deadline, overwrite)
  if not result.error then return true end
  return session:refuse(result.error)
end

--- Is it to be tried again? Another program that writes this very file, as a second one on the same list does, leaves
--- it whole, or leaves it to us.
---@param session runway.Session
---@param err { code?: string }   why it could not be written
---@param deadline? number        on scheduler.now()
---@return boolean                after a while
function download.waits_for_other(session, err, deadline)
  if err.code ~= "locked" or deadline and scheduler.now() + LOOK_AGAIN > deadline then return false end
  return session:pause(LOOK_AGAIN)
end

--- Fetches a URL to a file. One that has expired is renewed; a file that was made just now is asked
--- for again for a while, each time by the newest URL.
---@param session runway.Session
---@param url string
---@param path string
---@param opts table            overwrite, max_bytes, on_progress, deadline, source (whose file it is, in hexadecimal
---                              digits: what another call has left of it is gone on with), may_come (on
---                              scheduler.now(): until then the file may still be on its way), made_now (it
---                              was seen to be made)
---@param renew fun(): string|nil, runway.Error|nil   the URL as the provider gives it now
---@return table|nil file       { path=, bytes=, sha256=, content_type= }
---@return runway.Error|nil err
function download.fetch(session, url, path, opts, renew)
  local pause, renewed, attempts = FIRST_PAUSE, false, 0
  local soon = opts.made_now and opts.may_come ~= nil and scheduler.now() < opts.may_come
  local until_when = math.min(opts.may_come or 0, opts.deadline or math.huge)
  local way = { kept = 0, moved = false }
  while true do
    local file, err, gone = fetch(session, url, path, opts, way)
    if file or not gone then return file, err end
    if way.moved then way.moved, renewed, pause = false, false, FIRST_PAUSE end
    attempts = attempts + err.attempts
    err.attempts = attempts
    local late = scheduler.now() + pause > until_when
    if renewed and late then return expired(err, nil, not soon, true) end
    local new, failure = renew()
    local other = new and new ~= url
    if late and not other then return expired(err, failure, not soon) end
    if renewed or not other then
      session:log("warning", ("download: %s; trying again in %s s"):format(err.message, text.number(pause)))
      if not session:pause(pause) then return expired(err, nil, false) end
      pause = math.min(pause * 2, LONGEST_PAUSE)
    end
    if other then url, renewed = new, true end
  end
end

return download
