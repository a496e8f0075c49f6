-- exchange.lua: one exchange of a mock: how a request is shown to its
-- reader, and how an answer is played as the C core would bring it (the same
-- limits, the same words), on the scheduler's clock.

local core = require "runway.core"
local json = require "runway.json"
local scheduler = require "runway.scheduler"
local text = require "runway.text"

local exchange = {}

--------------------------------------------------------------------- a request, for its reader

local function unescape(s)
  s = s:gsub("+", " ")
  return (s:gsub("%%(%x%x)", function(hex) return string.char(tonumber(hex, 16)) end))
end

---@param s string  "a=b&c=d"
---@return table<string, string>
function exchange.read_query(s)
  local query = {}
  for name, value in s:gmatch("([^&=]+)=?([^&]*)") do query[unescape(name)] = unescape(value) end
  return query
end

-- Puts { file = path } where a file stood in.
local function show_files(value, files)
  if type(value) == "string" and files[value] then return { file = files[value] } end
  if type(value) == "table" then
    for name, inner in pairs(value) do value[name] = show_files(inner, files) end
  end
  return value
end

-- A body as text and as JSON; the files in it are named, not read.
local function read_body(body)
  if type(body) ~= "table" then return body, body and json.decode(body) end
  local shown, pieces, files = {}, {}, {}
  for i, part in ipairs(body) do
    if type(part) == "table" then
      local stand_in = "the file that is part " .. i .. " of this body"
      files[stand_in] = part.path
      shown[i], pieces[i] = "[file " .. part.path .. "]", stand_in
    else
      shown[i], pieces[i] = part, part
    end
  end
  return table.concat(shown), show_files(json.decode(table.concat(pieces)), files)
end

--- What `m.requests` holds of a request.
---@param wire table
---@return runway.mock.Request
function exchange.record(wire)
  local address, query = wire.url:match("^([^?#]*)%??([^#]*)")
  local path = (wire.path or address:match("^[A-Za-z][A-Za-z0-9+.-]*://[^/]*(.*)$") or ""):match("^[^?#]*")
  local headers = {}
  for name, value in pairs(wire.headers or {}) do headers[text.lower(name)] = value end
  local body, decoded = read_body(wire.body)
  return {
    method = wire.method, url = wire.url, path = path ~= "" and path or "/", query = exchange.read_query(query),
    headers = headers, body = body, json = decoded, form = wire.form, file = wire.file, save = wire.save,
    paid = wire.gate == true,
  }
end

--------------------------------------------------------------------- a file to write

-- Errors as the core makes them: `permanent` is true of what the disk or the request is to blame for.
local function failure(kind, code, message)
  return { kind = kind, code = code, message = message, permanent = kind == "io" or kind == "limit" }
end

-- Codes by the core's words for why a file cannot be written; all else is "file".
local REFUSED = { ["existing file"] = "exists", ["lock the .part"] = "locked" }

-- The core's own look at a target: nil, or why no file can be put there.
local function refusal(save)
  local ok, message = core.target(save.path, save.overwrite)
  if ok then return nil end
  local code = "file"
  for words, named in pairs(REFUSED) do
    if message:find(words, 1, true) then code = named end
  end
  return failure("io", code, save.path .. ": " .. message)
end

--- A target that cannot be written is told before anything is sent.
---@param save table
---@return table|nil result
function exchange.check_target(save)
  local err = refusal(save)
  return err and { headers = {}, body = "", bytes = 0, sent = false, timings = { total = 0, connect = 0 }, error = err }
end

-- What is wrong with a film that has come, in the order in which the core sees it; or nil.
local function complaint(save, body, content_type)
  local words, line = core.words(body)
  if save.max_bytes and save.max_bytes > 0 and #body > save.max_bytes then
    return failure("limit", "too_large", ("%s is larger than max_bytes (%d)"):format(save.path, save.max_bytes))
  elseif words and words ~= "text" then       -- a spec's film may well be a word
    return failure("protocol", "bad_media", ("the server sent %s instead of the file: %s"):format(words, line))
  elseif words and content_type and text.lower(content_type):find("^text/html") then
    return failure("protocol", "bad_media", "the server sent an HTML page instead of the file")
  elseif #body == 0 then
    return failure("protocol", "bad_media", "the file is empty")
  end
  return refusal(save)                        -- it may have changed meanwhile
end

-- Writes a download; an error or nil.
local function write(save, body, content_type)
  local err = complaint(save, body, content_type)
  if err then return err end
  -- What lies at ".part" may be another's, and a name as long as the file system takes has no room for more.
  local part = save.path:match("^.*/") or ""
  part = ("%s.runway-%s.part"):format(part, tostring(save):match("0x(%x+)") or "mock")
  local file, message = io.open(part, "wb")
  local ok = file
  if file then
    ok, message = file:write(body)
    file:close()
  end
  if ok then ok, message = os.rename(part, save.path) end
  if ok then return nil end
  os.remove(part)
  return failure("io", "file", save.path .. ": cannot write the file: " .. tostring(message))
end

--------------------------------------------------------------------- an answer

--- A Lua value as the text of an answer.
---@return string|nil encoded
---@return string|nil message
function exchange.encode(value)
  local encoded, message = json.encode(value)
  if type(encoded) == "table" then return nil, "a file has no place in an answer" end
  return encoded, message
end

--- Hands a result over after `delay` seconds, never at once.
---@param result table
---@param delay number
---@param done fun(result: table)
---@param before? fun(result: table)   called just before
---@return table handle
function exchange.deliver(result, delay, done, before)
  local now = scheduler.now()
  local handle = { started = now, due = now + delay, done = done, sent = result.sent, size = result.size }
  handle.timer = scheduler.at(handle.due, function()
    handle.ended = true
    if before then before(result) end
    done(result)
  end)
  return handle
end

--- Ends an exchange early.
---@param handle table
function exchange.cancel(handle)
  if handle.ended then return end
  handle.ended = true
  scheduler.cancel_timer(handle.timer)
  exchange.deliver({
    headers = {}, body = "", bytes = 0, sent = handle.sent, timings = { total = 0, connect = 0 },
    error = failure("cancelled", "cancelled", "cancelled"),
  }, 0, handle.done)
end

--- How much of a download has come: it comes evenly over its delay.
---@param handle table
---@return integer received
---@return integer|nil total
function exchange.progress(handle)
  if not handle.size then return 0, nil end
  local took, whole = scheduler.now() - handle.started, handle.due - handle.started
  local share = whole > 0 and math.min(took / whole, 1) or 1
  return math.floor(handle.size * share), handle.size
end

local FAULTS = {
  not_sent = { "network", "connect", "the connection was refused" },
  lost = { "network", "closed", "the connection was closed before an answer came" },
  timeout = { "timeout", "answer", "the time for an answer is over" },
}

local function fault(name, seconds)
  local kind, code, message = FAULTS[name][1], FAULTS[name][2], FAULTS[name][3]
  return { headers = {}, body = "", bytes = 0, sent = name ~= "not_sent", error = failure(kind, code, message),
    timings = { total = seconds, connect = 0 } }
end

-- A path without its "." and ".." (RFC 3986, 5.2.4).
local function without_dots(path)
  local kept, last = {}, nil
  local bare = path:match("^[^?#]*")
  for segment in bare:gmatch("/([^/]*)") do
    last = segment
    if segment == ".." then kept[#kept] = nil elseif segment ~= "." then kept[#kept + 1] = segment end
  end
  if last == "." or last == ".." then kept[#kept + 1] = "" end
  return "/" .. table.concat(kept, "/") .. path:sub(#bare + 1)
end

-- Where a redirect leads, whole, as libcurl tells it.
local function redirect_of(status, location, url)
  if not location or status < 300 or status > 399 then return nil end
  if location:find("^[A-Za-z][A-Za-z0-9+.-]*:") then return location end
  local scheme, origin, path = url:match("^([A-Za-z][A-Za-z0-9+.-]*:)(//[^/?#]*)([^?#]*)")
  if location:sub(1, 2) == "//" then return scheme .. location end
  if location:sub(1, 1) == "?" then return scheme .. origin .. (path ~= "" and path or "/") .. location end
  if location:sub(1, 1) ~= "/" then location = (path:match("^.*/") or "/") .. location end
  return scheme .. origin .. without_dots(location)
end

local function result_of(answer, wire)
  local headers = {}
  if answer.text then headers["content-type"] = "application/json" end
  for name, value in pairs(answer.headers or {}) do headers[text.lower(name)] = tostring(value) end
  local body, status = answer.text or answer.body or "", answer.status or 200
  local saving = wire.save and status == 200
  local result = {
    status = status, headers = headers, body = saving and "" or body, bytes = #body, sent = true,
    redirect = redirect_of(status, headers.location, wire.url), timings = { total = answer.delay or 0, connect = 0 },
    size = saving and #body or nil,
  }
  if not saving and wire.max_body_bytes and #body > wire.max_body_bytes then
    result.error = failure("limit", "too_large",
      ("the answer is larger than max_body_bytes (%d)"):format(wire.max_body_bytes))
    result.body = body:sub(1, wire.max_body_bytes)
    result.bytes = #result.body
  end
  return result, saving and body
end

--- Plays an answer.
---@param answer runway.mock.Entry
---@param wire table
---@param done fun(result: table)
---@return table handle
function exchange.play(answer, wire, done)
  local delay, patience = answer.delay or 0, wire.timeout or 0
  if answer.fault == "timeout" or patience > 0 and delay > patience then
    return exchange.deliver(fault("timeout", patience), patience > 0 and patience or wire.stall or delay, done)
  elseif answer.fault then
    return exchange.deliver(fault(answer.fault, delay), delay, done)
  end
  local result, film = result_of(answer, wire)
  return exchange.deliver(result, delay, done, film and function()
    result.error = write(wire.save, film, result.headers["content-type"])
    if not result.error then result.sha256 = core.sha256(film) end
  end or nil)
end

return exchange
