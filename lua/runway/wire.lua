-- wire.lua: an adapter's request as a transport sends it.

local adapter = require "runway.adapter"
local json = require "runway.json"
local text = require "runway.text"

local wire = {}

local PLAIN_METHODS = { GET = true, POST = true, PUT = true, DELETE = true }
local SAFE_METHODS = { GET = true, HEAD = true, DELETE = true, PUT = true, OPTIONS = true }

--- What every request of a session has in common.
---@param session runway.Session
---@param request runway.WireRequest
---@return runway.WireRequest
function wire.limited(session, request)
  local limits = session.limits
  request.timeout = request.timeout or limits.timeout
  request.connect_timeout = limits.connect_timeout
  request.max_body_bytes = limits.max_body_bytes
  request.proxy, request.ca_file, request.resolve = limits.proxy, limits.ca_file, limits.resolve
  request.allow_http = limits.allow_http
  request.lane, request.lane_limit = session.lane, limits.max_in_flight
  return request
end

--- The reach of a request to an address that a server named.
---@param session runway.Session
---@return "any"|"public"|"loopback_or_public"
function wire.foreign_reach(session)
  if session.limits.allow_private then return "any" end
  return session.loopback and "loopback_or_public" or "public"
end

-- A query to stand after a path; nil, message when it cannot be written. Numbers are written as
-- JSON writes them: exactly, and in every locale alike.
local function query_string(query, path)
  if not query then return "" end
  local names, parts = {}, {}
  for name in pairs(query) do names[#names + 1] = name end
  table.sort(names, text.before)
  for i, name in ipairs(names) do
    local value, message = query[name]
    if type(value) == "number" then
      value, message = json.encode(value)
      if not value then return nil, message end
    end
    parts[i] = text.escape(name) .. "=" .. text.escape(tostring(value))
  end
  if #parts == 0 then return "" end
  return (path:find("?", 1, true) and "&" or "?") .. table.concat(parts, "&")
end

-- Adds headers; a later one of the same name, in whatever case, replaces an earlier one.
local function add_headers(to, from)
  for name, value in pairs(from or {}) do
    if to[name] == nil then
      for had in pairs(to) do
        if #had == #name and text.lower(had) == text.lower(name) then
          to[had] = nil
          break
        end
      end
    end
    to[name] = type(value) == "number" and text.number(value) or tostring(value)
  end
end

-- What every request to the base URL's origin bears, made once for each key: the signature over our own.
local function signed_headers(session)
  local key, refused = session:current_key()
  if not key then return nil, refused end
  local signed = session.signed
  if signed and signed.key == key then return signed.headers end
  local signature, problem = adapter.sign(session)
  if not signature then return nil, problem end
  local headers = { Accept = "application/json", ["User-Agent"] = session.limits.user_agent }
  add_headers(headers, signature)
  session.signed = { key = key, headers = headers }
  return headers
end

--- The wire form of an adapter's request.
---@param session runway.Session
---@param request runway.AdapterRequest
---@param paid? boolean   it may cost money, whatever the adapter says of it
---@return runway.WireRequest|nil
---@return runway.Problem|string|nil problem   why it cannot be written
function wire.of(session, request, paid)
  local method = request.method or "GET"
  if not PLAIN_METHODS[method] and method:find("[a-z]") then method = text.upper(method) end
  local headers = {}
  local made = wire.limited(session, { method = method, headers = headers, form = request.form, file = request.file })
  local query, message = query_string(request.query, request.url or request.path)
  if not query then return nil, message end
  if request.url then                         -- another origin: no key, no private address
    made.url = request.url .. query
    made.address = wire.foreign_reach(session)
    headers.Accept, headers["User-Agent"] = "application/json", session.limits.user_agent
  else
    -- A "#" or a space is no more than a character here: nothing behind it would reach the wire.
    made.path = request.path                  -- what a mock compares
    if not made.path:find("^[^# ]*$") then made.path = made.path:gsub("[# ]", text.escape) end
    made.url = session.base .. made.path .. query
    made.address = "any"
    local signed, problem = signed_headers(session)
    if not signed then return nil, problem end
    for name, value in next, signed do headers[name] = value end
  end
  if request.json ~= nil then
    made.body, message = json.encode(request.json)
    if made.body == nil then return nil, message end
    headers["Content-Type"] = "application/json"
  elseif request.body then
    made.body = request.body
  end
  if request.headers then add_headers(headers, request.headers) end
  made.gate = paid or not (request.safe or SAFE_METHODS[method])
  -- A file on its way may take long: no query and no submit waits for it.
  if (made.form or made.file) and not made.gate then made.lane = session.uploads_lane end
  return made
end

return wire
