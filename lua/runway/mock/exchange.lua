-- mock_exchange.lua: one exchange of a mock: how a request is shown to its
-- reader, and how an answer is played as the C core would bring it (the same
-- limits, the same words), on the scheduler's clock.

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

local function file_error(code, path, message, kind)
  return { kind = kind or "io", code = code, message = path .. ": " .. message, permanent = true }
end

local function is_there(path)
  local file = io.open(path, "rb")
  if file then file:close() end
  return file ~= nil
end

--- A target that cannot be written is told before anything is sent.
---@param save table
---@return table|nil result
function exchange.check_target(save)
  if is_there(save.path) and not save.overwrite then
    return { sent = false, error = file_error("exists", save.path, "cannot write over an existing file: File exists") }
  end
  local part = save.path .. ".part"
  local file, message = io.open(part, "wb")
  if not file then
    return { sent = false, error = file_error("file", save.path, "cannot create the .part file: " .. message) }
  end
  file:close()
  os.remove(part)
  return nil
end

-- Writes a download; an error or nil.
local function write(save, body, content_type)
  if content_type and text.lower(content_type):find("^text/html") then
    return file_error("bad_media", save.path, "the server sent an HTML page instead of the file", "protocol")
  elseif #body == 0 then
    return file_error("bad_media", save.path, "the file is empty", "protocol")
  elseif save.max_bytes and save.max_bytes > 0 and #body > save.max_bytes then
    return file_error("too_large", save.path, ("larger than max_bytes (%d)"):format(save.max_bytes), "limit")
  elseif is_there(save.path) and not save.overwrite then
    return file_error("exists", save.path, "cannot write over an existing file: File exists")
  end
  local part = save.path .. ".part"
  local file, message = io.open(part, "wb")
  local ok = file
  if file then
    ok, message = file:write(body)
    file:close()
  end
  if ok then ok, message = os.rename(part, save.path) end
  if ok then return nil end
  os.remove(part)
  return file_error("file", save.path, "cannot write the file: " .. tostring(message))
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
---@param before? fun()    called just before
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
    sent = handle.sent, error = { kind = "cancelled", code = "cancelled", message = "cancelled", permanent = true },
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
  not_sent = { kind = "network", code = "connect", message = "the connection was refused" },
  lost = { kind = "network", code = "closed", message = "the connection was closed before an answer came" },
  timeout = { kind = "timeout", code = "answer", message = "the time for an answer is over" },
}

local function fault(name)
  local result = { sent = name ~= "not_sent", error = {} }
  for field, value in pairs(FAULTS[name]) do result.error[field] = value end
  return result
end

-- Where a redirect leads, whole, as libcurl tells it.
local function redirect_of(status, location, url)
  if not location or status < 300 or status > 399 then return nil end
  if location:find("^[A-Za-z][A-Za-z0-9+.-]*:") then return location end
  local scheme, origin, path = url:match("^([A-Za-z][A-Za-z0-9+.-]*:)(//[^/?#]*)([^?#]*)")
  if location:sub(1, 2) == "//" then return scheme .. location end
  if location:sub(1, 1) == "/" then return scheme .. origin .. location end
  return scheme .. origin .. (path:match("^.*/") or "/") .. location
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
    result.error = { kind = "limit", code = "too_large", permanent = true,
      message = ("the answer is larger than max_body_bytes (%d)"):format(wire.max_body_bytes) }
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
    return exchange.deliver(fault "timeout", patience > 0 and patience or wire.stall or delay, done)
  elseif answer.fault then
    return exchange.deliver(fault(answer.fault), delay, done)
  end
  local result, film = result_of(answer, wire)
  return exchange.deliver(result, delay, done, film and function()
    result.error = write(wire.save, film, result.headers["content-type"])
  end or nil)
end

return exchange
