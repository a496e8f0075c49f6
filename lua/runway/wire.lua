-- wire.lua: an adapter's request as a transport sends it.

local adapter = require "runway.adapter"
local json = require "runway.json"
local text = require "runway.text"

local wire = {}

local PLAIN_METHODS = { GET = true, POST = true, PUT = true, DELETE = true }
local SAFE_METHODS = { GET = true, HEAD = true, DELETE = true, PUT = true, OPTIONS = true }

--- A request with what all of a session have in common.
---@param session runway.Session
---@param method string
---@param url string
---@param headers table<string, string>
---@param address "any"|"public"|"loopback_or_public"
---@return runway.WireRequest
function wire.limited(session, method, url, headers, address)
  local limits = session.limits
  -- at once, with places to spare: a table is made anew each time that it grows
  local made = {
    method = method, url = url, headers = headers, address = address,
    timeout = limits.timeout, connect_timeout = limits.connect_timeout, max_body_bytes = limits.max_body_bytes,
    lane = session.lane, lane_limit = limits.max_in_flight,
  }
  if limits.proxy then made.proxy = limits.proxy end
  if limits.ca_file then made.ca_file = limits.ca_file end
  if limits.resolve then made.resolve = limits.resolve end
  if limits.allow_http then made.allow_http = true end
  return made
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

-- The headers of a request, `own` laid over `from`; with a body of JSON its type between them.
local function headers_of(from, has_json, own)
  local headers = {}
  for name, value in next, from do headers[name] = value end
  if has_json then headers["Content-Type"] = "application/json" end
  add_headers(headers, own)
  return headers
end

-- What every request to the base URL's origin bears, made once for each key: the signature over our own, alone and
-- with a body of JSON. They are the same tables for all that add nothing.
local function signed(session)
  local key, refused = session:current_key()
  if not key then return nil, refused end
  local made = session.signed
  if made and made.key == key then return made end
  local signature, problem = adapter.sign(session)
  if not signature then return nil, problem end
  local headers = { Accept = "application/json", ["User-Agent"] = session.limits.user_agent }
  add_headers(headers, signature)
  made = { key = key, bare = headers, json = headers_of(headers, true) }
  session.signed = made
  return made
end

-- A request to the base URL: what it bears, and where it leads.
local function at_home(session, method, request, query)
  local bears, problem = signed(session)
  if not bears then return nil, problem end
  -- A "#" or a space is no more than a character here: nothing behind it would reach the wire.
  local path = request.path
  if path:find("#", 1, true) or path:find(" ", 1, true) then path = path:gsub("[# ]", text.escape) end
  local has_json, own = request.json ~= nil, request.headers
  local headers = own and headers_of(bears.bare, has_json, own) or has_json and bears.json or bears.bare
  local made = wire.limited(session, method, session.base .. path .. query, headers, "any")
  made.path = path                            -- what a mock compares
  return made
end

-- A request to another origin: no key, no private address.
local function elsewhere(session, method, request, query)
  local bears = { Accept = "application/json", ["User-Agent"] = session.limits.user_agent }
  local headers = headers_of(bears, request.json ~= nil, request.headers)
  return wire.limited(session, method, request.url .. query, headers, wire.foreign_reach(session))
end

--- The wire form of an adapter's request.
---@param session runway.Session
---@param request runway.AdapterRequest
---@param paid? boolean   true: it may cost money, whatever is said of it; false: it costs nothing; nil: as its method
---  says
---@return runway.WireRequest|nil
---@return runway.Problem|string|nil problem   why it cannot be written
function wire.of(session, request, paid)
  local method = request.method or "GET"
  if not PLAIN_METHODS[method] and method:find("[a-z]") then method = text.upper(method) end
  local query, message = "", nil
  if request.query then query, message = query_string(request.query, request.url or request.path) end
  if not query then return nil, message end
  local made, problem = (request.url and elsewhere or at_home)(session, method, request, query)
  if not made then return nil, problem end
  if request.json ~= nil then
    made.body, message = json.encode(request.json)
    if made.body == nil then return nil, message end
  elseif request.body then
    made.body = request.body
  end
  made.gate = paid or not (request.safe or SAFE_METHODS[method]) -- it leaves once
  if request.form or request.file then
    made.form, made.file = request.form, request.file
    -- It may be long on its way: no query and no submit waits for it.
    if paid == false or not made.gate then made.lane = session.uploads_lane end
  end
  return made
end

return wire
