-- ledger.lua: what was paid for here and is not in the caller's hands yet.
--
-- A receipt is kept from before a paid request leaves until its task is known; a task from then until
-- it has ended, or its file is here. Whatever breaks in between (Ctrl-C, no memory, the end of the
-- program), this room can say which ids are at stake, and how to go on.

local answers = require "runway.answer"
local core = require "runway.core"
local errors = require "runway.errors"
local ids = require "runway.ids"
local scheduler = require "runway.scheduler"
local text = require "runway.text"

local ledger = {}

---@class runway.Receipt      of one paid call
---@field provider string
---@field real boolean        may it really cost money? A mock's tasks need no last words
---@field account? string|false   as an OpenTask's
---@field attempts integer    requests made
---@field sent boolean        has any of them left?
---@field open boolean        may the latest have made a task that is not known here?
---@field revoked table|false      the transport's error instead of a further request
---@field key string|false|nil    of the script, for whom a message names it
---@field again string|false|nil  the same where a journal knows it
---@field waiter table|false       woken with the result of the latest
---@field transport runway.Transport|false
---@field done function|false      as given to the transport
---@field handle any               false or nil: none
---@field attempt runway.Attempt|false   of the journal that keeps its key

---@class runway.OpenTask
---@field task_id string
---@field provider string
---@field status string
---@field gone? boolean       its provider says that it knows no such task
---@field kind? string
---@field key? string         by which a journal knows it: a script that is run again goes on with it
---@field account? string|false   the options by which the command finds it, where --provider alone does not; false:
---  there are none, since it knows no such provider

local MOST_LINES = 1000                       -- of one message
local MOST_HELD = 10000                       -- tasks; a host that makes more sees to them by itself

local receipts, count = {}, 0                 -- of those that are real
local held, size = {}, 0                      -- provider -> id -> { task =, known =, word = }

-- The parts of a line, which hold nothing but our own words and what `shown` let through.
local function leave_word(...)
  return core.leave_word("runway: ", ...)
end

local function take_back(word)
  if word then core.take_back(word) end
end

-- An id or a name as it may be shown. Most are plain words; an odd one is still what the task is asked for by, unless
-- it is an address.
local function shown(word)
  return word:find("://", 1, true) and errors.redact(word) or word
end

--- How to go on with a task, for those who write scripts. The command, whose users do not, sets its own.
---@param id string               as it may be shown
---@param account string|false     as an OpenTask's
---@param again string|nil|false   the key by which a journal knows it
---@return string
function ledger.to_go_on(id, account, again)
  if again then return "run it again, which goes on with it (its key is " .. text.quote(again) .. ")" end
  local word = text.shell(id)                 -- as a rule the id itself, in which nothing is to be quoted
  local script = "client:task(" .. (word == id and '"' .. id .. '"' or ("%q"):format(id)) .. "):wait()"
  if not account then return script end
  if id:find "^%-" then return script .. ", or: runway task " .. account .. " -o FILE -- " .. word end
  return script .. ", or: runway task " .. word .. " " .. account .. " -o FILE"
end

--- What to do about paid requests that the end of the program left without an answer; the command sets its own.
ledger.to_find_out = "end a script with run, all or join; a host steps until its jobs are done, then closes"

-- A line, in parts. `gone`: its provider says that it knows no such task.
local function advice(id, provider, status, account, gone, again)
  id, provider = shown(id), shown(provider)
  if account == nil then account = "--provider " .. text.shell(provider) end
  local said = gone and "its provider says that it knows no such task: deleted, or of another account?" or status
  local what = gone and ") may be paid for; to ask again: " or ") is paid for and not lost; to go on: "
  return "task ", id, " (", provider, ", ", said, what, ledger.to_go_on(id, account, again), "\n"
end

--------------------------------------------------------------------- receipts

local unanswered_word                         -- one line tells of all of them

local function recount(by)
  local before = unanswered_word
  count = count + by
  unanswered_word = count > 0 and leave_word("the program ended while ", count, " paid request(s) had no final answer "
    .. "yet; of those that had left, the tasks may exist: ", ledger.to_find_out, "\n") or nil
  take_back(before)
end

--- A receipt of what is not to be sent yet.
---@param provider string
---@param real boolean
---@param account? string|false   as an OpenTask's
---@return runway.Receipt
function ledger.receipt(provider, real, account)
  -- each field has its place beforehand: to make one later could fail, and lose what is known
  return { key = false, again = false, provider = provider, real = real, account = account, attempts = 0, sent = false,
    open = false, attempt = false,
    waiter = false, transport = false, done = false, handle = false, revoked = false }
end

--- Keeps it, before anything is sent.
---@param receipt runway.Receipt
function ledger.keep(receipt)
  receipts[receipt] = true
  if receipt.real then recount(1) end
end

--- No further request of it may leave; one that has not yet is given up.
---@param receipt runway.Receipt
---@param message string
function ledger.revoke(receipt, message)
  receipt.revoked = { kind = "cancelled", code = "lease_lost", message = message, permanent = true }
  local w = receipt.waiter
  if w and not w.done and w.stop then w.stop("cancelled", message, w) end
end

--- Its task is known, or there is none.
---@param receipt runway.Receipt
function ledger.close(receipt)
  if not receipts[receipt] then return end
  receipts[receipt] = nil
  if receipt.real then recount(-1) end
end

--- Its request was turned away, and the next has yet to leave: nothing is at stake until then.
---@param receipt runway.Receipt
function ledger.rest(receipt)
  ledger.close(receipt)
  if receipt.attempt then receipt.attempt:rest() end
end

--- The next may leave from now on. nil, err: it may not.
---@param receipt runway.Receipt
---@return true|nil
---@return runway.Error|nil err
function ledger.go_on(receipt)
  if receipt.attempt then
    local ok, err = receipt.attempt:go_on()
    if not ok then return nil, err end
  end
  ledger.keep(receipt)
  return true
end

-- Is a result still to come?
local function is_under_way(receipt)
  local w, transport = receipt.waiter, receipt.transport
  if not w or w.done then return false end
  if transport.awaits then return transport:awaits(receipt.done) end
  return (receipt.handle or nil) ~= nil
end
ledger.is_under_way = is_under_way

--- The id of the task that a receipt's answer names, as far as there is one.
---@param receipt runway.Receipt
---@return string|nil
function ledger.id_of(receipt)
  local w = receipt.waiter
  local result = w and w.done and w.value
  if type(result) ~= "table" or (result.body or "") == "" then return nil end
  return (ids.in_answer(answers.of(result)))
end

--- The same, after waiting for an answer that is still to come. What was never started has not left,
--- where the transport knows; nor has what its result tells so.
---@param receipt runway.Receipt
---@return string|nil
function ledger.await(receipt)
  if is_under_way(receipt) then scheduler.park(receipt.waiter) end
  local w = receipt.waiter
  local result = w and w.done and w.value
  if result and result.error and not result.sent or w and not w.done and receipt.transport.awaits then
    receipt.open = false
  end
  return ledger.id_of(receipt)
end

--------------------------------------------------------------------- tasks

-- Those of a provider, by id. (No name of both is put together: it would be made for each look, and kept for each.)
local function of(provider)
  if not held[provider] then held[provider] = {} end
  return held[provider]
end

-- Calls a function with each that is held.
local function each(fn)
  for _, entries in pairs(held) do
    for _, entry in pairs(entries) do fn(entry) end
  end
end

--- A task that is at stake from now on.
---@param t runway.Task
---@param real boolean
---@param known boolean   is it known to have been made, or is there nothing but an id?
---@param account? string|false   as an OpenTask's
---@param again? string   the key by which a journal knows it
function ledger.hold(t, real, known, account, again)
  local entries = of(t.provider)
  local entry = entries[t.id]
  if entry then
    entry.task, entry.known = t, entry.known or known
  elseif size < MOST_HELD then
    size = size + 1
    local how = t.status == "SUCCEEDED" and "SUCCEEDED, its film not fetched to its end" or "not seen to its end"
    local word = real and leave_word(advice(t.id, t.provider, how, account, nil, again)) or nil
    entry = { task = t, known = known, word = word, account = account } -- and no larger for those that have none
    if again then entry.again = again end
    entries[t.id] = entry
  end
end

--- The task of that id that is at stake.
---@param provider string
---@param id string
---@return runway.Task|nil
function ledger.task(provider, id)
  local entry = of(provider)[id]
  return entry and entry.task
end

--- It has ended, or its file is here.
---@param t runway.Task
function ledger.release(t)
  local entries = of(t.provider)
  local entry = entries[t.id]
  if not entry then return end
  entries[t.id], size = nil, size - 1
  take_back(entry.word)
end

--- Its provider knows no such task: if no one here ever saw more of it than an id, nothing is at stake; nor is there
--- where a journal keeps it as unknown.
---@param t runway.Task
---@param kept boolean    one does
function ledger.doubt(t, kept)
  local entry = of(t.provider)[t.id]
  if not entry then return end
  if kept or not entry.known then return ledger.release(t) end
  if entry.gone then return end
  local before = entry.word
  entry.gone = true
  entry.word = before and leave_word(advice(t.id, t.provider, "", entry.account, true, entry.again))
  take_back(before)
end

--- The user has been told of it: the end of the program need not.
---@param id string
function ledger.told(id)
  each(function(entry)
    if entry.task.id ~= id then return end
    take_back(entry.word)
    entry.word = nil
  end)
end

---@return runway.OpenTask[]  sorted by id
function ledger.open_tasks()
  local list = {}
  each(function(entry)
    local t = entry.task
    list[#list + 1] = { task_id = t.id, provider = t.provider, status = t.status, kind = t.kind,
      gone = entry.gone, account = entry.account, key = entry.again }
  end)
  for receipt in pairs(receipts) do
    local id = ledger.id_of(receipt)
    if id then
      list[#list + 1] = { task_id = id, provider = receipt.provider, status = "PENDING", account = receipt.account,
        key = receipt.again or nil }
    end
  end
  table.sort(list, function(a, b) return a.task_id < b.task_id end)
  return list
end

--- The same for people, a line for each.
---@param list runway.OpenTask[]
---@return string[]
function ledger.lines(list)
  local lines = {}
  for i, task in ipairs(list) do
    if i > MOST_LINES then
      lines[i] = ("… and %d more"):format(#list - MOST_LINES)
      break
    end
    local parts = { advice(task.task_id, task.provider, task.status, task.account, task.gone, task.key) }
    lines[i] = table.concat(parts, "", 1, #parts - 1) -- without the line's end
  end
  return lines
end

--------------------------------------------------------------------- an interrupt, and the end

---@class runway.Interrupt   what Ctrl-C raises
---@field kind "cancelled"
---@field code "interrupted"
---@field message string      with the script's place: shots.lua:12: interrupted!
---@field tasks runway.OpenTask[]   paid for, and not seen to their end
local Interrupt = { __name = "runway.interrupt" }
Interrupt.__index = Interrupt

-- Is it the interpreter that asks for the text of what ended the program? Its handler, in C, stands right above what
-- raised.
local function is_last()
  local info = debug and debug.getinfo
  local handler, by = info and info(3, "Sf"), info and info(4, "f")
  return handler ~= nil and by ~= nil and handler.what == "C" and handler.func ~= tostring and by.func == error
end

--- What happened, and a line for every task. What ends the program is shown: the last words need not say it again.
function Interrupt.__tostring(e)
  if is_last() and #e.tasks <= MOST_LINES then
    for _, task in ipairs(e.tasks) do ledger.told(task.task_id) end
  end
  local lines = ledger.lines(e.tasks)
  table.insert(lines, 1, e.message)
  return table.concat(lines, "\n")
end

-- With a text before or behind it, as an error has it.
Interrupt.__concat = errors.concat

-- What a hook raised as text becomes the table that names what is at stake.
scheduler.interrupted_with(function(raised)
  core.guard_signals()                        -- a second Ctrl-C may end the process at once
  local place = errors.is_inside(raised) and errors.place()
  local message = place and place .. ": interrupted!" or raised
  return setmetatable({ kind = "cancelled", code = "interrupted", message = message, tasks = ledger.open_tasks() },
    Interrupt)
end, Interrupt)

-- An answer that has come names its task by itself.
local function name_answered(receipt)
  local id = receipt.real and ledger.id_of(receipt)
  if not id then return end
  ledger.close(receipt)
  leave_word(advice(id, receipt.provider, "PENDING", receipt.account, nil, receipt.again))
end

-- Collected when the state closes: a script that ends too early must not do so silently.
ledger.at_the_end = setmetatable({}, { __gc = function()
  local open = {}
  for receipt in pairs(receipts) do open[#open + 1] = receipt end
  for _, receipt in ipairs(open) do pcall(name_answered, receipt) end
  core.say_words()
end })

return ledger
