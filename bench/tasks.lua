-- tasks.lua: what a task costs through runway, beside what libcurl alone takes for the same work.
--
--   tasks.lua BUILD      where server and floor lie (`make bench` makes them)

local runway = require "runway"
local support = require "bench.support"
local text = require "runway.text"
local work = require "bench.work"

local TASKS = 2000

local begun = work.begin(arg[1] or "build/bench")
local client = assert(runway.client { provider = "runwayml", api_key = "key", base_url = begun.url })

-- The seconds of CPU that the server has used.
local function busy() return assert(client:request { path = "/busy" }).json.cpu end

---------------------------------------------------------------------------------------------------
-- Measuring

local used = { floor = {}, runway = {}, server = {} } -- seconds of CPU for a task; of the server, of each second

-- Tasks a second.
local function measure(name)
  return { name, function()
    local before = busy()
    local cpu, clock = begun:run(name, TASKS)
    if name == "floor" then table.insert(used.server, (busy() - before) / clock) end
    table.insert(used[name], cpu / TASKS)
    return TASKS / clock
  end }
end

---------------------------------------------------------------------------------------------------
-- Telling

-- A number for the table: 3.00, 1.48, 406,775.
local function shown(n)
  if n < 1000 then return text.fixed(n, 2) end
  return (("%d"):format(n // 1):reverse():gsub("(%d%d%d)", "%1,"):reverse():gsub("^,", ""))
end

local function row(what, of, reach)
  return { what, shown(of.floor), shown(of.runway), shown(of.runway / of.floor) .. "x", reach }
end

local function both(of) return { floor = of "floor", runway = of "runway" } end

local rates = support.interleaved { measure "floor", measure "runway" }

support.publish("Tasks", ([[
A submit over a connection of its own, three polls and a file of 4 KiB: %d tasks, 64 at once, the medians of %d runs by
turns. The floor is `bench/floor.c`, over libcurl multi; ours is `bench/clips.lua`, with JSON, tasks and errors in full.

%s

The server (`bench/server.c`) used %d %% of one CPU while the floor ran: it waited for its clients, and not they for it.
Instructions are those of user mode, as callgrind counts them.]])
  :format(TASKS, support.RUNS, support.table {
    { "what", "floor", "runway", "ratio", "to reach" },
    row("CPU for a task, µs", both(function(name) return support.median(used[name]) * 1e6 end), "1.5x at most"),
    row("instructions for a task", both(function(name) return begun:instructions(name) end), "850,000 at most"),
    row("tasks a second", both(function(name) return support.median(rates[name]) end), "0.8x at least"),
  }, support.median(used.server) * 100 // 1))

begun:finish()
