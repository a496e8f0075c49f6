-- book.lua: a store, and what is still owed to it.
--
-- What was learnt after money was spent (an id, an end) must get into the journal even when a write fails:
-- the disk is full now, the connection lost. Such a write is owed. It is tried again with growing pauses
-- while the program runs, behind the next write that succeeds, before what it speaks of is asked for, and when
-- the journal is closed; until then the program's last words tell of it.

local clock = require "runway.clock"
local core = require "runway.core"
local scheduler = require "runway.scheduler"
local values = require "runway.values"

local book = {}

---@class runway.Book
---@field store runway.Store
---@field path string         for messages
---@field owed table[]        { statements =, token =, word = }
---@field attempts integer    submits that are under way
---@field closing boolean     to be closed with the last of them
local Book = {}
Book.__index = Book

local FIRST_PAUSE, LONGEST_PAUSE = 1, 60      -- seconds

---@param store runway.Store
---@return runway.Book
function book.new(store)
  return setmetatable({ store = store, path = store.path, owed = {}, attempts = 0, closing = false,
    pause = FIRST_PAUSE }, Book)
end

-- As far as it goes: true, or nil, err.
local function pay(self)
  while self.owed[1] do
    local debt = self.owed[1]
    local done, err = self.store:write(debt.statements)
    if not done then return nil, err end
    table.remove(self.owed, 1)
    if debt.word then core.take_back(debt.word) end
  end
  scheduler.cancel_timer(self.timer)
  self.timer, self.pause = nil, FIRST_PAUSE
  return true
end

-- In one job, whoever asks: who waits for it may be cancelled.
local function payment(self)
  if not self.payer or self.payer:done() then self.payer = scheduler.spawn(pay, self) end
  return self.payer
end

--- Pays what is owed. Parks.
---@return true|nil
---@return runway.Error|nil err   something is still owed
function Book:pay()
  return payment(self):join()
end

--- Is something owed of the attempt that has this token?
---@param token string
---@return boolean
function Book:owes(token)
  for _, debt in ipairs(self.owed) do
    if debt.token == token then return true end
  end
  return false
end

-- One timer, again and again until all is paid.
function Book:pay_later()
  if self.timer then return end
  local function due()
    self.timer = nil
    self:pay_later()
    payment(self)
  end
  self.timer = scheduler.at(clock.now() + self.pause, due)
  self.pause = math.min(2 * self.pause, LONGEST_PAUSE)
end

-- A database holds credits as fractions, and sums them so. Whole ones are integers, as providers name them.
local CREDITS = { "credits", "estimated", "reserved", "spent", "charged", "passing" }

local function told(results, err)
  for _, result in ipairs(results or {}) do
    for _, row in ipairs(result.rows) do
      for _, name in ipairs(CREDITS) do row[name] = row[name] and values.whole(row[name]) end
    end
  end
  return results, err
end

--- Reads. Parks.
---@param statements table[]
---@return table[]|nil results
---@return runway.Error|nil err
function Book:read(statements)
  return told(self.store:read(statements))
end

--- Writes: all or nothing. Parks.
---@param statements table[]
---@return table[]|nil results
---@return runway.Error|nil err
function Book:write(statements)
  local results, err = self.store:write(statements)
  if results and self.owed[1] then payment(self) end
  return told(results, err)
end

--- Writes what must not be lost: when it fails, it is owed.
---@param statements table[]    that may be written twice
---@param what string           for the last words
---@param token? string          of the attempt that they tell of
---@return table[]|nil results
---@return runway.Error|nil err
function Book:write_surely(statements, what, token)
  local results, err = self:write(statements)
  if results then return results end
  self.owed[#self.owed + 1] = { statements = statements, token = token,
    word = core.leave_word(("runway: the journal %s could not take in that %s\n"):format(self.path, what)) }
  if not self.closed then self:pay_later() end
  return nil, err
end

--- A submit begins; it ends with `leave`.
function Book:enter()
  self.attempts = self.attempts + 1
end

function Book:leave()
  self.attempts = self.attempts - 1
  if self.attempts == 0 and self.closing then self:close() end
end

--- Closes it now. Parks.
function Book:close()
  if self.closed then return end
  self.closed = true
  scheduler.cancel_timer(self.timer)
  if self.owed[1] then self:pay() end
  self.store:close()
end

--- Closes it once no submit is under way: what is paid for is still to be written down.
function Book:close_after()
  if self.attempts == 0 then return self:close() end
  self.closing = true
end

return book
