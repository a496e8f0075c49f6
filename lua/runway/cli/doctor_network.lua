-- What `runway doctor` looks at between here and an account: one request without the key, whose answer tells of the
-- way, of TLS and of the clock, and one with it that costs nothing.
--
-- What one check has found stands in `known` for the next: adapter, key, session, and the first answer.

local adapters = require "runway.adapter"
local allowance = require "runway.allowance"
local api_key = require "runway.api_key"
local conformance = require "runway.conformance"
local core = require "runway.core"
local http = require "runway.http"
local providers = require "runway.provider"
local retry = require "runway.retry"
local scheduler = require "runway.scheduler"
local sessions = require "runway.session"
local text = require "runway.text"
local wires = require "runway.wire"

local network = {}

local TIMEOUT, CONNECT = 10, 5                -- seconds
local NO_KEY = "there-is-no-key-yet"          -- of a session that never signs

---------------------------------------------------------------------------------------------------
-- What is set up

-- What can be said against an adapter of the user's own without a case of its author's: the first, and how many.
local function against(own)
  local first, count = nil, 0
  for _, line in ipairs(conformance.check(own)) do
    if not line:find "^cases: " then first, count = first or line, count + 1 end
  end
  return first and (count == 1 and first or ("%s (and %d more)"):format(first, count - 1))
end

function network.provider(known)
  local args = known.args
  local from = args.provider and "--provider" or providers.by_environment() and "RUNWAY_PROVIDER" or "default"
  local err
  known.adapter, err = providers.named(args.provider)
  if err then return "fail", err.message, "Name another with --provider NAME or RUNWAY_PROVIDER.", { from = from } end
  local own = require("runway.providers")[known.adapter.name] ~= known.adapter
  local file = own and (args.provider or providers.by_environment())
  local said = ("%s (%s%s)"):format(known.adapter.name, from, file and " " .. text.line(file, 100) or "")
  local detail = { provider = known.adapter.name, from = from }
  local wrong = own and against(known.adapter)
  if not wrong then return "ok", said, nil, detail end
  return "warn", said .. ": " .. wrong, "runway.conformance tells all, and tries the author's cases.", detail
end

function network.key(known)
  local adapter = known.adapter
  if not adapter then return "skip", "not looked for: there is no provider" end
  local variable = adapter.env and adapter.env.api_key
  local key, why, from = api_key.find(adapter.name, variable)
  if key then
    known.key = key
    return "ok", "found in " .. from, nil, { from = from }
  end
  if variable then
    return "fail", why, why:find "^no API key" and "A key is made on the provider's own pages." or "Mend it there."
  end
  return "fail", why, "Let the adapter name a variable: env = { api_key = \"…\" }."
end

function network.address(known)
  local adapter, args = known.adapter, known.args
  if not adapter then return "skip", "not looked for: there is no provider" end
  local pins = {}
  for _, one in ipairs(args.pins or {}) do pins[one.name] = one.address end
  local made, err = sessions.new(adapter, {
    api_key = not known.key and NO_KEY or nil, base_url = args.base_url, ca_file = args.ca_file, resolve = pins,
    proxy = args.proxy and core.proxy(args.proxy) and args.proxy or nil,
    allow_http = args.allow_http, transport = known.world.transport,
    timeout = TIMEOUT, connect_timeout = CONNECT, max_retries = 0, deadline = TIMEOUT,
  }, adapters.asks_at(adapter))
  if not made then
    return "fail", err.message, err.message:find("give base_url", 1, true) and "Its own pages name it."
      or "Give another with --base-url URL."
  end
  known.session = made
  local unread = not args.base_url and api_key.unread_address(adapter.name, adapter.env)
  if unread then
    return "warn", ("%s; %s"):format(made.base, unread), "Give it as --base-url URL, or take it away.",
      { base_url = made.base }
  end
  return "ok", made.base, nil, { base_url = made.base }
end

function network.proxy(known)
  if not known.session then return "skip", "not looked for: there is no address" end
  local name, from = core.way(known.session.base .. "/", known.args.proxy)
  if name == nil then
    known.blocked = true
    return "fail", from, "Mend it, or take it away; --proxy '' goes without."
  end
  if not name then return "ok", "none" end
  from = from == "proxy" and "--proxy" or from
  known.proxy = name
  return "ok", ("%s (%s)"):format(name, from), nil, { proxy = name, from = from }
end

---------------------------------------------------------------------------------------------------
-- The first request, without the key

local function first_answer(session)
  local before = core.wall_ms() / 1000
  local headers = { Accept = "*/*", ["User-Agent"] = session.limits.user_agent }
  local wire = wires.limited(session, "GET", session.base .. "/", headers, "any")
  wire.path = "/"
  local result = scheduler.await(function(done) session.transport:start(wire, done) end)
  result.began, result.ended = before, core.wall_ms() / 1000
  return result
end

-- What to do, by the core's word for what went wrong.
local ADVICE = {
  dns = "Is this machine online, and the name right?",
  connect = "Is a firewall in the way, or a proxy needed (https_proxy, --proxy URL)?",
  proxy = "Look at the proxy: its address, its user name and password.",
  tls = "The way is there, but not safe: see tls.",
  bad_response = "What answers there speaks another language: is the port right, and http or https?",
}
local OTHERWISE = "Try again in a while; then look at --base-url, and at what lies between."
local OF_THE_ADAPTER = "Mend the adapter: runway.conformance tells all that is wrong with it."

-- What to do about a failed call: nothing was sent where the adapter is at fault.
local function otherwise(err) return err.kind == "config" and OF_THE_ADAPTER or OTHERWISE end

function network.reach(known)
  if not known.session or known.blocked then
    return "skip", "not tried: there is no way to an address"
  end
  local result = first_answer(known.session)
  known.first = result
  local seconds = result.ended - result.began
  if not result.status then
    local err = result.error
    local code = known.proxy and err.code == "connect" and "proxy" or err.code
    return "fail", err.message, ADVICE[code] or OTHERWISE
  end
  known.reached = true
  local said = ("answers after %s s (HTTP %d)"):format(text.fixed(seconds, 2), result.status)
  local detail = { http_status = result.status, seconds = seconds }
  if result.status >= 500 then return "warn", said, "The server has trouble of its own: try again later.", detail end
  return "ok", said, nil, detail
end

---------------------------------------------------------------------------------------------------
-- TLS

-- The authorities that are trusted: what names them, and the file (nil: the system's, or a directory).
local function authorities(args)
  local file, from = args.ca_file, "--ca-file"
  for _, name in ipairs { "CURL_CA_BUNDLE", "SSL_CERT_FILE" } do
    if not file then file, from = api_key.environment(name), name end
  end
  if file then return ("%s (%s)"):format(file, from), file end
  local directory = api_key.environment "SSL_CERT_DIR"
  return directory and directory .. " (SSL_CERT_DIR)" or "the system's"
end

-- What is wrong with a file of authorities; nil: nothing.
local function fault_of(path)
  local ok, why = core.readable(path)
  if not ok then return why end
  local file = io.open(path, "rb")
  for line in file:lines() do
    if line:find "^%-%-%-%-%-BEGIN [A-Z ]*CERTIFICATE%-%-%-%-%-" then
      file:close()
      return nil
    end
  end
  file:close()
  return "there is no certificate in it (it must be PEM)"
end

function network.tls(known)
  local session = known.session
  if not session then return "skip", "not looked at: there is no address" end
  local named, file = authorities(known.args)
  local detail = { authorities = named }
  local fault = file and fault_of(file)
  if fault then
    return "fail", ("%s: %s"):format(named, fault), "Name a PEM file of authorities with --ca-file FILE.", detail
  end
  if session.base:find "^[Hh][Tt][Tt][Pp]:" then
    if session.loopback then return "ok", "none, on this machine", nil, detail end
    return "warn", "none: the network sees the key", "Use https.", detail
  end
  if known.reached then return "ok", "trusted, by " .. named, nil, detail end
  local err = known.first and known.first.error
  if err and err.code == "tls" then
    return "fail", ("%s (trusted are %s)"):format(err.message, named), "Are the authorities there (Debian: apt-get "
      .. "install ca-certificates)? Does a proxy show a certificate of its own (give its authority with --ca-file "
      .. "FILE)? Is the clock right?", detail
  end
  return "skip", ("not looked at: nothing answers (trusted are %s)"):format(named),
    "Look again once something does; where a proxy has a certificate of its own, have its authority at hand (--ca-file "
    .. "FILE).", detail
end

---------------------------------------------------------------------------------------------------
-- The clock

local NEAR, FAR = 5, 60                       -- seconds; a lease of a journal's lasts for thirty

--- "Sun, 06 Nov 1994 08:49:37 GMT" as Unix seconds; nil for what is none, or does not say that it is in GMT.
---@param date string|nil
---@return integer|nil
function network.seconds_of(date)
  return date and date:find " GMT$" and retry.http_date(date) or nil
end

-- Seconds that our clock is ahead, at least; the server's tells whole ones, and a cache may have kept its answer.
local function offset_of(first)
  local theirs = network.seconds_of(first.headers and first.headers.date)
  if not theirs then return nil end
  theirs = theirs + (tonumber(first.headers.age or "") or 0)
  if first.ended < theirs then return first.ended - theirs end
  return math.max(0, first.began - theirs - 1)
end

function network.clock(known)
  if not known.reached then
    return "skip", "not compared: nothing answers", "Compare it by hand: date -u."
  end
  local offset = offset_of(known.first)
  if not offset then return "warn", "not compared: the server tells no time", "Compare it by hand: date -u." end
  local off = math.abs(offset)
  local detail = { offset = offset }
  if off <= NEAR then return "ok", "agrees with the server's", nil, detail end
  return off <= FAR and "warn" or "fail", ("%s s %s the server's"):format(text.fixed(off, 0),
    offset > 0 and "ahead of" or "behind"), "Set it (timedatectl set-ntp true): certificates, signed addresses and "
    .. "journals on several machines go by it.", detail
end

---------------------------------------------------------------------------------------------------
-- The account

local NO_TASK = "00000000-0000-4000-8000-000000000000"
local REFUSED = { authentication = true, permission = true }
local SAYS_NOTHING = { network = true, timeout = true, server = true, protocol = true, rate_limited = true,
  cancelled = true, limit = true, config = true, io = true }

local function refusal(known, err)
  return "fail", "the key was refused: " .. err.message, ("Is it %s's, whole, and not revoked? Make a new one on its "
    .. "pages."):format(known.adapter.name)
end

local function ask_credits(known)
  local session = known.session
  local balance, err, limits = allowance.read(session)
  if not balance then
    if REFUSED[err.kind] then return refusal(known, err) end
    return "fail", err.message, otherwise(err)
  end
  local detail, told = { credits = balance, limits = limits }, allowance.told(limits)
  if balance <= 0 then
    return "warn", "the key is taken, and no credits are left", "Buy some: a submit would be refused.", detail
  end
  return "ok", ("the key is taken, %s credits are left%s"):format(text.number(balance), told and "; " .. told or ""),
    nil, detail
end

-- Asks after a task that there cannot be: with a wrong key even that is refused.
local function ask_in_vain(known)
  local session, name = known.session, known.adapter.name
  local unchecked = ("%s has nothing to ask for that is free; the key is unchecked"):format(name)
  local request, problem = adapters.ask(session, "query", { id = NO_TASK })
  if problem and problem.kind == "config" then return "fail", problem.message, OF_THE_ADAPTER end
  if not request then return "warn", unchecked, "The first submit shows it." end
  local found, err = http.call(session, request, { reader = "task", ref = { id = NO_TASK }, paid = false })
  if err and REFUSED[err.kind] then return refusal(known, err) end
  if not found and SAYS_NOTHING[err.kind] then
    return "warn", ("the key is unchecked: %s"):format(err.message), otherwise(err)
  end
  return "ok", ("the key was not refused by a query that is free (%s does not tell credits)"):format(name)
end

function network.account(known)
  if not known.key then return "skip", "not asked: there is no key" end
  if not known.reached then return "skip", "not asked: nothing answers", "Look again once something does." end
  return (known.adapter.credits and ask_credits or ask_in_vain)(known)
end

return network
