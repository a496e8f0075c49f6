-- The contact sheet of a directory, DIR/index.html, written whole while the night goes on; and the stills of its
-- films, which lie in DIR/stills.
--
-- Neither is worth a night: what goes wrong here is a warning.

local core = require "runway.core"
local entries = require "runway.sheet.entries"
local errors = require "runway.errors"
local ffmpeg = require "runway.ffmpeg"
local journal = require "runway.journal"
local keeper = require "runway.sheet.keeper"
local files = require "runway.files"
local names = require "runway.names"
local page = require "runway.sheet.page"
local program = require "runway.program"
local provenance = require "runway.provenance"
local scheduler = require "runway.scheduler"
local transport = require "runway.transport"

local sheet = {}

local STILL = 20                              -- seconds for one
local BREATH = 0.02                           -- seconds of writing between two turns of the loop

---@class runway.Sheet
---@field directory string
---@field warn fun(message: string)
---@field redact fun(s: string): string
---@field is_ours? boolean     what stands in its place, if anything does
---@field has_looked? boolean  for the stills of earlier runs
---@field has_hung? boolean    ffmpeg: no more stills in this run
local Sheet = {}
Sheet.__index = Sheet

--- The sheet of a directory.
---@param directory string
---@param tell { warn: fun(message: string), redact: fun(s: string): string }
---@return runway.Sheet
function sheet.new(directory, tell)
  return setmetatable({ directory = directory, warn = tell.warn, redact = tell.redact }, Sheet)
end

--- The same for sessions: the first is told of what goes wrong, each trouble once; the keys of all stay out of it.
---@param directory string
---@param sessions runway.Session[]
---@return runway.Sheet
function sheet.of(directory, sessions)
  local mine, told = sessions[1], {}
  local function warn(message)
    if not told[message] then
      mine:log("warning", message)
      mine:blame(message)                     -- on standard error, where there is no logger
    end
    told[message] = true
  end
  local function redact(said)                 -- all keys at once: two accounts' may begin alike
    local secrets = {}
    for _, one in ipairs(sessions) do
      for _, secret in ipairs(one.secrets) do secrets[#secrets + 1] = secret end
    end
    return errors.redact(said, secrets)
  end
  return sheet.new(directory, { warn = warn, redact = redact })
end

--------------------------------------------------------------------- stills

-- Known by the task: what it has made does not change.
local function still_of(shot)
  local has_film = shot.state == "done" and shot.path and shot.task_id and names.media(shot.kind) == "video"
  return has_film and ("stills/%s.jpg"):format(core.sha256(shot.provider .. " " .. shot.task_id):sub(1, 32)) or nil
end

-- Takes one; nil: there is none. A film's first frames may be black, so it is a usual one of the first two seconds.
local function take(self, film, still)
  if not core.make_directory(self.directory .. "/stills") then return nil end
  local words = { ffmpeg.input(film), "-map", "0:V:0", "-vf", "thumbnail=48,scale=640:640:"
    .. "force_original_aspect_ratio=decrease:force_divisible_by=2,format=yuvj420p", "-frames:v", "1", "-c:v", "mjpeg",
    "-q:v", "4", "-f", "mjpeg" }
  local ok, err = ffmpeg.make(words, self.directory .. "/" .. still, "a still of " .. film, STILL)
  if err and err.kind == "timeout" and not self.has_hung then
    self.has_hung = true
    self.warn(("ffmpeg took longer than %d seconds for a still: the page goes on without"):format(STILL))
  end
  return ok
end

--- The still of a shot whose film is there, taken where it is not yet.
---@param shot runway.Shot
---@param in_haste? boolean    then none is taken
---@return string|nil still    its path, from the directory
function Sheet:still(shot, in_haste)
  local still = still_of(shot)
  if not still or core.readable(self.directory .. "/" .. still) then return still end
  if in_haste or self.has_hung or not program.find "ffmpeg" then return nil end
  return take(self, shot.path, still) and still or nil
end

-- What earlier runs have taken.
local function look_for_stills(self, shots)
  self.has_looked = true
  for _, shot in ipairs(shots) do
    local still = still_of(shot)
    if still and core.readable(self.directory .. "/" .. still) then shot.still = still end
  end
end

--------------------------------------------------------------------- the page

--- A page of someone else's is not written over. True also where there is none.
---@param path string
---@return boolean
function sheet.is_ours(path)
  local file = io.open(path, "rb")
  if not file then return true end
  local beginning = file:read(#page.BEGINNING)
  file:close()
  return beginning == nil or beginning == page.BEGINNING
end

-- Long lists are written in pieces, between which the loop turns.
local function breather()
  local began = core.now()
  return function()
    if core.now() - began < BREATH then return end
    scheduler.breathe()
    began = core.now()
  end
end

--- Writes it anew.
---@param shots runway.Shot[]
---@param sums { budget?: number, halted: table<string, runway.Halt>, left_off?: integer }   as page.make takes them
function Sheet:write(shots, sums)
  local path = self.directory .. "/index.html"
  self.is_ours = self.is_ours or sheet.is_ours(path)
  if not self.is_ours then
    return self.warn(path .. " is not of runway's making, and was left: there is no page of these shots")
  end
  if not self.has_looked then look_for_stills(self, shots) end
  local html = page.make(shots, sums, { directory = self.directory, now = core.wall_ms() / 1000,
    redact = self.redact, breathe = breather() })
  local err = scheduler.await(function(done) transport:write(path, true, html, done) end).error
  if err then self.warn("the page was not written: " .. err.message) end
end

sheet.MOST = 5000                             -- entries of a journal: a worker has no time for more, nor a browser

-- A film whose path is as it was seen from elsewhere, or before its directory was moved: its receipt tells that it lies
-- here.
local function find_here(directory, session, shot)
  local path = directory .. "/" .. files.base(shot.path)
  if not core.readable(path) then return end
  local of = { provider = shot.provider, id = shot.task_id }
  if not provenance.sum(session, of, path, { index = 1 }) then return end
  shot.path, shot.receipt, shot.lies_with = path, provenance.path(path), nil
end

--- Keeps the page of what a journal holds, in the directory of one who works on it: of what changed last, if that is
--- much. Others who share the directory write the same.
---@param directory string
---@param session runway.Session
---@return runway.SheetKeeper    whose `finish` takes what was halted, by provider
function sheet.of_journal(directory, session)
  local kept, stills = sheet.of(directory, { session }), {}
  local keeps ---@type runway.SheetKeeper
  keeps = keeper.start(function(halted)
    local list, count = journal.latest(session.journal, sheet.MOST)
    if not list then return kept.warn("the page was not written: " .. count.message) end
    if not list[1] then return end              -- of nothing there is no page
    local shots = entries.shots(list, breather())
    for _, shot in ipairs(shots) do
      if shot.lies_with and shot.task_id then find_here(directory, session, shot) end
      local here = shot.state == "done" and not shot.lies_with and shot.task_id
      if here and stills[here] == nil then stills[here] = kept:still(shot, keeps.hurried) or false end
      shot.still = here and stills[here] or nil
    end
    kept:write(shots, { budget = session.budget, halted = halted or {}, left_off = count - #list })
  end)
  return keeps
end

--- The page of a directory; nil: there is none of ours.
---@param directory string
---@return string|nil path
function sheet.at(directory)
  local path = directory .. "/index.html"
  return core.readable(path) and sheet.is_ours(path) and path or nil
end

sheet.keep = keeper.start

return sheet
