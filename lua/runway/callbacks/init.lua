-- Callbacks: what providers post when a task has changed, whose it is, and what may come of it.
--
-- A callback is a hint and never a fact. One that bears a submit's own token wakes who waits for its task, who then
-- asks with the account's key; and it may give a submit whose answer was lost its id. More it cannot do.

local adapter = require "runway.adapter"
local core = require "runway.core"
local hook = require "runway.callbacks.hook"
local journal = require "runway.journal"
local json = require "runway.json"
local scheduler = require "runway.scheduler"

local late, signature                         -- loaded with the first listener, the first secret: most have none

local callbacks = {}

local LONGEST = 1024 * 1024                   -- bytes; what is larger is no callback
local MOST_LOST = 1000                        -- submits without an answer whose callback is waited for in memory

-- The name under which a callback URL bears the token.
local IN_URL = "runway_token"

--------------------------------------------------------------------- of an account

---@class runway.Callbacks     what a client hands down of them
---@field listener? runway.CallbackListener
---@field secret? string|string[]  of relays that sign, as it was given
---@field keys? string[]       the same
---@field seen? runway.SeenIds
---@field hooks table<string, runway.Hook>  of its submits
---@field missed integer       tasks in a row that ended without a callback
---@field lost runway.Hook[]   of submits whose answer was lost, where no journal remembers them

-- Where the provider is to post; nil, fault where it could not.
local function address(session, listener)
  if session.callback_url then return session.callback_url end
  if listener.loopback and not session.loopback then
    return nil, ("callback: %s cannot reach %s from elsewhere; give callback_url, the address that leads there "
      .. "(a proxy's, a tunnel's)"):format(session.adapter.name, listener.url)
  end
  return listener.url
end

--- Sets how callbacks reach an account: from its client's options.
---@param session runway.Session
---@param listener runway.CallbackListener|nil
---@param secrets string|string[]|nil
---@return true|nil
---@return string|nil fault
function callbacks.join(session, listener, secrets)
  local keys, fault
  if secrets then
    signature = require "runway.callbacks.signature"
    keys, fault = signature.keys(secrets)
    if not keys then return nil, "callback_secret: " .. fault end
  end
  if listener and not listener.listener then return nil, "callback: the listener is closed" end
  session.callbacks = { listener = listener, secret = secrets, keys = keys, hooks = hook.table(), missed = 0, lost = {},
    seen = keys and signature.seen(scheduler.now()) }
  if listener then
    session.callback_url, fault = address(session, listener)
    if fault then return nil, fault end
    callbacks.serve(session)
  end
  return true
end

--- Callbacks that no task of this program waits for are looked for in this session's journal, too.
---@param session runway.Session
function callbacks.serve(session)
  local listener = session.callbacks.listener
  if listener then listener.sessions[session] = true end
end

--------------------------------------------------------------------- of a submit

--- The client's callback URL with a word in it that only this submit's provider is told.
---@param session runway.Session
---@param token string|nil
---@return string|nil
function callbacks.url(session, token)
  local url = session.callback_url
  if not url or not token then return url end
  url = url:gsub("#.*$", "")
  return ("%s%s%s=%s"):format(url, url:find("?", 1, true) and "&" or "?", IN_URL, token)
end

--- The token of a submit: its attempt's, or where no journal remembers it one of its own.
---@param session runway.Session
---@param attempt string|nil
---@return string|nil
function callbacks.token(session, attempt)
  return attempt or session.callbacks.listener and core.token() or nil
end

local DEEPEST = 20                            -- tables in one another that a URL is looked for in

local function holds(v, url, depth)
  if type(v) ~= "table" then return v == url end
  if depth == 0 then return false end
  for _, part in next, v do
    if holds(part, url, depth - 1) then return true end
  end
  return false
end

-- Wherever the adapter has put it: in the JSON, the query, a form, a header, a text of its own.
local function bears(request, url)
  return type(request.body) == "string" and request.body:find(url, 1, true) ~= nil or holds(request, url, DEEPEST)
end

--- Whom a callback of this submit is to wake; nil where none is to come: the provider takes no such URL, or the caller
--- has given another.
---@param session runway.Session
---@param token string|nil
---@param request runway.AdapterRequest
---@param others boolean         the caller has given one
---@return runway.Hook|nil
function callbacks.expect(session, token, request, others)
  local url = not others and callbacks.url(session, token)
  if not url then return nil end
  if not bears(request, url) then
    session:complain("warning", session.adapter.name .. " takes no callback_url with this task: none will come, and it "
      .. "is asked about as ever")
    return nil
  end
  return token and hook.of(session, token, session.callbacks.listener ~= nil) or nil
end

--- The same of an attempt whose task is attached to: its URL may have gone out with an earlier run.
---@param session runway.Session
---@param token string
---@return runway.Hook|nil
function callbacks.hook(session, token)
  return session.callback_url and hook.of(session, token, false) or nil
end

--- Its answer was lost, and no journal remembers that: a callback would be the first to name its task.
---@param one runway.Hook
function callbacks.lose(one)
  local lost = one.session.callbacks.lost
  if #lost >= MOST_LOST then table.remove(lost, 1) end
  lost[#lost + 1] = one
end

--------------------------------------------------------------------- what came

-- Is it signed as it must be, and new? True; nil, problem.
local function believe(session, body, headers)
  local mine = session.callbacks
  if not mine.keys then return true end
  local id, why = signature.check(mine.keys, body, headers, core.wall_ms() / 1000)
  if not id then
    return nil, { kind = "protocol", code = "signature", message = "the callback is not believed: " .. why }
  end
  if signature.is_known(mine.seen, id, scheduler.now()) then
    return nil, { kind = "protocol", code = "duplicate", message = "the callback came before" }
  end
  return true
end

-- What it says: { id =, status = }; nil, problem.
local function hint_of(session, body, headers)
  if not session.adapter.callback then return nil, session.adapter.name .. " has no callbacks" end
  local payload, message = json.decode(body)
  if type(payload) ~= "table" then
    return nil, { kind = "protocol", message = "the callback is not a JSON object"
      .. (message and ": " .. message or "") }
  end
  local hint, problem, fault = adapter.read(session, "callback", payload, headers)
  if hint and type(hint.id) == "string" then return hint end
  return nil, { kind = "protocol", message = problem and problem.message or "the callback names no task"
    .. (fault and " (" .. fault .. ")" or "") }
end

-- The token in a URL, or in its path and query; nil: there is none.
local function token_in(target)
  return target:match("[?&]" .. IN_URL .. "=(" .. ("%x"):rep(32) .. ")%f[^%x]")
end

-- Tells the journal; the key of the entry that the token names.
local function settle(session, token, id)
  local key, err = journal.called_back(session.journal, token, id)
  if err then
    session:log("error", ("a callback named the task %s, but the journal could not take it in: %s"):format(id,
      err.message))
  end
  return key
end

-- Wakes by what it says.
local function ring(one, hint)
  if one.id and hint and hint.id ~= one.id then return end -- its token, and another's task
  one:ring(hint and hint.status)
  if one.id or not hint then return end
  local session, lost = one.session, one.session.callbacks.lost
  for i, had in ipairs(lost) do
    if had == one then
      table.remove(lost, i)
      one.id = hint.id
      session:log("warning", ("a callback names the task of a submit whose answer was lost: %s; go on with it by "
        .. "client:task(id)"):format(hint.id), { task_id = hint.id })
      return
    end
  end
end

--- Reads one that was received elsewhere.
---@param session runway.Session
---@param body string
---@param headers table
---@param target string|nil
---@return table|nil hint
---@return runway.Error|nil err
function callbacks.read(session, body, headers, target)
  if #body > LONGEST then return session:refuse { kind = "limit", message = "the callback is larger than 1 MiB" } end
  local ok, problem = believe(session, body, headers)
  if not ok then return session:refuse(problem) end
  local hint
  hint, problem = hint_of(session, body, headers)
  if not hint then return session:refuse(problem) end
  local token = target and token_in(target)
  if not token then return hint end
  local one = hook.find(session, token)
  if one then ring(one, hint) end
  if session.journal then hint.key = settle(session, token, hint.id) end
  return hint
end

local OPEN = { submitting = true, unknown = true }

-- A journal has its token, of an earlier run or another program.
local function found(session, row, came)
  if row.provider ~= session.adapter.name or row.base_url ~= session.base then return false end
  local hint = OPEN[row.state] and believe(session, came.body, came.headers)
    and hint_of(session, came.body, came.headers)
  if hint then settle(session, came.token, hint.id) end
  return true
end

-- It bears the token of a submit of this program.
local function wake(one, token, request)
  local session = one.session
  if not believe(session, request.body, request.headers) then return end
  local hint = hint_of(session, request.body, request.headers)
  ring(one, hint)
  if hint and not one.id and session.journal then scheduler.spawn(settle, session, token, hint.id) end
end

local function deliver(listener, request)
  local token = token_in("?" .. request.query)
  if not token then return end
  local known = {}
  for _, session in ipairs(listener:clients()) do
    local one = hook.find(session, token)
    if one and not known[one] then
      known[one] = true
      wake(one, token, request)
    end
  end
  if not next(known) then
    late.ask(listener, { token = token, body = request.body, headers = request.headers }, found)
  end
end

--- Opens a listener, to be given to clients as their `callback`.
---@param given? runway.CallbackOptions
---@return runway.CallbackListener|nil
---@return runway.Error|nil err   code "listen": the port is taken, a descriptor, thread or library is missing
function callbacks.listen(given)
  late = require "runway.callbacks.late"
  return require("runway.callbacks.port").open(given, deliver)
end

---@param v any
---@return boolean
function callbacks.is_listener(v) return require("runway.callbacks.port").is(v) end

return callbacks
