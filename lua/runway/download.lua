-- download.lua: from an output's URL to a file on disk.
--
-- Each hop of a redirect is an exchange of its own, through the same door as
-- the first: https (http on this machine), no user name, no private address
-- unless allowed, and never the API key.

local core = require "runway.core"
local errors = require "runway.errors"
local http = require "runway.http"
local retry = require "runway.retry"
local scheduler = require "runway.scheduler"

local download = {}

local MAX_HOPS = 5
local MAX_BYTES = 4 * 1024 * 1024 * 1024      -- unless the caller says otherwise
local STALL = 60                              -- seconds without a byte

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
  local stem = id:gsub("[^%w_-]", "_"):gsub("^%-", "_"):sub(1, 100)
  local ending = (url:gsub("[?#].*", ""):match("%.(%w+)$") or ""):lower()
  return ("%s-%d.%s"):format(stem, index, ENDINGS[ending] and ending or "bin")
end

local function fail(session, e)
  e.provider = session.adapter.name
  return nil, errors.new(e, session.key)
end

local EXPIRED = { [401] = true, [403] = true, [404] = true, [410] = true }

-- One URL, its redirects and its retries. A file; or nil, err, expired.
local function fetch(session, url, path, opts)
  local hops, attempts = 0, 0
  while true do
    attempts = attempts + 1
    local wire = http.limited(session, {
      method = "GET", url = url, headers = { ["User-Agent"] = session.limits.user_agent },
      address = http.foreign_reach(session),
      save = { path = path, overwrite = opts.overwrite, max_bytes = opts.max_bytes or MAX_BYTES },
      timeout = 0, stall = STALL,
    })
    local result = http.exchange(session, wire, nil, opts.on_progress)
    if not result.error and result.redirect and result.status >= 300 and result.status < 400 then
      hops = hops + 1
      if hops > MAX_HOPS then
        return fail(session, { kind = "protocol", code = "too_many_redirects",
          message = ("more than %d redirects on the way to the file"):format(MAX_HOPS) })
      end
      local refused = select(2, core.url(result.redirect))
      if url:find("^https:") and result.redirect:find("^http:") then refused = "it leads from https to http" end
      if refused then
        return fail(session, { kind = "invalid_request", code = "forbidden_url",
          message = "a redirect on the way to the file is refused: " .. refused })
      end
      url, attempts = result.redirect, attempts - 1
    elseif not result.error and result.status == 200 then
      if opts.on_progress then scheduler.guard(opts.on_progress, result.bytes, result.bytes) end
      return { path = path, bytes = result.bytes, content_type = result.headers["content-type"] }
    else
      local unreadable = not result.error and result.status >= 200 and result.status < 300
      local verdict = retry.judge(false, result, nil, unreadable)
      local status = result.status and not result.error and result.status or nil
      local message = result.error and result.error.message
        or ("the output's server answered with status %d"):format(result.status)
      if not verdict.again or attempts > session.limits.max_retries then
        local _, err = fail(session, { kind = verdict.kind, http_status = status, message = message,
          code = result.error and result.error.code, retryable = verdict.retryable, attempts = attempts })
        return nil, err, EXPIRED[status]
      end
      local delay = retry.delay(attempts, verdict.after)
      session.log("warning", ("download: %s; trying again in %.1f s"):format(message, delay), { attempt = attempts })
      if not http.pause(session, delay) then
        return http.refuse(session, { kind = "cancelled", message = "the client was closed" })
      end
    end
  end
end

--- Fetches a URL to a file.
---@param session table
---@param url string
---@param path string
---@param opts table            overwrite, max_bytes, on_progress
---@param renew fun(): string|nil, runway.Error|nil   a new URL for an expired one
---@return table|nil file       { path=, bytes=, content_type= }
---@return runway.Error|nil err
function download.fetch(session, url, path, opts, renew)
  if session.closed then return http.refuse(session, { kind = "cancelled", message = "the client is closed" }) end
  local file, err, expired = fetch(session, url, path, opts)
  if file or not expired then return file, err end
  local new, failure = renew()
  if failure then return nil, failure end
  if not new or new == url then
    err.message = err.message .. "; the URL may have expired, and the provider gives no other"
    return nil, err
  end
  file, err = fetch(session, new, path, opts)
  return file, err
end

return download
