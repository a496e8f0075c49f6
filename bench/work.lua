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
---@return bench.Work
function work.begin(build)
  local server = assert(io.popen(build .. "/server"))
  -- In memory, where the system has such: no disk is measured.
  local directory = support.said "mktemp -d -p \"$([ -w /dev/shm ] && echo /dev/shm || echo \"${TMPDIR:-/tmp}\")\""
  return setmetatable({
    server = server, directory = directory,
    url = "http://127.0.0.1:" .. assert(server:read "l", "the server did not start"),
    programs = { floor = build .. "/floor", runway = interpreter .. " bench/clips.lua" },
  }, Work)
end

--- Does so many tasks; gives the seconds of CPU and of the clock that it took.
---@param name "floor"|"runway"
---@param tasks integer
---@return number cpu
---@return number clock
function Work:run(name, tasks)
  local cpu, clock = support.said(self:command(name, tasks)):match "^(%S+) (%S+)$"
  return tonumber(cpu), tonumber(clock)
end

function Work:command(name, tasks)
  return ("%s %s %d %s"):format(self.programs[name], self.url, tasks, self.directory)
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
