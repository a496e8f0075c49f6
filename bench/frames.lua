-- frames.lua: how long a frame waits for its `step(0)`, while nothing happens and while much does.
--
--   frames.lua BUILD      where server lies (`make bench` makes it)

local interpreter = require "spec.support.interpreter"
local child = require "spec.support.child"
local rawserver = require "spec.support.rawserver"
local scratch = require "spec.support.scratch"
local support = require "bench.support"

local build = arg[1] or "build/bench"
local files = scratch.new()
local libraries = scratch.new()

---------------------------------------------------------------------------------------------------
-- Programs

local server = assert(io.popen(build .. "/server"))
local url = "http://127.0.0.1:" .. assert(server:read "l", "the server did not start")

local slow_names = libraries:path "slow_names.so"
assert(os.execute(("cc -std=c11 -D_GNU_SOURCE -O2 -shared -fPIC -o '%s' spec/support/slow_names.c -ldl")
  :format(slow_names)))

-- What it says at its end, of tasks that it has left, is of no account.
local function command(before, words)
  for i, word in ipairs(words) do words[i] = child.quote(tostring(word)) end
  return ("%s %s %s bench/frame.lua %s 2>'%s'"):format(child.paths(), before, interpreter, table.concat(words, " "),
    files:path "said")
end

-- Runs a scene; its lists by name.
local function run(before, ...)
  local words = { ... }
  io.stderr:write("  ", table.concat(words, " "), "\n")
  local pipe, lists = assert(io.popen(command(before, words))), {}
  for line in pipe:lines() do
    local name, rest = line:match "^(%S+) (.*)$"
    local list = {}
    for number in rest:gmatch "%S+" do list[#list + 1] = tonumber(number) end
    lists[name] = list
  end
  assert(pipe:close() and lists.steps, files:content "said")
  return lists
end

-- All of some runs in one.
local function runs(count, before, ...)
  local all = { steps = {}, own = {}, still = {}, frames = {} }
  for _ = 1, count do
    local lists = run(before, ...)
    for name, list in pairs(lists) do table.move(list, 1, #list, #all[name] + 1, all[name]) end
    all.frames[#all.frames + 1] = #lists.steps
  end
  return all
end

-- Millions of instructions of a run of the burst over a mock; of all before it, where the budget is "none".
local function instructions(budget, piece)
  support.said(command("valgrind --tool=callgrind --callgrind-out-file=/dev/null",
    { "work", 0, "automatic", budget, piece }))
  return assert(tonumber(files:content "said":match "Collected : (%d+)"), files:content "said") / 1e6
end

---------------------------------------------------------------------------------------------------
-- Telling

local before = instructions("none", 0)
local all, sliced = instructions("unbounded", 0) - before, instructions(0.001, 0.0001) - before

local rows = {
  { "`step(0)` in a frame", "frames", "p50", "p99", "max", "own: p99", "max", "still: p99", "max", "to reach" },
}

local function shown(us) return us < 100 and ("%.1f"):format(us) or ("%.0f"):format(us) end

local function row(what, lists, reach)
  local function at(name, share) return shown(support.quantile(lists[name], share)) end
  rows[#rows + 1] = { what, tostring(#lists.steps), at("steps", 0.5), at("steps", 0.99), at("steps", 1),
    at("own", 0.99), at("own", 1), at("still", 0.99), at("still", 1), reach }
end

row("1,000 tasks wait, frame after frame", runs(5, "", "waiting", 0, "automatic", url, 5000), "p99 20")
row("the same, and the host sleeps 1 ms between", runs(2, "", "waiting", 1, "automatic", url, 2000), "")
local bursts = runs(5, "", "burst", 1, "between", url, 0.001)
row("the burst, budget 1 ms", bursts, "p99 2,000")
row("the same, Lua's collector left to itself", runs(5, "", "burst", 1, "automatic", url, 0.001), "")
local unbounded = runs(2, "", "burst", 1, "between", url, "unbounded")
row("the same, without a bound", unbounded, "")

local raw = rawserver.start { tls = true, lifetime = 600 }
local network = runs(2, ("LD_PRELOAD='%s' "):format(slow_names), "network", 1, "between", raw.ca_file,
  raw:url("", "good"), raw:url "", files.directory, 10)
row("the network's work", network, "p99 100, max 1,000")
raw:stop()

local sum = 0
for _, us in ipairs(bursts.steps) do sum = sum + us end
support.publish("Frames", ([[
What `runway.step(0)` takes of a frame, in microseconds, of a host that is `bench/frame.lua`. Beside each step stands
what the same thread does next, which is nothing but a look at the clock for 20 µs, and at the burst for 1 ms: what
that takes longer is what the kernel took on this machine and in this run. "Own" is a step without the time for which
the kernel let its thread wait for a CPU, by the kernel's own account.

%s

The burst: 200 tasks end, 1,000 looks at tasks are due and 1,000 jobs begin with a `generate`, all at once; it goes on
until all of it is done (%s frames; without a bound it is a handful, the longest of which holds all the work). The
host lets the collector of Lua's memory work between frames, after its step. One that is left to itself works within
them, and no budget bounds it: it goes through the stacks of all coroutines in one go, which is milliseconds for the
2,200 of the burst. The network's work: 64 TLS connections are opened, 64 files of 4 MB come, and a name whose resolver
takes half a second is asked for and given up after 20 frames; 20 rounds of it. Where many answers come at once, a
step there takes its budget of 1 ms to hand them out. What a step's "own" has there beyond a few of these it was seen to
spend at the lock between it and the engine's thread, and in the calls that wake that one: up to 5.5 ms, while the
kernel had put the holder of the lock aside, which by its account is no wait for a CPU. Lists that both sides change
without a lock would bound it.

In slices of ten pieces of work the burst takes %.1f %% more instructions than without a bound (over a mock, as
callgrind counts them: %d and %d million; 5 %% at most is the aim).]])
  :format(support.table(rows), support.median(bursts.frames), (sliced / all - 1) * 100, sliced // 1, all // 1))

libraries:remove()
files:remove()
server:close()
