-- queue.lua: what waits in a journal to be made, and the workers that take it.
--
-- A claim is one statement: it gives the entry a lease and a number (its fence) that is greater than any before. The
-- worker renews the lease while it works; every write of its bears the number, so one that has lost its lease, and
-- does not know yet, changes nothing. What a worker leaves behind is open again when its lease runs out, or at once
-- where its process was on this machine and is no more.

local attempt = require "runway.journal.attempt"
local core = require "runway.core"
local owner = require "runway.journal.owner"
local sql = require "runway.journal.sql"
local store = require "runway.store"

local queue = {}

---@class runway.Hold        a worker's hold on an entry
---@field key string
---@field fence integer
---@field submitting boolean  an attempt has it, and its own lease
---@field lost boolean        it is another's
---@field passing? boolean    the budget refused it for what is held back, and not for what is spent

--- Statements, with what wakes the workers of a database that can.
---@param book runway.Book
---@param statements table[]
---@return table[]
function queue.told(book, statements)
  if book.store.dialect == "postgresql" then statements[#statements + 1] = sql.notify() end
  return statements
end

--- Puts a key in line, unless it is there; the row as it stands then.
---@param book runway.Book
---@param intent runway.Intent
---@param recipe string
---@param moment? integer       when it was asked for; default: now
---@return table|nil row
---@return runway.Error|nil err
function queue.enqueue(book, intent, recipe, moment)
  local results, err = book:write(queue.told(book, { sql.enqueue(intent, moment or attempt.moment(), recipe),
    sql.find(intent.key) }))
  if not results then return nil, err end
  return results[2].rows[1]
end

local function oldest_first(a, b)
  if a.created_at ~= b.created_at then return a.created_at < b.created_at end
  return a.key < b.key
end

-- The rows that a claim gave, each with its hold.
local function held(results, err)
  if not results then return nil, err end
  local rows = {}
  for _, result in ipairs(results) do
    for _, row in ipairs(result.rows) do rows[#rows + 1] = row.key and row end
  end
  table.sort(rows, oldest_first)
  for _, row in ipairs(rows) do
    row.hold = { key = row.key, fence = row.fence, submitting = false, lost = false }
  end
  return rows
end

---@class runway.Account
---@field provider string
---@field base_url string

--- Takes what waits to be submitted, the oldest first; nothing while as many tasks are under way as may be, and of
--- those models alone that have room: what others have claimed counts as well.
---@param book runway.Book
---@param account runway.Account
---@param most integer          so many at most
---@param terms runway.Terms
---@return table[]|nil rows     each with its `hold`
---@return runway.Error|nil err
function queue.claim(book, account, most, terms)
  local now = core.wall_ms()
  return held(book:write(sql.claim(book.store.dialect, account, now, now + attempt.LEASE, owner.me(), most, terms)))
end

--- Are fewer of a model under way on an account than may be?
---@param book runway.Book
---@param account runway.Account
---@param model string
---@param most integer
---@return boolean|nil
---@return runway.Error|nil err
function queue.has_room(book, account, model, most)
  local found, err = book:read { sql.of_model({ provider = account.provider, base_url = account.base_url,
    model = model }, core.wall_ms()) }
  if not found then return nil, err end
  return found[1].rows[1].under_way < most
end

--- How many are queued, for each account, those with the most of them first.
---@param book runway.Book
---@return { provider: string, base_url: string, entries: integer }[]|nil
---@return runway.Error|nil err
function queue.queued(book)
  local found, err = book:read { sql.queued() }
  if not found then return nil, err end
  return found[1].rows
end

--- What is under way, of any account: of what no one here follows, too.
---@param book runway.Book
---@param most integer
---@return table[]|nil rows
---@return runway.Error|nil err
function queue.under_way(book, most)
  local found, err = book:read { sql.under_way(core.wall_ms(), most) }
  if not found then return nil, err end
  return found[1].rows
end

--- Takes what others have begun and left.
---@return table[]|nil rows
---@return runway.Error|nil err
function queue.take_over(book, account, most)
  local now = core.wall_ms()
  return held(book:write { sql.take_over(book.store.dialect, account, now, now + attempt.LEASE, owner.me(), most) })
end

--- Renews the leases of holds; those that are another's by now are `lost`.
---@param book runway.Book
---@param holds runway.Hold[]
---@return true|nil
---@return runway.Error|nil err
function queue.renew(book, holds)
  local statements, asked, lease = {}, {}, core.wall_ms() + attempt.LEASE
  for _, hold in ipairs(holds) do
    if not hold.submitting and not hold.lost then
      statements[#statements + 1] = sql.hold(hold.key, hold.fence, lease)
      asked[#asked + 1] = { hold, hold.fence }
    end
  end
  if #statements == 0 then return true end
  local results, err = book:write(statements)
  if not results then return nil, err end
  for i, one in ipairs(asked) do
    local hold, fence = one[1], one[2]
    -- one that began to be submitted meanwhile has another number
    if results[i].changes == 0 and not hold.submitting and hold.fence == fence then hold.lost = true end
  end
  return true
end

--- Gives up holds. What has not come to its end is open to others from when it is due; what was not this worker's any
--- more is `lost`.
---@param book runway.Book
---@param holds runway.Hold[]
---@param due? integer            Unix ms; nil: now
---@param err? runway.Error       what stands in the way
---@return true|nil
---@return runway.Error|nil err
function queue.hand_on(book, holds, due, err)
  local statements = {}
  for i, hold in ipairs(holds) do
    statements[i] = sql.hand_on(hold.key, hold.fence, due, err and err.message, err and err.code)
  end
  if #statements == 0 then return true end
  local results, failure = book:write(queue.told(book, statements))
  if not results then return nil, failure end
  for i, hold in ipairs(holds) do hold.lost = results[i].changes == 0 end
  return true
end

--- Gives up the hold on what has come to its end.
---@param book runway.Book
---@param hold runway.Hold
---@return true|nil
---@return runway.Error|nil err
function queue.close(book, hold)
  local results, err = book:write { sql.close(hold.key, hold.fence) }
  if not results then return nil, err end
  return true
end

--- Has what failed made anew under another key, and gives up the hold: both or neither.
---@param book runway.Book
---@param hold runway.Hold
---@param another string
---@param recipe string
---@return boolean|nil made
---@return runway.Error|nil err
function queue.again(book, hold, another, recipe)
  local results, err = book:write(queue.told(book, {
    sql.enqueue_again(hold.key, hold.fence, another, attempt.moment(), recipe),
    sql.close(hold.key, hold.fence) }))
  if not results then return nil, err end
  return results[1].changes > 0
end

--- Opens what was left by processes of this machine that are no more.
---@param book runway.Book
---@return true|nil
---@return runway.Error|nil err
function queue.sweep(book)
  local found, err = book:read { sql.owners(core.wall_ms()) }
  if not found then return nil, err end
  local statements = {}
  for _, row in ipairs(found[1].rows) do
    if owner.is_gone(row.owner) then statements[#statements + 1] = sql.let_go(row.owner) end
  end
  if #statements == 0 then return true end
  local results
  results, err = book:write(statements)
  if not results then return nil, err end
  return true
end

--- Waits until workers are told of something new: see store.hear.
---@param book runway.Book
---@return true|nil
---@return runway.Error|nil err   the database cannot tell, or is away
function queue.hear(book)
  return store.hear(book.store)
end

--- What has not come to its end, so many at most, in the order in which it may be gone on with.
---@param book runway.Book
---@param account runway.Account
---@param most integer
---@param patience integer      milliseconds from now: what is put back for longer waits until later
---@return table[]|nil rows     with a `stage`: 1: someone has it, or comes to have it; 2: it waits for room; 3: it is
---  put back until it is due
---@return runway.Error|nil err
function queue.unfinished(book, account, most, patience)
  local now = core.wall_ms()
  local found, err = book:read { sql.unfinished(account, now, now + patience, most) }
  if not found then return nil, err end
  return found[1].rows
end

return queue
