-- The other side of the policy: a server, a network and a clock that do by chance whatever they may, as a
-- transport in virtual time. It knows the truth (what arrived, what was taken, which ids were told, when to
-- come back) and holds every request against it.

local json = require "runway.json"
local retry_budget = require "runway.retry_budget"
local scheduler = require "runway.scheduler"

local World = {}
World.__index = World
World.pretends = true

local world = {}

local ORIGIN = "https://api.dev.runwayml.com"
local EARLY = 1e-6                            -- seconds that are none: sums of doubles

--- A world by chance.
---@param random fun(n: integer): integer
---@return table
function world.new(random)
  local self = setmetatable({
    random = random, complaints = {}, shots = {}, tasks = {}, flying = {}, beside = {}, wires = {},
    hold = {}, task_hold = {}, made = 0, calls = 0, answers = 0, retries = 0, requests = 0, jumped = 0, closed = false,
    -- The weather: of how many in a hundred goes wrong what can. At times nothing gets through at all.
    paid_faults = random(100), free_faults = random(95), outage = random(4) == 1 and random(600) or 0,
  }, World)
  self.began = scheduler.now()
  self.budget = retry_budget.of(self, ORIGIN)
  self.budget.left = random(6) - 1
  self.reserve = self.budget.left
  return self
end

function World:complain(...)
  self.complaints[#self.complaints + 1] = (...):format(select(2, ...))
end

function World:pick(list) return list[self.random(#list)] end

--------------------------------------------------------------------- answers

local function network(code) return { kind = "network", code = code, message = code } end

-- Seconds from noon, as a date of one of the three kinds.
local DATES = { "Sat, 28 Nov 2026 %s GMT", "Saturday, 28-Nov-26 %s GMT", "Sat Nov 28 %s 2026" }

-- Retry-After in one of its forms; seconds, or nil where it says nothing.
function World:retry_after(headers)
  local seconds, form = self:pick { 0, 1, 7, 45, 300, 3599, 7200 }, self.random(7)
  if form == 1 then
    headers["retry-after-ms"] = tostring(seconds * 1000)
  elseif form == 2 then
    headers["retry-after"] = ("%d.5"):format(seconds)
    seconds = seconds + 0.5
  elseif form <= 4 then
    local at = ("%02d:%02d:%02d"):format(12 + seconds // 3600, seconds // 60 % 60, seconds % 60)
    headers["date"] = DATES[1]:format "12:00:00"
    headers["retry-after"] = self:pick(DATES):format(at)
  elseif form == 5 then
    headers["retry-after"] = self:pick { "soon", "nan", "", "0x10", "1e3" }
    return nil
  else
    headers["retry-after"] = tostring(seconds)
  end
  return seconds
end

local PAGES = { "<html>log in</html>", "", "null", "[]", "{}", "7", '{"id":""}', "\0\1\2", '{"id":{}}', '{"da' }

function World:new_task(shot)
  self.made = self.made + 1
  local id = ("task-%d"):format(self.made)
  self.tasks[id] = { shot = shot, done = scheduler.now() + self.random(900), last = self:pick { "SUCCEEDED",
    "SUCCEEDED", "FAILED" }, missing = 0 }
  return id
end

-- What becomes of a paid request: a result, and what is true of it. taken: it may have made a task; final:
-- it was refused for good; id: what its answer names.
function World:paid(shot)
  local headers, fate = {}, self.random(100) <= self.paid_faults and self.random(9) or 10
  if fate == 1 then
    return { sent = false, error = self:pick { network "dns", network "connect", network "tls", { kind = "timeout",
      code = "connect", message = "no connection" } } }, {}
  elseif fate == 2 then
    return { sent = false, error = network "closed" }, {}
  elseif fate == 3 then
    return { sent = true, error = self:pick { network "closed", { kind = "protocol", code = "garbage", message = "x" },
      { kind = "timeout", code = "answer", message = "no answer" }, { kind = "limit", code = "too_large",
      message = "x" } } }, { taken = true }
  elseif fate == 4 then
    local id = self:new_task(shot)
    return { sent = true, status = 200, headers = headers, body = ('{"id":"%s","createdAt":"20'):format(id),
      error = network "closed" }, { taken = true, id = id }
  elseif fate == 5 then
    local id = self.random(3) == 1 and self:new_task(shot) or nil
    local status = self:pick { 500, 501, 502, 503, 504, 520, 524, 529 }
    return { sent = true, status = status, headers = headers,
      body = id and json.encode { id = id } or self:pick(PAGES) }, { taken = true, id = id }
  elseif fate == 6 then
    local id = self.random(8) == 1 and self:new_task(shot) or nil
    local status = self:pick { 408, 421, 425, 429, 503 }
    local after = (status == 503 or self.random(2) == 1) and self:retry_after(headers) or nil
    return { sent = true, status = status, headers = headers, body = id and json.encode { id = id } or "later" },
      { taken = id ~= nil or status == 503 and not after, id = id, after = after, limited = status == 429 }
  elseif fate == 7 then
    return { sent = true, status = self:pick { 400, 401, 402, 403, 404, 409, 422, 301, 307, 308 }, headers = headers,
      body = "{}" }, { final = true }
  elseif fate == 8 then
    return { sent = true, status = self:pick { 200, 201, 202, 204 }, headers = headers, body = self:pick(PAGES) },
      { taken = true }
  end
  local id = self:new_task(shot)
  return { sent = true, status = 200, headers = headers, body = json.encode { id = id } }, { taken = true, id = id }
end

-- How a task stands, now and then as it stood before.
function World:state(task)
  if scheduler.now() < task.done then return self:pick { "PENDING", "THROTTLED", "RUNNING", "RUNNING", "DREAMING" } end
  if self.random(10) == 1 then return self:pick { "PENDING", "RUNNING" } end
  task.told_end = true
  return task.last
end

function World:free(path)
  local headers, task = {}, self.tasks[path:match "[^/]*$"]
  local fate = self.random(100) <= self.free_faults and self.random(8) or 9
  if scheduler.now() - self.began < self.outage then fate = 1 end
  if fate == 1 then
    return { sent = false, error = network "connect" }, { outage = true }
  elseif fate == 2 then
    return { sent = true, error = self:pick { network "closed", { kind = "timeout", code = "answer", message = "x" },
      { kind = "protocol", code = "garbage", message = "x" } } }, { outage = true }
  elseif fate == 3 then
    return { sent = true, status = self:pick { 500, 502, 503, 504, 520 }, headers = headers, body = self:pick(PAGES) },
      { outage = true }
  elseif fate == 4 then
    local after = self:retry_after(headers)
    local status = self:pick { 429, 503 }
    return { sent = true, status = status, headers = headers, body = "later" },
      { after = after, limited = status == 429, outage = status == 503 and not after }
  elseif fate == 5 then
    return { sent = true, status = 200, headers = headers, body = task and self:pick(PAGES) or PAGES[1] },
      task and { outage = true } or { fine = true }
  elseif fate == 6 then
    return { sent = true, status = self:pick { 401, 403, 404 }, headers = headers, body = "<html>nginx</html>" },
      task and { outage = true } or { final = true }
  elseif fate == 7 and task and self.random(3) == 1 then
    return { sent = true, status = 404, headers = headers, body = '{"error":"no such task"}' }, { missing = true }
  elseif fate == 8 and self.random(60) == 1 then
    return { sent = true, status = self:pick { 401, 403 }, headers = headers, body = '{"error":"revoked"}' },
      { revoked = true }
  end
  local body = { balance = 7 }
  if task then
    body = { id = path:match "[^/]*$", status = self:state(task), createdAt = "2026-11-28T12:00:00Z" }
    if body.status == "SUCCEEDED" then body.output = { "https://cdn.example/a.mp4" } end
  end
  return { sent = true, status = 200, headers = headers, body = json.encode(body) }, { fine = true }
end

--------------------------------------------------------------------- requests, held against the truth

-- A request is about to be sent.
function World:check(wire)
  local sort, known, now = wire.gate and "paid" or "free", self.wires[wire], scheduler.now()
  if self.closed then self:complain("a request after the client was closed: %s", wire.path) end
  if known then
    if known.charged then self.retries = self.retries + 1 end
    if now < known.earliest - EARLY then
      self:complain("Retry-After undercut by %.3f s: %s", known.earliest - now, wire.path)
    end
  else
    self.calls = self.calls + 1
  end
  local id = wire.method == "GET" and wire.path:match "^/v1/tasks/(.*)$"
  local hold = self.hold[sort]
  if (known or id) and hold and now > hold.told and now < hold.ends - EARLY then
    self:complain("a time that another was told was undercut by %.3f s: %s", hold.ends - now, wire.path)
  end
  if id and now < (self.task_hold[id] or 0) - EARLY then self:complain("the task's own Retry-After was undercut") end
  local most = self.reserve + 0.1 * self.calls + self.answers
  if self.retries > most + EARLY then self:complain("%d retries, and %.1f are allowed", self.retries, most) end
end

-- What an answer asks of those who come after it.
function World:note(wire, truth)
  local now, after = scheduler.now(), truth.after
  self.wires[wire] = { earliest = now + (after and after <= 3600 and after or 0),
    charged = not after and not truth.limited }
  if after and after <= 3600 then
    local sort = wire.gate and "paid" or "free"
    local hold = self.hold[sort]
    if not hold or hold.ends < now + after then self.hold[sort] = { ends = now + after, told = now } end
  end
  local id = wire.method == "GET" and wire.path:match "^/v1/tasks/(.*)$"
  if id and after then self.task_hold[id] = now + math.min(after, 3600) end
  if id and self.tasks[id] then
    local task = self.tasks[id]
    if truth.missing then task.missing = task.missing + 1 elseif truth.fine then task.missing = 0 end
    task.revoked = task.revoked or truth.revoked
  end
  if truth.fine or truth.final or truth.missing or truth.revoked or truth.id and not truth.limited then
    self.answers = self.answers + 1
  end
end

-- What is true of a shot after the result of a paid request of it was told.
local function note_shot(shot, result, truth)
  shot.sent = shot.sent or result.sent
  shot.id = shot.id or truth.id
  shot.taken, shot.final = shot.taken or truth.taken, shot.final or truth.final
end

--------------------------------------------------------------------- the transport

local function land(self, flight, result, truth)
  if flight.ended then return end
  flight.ended = true
  self.flying[flight] = nil
  self:note(flight.wire, truth)
  if flight.shot then note_shot(flight.shot, result, truth) end
  result.headers, result.body = result.headers or {}, result.body or ""
  result.bytes, result.timings = #result.body, { total = scheduler.now() - flight.left_at, connect = 0 }
  flight.done(result)
end

-- The request leaves its line: from here on it is on the wire.
local function leave(self, flight)
  if flight.ended then return end
  local wire, shot = flight.wire, flight.shot
  flight.left_at, flight.left = scheduler.now(), true
  local result, truth
  if shot then
    if shot.taken or shot.final or shot.live then
      self:complain("a second paid request of %s", shot.tag)
    end
    result, truth = self:paid(shot)
    shot.live = (truth.taken or truth.final) and true or nil
  else
    result, truth = self:free(wire.path)
  end
  local delay = self.random(2) == 1 and 0 or self.random(20) / 4
  if result.error and result.error.kind == "timeout" then delay = wire.timeout end
  if wire.timeout > 0 and delay > wire.timeout then
    delay, result = wire.timeout, { sent = true, error = { kind = "timeout", code = "answer", message = "late" } }
    truth = { taken = truth.taken or truth.final or shot ~= nil, outage = true }
  end
  scheduler.at(scheduler.now() + delay, function() land(self, flight, result, truth) end)
end

function World:start(wire, done)
  self.requests = self.requests + 1
  self:check(wire)
  local flight = { wire = wire, done = done, left_at = scheduler.now() }
  if wire.gate then
    local tag = json.decode(wire.body).promptText
    flight.shot = self.shots[tag]
  end
  self.flying[flight] = true
  local in_line = self.random(3) == 1 and self.random(30) / 10 or 0
  scheduler.at(scheduler.now() + in_line, function() leave(self, flight) end)
  return flight
end

local CANCELLED = { kind = "cancelled", code = "cancelled", message = "cancelled", permanent = true }

function World:drop(flight)
  if not flight or flight.left or flight.ended then return end
  flight.ended = true
  self.flying[flight] = nil
  scheduler.at(scheduler.now(), function()
    flight.done { sent = false, headers = {}, body = "", bytes = 0, timings = { total = 0, connect = 0 },
      error = CANCELLED }
  end)
end

function World:cancel(flight)
  if not flight or flight.ended then return end
  if flight.shot and flight.left then self:complain("what had left was cancelled: %s", flight.shot.tag) end
  flight.ended = true
  self.flying[flight] = nil
end

function World:awaits(done)
  for flight in pairs(self.flying) do
    if flight.done == done then return true end
  end
  return false
end

function World:progress() return 0, nil end

return world
