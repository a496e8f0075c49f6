-- Busted output handler: silent about what works, full about what does not, and a last line
-- `N passed, N failed` whatever happened: a file that does not load counts as one failure, and so
-- does a run without a test, but for one whose tests were all skipped.

local base = require "busted.outputHandlers.base"
local busted = require "busted"
local leftovers = require "spec.support.leftovers"
local pretty = require "pl.pretty"

local function text_of(message)
  if message == nil then return "(no message)" end
  if type(message) == "string" then return message end
  local meta = getmetatable(message)
  if type(message) ~= "table" or (meta and meta.__tostring) then return tostring(message) end
  return pretty.write(message)
end

local function indent(text)
  return "  " .. text:gsub("%s+$", ""):gsub("\n", "\n  ")
end

local function show(what, item)
  local trace = item.element.trace or item.trace or {}
  io.write(what, ": ", item.name or "(outside any test)", "\n")
  if trace.short_src then
    io.write(("  at %s:%s\n"):format(trace.short_src, trace.currentline or "?"))
  end
  io.write(indent(text_of(item.message)), "\n")
  -- A failed assertion names its line; where an error was thrown is only in the traceback.
  local stack = item.isError and item.trace and item.trace.traceback
  if stack and stack ~= "" then io.write(indent(stack:gsub("^\n", "")), "\n") end
  io.write("\n")
  io.flush()
end

return function()
  local handler = base()
  local shown = { failures = 0, errors = 0 }

  -- Shown as they happen, so that a later crash does not take them along.
  local function show_new()
    while shown.failures < #handler.failures do
      shown.failures = shown.failures + 1
      show("FAILED", handler.failures[shown.failures])
    end
    while shown.errors < #handler.errors do
      shown.errors = shown.errors + 1
      show("ERROR", handler.errors[shown.errors])
    end
    return nil, true
  end

  local function suite_end()
    show_new()
    for _, item in ipairs(handler.pendings) do
      local why = item.message and ": " .. text_of(item.message) or ""
      io.write("skipped: ", item.name, why, "\n")
    end
    local passed = handler.successesCount
    local failed = handler.failuresCount + handler.errorsCount
    if passed + failed + #handler.pendings == 0 then
      busted.publish({ "error" }, { name = "this run" }, nil, "no test ran", {})
      failed = 1
    end
    io.write(("%d passed, %d failed\n"):format(passed, failed))
    io.flush()
    return nil, true
  end

  -- With --verbose: what was running when a test took the whole process down.
  local function test_start(element)
    if handler.options.verbose then
      io.write("test: ", handler.getFullName(element), "\n")
      io.flush()
    end
    return nil, true
  end

  busted.subscribe({ "test", "start" }, test_start)
  busted.subscribe({ "test", "end" }, show_new)
  busted.subscribe({ "error" }, show_new)
  busted.subscribe({ "failure" }, show_new)
  busted.subscribe({ "suite", "end" }, suite_end)
  leftovers.watch(busted)
  return handler
end
