-- What is seen of a list of shots while it is made: on a terminal a line for each that runs and one for all,
-- redrawn in place; elsewhere a plain line for each thing that happens to a shot.
--
-- On a terminal the cursor waits on the line below, at its beginning, and is never hidden: whatever ends the
-- program, nothing has to be put right.

local columns = require "runway.columns"
local core = require "runway.core"
local errors = require "runway.errors"
local gauge = require "runway.gauge"
local names = require "runway.names"
local progress = require "runway.progress"
local scheduler = require "runway.scheduler"
local text = require "runway.text"

local board = {}

local REDRAW = 0.5                            -- seconds between two looks at the clock
local BURST = 0.05                            -- between two drawings, where many things happen at once

local BESIDE, LEAST = 16, 4                   -- columns of what stands beside a label, and of the label

local UNDER_WAY = { submitting = true, submitted = true, downloading = true }

local function wall() return core.wall_ms() / 1000 end

---@class runway.Board
---@field ended table<runway.Shot, true>   nothing more is done about them
---@field shots? runway.Shot[]             the list, once it is known
---@field there table<runway.Shot, true>   their films were there before
---@field begun table<runway.Shot, string>  their attempts that were submitted before
---@field made integer                     how many have ended with a film
---@field stream file*
---@field terminal boolean
---@field columns? integer
---@field rows? integer
---@field jobs integer
---@field budget? number
---@field message fun(shot: runway.Shot): string
---@field running table<runway.Shot, any>         under way, each with when it was seen to be
---@field said table<runway.Shot, any>            what was told of it on plain lines
---@field drawn table                              what stands on the terminal
---@field drawn_at? number
local Board = {}
Board.__index = Board

---@param opts { stream: file*, terminal?: boolean, columns?: integer, rows?: integer, jobs: integer, budget?: number,
---  message: fun(shot: runway.Shot): string }   message: what a shot's error says here
---@return runway.Board
function board.new(opts)
  local terminal = opts.terminal
  if terminal == nil then terminal = progress.is_terminal() end
  return setmetatable({ stream = opts.stream, terminal = terminal, columns = opts.columns, rows = opts.rows,
    jobs = opts.jobs, budget = opts.budget, message = opts.message, ended = {}, there = {}, begun = {}, running = {},
    said = {}, drawn = {}, made = 0 }, Board)
end

--------------------------------------------------------------------- sums

-- What a task of this sort takes is known from those that have come to their end.
local function sort_of(shot) return (shot.kind or "") .. "\n" .. tostring(shot.params.model) end

local function add_time(times, name, seconds)
  local t = times[name] or { sum = 0, count = 0 }
  times[name] = t
  t.sum, t.count = t.sum + seconds, t.count + 1
end

local function time_in(times, shot)
  local t = times[sort_of(shot)] or times.all
  return t and t.sum / t.count
end

-- Seconds until all of them have ended, as far as can be told; nil: no one can say.
local function left_of(self, open, times)
  local work, longest, now = 0, 0, wall()
  for _, shot in ipairs(open) do
    local takes = time_in(times, shot)
    if not takes then return nil end
    if self.running[shot] and shot.submitted_at then takes = math.max(0, takes - (now - shot.submitted_at)) end
    work, longest = work + takes, math.max(longest, takes)
  end
  return math.max(longest, work / self.jobs)
end

---@return { total: integer, done: integer, failed: integer, unknown: integer, ended: integer, credits: number,
---  left: number|nil }
function Board:sums()
  local s = { total = 0, done = 0, failed = 0, unknown = 0, ended = 0, credits = 0 }
  local open, times = {}, {}
  for _, shot in ipairs(self.shots or {}) do
    if not shot.left_out then
      local ended = self.ended[shot] or shot.state == "done"
      s.total, s.credits = s.total + 1, s.credits + (shot.credits or 0)
      s.ended = s.ended + (ended and 1 or 0)
      if ended and s[shot.state] then s[shot.state] = s[shot.state] + 1 end
      if not ended then open[#open + 1] = shot end
      if shot.state == "done" and shot.submitted_at and shot.ended_at then
        add_time(times, sort_of(shot), shot.ended_at - shot.submitted_at)
        add_time(times, "all", shot.ended_at - shot.submitted_at)
      end
    end
  end
  s.left = #open > 0 and left_of(self, open, times) or nil
  return s
end

local function credits_of(self, credits)
  return text.number(credits) .. (self.budget and " of " .. text.number(self.budget) or "") .. " credits"
end

--------------------------------------------------------------------- lines

-- What is left out where there is no room.
local OF_A_SHOT, OF_ALL = { "elapsed", "bar", "label" }, { "credits", "left", "bar", "unknown", "failed" }

local function line_of_a_shot(shot, width)
  local since = shot.submitted_at and wall() - shot.submitted_at
  local note = shot.state == "submitted" and shot.status or shot.state
  local label = columns.cut(gauge.label(shot.key), math.max(LEAST, width - BESIDE))
  return gauge.line({ { "label", label }, { "bar", shot.progress or false }, { "note", note },
    { "elapsed", since and gauge.clock(math.max(0, since)) } }, width, OF_A_SHOT)
end

local function line_of_all(self, width)
  local s = self:sums()
  local function some(n, what) return n > 0 and ("%d %s"):format(n, what) end
  return gauge.line({
    { "done", ("%d of %d done"):format(s.done, s.total) }, { "bar", s.total > 0 and s.ended / s.total },
    { "failed", some(s.failed, "failed") }, { "unknown", some(s.unknown, "unknown") },
    { "credits", credits_of(self, s.credits) }, { "left", s.left and s.left >= 1 and gauge.clock(s.left) .. " left" },
  }, width, OF_ALL)
end

-- In the order of the list, as many as there are rows.
local function lines_of(self, width, rows)
  local lines, more = {}, 0
  for _, shot in ipairs(self.shots or {}) do
    if self.running[shot] then
      if #lines < rows - 3 then lines[#lines + 1] = line_of_a_shot(shot, width) else more = more + 1 end
    end
  end
  if more > 0 and rows > 2 then lines[#lines + 1] = columns.cut(("and %d more"):format(more), width) end
  lines[#lines + 1] = line_of_all(self, width)
  return lines
end

--------------------------------------------------------------------- the terminal

-- To where the first of the lines begins. Lines that were drawn on a wider terminal are broken by now.
local function back(self, width)
  local rows = 0
  for _, line in ipairs(self.drawn) do rows = rows + math.max(1, math.ceil(columns.of(line) / width)) end
  self.drawn = {}
  return rows > 0 and ("\27[%dA\r"):format(rows) or "\r"
end

local function draw(self)
  local wide, high = progress.size()
  wide, high = self.columns or wide, self.rows or high
  local pieces, lines = { back(self, wide) }, lines_of(self, math.max(1, wide - 1), high)
  for _, line in ipairs(lines) do pieces[#pieces + 1] = line .. "\27[K\n" end
  pieces[#pieces + 1] = "\27[J"               -- what was drawn below, when more were running
  self.drawn, self.drawn_at = lines, core.now()
  self.stream:write(table.concat(pieces))
  self.stream:flush()
end

local function keep_drawing(self)
  draw(self)
  self.timer = scheduler.at(scheduler.now() + REDRAW, function() keep_drawing(self) end)
end

-- Takes the lines away.
local function clear(self)
  if #self.drawn == 0 then return end
  self.stream:write(back(self, self.columns or (progress.size())), "\27[J")
  self.stream:flush()
end

--- Has something written above the lines, which may share their terminal.
---@param write fun()
function Board:beside(write)
  clear(self)
  write()
  if self.timer and core.now() - self.drawn_at > BURST then draw(self) end
end

--- A line that stays.
---@param line string
function Board:say(line)
  self:beside(function()
    self.stream:write(columns.clean(line), "\n")
    self.stream:flush()
  end)
end

--------------------------------------------------------------------- what happens

-- A change as a line that stays; nil: none is worth one. On a terminal what goes well is seen below.
local function told(self, shot, ended)
  if ended and shot.state == "done" and shot.error then
    return ("%s  is there, but its receipt is not: %s"):format(shot.key, self.message(shot))
  elseif ended and shot.state == "done" then
    if self.terminal then return nil end
    local how = self.there[shot] and "is there already" or shot.credits
      and "done  " .. text.number(shot.credits) .. " credits" or "done"
    return ("%s  %s  (%d of %d)"):format(shot.key, how, self.made, self.total)
  elseif shot.error and (ended or shot.state == "queued") then
    local state = shot.state == "queued" and "waits"
      or UNDER_WAY[shot.state] and (shot.status == "SUCCEEDED" and "is made, but its file is not here"
        or "goes on at its provider") or shot.state
    return ("%s  %s: %s"):format(shot.key, state, (self.message(shot):gsub("; it goes on at the provider:.*$", "")))
  elseif not ended and shot.state == "submitted" and shot.task_id and not self.terminal then
    return ("%s  %s  task %s%s"):format(shot.key,
      self.begun[shot] == names.attempt(shot.task_id, shot.attempt) and "goes on with" or "submitted", shot.task_id,
      shot.attempt > 1 and ("  (attempt %d)"):format(shot.attempt) or "")
  end
  return nil
end

--- Something has become of a shot.
---@param shots runway.Shot[]
---@param shot? runway.Shot     nil: it begins
---@param ended? boolean        nothing more is done about it
function Board:tell(shots, shot, ended)
  if not self.shots then
    self.shots, self.total = shots, 0
    for _, one in ipairs(shots) do
      self.total = self.total + (one.left_out and 0 or 1)
      self.there[one] = one.state == "done" and one.path and core.readable(one.path) or nil
      self.begun[one] = one.task_id and names.attempt(one.task_id, one.attempt)
    end
  end
  if shot then
    if ended then self.ended[shot] = true end
    if ended and shot.state == "done" then self.made = self.made + 1 end
    self.running[shot] = not ended and UNDER_WAY[shot.state] or nil
    local line = told(self, shot, ended)
    if line and self.said[shot] ~= line then
      self.said[shot] = line
      self:say(errors.redact(line))
    end
  end
  if self.terminal and not self.timer then keep_drawing(self) end
end

--- Nothing more is drawn.
function Board:finish()
  if self.timer then scheduler.cancel_timer(self.timer) end
  self.timer = nil
  clear(self)
end

return board
