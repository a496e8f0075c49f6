-- jobs.lua: many at once: a function with all jobs beside it, or a list side by side.

local scheduler = require "runway.scheduler"
local values = require "runway.values"

local jobs = {}

local unpack = table.unpack or unpack

--- Runs a function as a job, and all other jobs beside it, until it returns.
---@param fn function
---@return any ...  its values; what it raises is raised here
function jobs.run(fn, ...)
  if type(fn) ~= "function" then error("run takes a function, not " .. type(fn), 2) end
  local job = scheduler.spawn(fn, ...)
  job:join()
  if job.raised then
    local value = job.raised.value
    if type(value) == "string" then value = job.results[2].traceback end
    error(value, 0)
  end
  return unpack(job.results, 1, job.results.n)
end

-- How many may run at once. It stands among a job's joiners, and is woken by its end as they are.
local Room = {}
Room.__index = Room

function Room:wake()
  self.free = self.free + 1
  if self.waiter then self.waiter:wake() end
end

-- Waits until one more may run, which is the caller's from then on.
function Room:take()
  while self.free < 1 do
    self.waiter = scheduler.waiter()
    scheduler.park(self.waiter)
    self.waiter = nil
  end
  self.free = self.free - 1
end

--- Waits for all of a list: jobs, tasks, or functions (run as jobs, side by side).
--- One that fails does not stop the others. Where the wait itself is ended, nothing more is begun.
---@param list table
---@param most? integer       how many of the functions and tasks run at once; the next begins when one has ended
---@return table results      the first value of each, at its index
---@return table|nil failures index -> err, when any failed
function jobs.all(list, most)
  if type(list) ~= "table" then error("all takes a list of jobs, tasks or functions", 2) end
  local running, results, failures = {}, {}, nil
  for key in next, list do                    -- a name, or what stands behind a hole, would be passed over
    if type(key) ~= "number" or key % 1 ~= 0 or key < 1 or key > #list then
      error(("all takes a list, { a, b, … }; it has no place for [%s]"):format(values.show(key)), 2)
    end
  end
  for i = 1, #list do                         -- before any of them begins
    local item = list[i]
    if type(item) ~= "function" and not (type(item) == "table" and (item.join or item.wait)) then
      error("all takes jobs, tasks or functions; item " .. i .. " is a " .. type(item), 2)
    end
  end
  if most ~= nil and not (type(most) == "number" and most >= 1 and (most % 1 == 0 or most == math.huge)) then
    error("all takes how many run at once: a whole number, 1 or more", 2)
  end
  local room = setmetatable({ free = most or math.huge }, Room)
  for i = 1, #list do
    local item = list[i]
    if type(item) == "table" and item.join then
      running[i] = item
    else
      room:take()
      running[i] = type(item) == "function" and scheduler.spawn(item) or scheduler.spawn(item.wait, item)
      scheduler.at_end(running[i], room)
    end
  end
  for i = 1, #running do
    local value, err = running[i]:join()
    results[i] = value
    if value == nil and err ~= nil then
      failures = failures or {}
      failures[i] = err
    end
  end
  return results, failures
end

return jobs
