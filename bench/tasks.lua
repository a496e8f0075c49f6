-- tasks.lua: what a task costs through runway, beside what libcurl alone takes for the same work.
--
--   tasks.lua BUILD      where server and floor lie (`make bench` makes them)

local measure = require "bench.measure"
local support = require "bench.support"

local TASKS = 2000
local build = arg[1] or "build/bench"

local server = measure.server(build .. "/server")
local directory = measure.directory()

local function command(program)
  return function(tasks) return ("%s %s %d %s"):format(program, server.url, tasks, directory) end
end

local floor, ours = command(build .. "/floor"), command((os.getenv "LUA" or "lua5.4") .. " bench/clips.lua")

local took = { floor = { cpu = {}, clock = {} }, ours = { cpu = {}, clock = {} }, busy = {} }

local function run(name, its)
  local busy = server.busy()
  local one = measure.once(its(TASKS))
  for what, seconds in pairs(one) do table.insert(took[name][what], seconds) end
  if name == "floor" then table.insert(took.busy, (server.busy() - busy) / one.clock) end
end

for _ = 1, support.RUNS do
  run("floor", floor)
  run("ours", ours)
end

local function row(what, of_floor, of_ours, reach)
  return { what, measure.shown(of_floor), measure.shown(of_ours), measure.shown(of_ours / of_floor) .. "x", reach }
end

local function cpu(name) return support.median(took[name].cpu) / TASKS * 1e6 end
local function rate(name) return TASKS / support.median(took[name].clock) end

support.publish("Tasks", { ([[
A submit over a connection of its own, three polls and a file of 4 KiB: %d tasks, 64 at once, the medians of %d runs by
turns. The floor is `bench/floor.c`, over libcurl multi; ours is `bench/clips.lua`, with JSON, tasks and errors in full.

%s

The server (`bench/server.c`) used %d %% of one CPU while the floor ran: it waited for its clients, and not they for it.
Instructions are those of user mode, as callgrind counts them.]])
  :format(TASKS, support.RUNS, measure.table {
    { "what", "floor", "runway", "ratio", "to reach" },
    row("CPU for a task, µs", cpu "floor", cpu "ours", "1.5x at most"),
    row("instructions for a task", measure.instructions(floor), measure.instructions(ours), "850,000 at most"),
    row("tasks a second", rate "floor", rate "ours", "0.8x at least"),
  }, support.median(took.busy) * 100 // 1) })

os.execute("rm -rf " .. directory)
server.pipe:close()
