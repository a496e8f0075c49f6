-- Downloads that are torn at random: cut, reset, hung up on, killed, expired, changed, lied to. Whatever
-- happens on the way, what is there in the end is the film, byte for byte. By seed, so that each can be had
-- again; a short run is a spec, a long one is tools/torture/downloads.lua.

local chance = require "spec.support.chance"
local child = require "spec.support.child"
local core = require "runway.core"
local keeps_parts = require "spec.support.keeps_parts"
local rawserver = require "spec.support.rawserver"
local runway = require "runway"
local scratch = require "spec.support.scratch"

local OVERLAP = 1024
local MOST_CALLS = 60                         -- of task:download, until it is given up on

local torn = {}

-- Steps that cost a cut, and those that make all begin anew.
local CUTS = { "cut", "cut", "cut", "reset", "short", "expire", "status:503", "status:500", "status:429", "page" }
local ANEW = { "changed", "blind", "blindest", "start", "lie", "total", "norange", "noname", "other", "whole",
  "status:416", "status:400" }
local WITH_BYTES = { cut = true, reset = true, short = true }

--- What happens to a download.
---@param seed integer
---@return table shot
function torn.shot(seed)
  local random = chance.of(seed)
  local shot = { seed = seed, size = math.floor(4000 * 2 ^ (random(1000) / 100)), steps = {}, stops = {}, fair = true }
  local kind = random(10)
  shot.how = ({ { weak = 1 }, { bare = 1 }, { dated = 5 }, { dated = 3600 }, { chunked = 1 } })[kind] or {}
  shot.fair = kind > 3
  local harsh = random(2) == 1
  for i = 1, random(9) - 1 do
    local word = harsh and random(3) == 1 and ANEW[random(#ANEW)] or CUTS[random(#CUTS)]
    if word == "start" or word == "lie" or word == "total" then word = word .. ":" .. random(2000) end
    if WITH_BYTES[word] then word = word .. ":" .. random(shot.size) end
    shot.steps[i] = word
  end
  if random(4) == 1 then                      -- and someone stops it here
    local at = random(shot.size)
    table.insert(shot.steps, 1, "hang:" .. at)
    shot.stops[1] = { at = at, kill = random(4) == 1 }
  end
  return shot
end

local function connect(server)
  return assert(runway.client { provider = "runwayml", api_key = "key_0123456789abcdef", base_url = server:url "" })
end

-- A process that is killed once some of it is there.
local function kill(server, name, path, at)
  child.run([[
    local runway, url, name, path, at = require "runway", ...
    local client = assert(runway.client { provider = "runwayml", api_key = "key_0123456789abcdef", base_url = url })
    assert(client:get(name)):download(path, { on_progress = function(received)
      if received >= tonumber(at) then os.execute "kill -9 $PPID" end
    end })
  ]], { arguments = { server:url "", name, path, tostring(at) } })
end

-- A call that is stopped once some of it is there.
local function stop(client, name, path, at)
  local job
  job = runway.spawn(function()
    return assert(client:get(name)):download(path, { on_progress = function(received)
      if received >= at then job:cancel() end
    end })
  end)
  job:join()
end

-- Did one of the steps that were taken make all begin anew?
local function began_anew(shot, taken)
  if not shot.fair then return true end
  for i = 1, math.min(taken, #shot.steps) do
    for _, one in ipairs(ANEW) do
      if shot.steps[i]:sub(1, #one) == one then return true end
    end
  end
  return false
end

-- What is wrong with what is there in the end.
local function judge(here, film, file, err)
  if not file then return "never there: " .. tostring(err) end
  if here:content "a.mp4" ~= film then return "not the film" end
  if file.bytes ~= #film or file.sha256 ~= core.sha256(film) then
    return ("told as %d bytes, %s"):format(file.bytes, tostring(file.sha256))
  end
  local pipe = io.popen("ls -A '" .. here.directory .. "'")
  local names = pipe:read "a"
  pipe:close()
  return names ~= "a.mp4\n" and "something is left beside it" or nil
end

--- Makes a shot: what is wrong with what came of it; nil when all is well.
---@param server RawServer
---@param shot table      of torn.shot
---@param marks boolean   are parts gone on with on this file system?
---@return string|nil complaint
---@return table counts   calls, requests; of one that nothing made begin anew its size, the bytes given, those lost
function torn.make(server, shot, marks)
  local here, name = scratch.new(), "torn-" .. shot.seed
  local path = here:path "a.mp4"
  local plan = { size = shot.size, seed = shot.seed % 100000, steps = shot.steps }
  for key, value in pairs(shot.how) do plan[key] = value end
  server:film(name, plan)
  local client, file, err, complaint, calls = connect(server), nil, nil, nil, 0
  for _, one in ipairs(shot.stops) do
    if one.kill then kill(server, name, path, one.at) else stop(client, name, path, one.at) end
  end
  while not file and calls < MOST_CALLS do
    calls = calls + 1
    file, err = assert(client:get(name)):download(path)
    if not file then
      if here:content "a.mp4" then complaint = "a file, though it failed: " .. tostring(err) end
      if err.code == "locked" then runway.sleep(0.01) end
    end
  end
  client:close()
  local version, taken, given, lost = server:film_state(name)
  local film = rawserver.film_bytes(plan.seed + version, shot.size)
  local going_on = marks and not began_anew(shot, taken)
  local most = shot.size * 1.05 + (taken + 1) * OVERLAP
  complaint = complaint or judge(here, film, file, err)
  if not complaint and going_on and given - lost > most then
    complaint = ("fetched %d bytes of %d in %d requests"):format(given, shot.size, taken)
  end
  here:remove()
  if complaint then complaint = ("seed %d (%s): %s"):format(shot.seed, table.concat(shot.steps, ","), complaint) end
  local counts = { calls = calls, requests = taken, films = 1 }
  if going_on then counts.size, counts.given, counts.lost = shot.size, given, lost end
  return complaint, counts
end

--- Makes the shots of `count` seeds, a few at once.
---@param server RawServer
---@param seed integer      the first
---@param count integer
---@return string[] complaints
---@return table counts   the sums
function torn.run(server, seed, count)
  local complaints, sums = {}, { films = 0, calls = 0, requests = 0, given = 0, size = 0, lost = 0 }
  local marks, after = keeps_parts(server), seed + count
  local function work()
    while seed < after do
      local shot = torn.shot(seed)
      seed = seed + 1
      local complaint, counts = torn.make(server, shot, marks)
      complaints[#complaints + 1] = complaint
      for key, n in pairs(counts) do sums[key] = sums[key] + n end
    end
  end
  runway.run(function()
    local jobs = {}
    for i = 1, 6 do jobs[i] = runway.spawn(work) end
    for _, job in ipairs(jobs) do
      local _, err = job:join()
      if err then complaints[#complaints + 1] = tostring(err) .. tostring(err.traceback) end
    end
  end)
  return complaints, sums
end

return torn
