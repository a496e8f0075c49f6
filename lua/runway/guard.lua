-- guard.lua: calling what may break: functions of other people's, and ours where memory fails or
-- Ctrl-C comes in between.

local core = require "runway.core"
local errors = require "runway.errors"
local interrupt = require "runway.interrupt"
local text = require "runway.text"

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

--- What was raised, as text without secrets.
---@param err any
---@return string
function guard.text_of(err)
  return errors.redact(text.raised(err))
end

--- Tells standard error, also where the host has no io library.
---@param said string
function guard.say(said)
  local line = "runway: " .. said .. "\n"
  if io and io.stderr then io.stderr:write(line) else core.say(line) end
end

--- What a callback raised.
---@param said string
function guard.report(said)
  guard.say("an error in a callback: " .. said)
end

local Traced = {}                             -- the metatable of an error with the way that led to it

local info = debug and debug.getinfo

-- Where it was raised: the script's line, else the line that the text begins with, else the text.
local function place_of(said, level)
  local at
  repeat
    at = info and info(level + 1, "Sl")       -- seen from here
    level = level + 1
  until not at or at.currentline > 0
  return at and at.short_src .. ":" .. at.currentline or said:match("^[^\n]-:%d+:") or said
end

-- What is no one's bug is let through as it is.
local function traced(err)
  if err == NO_MEMORY or interrupt.is(err) then return err end
  local said = guard.text_of(err)
  local trace = debug and errors.redact(debug.traceback(said, 2))
  return setmetatable({ err = err, said = trace or said, place = place_of(said, 2) }, Traced)
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

local MOST_TOLD = 1000                        -- of a host that loads its scripts anew for each call

local told, count = {}, 0                     -- callback and place that were told

-- Which callback it is: a function that is made anew for each call is the same, where it stands.
local function name_of(fn)
  local at = info and type(fn) == "function" and info(fn, "S")
  return at and at.short_src .. ":" .. at.linedefined or tostring(fn)
end

-- Is it the first that this callback raised there?
local function is_new(fn, place)
  local name = name_of(fn) .. " " .. place
  if told[name] then return false end
  if count == MOST_TOLD then told, count = {}, 0 end
  told[name], count = true, count + 1
  return true
end

--- Calls a function of the user's so that its errors reach a reader and nothing else: what it raises again at the same
--- place is told once. An interrupt in it ends the wait around it.
---@return boolean ok
---@return any err
function guard.call(fn, ...)
  local ok, raised = xpcall(fn, traced, ...)
  if ok then return true, raised end
  if interrupt.is(raised) then
    interrupt.keep(raised)
    return false, raised
  end
  if getmetatable(raised) ~= Traced then raised = { err = raised, said = guard.text_of(raised), place = "?" } end
  if is_new(fn, raised.place) then
    guard.report(raised.said .. "\nrunway: what it raises at that place from now on is not told")
  end
  return false, raised.err
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
