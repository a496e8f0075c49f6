-- progress.lua: a bar for each wait and each download: redrawn in place on a
-- terminal, plain lines (one for each change) anywhere else.

local core = require "runway.core"
local errors = require "runway.errors"
local gauge = require "runway.gauge"
local options = require "runway.options"
local scheduler = require "runway.scheduler"
local tasks = require "runway.task"
local text = require "runway.text"

require "runway.films"                        -- task:download

local progress = {}

local WIDE, HIGH = 80, 24                     -- columns and rows, where a terminal does not tell
local REDRAW = 0.5                            -- seconds between two looks at the clock
local STEPS = 10                              -- plain lines for one download or wait
local SPARE = 3                               -- columns left free: ^C, which a terminal shows, would break the line
local WINDOW = 15                             -- seconds over which the rate of a download is taken
local SOON = 1                                -- seconds before which no rate says anything

--- Is standard error a terminal that can redraw a line, and wanted so?
---@return boolean
function progress.is_terminal()
  local term, plain = os.getenv "TERM" or "", os.getenv "NO_COLOR" or ""
  if term == "" or term == "dumb" or plain ~= "" then return false end
  return (core.terminal())                    -- no command asks: while one runs, Ctrl-C is its alone
end

local function size(bytes)
  if bytes < 1e3 then return ("%.0f B"):format(bytes) end
  if bytes < 1e6 then return ("%.0f KB"):format(bytes / 1e3) end
  if bytes < 1e9 then return text.fixed(bytes / 1e6, 1) .. " MB" end
  return text.fixed(bytes / 1e9, 2) .. " GB"
end

--------------------------------------------------------------------- how fast

-- How much is there, and how much there is to be, from time to time.
local Pace = {}
Pace.__index = Pace

---@param window? number   seconds that are looked back; nil: all
local function new_pace(window) return setmetatable({ window = window, seen = {} }, Pace) end

function Pace:note(done, goal)
  local seen, now = self.seen, scheduler.now()
  local last = seen[#seen]
  self.goal = goal
  if last and (done == last.done or now == last.at) then
    last.done = done
    return
  end
  seen[#seen + 1] = { at = now, done = done }
  while self.window and #seen > 2 and now - seen[2].at > self.window do table.remove(seen, 1) end
end

--- How much in a second; nil: no one can say yet. What is asked from time to time goes on in between; what
--- stands still gets slower.
function Pace:rate()
  local first, last = self.seen[1], self.seen[#self.seen]
  if not first or last.done <= first.done then return nil end
  local took = (self.window and scheduler.now() or last.at) - first.at
  return took >= SOON and (last.done - first.done) / took or nil
end

--- Seconds until all of it is there, as far as can be told.
function Pace:left()
  local rate, last = self:rate(), self.seen[#self.seen]
  if not rate or not self.goal or last.done >= self.goal then return nil end
  local since = self.window and 0 or scheduler.now() - last.at
  return math.max(0, (self.goal - last.done) / rate - since)
end

--------------------------------------------------------------------- the line

local Bar = {}
Bar.__index = Bar

local function new(opts, pace)
  local terminal = opts.terminal
  if terminal == nil then terminal = progress.is_terminal() end
  return setmetatable({
    label = gauge.label(opts.label or ""), columns = opts.columns,
    stream = opts.stream or io.stderr, terminal = terminal, pace = pace,
    began = scheduler.now(), share = false, note = "",
  }, Bar)
end

--- How wide and how high standard error's terminal is now.
---@return integer columns
---@return integer rows
function progress.size()
  local _, wide, high = core.terminal()
  return wide or tonumber(os.getenv "COLUMNS") or WIDE, high or tonumber(os.getenv "LINES") or HIGH
end

-- What is left out where there is no room.
local DROPPED = { "elapsed", "rate", "label", "left", "bar" }

-- The line for so many columns; without `width` the plain one.
function Bar:text(width)
  local parts = { { "label", self.label }, { "bar", self.share }, { "note", self.note } }
  if not width then return gauge.line(parts) end
  local rate, left = self.unit and self.pace:rate(), not self.finished and self.pace:left()
  parts[4] = { "rate", rate and size(rate) .. "/s" }
  parts[5] = { "left", left and gauge.clock(left) .. " left" }
  parts[6] = { "elapsed", gauge.clock(scheduler.now() - self.began) }
  return gauge.line(parts, width, DROPPED)
end

local function redraw(bar, ending)
  bar.stream:write("\r", bar:text(math.max(1, (bar.columns or progress.size()) - SPARE)), "\27[K", ending)
  bar.stream:flush()
end

-- On a terminal the time goes on between two answers, too.
function Bar:draw()
  redraw(self, "")
  scheduler.cancel_timer(self.timer)
  self.timer = scheduler.at(scheduler.now() + REDRAW, function() self:draw() end)
end

--- Shows how far it is.
---@param share number|false   0..1; false: no one knows
---@param note string       in words
---@param step? any         a plain line is written whenever this changes
function Bar:show(share, note, step)
  self.share, self.note = share, note
  if self.terminal then return self:draw() end
  if step == self.step then return end
  self.step = step
  self.stream:write(self:text(), "\n")
  self.stream:flush()
end

function Bar:finish()
  if not self.terminal or not self.timer then return end
  scheduler.cancel_timer(self.timer)
  self.finished = true
  redraw(self, "\n")
end

-- Calls fn, and ends the bar also when it raises (Ctrl-C).
local function ending(bar, fn, ...)
  local ok, result, err = pcall(fn, ...)
  bar:finish()
  if not ok then error(result, 0) end
  return result, err
end

-- What both may be told.
local function taking(more)
  more.label, more.terminal, more.columns = "string", "boolean", "integer"
  more.stream = function(v)
    local ok, write = pcall(function() return v.write end)
    return ok and write ~= nil, "a file, or what has its write and flush"
  end
  return more
end

local WAIT = taking { timeout = tasks.timeout }
local DOWNLOAD = taking { overwrite = "boolean", max_bytes = options.bytes, receipt = "boolean" }

local function check_task(task, what)
  if not tasks.inner[task] then error(("%s takes a task first, not %s"):format(what, type(task)), 3) end
end

--- `task:wait` with a bar.
---@param task runway.Task
---@param opts? { label?: string, timeout?: number, stream?: file*, terminal?: boolean, columns?: integer }  stream:
---  default stderr; columns: of the terminal, default what it says
---@return runway.Task|nil
---@return runway.Error|nil err
function progress.wait(task, opts)
  check_task(task, "progress.wait")
  opts = options.check(opts, WAIT, "progress.wait", 2)
  local bar = new(opts, new_pace())
  local function show()
    local share = task.status == "SUCCEEDED" and 1 or not task:done() and task.progress or nil
    if share then bar.pace:note(share, 1) end
    bar:show(share or bar.share or 0, task.status, task.status .. math.floor((share or 0) * STEPS))
  end
  if tasks.is_known(task) then
    show()
  elseif bar.terminal then
    bar:draw()                                -- the time alone: what is not known yet is not told
  end
  return errors.told("progress.wait", ending(bar, task.wait, task, { timeout = opts.timeout, on_progress = show }))
end

-- Of a film whose length no one knows a line is written each time it has doubled.
local function doubled(received)
  return math.floor(math.log(math.max(received, 1)) / math.log(2) + 1e-9)
end

--- `task:download` with a bar.
---@param task runway.Task
---@param path? string|table   default: the task's `output`; options may stand alone
---@param opts? { label?: string, overwrite?: boolean, max_bytes?: integer, receipt?: boolean, stream?: file*,
---  terminal?: boolean, columns?: integer }
---@return { path: string, bytes: integer, sha256: string }|nil file
---@return runway.Error|nil err
function progress.download(task, path, opts)
  check_task(task, "progress.download")
  local overwrite
  path, opts, overwrite = tasks.place(task, path, opts, DOWNLOAD, "progress.download")
  local bar = new(opts, new_pace(WINDOW))
  bar.unit = "bytes"
  local function show(received, total)
    local share = total and total > 0 and received / total or false
    local note = share and ("%s of %s"):format(size(received), size(total)) or size(received)
    if received <= 0 then return end
    bar.pace:note(received, share and total)
    bar:show(share, note, share and math.floor(share * STEPS) or "doubled " .. doubled(received))
  end
  return errors.told("progress.download", ending(bar, task.download, task, path, { overwrite = overwrite,
    max_bytes = opts.max_bytes, receipt = opts.receipt, on_progress = show }))
end

return progress
