-- progress.lua: a bar for each wait and each download: redrawn in place on a
-- terminal, plain lines (one for each change) anywhere else.

local core = require "runway.core"
local scheduler = require "runway.scheduler"
local text = require "runway.text"

local progress = {}

local WIDTH = 30                              -- of the bar itself
local LABEL = 24                              -- of the longest label shown whole
local REDRAW = 0.5                            -- seconds between two looks at the clock
local STEPS = 10                              -- plain lines for one download or wait

--- Is standard error a terminal that can redraw a line?
---@return boolean
function progress.is_terminal()
  local term = os.getenv "TERM"
  if not term or term == "dumb" then return false end
  return core.terminal()                      -- no command asks: while one runs, Ctrl-C is its alone
end

local Bar = {}
Bar.__index = Bar

local function elapsed(seconds)
  seconds = math.floor(seconds)
  return ("%d:%02d"):format(math.floor(seconds / 60), seconds % 60)
end

local function size(bytes)
  if bytes < 1e6 then return ("%.0f KB"):format(bytes / 1e3) end
  return text.fixed(bytes / 1e6, 1) .. " MB"
end

local function new(opts)
  local terminal = opts.terminal
  if terminal == nil then terminal = progress.is_terminal() end
  return setmetatable({
    label = text.cut((opts.label or ""):gsub("[%z\1-\31\127]", " "), LABEL),
    stream = opts.stream or io.stderr, terminal = terminal,
    began = scheduler.now(), share = 0, note = "",
  }, Bar)
end

function Bar:text()
  local filled = math.floor(self.share * WIDTH + 0.5)
  local label = self.label ~= "" and self.label .. "  " or ""
  return ("%s[%s%s] %3d%%  %s"):format(label, ("#"):rep(filled), ("."):rep(WIDTH - filled),
    math.floor(self.share * 100 + 0.5), self.note)
end

-- On a terminal the time goes on between two answers, too.
function Bar:draw()
  self.stream:write("\r", self:text(), "  ", elapsed(scheduler.now() - self.began), "\27[K")
  self.stream:flush()
  scheduler.cancel_timer(self.timer)
  self.timer = scheduler.at(scheduler.now() + REDRAW, function() self:draw() end)
end

--- Shows how far it is.
---@param share number|nil  0..1; nil: as far as before
---@param note string       in words
---@param step? any         a plain line is written whenever this changes
function Bar:show(share, note, step)
  self.share, self.note = share or self.share, note
  if self.terminal then return self:draw() end
  if step == self.step then return end
  self.step = step
  self.stream:write(self:text(), "\n")
  self.stream:flush()
end

function Bar:finish()
  if not self.terminal or not self.timer then return end
  scheduler.cancel_timer(self.timer)
  self.stream:write("\r", self:text(), "  ", elapsed(scheduler.now() - self.began), "\27[K\n")
  self.stream:flush()
end

-- Calls fn, and ends the bar also when it raises (Ctrl-C).
local function ending(bar, fn, ...)
  local ok, result, err = pcall(fn, ...)
  bar:finish()
  if not ok then error(result, 0) end
  return result, err
end

--- `task:wait` with a bar.
---@param task runway.Task
---@param opts? { label?: string, timeout?: number, stream?: file*, terminal?: boolean }  stream: default stderr
---@return runway.Task|nil
---@return runway.Error|nil err
function progress.wait(task, opts)
  opts = opts or {}
  local bar = new(opts)
  local function show()
    local share = task.status == "SUCCEEDED" and 1 or not task:done() and task.progress or nil
    bar:show(share, task.status, task.status .. math.floor((share or 0) * STEPS))
  end
  show()
  return ending(bar, task.wait, task, { timeout = opts.timeout, on_progress = show })
end

--- `task:download` with a bar.
---@param task runway.Task
---@param path? string   default: the task's `output`
---@param opts? { label?: string, overwrite?: boolean, max_bytes?: integer, receipt?: boolean, stream?: file*,
---  terminal?: boolean }
---@return { path: string, bytes: integer, sha256: string }|nil file
---@return runway.Error|nil err
function progress.download(task, path, opts)
  opts = opts or {}
  local bar = new(opts)
  local function show(received, total)
    local share = total and total > 0 and received / total or nil
    local note = total and ("%s of %s"):format(size(received), size(total)) or size(received)
    if received > 0 then bar:show(share, note, math.floor((share or 0) * STEPS)) end
  end
  return ending(bar, task.download, task, path, { overwrite = opts.overwrite, max_bytes = opts.max_bytes,
    receipt = opts.receipt, on_progress = show })
end

return progress
