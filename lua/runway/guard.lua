-- guard.lua: calling what may break: functions of other people's, and ours where memory fails or
-- Ctrl-C comes in between.
--
-- Ctrl-C reaches Lua as an error like any other, raised wherever the program happens to be. It is
-- nobody's fault, so nothing here takes it for one: it goes through, or is kept as `pending` for the
-- loop to raise once what was paid for is safe.

local errors = require "runway.errors"

local guard = {}

---@class runway.Pending
---@field value any       what was raised
---@field full? any        the same, explained: for the jobs that it ends
---@field heeded? boolean has what can be stopped been told to stop?

---@type runway.Pending|nil
guard.pending = nil

guard.NO_MEMORY = "not enough memory"         -- what Lua raises then
local NO_MEMORY = guard.NO_MEMORY

local explain, explained                      -- how a room above tells of an interrupt, and its metatable

--- An error as text; its own __tostring may fail.
---@param err any
---@return string
function guard.text_of(err)
  local ok, text = pcall(tostring, err)
  return errors.redact(ok and text or "an error that cannot be shown as text")
end

--- Tells standard error, where the host has one.
---@param text string
function guard.say(text)
  if io and io.stderr then io.stderr:write("runway: ", text, "\n") end
end

---@param err any
function guard.report(err)
  guard.say("an error in a callback: " .. guard.text_of(err))
end

--------------------------------------------------------------------- interrupts

--- Is this what Ctrl-C raises? Whoever catches it must let it go on.
---@param err any
---@return boolean
function guard.is_interrupt(err)
  if type(err) == "table" then return explained ~= nil and getmetatable(err) == explained end
  return type(err) == "string" and err:find("interrupted!$") ~= nil
end
local is_interrupt = guard.is_interrupt

--- Has what was interrupted told by the room that knows what is at stake.
---@param fn fun(raised: string): table   the error for the text that Ctrl-C raised
---@param metatable table                 of what it makes
function guard.interrupted_with(fn, metatable)
  explain, explained = fn, metatable
end

--- An interrupt in its full form.
---@param raised any
---@return any
function guard.explained(raised)
  if not explain or type(raised) ~= "string" or not is_interrupt(raised) then return raised end
  local ok, full = pcall(explain, raised)
  return ok and full or raised
end

--------------------------------------------------------------------- calls

local function passed_on(ok, ...)
  if not ok and is_interrupt((...)) then error((...), 0) end
  return ok, ...
end

--- pcall, but an interrupt goes through.
---@param fn function
---@return boolean ok
---@return any ...
function guard.try(fn, ...)
  return passed_on(pcall(fn, ...))
end

--- Calls a function of the user's so that its errors reach a reader and nothing else. An interrupt in
--- it ends the wait around it.
---@return boolean ok
---@return any err
function guard.call(fn, ...)
  local ok, err = pcall(fn, ...)
  if not ok and is_interrupt(err) then
    guard.pending = guard.pending or { value = err }
  elseif not ok then
    guard.report(err)
  end
  return ok, err
end

--- How often what must not be lost is tried again while memory is missing.
guard.PATIENCE = 100

--- Calls a function again when memory ran out in it, after a collection, and gives up late.
---@return any value
function guard.persist(fn, ...)
  for _ = 1, guard.PATIENCE do
    local ok, value = pcall(fn, ...)
    if ok then return value end
    if value ~= NO_MEMORY then error(value, 0) end
    collectgarbage()
  end
  return fn(...)
end

return guard
