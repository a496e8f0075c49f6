-- store.lua: SQL on a thread of its own, over SQLite or PostgreSQL. Transactions go in, rows come out;
-- what waits is committed together. The loop never waits for a disk or a server.
--
-- One dialect for both: BIGINT, TEXT, DOUBLE PRECISION, INSERT … ON CONFLICT … DO …, RETURNING,
-- coalesce, CASE, and $1, $2, … for parameters. Times are parameters, there are no booleans.

local companion = require "runway.companion"
local core = require "runway.core"
local errors = require "runway.errors"
local options = require "runway.options"
local scheduler = require "runway.scheduler"
local text = require "runway.text"

local store = {}

---@class runway.Store
---@field dialect "sqlite"|"postgresql"
---@field path string       for messages: a file, or a URI without user, password and options
---@field secret? string           of its URI, kept out of texts
---@field handle any               of the driver; nil: closed
---@field hearing? boolean         does it listen for what others tell?
local Store = { __name = "runway.store" }
Store.__index = Store

---@class runway.Statement
---@field [1] string        SQL
---@field [integer] string|number|boolean|nil  its parameters; true is 1, false is 0
---@field n? integer        how many parameters; needed where the last ones are nil

---@class runway.StatementResult
---@field rows table<string, string|number>[]   NULL is nil
---@field changes integer   rows inserted, updated or deleted

local NOTHING = {}

--------------------------------------------------------------------- errors

-- What to do, by code. Those of the second list are worth another try.
local ADVICE = {
  busy = "another program holds the database: end it, or try again",
  full = "make room, then try again",
  readonly = "it and its directory must be writable for this user",
  no_locks = "its file system has no locks, without which nothing keeps two programs apart: name a file on another",
  corrupt = "put it aside and save what can be (sqlite3 OLD .recover | sqlite3 NEW, or .dump); before you go on with "
    .. "that, or with a copy from before, look what is missing in it",
  not_a_database = "name another file; this one was left as it is",
  lost = "try again once the database can be reached",
  memory = "there is not enough memory",
  closed = "open it again",
}
local RETRYABLE = { busy = true, full = true, lost = true }
local MISPLACED = { where = true, not_a_database = true, forked = true }

---@param self runway.Store
---@param code string
---@param message string
---@param maybe? boolean
---@return runway.Error   with `maybe` where what was to be committed may be there
local function trouble(self, code, message, maybe)
  message = self.path .. ": " .. message
  if maybe then
    message = message .. "; whether it was committed is not known"
  elseif ADVICE[code] then
    message = message .. ": " .. ADVICE[code]
  end
  local err = errors.new({
    kind = MISPLACED[code] and "config" or "io", code = code, message = message,
    retryable = RETRYABLE[code] and not maybe,
  }, self.secret)
  err.maybe = maybe and true or nil
  return err
end

--------------------------------------------------------------------- results

local line = {}                               -- stores that someone waits for, in the order in which they are served

-- Where memory fails on the way, the next turn goes on where this one broke off.
local function drain_store(self, over)
  local inbox, waiting, hearing = self.inbox, self.waiting, self.hearing
  while inbox.result or self.handle:take(inbox) do
    local w = waiting[inbox.id] or hearing[inbox.id]
    if w then w:wake(inbox.result) end
    waiting[inbox.id], hearing[inbox.id] = nil, nil
    inbox.result = false
    if over() then return true end
  end
end

-- One that was served goes behind the others.
local function drain(over)
  for _ = 1, #line do
    local self = line[1]
    local cut = drain_store(self, over)
    table.remove(line, 1)
    self.in_line = next(self.waiting) ~= nil or next(self.hearing) ~= nil
    if self.in_line then line[#line + 1] = self end
    if cut then return true end
  end
end

local function enter(self)
  if self.in_line then return end
  line[#line + 1] = self                      -- first, for it may raise
  self.in_line = true
end

-- Who hears does not count: it may be that nothing is ever told.
local function pending()
  for i = 1, #line do
    if next(line[i].waiting) ~= nil then return true end
  end
  return false
end

scheduler.attach { name = "store", drain = drain, pending = pending }

-- Hands it over, into a table of those who wait, and waits.
local function hand_over(self, act, statements, among, w)
  enter(self)
  local id, code, message = self.handle:start(act, statements, among, w)
  if not id then return nil, trouble(self, code, message) end
  if not w.critical then w.abandon = function() among[id] = nil end end
  local result = scheduler.park(w)
  if result.code then return nil, trouble(self, result.code, result.message, result.maybe) end
  return result
end

-- What was handed over is done, whatever becomes of who waits for it.
local function perform(self, act, statements)
  local w = scheduler.waiter()
  w.critical = true
  return hand_over(self, act, statements, self.waiting, w)
end

--------------------------------------------------------------------- opening

-- A URI as libpq reads it: what to show of it, and the password in it.
local function read_uri(uri)
  local scheme, authority, rest = uri:match "^(postgres[ql]*://)([^/]*)(.*)$"
  if rest:find("@", 1, true) then return nil end
  local shown = scheme .. authority:gsub("^.*@", ""):gsub("%?.*", "") .. rest:gsub("%?.*", "")
  return shown, authority:match "^[^:]*:(.*)@" or uri:match "[?&]password=([^&]*)"
end

--- Opens a database; a file that is not there is made, for its owner alone.
---@param where string   a path, or "postgresql://host/database" as libpq reads it
---@return runway.Store|nil
---@return runway.Error|nil err   kind "config": what was named cannot be used; "io": not now
function store.open(where)
  if type(where) ~= "string" then error("a store is a path or a URI, not " .. type(where), 2) end
  if where == "" or where:find "%z" then error("a store's path is not empty and holds no NUL", 2) end
  local self = setmetatable({
    waiting = {}, hearing = {}, in_line = false, inbox = { id = false, result = false }, path = where,
    dialect = "sqlite",
  }, Store)
  if where:find "^postgresql://" or where:find "^postgres://" then
    self.dialect = "postgresql"
    self.path, self.secret = read_uri(where)
    if not self.path then
      return nil, errors.new { kind = "config", code = "where",
        message = "this is no URI of a database: in a user or password, @ is written %40 and / is written %2F" }
    end
  elseif where:find "^:" then
    where = "./" .. where                     -- ":memory:" is a name like any other
  end
  local driver, missing = companion.load(self.dialect, "this")
  if not driver then return nil, errors.new { kind = "config", message = missing } end
  local notify, why, kind = core.notify_fd()
  if notify then self.handle, why = driver.open(where, notify) end
  if not self.handle then return nil, errors.new { kind = kind or "limit", message = why } end
  local opened, err = perform(self, "read", NOTHING)
  if opened then return self end
  self.handle:close()
  return nil, err
end

--------------------------------------------------------------------- using

local function check_self(self)
  if getmetatable(self) ~= Store then options.without_self "store" end
end

local function checked(self, statements)
  if type(statements) ~= "table" then error("a list of statements is needed, not " .. type(statements), 3) end
  if self.closed then return nil, trouble(self, "closed", "the database was closed") end
  return true
end

--- Runs the statements in one transaction, all or none, and waits until it is committed.
---@param statements runway.Statement[]
---@return runway.StatementResult[]|nil  one for each
---@return runway.Error|nil err  `code`: busy, full, readonly, no_locks, corrupt, not_a_database, lost, constraint,
---  sql, not_text, closed, memory, io; with `maybe` it may have been committed all the same
function Store:write(statements)
  check_self(self)
  local ok, err = checked(self, statements)
  if not ok then return nil, err end
  return perform(self, "write", statements)
end

--- The same without the lock that writing takes; it changes nothing.
---@param statements runway.Statement[]
---@return runway.StatementResult[]|nil
---@return runway.Error|nil err
function Store:read(statements)
  check_self(self)
  local ok, err = checked(self, statements)
  if not ok then return nil, err end
  return perform(self, "read", statements)
end

--- Is it sound? All of a file is read: a bit that has flipped in an index hides a row, and no other reader sees that. A
--- server looks after its own.
---@return true|nil
---@return runway.Error|nil err   code "corrupt"
function Store:check()
  if self.dialect ~= "sqlite" then return true end
  local found, err = self:read { { "PRAGMA integrity_check(1)" } }
  if not found then return nil, err end
  local said = found[1].rows[1].integrity_check
  if said == "ok" then return true end
  return nil, trouble(self, "corrupt", "the file is damaged (" .. text.line(said, 200) .. ")")
end

--- Closes it, after what was handed in before. May be called again.
function Store:close()
  check_self(self)
  if self.closed then return end
  self.closed = true
  perform(self, "shut", NOTHING)
  self.handle:close()
end

--------------------------------------------------------------------- listening, for the journal

--- Waits in a job until someone tells those who listen (NOTIFY runway), or told them after the last answer. Where
--- listening begins, and begins anew after the connection was lost, it is answered at once, for something may have been
--- missed. So who asks and looks then, each time, misses nothing. It keeps no loop waiting. A file tells of nothing.
---@param self runway.Store
---@return true|nil
---@return runway.Error|nil err   as of `read`; code "sql": nothing can be heard here
function store.hear(self)
  local ok, err = checked(self, NOTHING)
  if ok then ok, err = hand_over(self, "hear", NOTHING, self.hearing, scheduler.waiter()) end
  if not ok then return nil, err end
  return true
end

return store
