-- work.lua: the work that a task is measured by: its server, its floor, and ours.

local interpreter = require "spec.support.interpreter"
local support = require "bench.support"

local work = {}

---@class bench.Work
---@field url string   of the server
local Work = {}
Work.__index = Work

--- Starts the server.
---@param build string   where server and floor lie
---@param delay integer|nil   milliseconds until it answers
---@param looks integer|nil   at a task until it ends; 0: never
---@return bench.Work
function work.begin(build, delay, looks)
  local server = assert(io.popen(("%s/server %d %d"):format(build, delay or 0, looks or 3)))
  -- In memory, where the system has such: no disk is measured.
  local directory = support.said "mktemp -d -p \"$([ -w /dev/shm ] && echo /dev/shm || echo \"${TMPDIR:-/tmp}\")\""
  return setmetatable({
    server = server, directory = directory,
    url = "http://127.0.0.1:" .. assert(server:read "l", "the server did not start"),
    programs = { floor = build .. "/floor", runway = interpreter .. " bench/clips.lua" },
  }, Work)
end

--- Does so many tasks; gives the seconds of CPU and of the clock that it took, and the KiB that it had at most.
---@param name "floor"|"runway"
---@param tasks integer
---@param at_once integer|nil    64
---@param in_flight integer|nil  requests of them; 64
---@return number cpu
---@return number clock
---@return number most
function Work:run(name, tasks, at_once, in_flight)
  local cpu, clock, most = support.said(self:command(name, tasks, at_once, in_flight)):match "^(%S+) (%S+) (%S+)$"
  return tonumber(cpu), tonumber(clock), tonumber(most)
end

function Work:command(name, tasks, at_once, in_flight)
  return ("%s %s %d %s %d %d"):format(self.programs[name], self.url, tasks, self.directory, at_once or 64,
    in_flight or 64)
end

--- User instructions for one task: the difference of two runs, so that what a program does but once does not count.
---@param name "floor"|"runway"
---@return number
function Work:instructions(name)
  local function counted(tasks)
    return tonumber(support.said(("valgrind --tool=callgrind --callgrind-out-file=/dev/null %s 2>&1 >/dev/null"
      .. " | sed -n 's/.*Collected : //p'"):format(self:command(name, tasks))))
  end
  local few, many = 100, name == "floor" and 600 or 300 -- it is quicker, and steadier the more there are
  return (counted(many) - counted(few)) / (many - few)
end

function Work:finish()
  os.execute("rm -rf '" .. self.directory .. "'")
  self.server:close()
end

return work
