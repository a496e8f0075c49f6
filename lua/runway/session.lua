-- session.lua: what a client hands down to the rooms below it: whose account it is, where requests go,
-- what they may take, and the one way to say that something failed.
--
-- Every error of an account is made here, so that none leaves without the provider's name or with
-- the key in it.

local admission = require "runway.admission"
local api_key = require "runway.api_key"
local core = require "runway.core"
local errors = require "runway.errors"
local guard = require "runway.guard"
local retry = require "runway.retry"
local scheduler = require "runway.scheduler"
local text = require "runway.text"

---@class runway.Session
---@field adapter runway.Adapter
---@field transport runway.Transport
---@field base string          "https://host/prefix", without a slash at its end
---@field account string|false the options by which the command finds the same; false: it cannot
---@field plain_account string|false   the same without a journal
---@field loopback boolean     is the base URL on this machine?
---@field key? string          for the signature; of a function the one that it gave last
---@field key_of? function      gives the key, before each call
---@field key_from string       where it was found, for people
---@field secrets string[]      the keys that are kept out of every text
---@field signed? { key: string, bare: table<string, string>, json: table<string, string> }  headers of requests to the
---  base URL, once made
---@field limits runway.Limits
---@field admission runway.Admission   how many submits are on their way
---@field lane integer         the line in which its requests wait
---@field files_lane integer   and the one of its downloads, which may take long
---@field uploads_lane integer and the one of its uploads, which a submit waits for
---@field callback_url? string
---@field callbacks runway.Callbacks
---@field budget? number      credits; no submit takes what is spent and reserved past it
---@field prices? table|fun(kind: string, params: runway.Params): number|nil  the user's, in credits
---@field journal? runway.Journal   remembers what is paid for
---@field purse? runway.Purse       counts that where there is no journal
---@field places? runway.Places     how many tasks may be under way
---@field own_journal? boolean      it was opened by the client, and is closed with it
---@field logger? function     the user's; call `session:log`
---@field faults table<string|integer, any>  of the adapter, as standard error was told of them: a list, and a set
---@field logged table<string|integer, any>  and as the logger was
---@field live table[]         what `close` gives up: waiters, each with a `stop`; see `enlist`
---@field watch { timer: table|false }   of the first of their deadlines
---@field held_until table<string, number>  on scheduler.now(): what servers have asked for
---@field closed boolean

---@class runway.Limits
---@field timeout number          seconds for one call
---@field deadline? number        seconds after which a call ends whatever it waits for
---@field connect_timeout number  seconds
---@field max_retries integer
---@field poll_interval? number   seconds
---@field max_in_flight integer
---@field max_body_bytes integer
---@field proxy? string
---@field ca_file? string
---@field resolve? table<string, string>
---@field allow_http? boolean
---@field allow_private? boolean
---@field user_agent string

---@class runway.Session
local Session = {}
Session.__index = Session

local session = {}

local IN_FLIGHT = 32                          -- requests at once
local MAX_LOGGED = 2000                       -- bytes of one log message
local MOST_SECRETS = 100                      -- keys of a function's that are remembered, to be kept out of texts
local MOST_KNOWN = 100                        -- texts of which it is known that the logger was told
local MOST_FAULTS = 10                        -- of an adapter, that standard error shows

local lanes = 0

local environment = api_key.environment

--- What was given to a client cannot be used.
---@param name string|nil   the adapter's
---@param message string
---@return nil
---@return runway.Error
function session.config(name, message)
  return nil, errors.new { kind = "config", message = message, provider = name, sent = "no" }
end
local config = session.config

--------------------------------------------------------------------- making one

-- Providers tell their address with the beginning of their paths, or with the "/v1" of other APIs:
-- "https://host/runwayml/v1" or "https://host/v1" for what is asked at "/runwayml/v1/tasks/…".
local function without_path(base, own, paths)
  local longest, has_v1 = "", false
  for _, path in ipairs(paths) do
    for at in path:gmatch "()/" do
      local beginning = path:sub(1, at - 1)
      if #beginning > #longest and base:sub(-#beginning) == beginning then longest = beginning end
    end
    has_v1 = has_v1 or path:find("/v1/", 1, true) ~= nil
  end
  if longest == "" and base:find("/v1$") and (own and not own:find("/v1/*$") or has_v1) then longest = "/v1" end
  if longest ~= "" and own and own:gsub("/+$", ""):sub(-#longest) == longest then return base end
  return base:sub(1, #base - #longest)
end

local function base_of(adapter, given, allow_http, paths)
  local variable = adapter.env and adapter.env.base_url
  local base = given or environment(variable) or adapter.base_url
  if not base then
    return config(adapter.name, ("%s has no base URL of its own: give base_url = …%s")
      :format(adapter.name, variable and (" or set " .. variable) or ""))
  end
  local whose = given and "base_url" or environment(variable) and variable or "the adapter's base_url"
  local url, refused = core.url(base)
  if not url then return config(adapter.name, whose .. ": " .. refused) end
  if base:find("[?#]") then return config(adapter.name, whose .. ": a query or fragment has no place in it") end
  if url.scheme == "http" and not url.loopback and not allow_http then
    return config(adapter.name, whose .. ": http (without TLS) would show the key to the network; "
      .. "use https, or set allow_http = true")
  end
  return without_path((base:gsub("/+$", "")), adapter.base_url, paths), url
end

-- What is wrong with a file of authorities, as far as it can be seen: none at all, or one that may not be read. A mock
-- reads none.
local function authorities_fault(options)
  local path, transport = options.ca_file, options.transport
  if not path or transport and transport.pretends then return nil end
  local there, why = core.readable(path)
  return not there and why ~= "not a plain file" and ("ca_file: %s: %s"):format(path, why) or nil
end

-- The options by which the command finds the same account; false: it cannot, of an adapter that is given as a table.
local function account_of(name, options, base)
  if not name then return false end
  local words = { "--provider", text.shell(name) }
  if options.base_url then
    words[#words + 1] = "--base-url " .. text.shell(errors.redact(base))
    if options.allow_http then words[#words + 1] = "--allow-http" end
  end
  return table.concat(words, " ")
end

--- Lines in which requests wait, no one else's.
---@param count integer
---@return integer first
function session.lanes(count)
  lanes = lanes + count
  return lanes - count
end

--- A session from a client's options, whose types are checked.
---@param adapter runway.Adapter   checked as well
---@param options table
---@param paths? string[]          where the adapter asks, for an address that is told with the beginning of one
---@param name? string             by which the command finds the adapter
---@return runway.Session|nil
---@return runway.Error|nil err    kind "config"
function session.new(adapter, options, paths, name)
  local key, problem, from = api_key.find(adapter.name, adapter.env and adapter.env.api_key, options.api_key)
  if not key then return config(adapter.name, problem) end
  local asked = type(key) == "function" and key or nil
  if asked then key = nil end
  local base, url = base_of(adapter, options.base_url, options.allow_http, paths or {})
  if not base then return nil, url end
  local usable, why = core.proxy(options.proxy or "")
  if not usable then                          -- libcurl would show it, password and all
    return config(adapter.name, "proxy cannot be a proxy: " .. why)
  end
  why = authorities_fault(options)
  if why then return config(adapter.name, why) end
  local lane, account = session.lanes(3), account_of(name, options, base)
  local self = setmetatable({
    adapter = adapter, transport = options.transport or require "runway.transport",
    base = base, account = account, plain_account = account, loopback = url.loopback,
    key = key, key_of = asked, key_from = from, secrets = { key }, live = {},
    watch = { timer = false }, held_until = {},
    faults = {}, logged = {}, closed = false,
    admission = admission.new(options.max_in_flight or IN_FLIGHT),
    lane = lane, files_lane = lane + 1, uploads_lane = lane + 2,
    logger = options.logger, callback_url = options.callback_url, callbacks = {}, budget = options.budget,
    prices = options.prices,
    limits = {
      timeout = options.timeout or 60, deadline = options.deadline,
      connect_timeout = options.connect_timeout or 10,
      max_retries = options.max_retries or 4, poll_interval = options.poll_interval,
      max_in_flight = options.max_in_flight or IN_FLIGHT, max_body_bytes = options.max_body_bytes or 4 * 1024 * 1024,
      proxy = options.proxy, ca_file = options.ca_file, resolve = options.resolve,
      allow_http = options.allow_http, allow_private = options.allow_private,
      user_agent = options.user_agent or ("runway-lua/" .. core.version),
    },
  }, Session)
  local unread = not options.base_url and api_key.unread_address(adapter.name, adapter.env)
  if unread then self:log("warning", ("%s; requests go to %s"):format(unread, base)) end
  return self
end

--------------------------------------------------------------------- what is said

--- A failure: the provider is named, the key taken out of every text.
---@param e table   fields of runway.Error
---@return nil
---@return runway.Error
function Session:error(e)
  e.provider = self.adapter.name
  return nil, errors.new(e, self.secrets)
end

--- A failure before anything was sent.
---@param problem table|string   a runway.Problem, what the core found (`permanent`: it does not pass), or a message
---@return nil
---@return runway.Error
function Session:refuse(problem)
  if type(problem) ~= "table" then problem = { message = tostring(problem) } end
  return self:error {
    kind = problem.kind or "invalid_request", code = problem.code, field = problem.field,
    message = problem.message or "refused",
    sent = "no", retryable = problem.permanent == false and retry.is_shortage(problem),
  }
end

--- A text without the key.
---@param said any
---@return any
function Session:redact(said)
  return errors.redact(said, self.secrets)
end

--- Tells the user's logger; it can neither end a call nor see what must stay hidden.
---@param level "debug"|"warning"|"error"
---@param message string
---@param more? table
function Session:log(level, message, more)
  if not self.logger then return end
  scheduler.guard(self.logger, level, text.cut(self:redact(message), MAX_LOGGED), more or {})
end

--- Tells the logger what is wrong with the adapter, or with what is asked for, each once: every look may say it again.
---@param level "warning"|"error"
---@param fault string
---@param more? table
---@param sort? string   what is one for the logger; default: each text
function Session:complain(level, fault, more, sort)
  local logged = self.logged
  sort = sort or fault
  if logged[sort] then return end
  if #logged < MOST_KNOWN then logged[sort], logged[#logged + 1] = true, sort end
  self:log(level, fault, more)
end

-- What two faults of an adapter have in common that differ in a value (see shown.lua): it is one, met in two answers.
local function sort_of(fault)
  return (fault:gsub('the string "[^"]*"', "a string"):gsub("the number [^ ]+", "a number"))
end

--- Tells the logger what is wrong with an answer of the adapter, each sort of it once.
---@param level "warning"|"error"
---@param fault string
function Session:fault(level, fault)
  self:complain(level, fault, nil, sort_of(fault))
end

--- Shows on standard error what is wrong with the adapter while no error comes of it, for a wait goes on; each sort
--- once, and a few at most. Where there is a logger it was told.
---@param fault string
function Session:blame(fault)
  local faults, sort = self.faults, sort_of(fault)
  if self.logger or faults[sort] or #faults == MOST_FAULTS then return end
  faults[sort], faults[#faults + 1] = true, sort
  guard.say(self:redact(fault))
end

--------------------------------------------------------------------- the key

--- The key that a call which begins now is to bear: asked for, where a function gives it, so that one that was
--- renewed counts at once. `self.key` is the same until the next call asks.
---@return string|nil
---@return runway.Problem|nil problem
function Session:current_key()
  if not self.key_of then return self.key end
  local key, why = api_key.ask(self.key_of)
  if not key then return nil, { kind = "config", code = "api_key", message = why } end
  if key ~= self.key then
    local secrets = self.secrets
    if #secrets >= MOST_SECRETS then table.remove(secrets, 1) end
    secrets[#secrets + 1] = key
    self.key = key
  end
  return key
end

--- The same account with another journal: what is under way, limits, lines, keys and what it has spent are one. What
--- others have spent, and how many tasks there are, is that journal's to count.
---@param journal runway.Journal
---@param line? runway.Places
---@return runway.Session
function Session:remembering(journal, line)
  local other = setmetatable({ places = line }, { __index = self })
  other:remember(journal)
  return other
end

--- From now on it has this journal, which is part of how the command finds its tasks.
---@param journal runway.Journal
function Session:remember(journal)
  self.journal = journal
  self.account = self.plain_account and ("%s --journal %s"):format(self.plain_account, text.shell(journal.path))
end

--------------------------------------------------------------------- waiting, and the end

--- When a call that begins now must have ended, on scheduler.now(); nil: whenever it does.
---@param seconds? number   the call's own deadline; default: the client's
---@return number|nil
function Session:deadline(seconds)
  seconds = seconds or self.limits.deadline
  return seconds and scheduler.now() + seconds or nil
end

--- Does it lead to the world? What a mock's tasks cost is nothing.
---@return boolean
function Session:is_real()
  return not self.transport.pretends
end

local watch

-- The deadline that comes first has come: those whose own is over are told, by their `late`.
local function tell_late(self)
  local now, late, first = scheduler.now(), {}, nil
  self.watch.timer = false
  for _, w in ipairs(self.live) do
    local deadline = w.deadline
    if deadline and deadline <= now then
      late[#late + 1] = w
    elseif deadline and (not first or deadline < first) then
      first = deadline
    end
  end
  if first then watch(self, first) end
  for _, w in ipairs(late) do
    w.deadline = nil
    w:late()
  end
end

-- One timer for all: a call has its deadline an hour away, as a rule, and ends in a second.
function watch(self, deadline)
  local its = self.watch
  if its.timer and its.timer.time <= deadline then return end
  scheduler.cancel_timer(its.timer)
  its.timer = scheduler.at(deadline, tell_late, self)
end

--- Notes a waiter that has a `stop`, for `close` to give up what it waits for. A list, and not a set by waiters: as
--- many go out of it as come in, and of a table that is nearly full all the time each second one has it sorted anew.
---@param w table
---@param deadline? number   on scheduler.now(): its `late` is called then
function Session:enlist(w, deadline)
  local live = self.live
  local at = #live + 1
  live[at], w.place = w, at
  if deadline then
    w.deadline = deadline
    watch(self, deadline)
  end
end

---@param w table   one that is noted, or not any more
function Session:strike(w)
  local live, at = self.live, w.place
  if not at then return end
  local size = #live
  local last = live[size]
  live[at], last.place = last, at             -- in its place
  live[size], w.place = nil, false
  if size == 1 and self.watch.timer then      -- nothing is left to be watched
    scheduler.cancel_timer(self.watch.timer)
    self.watch.timer = false
  end
end

-- Of those that wait between two requests, each with its session, its timer and maybe its bells.
local function let_go(w)
  w.session:strike(w)
  if w.bells then w.bells[w] = nil end
  scheduler.cancel_timer(w.timer)
end

local Alarm = scheduler.kind_of_waiter {
  stop = function(_, _, w) w:wake() end,
  abandon = let_go,
  wake = function(w)
    let_go(w)
    scheduler.wake(w)
  end,
}

--- A waiter that is woken after so many seconds; `close` wakes it, too. A task that waits keeps little else.
---@param seconds number
---@param bells? table      where it stands meanwhile, for who may wake it sooner
---@return table waiter
function Session:alarm(seconds, bells)
  local w = scheduler.waiter(Alarm)
  w.session, w.timer = self, scheduler.wake_at(scheduler.now() + seconds, w)
  if bells then w.bells, bells[w] = bells, true end
  self:enlist(w)
  return w
end

--- Can anything be asked of it still?
---@return true|nil
---@return runway.Error|nil err   cancelled
function Session:is_open()
  if not self.closed then return true end
  return self:refuse { kind = "cancelled", message = "the client is closed" }
end

--- Waits between two requests; `close` ends it.
---@param seconds number
---@return boolean open   false: the client was closed meanwhile
function Session:pause(seconds)
  scheduler.park(self:alarm(seconds))
  return not self.closed
end

--- Looks at the local disk, or writes a small file there, off this thread; through the core where the
--- transport plays: files are real even then. While a descriptor or thread is lacking it is tried again, as
--- a request is.
---@param what "probe"|"digest"|"read"|"try"|"write"
---@param path string
---@param deadline? number     on scheduler.now()
---@param overwrite? boolean   of `try` and `write`
---@param said? string         what to write
---@return table result
function Session:look(what, path, deadline, overwrite, said)
  local transport, attempts = self.transport, 0
  if not transport[what] then transport = require "runway.transport" end
  while true do
    local result = scheduler.await(function(done)
      if what == "write" then transport:write(path, overwrite, said, done)
      elseif what == "try" then transport:try(path, overwrite, done)
      else transport[what](transport, path, done) end
    end)
    attempts = attempts + 1
    local delay = retry.delay(attempts)
    if not result.error or not retry.is_shortage(result.error) or attempts > self.limits.max_retries
      or deadline and scheduler.now() + delay >= deadline or not self:pause(delay) then
      return result
    end
  end
end

--- A server has said when to come back. What is sent unbidden (retries, the queries of a wait) heeds it,
--- whichever call was told; but that no more is sold for a while is no reason not to ask after what was
--- sold. What is longer than anyone waits for is a matter of the call alone.
---@param sort "paid"|"free"|nil   of requests to the base URL
---@param seconds number|nil
function Session:hold(sort, seconds)
  if not sort or not seconds or seconds > retry.MAX_RETRY_AFTER then return end
  self.held_until[sort] = math.max(self.held_until[sort] or 0, scheduler.now() + seconds)
end

--- Seconds for which such requests are to wait.
---@param sort "paid"|"free"|nil
---@return number
function Session:held(sort)
  local till = sort and self.held_until[sort]
  return till and math.max(0, till - scheduler.now()) or 0
end

--- Ends what is under way; what may cost money and has left is awaited by those who sent it.
function Session:close()
  if self.closed then return end
  self.closed = true
  for _, w in ipairs(scheduler.newest_first(self.live)) do
    if w.place then w.stop("cancelled", "the client was closed", w) end
  end
end

return session
