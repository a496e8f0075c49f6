-- guard.lua: calling what may break: functions of other people's, and ours where memory fails or
-- Ctrl-C comes in between.

local core = require "runway.core"
local errors = require "runway.errors"
local interrupt = require "runway.interrupt"

local guard = {}

guard.NO_MEMORY = "not enough memory"         -- what Lua raises then
local NO_MEMORY = guard.NO_MEMORY

--- Was it memory that was missing? Lua 5.3's buffers say so in words of their own, with a place before them.
---@param err any
---@return boolean
function guard.lacks_memory(err)
  return err == NO_MEMORY
    or type(err) == "string" and err:find("not enough memory for buffer allocation", 1, true) ~= nil
end
local lacks_memory = guard.lacks_memory

--- An error as text; its own __tostring may fail.
---@param err any
---@return string
function guard.text_of(err)
  local ok, text = pcall(tostring, err)
  return errors.redact(ok and text or "an error that cannot be shown as text")
end

--- Tells standard error, also where the host has no io library.
---@param text string
function guard.say(text)
  local line = "runway: " .. text .. "\n"
  if io and io.stderr then io.stderr:write(line) else core.say(line) end
end

---@param err any
---@param trace? string   where it was raised
function guard.report(err, trace)
  guard.say("an error in a callback: " .. (trace or guard.text_of(err)))
end

local Traced = {}                             -- the metatable of an error with the way that led to it

-- What is no one's bug is let through as it is.
local function traced(err)
  if err == NO_MEMORY or interrupt.is(err) or not debug then return err end
  return setmetatable({ err = err, trace = errors.redact(debug.traceback(guard.text_of(err), 2)) }, Traced)
end

--- pcall, but an interrupt goes through.
---@param fn function
---@param ... any        its arguments
---@return boolean ok
---@return any value     what it gives, or what it raised
---@return any more
function guard.try(fn, ...)
  local ok, value, more = pcall(fn, ...)
  if not ok and interrupt.is(value) then error(value, 0) end
  return ok, value, more
end

local told = setmetatable({}, { __mode = "k" }) -- callback -> what was told of it last

--- Calls a function of the user's so that its errors reach a reader and nothing else: what it raises again and again
--- is told once. An interrupt in it ends the wait around it.
---@return boolean ok
---@return any err
function guard.call(fn, ...)
  local ok, raised = xpcall(fn, traced, ...)
  if ok then return true, raised end
  local err, trace = raised, nil
  if getmetatable(raised) == Traced then err, trace = raised.err, raised.trace end
  if interrupt.is(err) then
    interrupt.keep(err)
    return false, err
  end
  local said = guard.text_of(err)
  if told[fn] ~= said then
    told[fn] = said
    guard.report(err, trace)
  end
  return false, err
end

--- How often what must not be lost is tried again while memory is missing.
guard.PATIENCE = 100

--- Calls a function again when memory ran out in it, after a collection, and gives up late.
---@return any value
function guard.persist(fn, ...)
  for _ = 1, guard.PATIENCE do
    local ok, value = pcall(fn, ...)
    if ok then return value end
    if not lacks_memory(value) then error(value, 0) end
    collectgarbage()
  end
  return fn(...)
end

return guard
