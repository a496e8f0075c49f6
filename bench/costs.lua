-- costs.lua: what single things take through runway, beside libcurl alone: a request, ten thousand tasks, a thousand
-- that wait, a TLS connection, a long file, a large picture, and the start.
--
--   costs.lua BUILD      where server, floor and bare lie (`make bench` makes them)

local certs = require "spec.support.certs"
local child = require "spec.support.child"
local core = require "runway.core"
local interpreter = require "spec.support.interpreter"
local support = require "bench.support"
local text = require "runway.text"
local work = require "bench.work"

local build = arg[1] or "build/bench"
local LONG = 2 ^ 30 | 0
local MIB = 2 ^ 20 | 0

local quick, slow, still = work.begin(build), work.begin(build, 200), work.begin(build, 0, 0)
local directory = quick.directory

---------------------------------------------------------------------------------------------------
-- Programs

local function said(command) return support.said(command .. " 2>/dev/null") end

local function numbers(line)
  local list = {}
  for word in line:gmatch "%S+" do list[#list + 1] = tonumber(word) end
  return list
end

local function quoted(...)
  local words = { ... }
  for i, word in ipairs(words) do words[i] = child.quote(tostring(word)) end
  return table.concat(words, " ")
end

local function bare(...) return numbers(said(build .. "/bare " .. quoted(...))) end

local function ours(...) return numbers(said(interpreter .. " bench/cost.lua " .. quoted(...))) end

local function library(name)
  local path = directory .. "/" .. name .. ".so"
  support.said(("cc -std=c11 -O2 -shared -fPIC $(pkg-config --cflags lua%s libcurl) -o '%s' bench/aside/%s.c -lcurl")
    :format(_VERSION:sub(5), path, name))
  return path
end

-- Seconds that a command takes.
local function timed(command)
  local began = core.now()
  assert(os.execute(command .. " >'" .. directory .. "/said' 2>&1"), command .. " failed")
  return core.now() - began
end

---------------------------------------------------------------------------------------------------
-- Telling

local rows = { { "what", "floor", "runway", "ratio", "to reach" } }

-- Each is the median of its own, and the ratio that of the runs' ratios.
local function row(what, unit, by, found, reach, digits)
  local ratios = {}
  for i, value in ipairs(found.floor) do ratios[i] = found.runway[i] / value end
  local function shown(list) return text.fixed(support.median(list) * by, digits or 2) .. " " .. unit end
  rows[#rows + 1] = { what, shown(found.floor), shown(found.runway), text.fixed(support.median(ratios), 2) .. "x",
    reach }
end

local function alone(what, value, reach) rows[#rows + 1] = { what, "", value, "", reach } end

-- Two by turns; each gives a list of figures, and of each figure a table of lists comes out.
local function compare(floor, runway)
  local all = {}
  local function measure(name, run)
    return { name, function()
      local list = run()
      for i, value in ipairs(list) do
        all[i] = all[i] or { floor = {}, runway = {} }
        table.insert(all[i][name], value)
      end
      return list[1]
    end }
  end
  support.interleaved { measure("floor", floor), measure("runway", runway) }
  return table.unpack(all)
end

---------------------------------------------------------------------------------------------------
-- What is measured

local function one_after_another()
  local poll = quick.url .. "/v1/tasks/2f1c9a54-7b0e-4d1a-9c3e-000000000001"
  row("a poll, one after another", "µs", 1e6, compare(function() return bare("get", poll, 3000) end,
    function() return ours("get", quick.url, 3000) end), "1.5x at most", 0)
  row("a submit, one after another, a connection each", "µs", 1e6,
    compare(function() return bare("post", quick.url .. "/v1/text_to_video", 2000) end,
      function() return ours("post", quick.url, 2000) end), "1.5x at most", 0)
end

local TASKS, HANDLES = 10000, 1000

local function ten_thousand()
  local function run(name)
    local cpu, _, most = slow:run(name, TASKS, TASKS, HANDLES)
    return { cpu / TASKS, most }
  end
  local cpu, most = compare(function() return run "floor" end, function() return run "runway" end)
  row("10,000 tasks under way, 1,000 connections: CPU a task", "µs", 1e6, cpu, "2x at most", 0)
  row("their memory", "MiB", 1 / 1024, most, "60 MiB at most", 0)
end

local function front(port)
  local certificates = certs.make()
  local h2 = 20000 + math.random(20000)
  local pipe = assert(io.popen(("PATH=$PATH:/usr/sbin; echo $$; exec nghttpx -f127.0.0.1,%d -b127.0.0.1,%d -n1 "
    .. "--no-ocsp --conf=/dev/null -LFATAL --errorlog-file=/dev/null '%s/good.key' '%s/good.pem' >&2 2>/dev/null")
    :format(h2, port, certificates, certificates)))
  local pid = pipe:read "l"
  local url = "https://localhost:" .. h2
  local bundle = directory .. "/authorities.pem"
  support.said(("cat /etc/ssl/certs/ca-certificates.crt '%s/ca.pem' >'%s'"):format(certificates, bundle))
  support.said(("for i in $(seq 100); do curl -sf --cacert '%s' %s/busy && exit; sleep 0.1; done; exit 1")
    :format(bundle, url))
  return url, bundle, function()
    os.execute("kill " .. pid)
    pipe:close()
    certs.remove(certificates)
  end
end

-- Connections and memory while so many wait, asked about every few seconds.
local function waiting(runs, url, port, count, seconds, bundle)
  local connections, memory = {}, {}
  for run = 1, runs do
    local list = ours("waiting", url, count, seconds, port, bundle or "")
    connections[run], memory[run] = list[1], list[2]
  end
  return support.median(connections), support.median(memory)
end

local function a_thousand_waiting()
  local port = math.tointeger(tonumber(still.url:match "%d+$"))
  local url, bundle, finish = front(port)
  local plain, kib = waiting(support.RUNS, still.url, port, 1000, 3)
  alone("1,000 tasks wait: connections, HTTP/1.1", ("%d"):format(plain), "64 at most")
  local h2 = waiting(support.RUNS, url, math.tointeger(tonumber(url:match "%d+$")), 1000, 3, bundle)
  alone("the same, HTTP/2 offered", ("%d"):format(h2), "8 at most")
  alone("their memory, all of the process", ("%d MiB"):format(kib // 1024), "30 MB at most")
  local _, more = waiting(1, still.url, port, 6000, 10)
  alone("of each more that only waits", ("%.1f KiB"):format((more - kib) / 5000), "4 KiB at most")
  finish()
end

local function tls()
  local url, bundle, finish = front(math.tointeger(tonumber(quick.url:match "%d+$")))
  url = url .. "/v1/text_to_video"
  local function run() return ours("tls", url, 200, bundle) end
  local by_file = compare(function() return bare("tls", url, 200, bundle, "") end, run)
  local by_default = compare(function() return bare("tls", url, 50, bundle, "/etc/ssl/certs") end, run)
  row("CPU of a new TLS connection; libcurl as Debian sets it", "ms", 1e3, by_default, "1 ms at most")
  row("the same; libcurl told to keep the authorities", "ms", 1e3, by_file, "")
  finish()
end

local function long_file()
  local url, to = ("%s/bytes/%d.mp4"):format(quick.url, LONG), directory .. "/long"
  local drop, growth = library "drop", {}
  local function curl(path) return function() return { timed(("curl -so %s %s"):format(path, url)) } end end
  local function run(before)
    return function()
      local list = numbers(said(("%s %s bench/cost.lua download %s"):format(before, interpreter,
        quoted(url, to .. ".mp4"))))
      os.remove(to .. ".mp4")
      growth[#growth + 1] = list[2]
      return { list[1] }
    end
  end
  local kept = compare(curl(to), run "")
  os.remove(to)
  local dropped = compare(curl "/dev/null", run(("LD_PRELOAD='%s'"):format(drop)))
  row("1 GiB into memory (tmpfs)", "s", 1, kept, "1x at most")
  row("1 GiB, dropped", "s", 1, dropped, "1x at most")
  alone("memory for it", text.fixed(support.quantile(growth, 1) / 1024, 1) .. " MiB", "8 MiB at most")
end

local function picture()
  local path = directory .. "/picture.png"
  support.said(("{ printf '\\211PNG\\r\\n\\032\\n'; head -c %d /dev/urandom; } >'%s'"):format(64 * MIB - 8, path))
  local growth = {}
  local time = compare(function() return bare("image", quick.url .. "/v1/text_to_video", 3, path) end, function()
    local list = ours("image", quick.url, 3, path)
    growth[#growth + 1] = list[2]
    return { list[1] }
  end)
  row("a picture of 64 MiB as data URI; the floor copies, and encodes nothing", "ms", 1e3, time, "2x at most", 0)
  alone("memory for it", text.fixed(support.quantile(growth, 1) / 1024, 1) .. " MiB", "no copy of it")
end

-- Seconds of a program, in the mean of 20.
local function start(program)
  return timed(("for i in $(seq 20); do %s -e \"%s\" || exit; done"):format(interpreter, program)) / 20
end

local function load_time()
  local minimum = ("package.cpath='%s/?.so;'..package.cpath require'minimum' os.exit(0)"):format(directory)
  local client = "local c = require'runway'.client{provider='runwayml',api_key='k'} os.exit(c and 0)"
  library "minimum"
  local empty = {}
  local found = compare(function()
    local nothing = start "os.exit(0)"
    empty[#empty + 1] = nothing
    return { start(minimum) - nothing }
  end, function() return { start(client) - empty[#empty] } end)
  row("require and the first client, more than an empty program; the floor is a module that opens libcurl", "ms", 1e3,
    found, "1.23x at most (7.0 by 5.7)", 1)
  local preloaded = ours("preloaded", quick.url)
  alone("the first client after preload()", text.fixed(preloaded[1] * 1e3, 2) .. " ms", "preload() moves it")
end

for _, measure in ipairs {
  one_after_another, load_time, tls, picture, long_file, ten_thousand, a_thousand_waiting,
} do
  measure()
end

support.publish("Single things", ([[
By turns with `bench/bare.c`, `bench/floor.c` and curl, over the same server, %d runs each; the figures are medians,
and a ratio is the median of the runs' own. Ours are `bench/cost.lua` and `bench/clips.lua`.

%s

A poll and a submit alone are what they are for a caller: with the hand-over to the engine's thread and back. The ten
thousand are those of "Tasks", each answer of the server 200 ms late; the floor has its own queue before 1,000 handles.
Dropped is a file whose writes the C library is told to forget (`bench/aside/drop.c`); all else is done, the sum of it,
too. HTTP/2 is nghttpx's, in front of the same server.

What is missed, and what would get there:

- One after another: above the floor stand Lua and two wakes of a thread that sleeps, of the engine's and of the
  caller's; each waits for a CPU where others have them. Less Lua for a call helps as it helps "Tasks"; the rest would
  take an engine that looks for a few microseconds before it sleeps, or a wait that drives libcurl itself.
- The first client: of its 106 million instructions 21 are the floor's, and most of the rest is Lua, which compiles 80
  files: 15.7 ms, where the same as bytecode takes 1.8. A build that carries bytecode would get there.
- A long file: its sum is taken on the thread that receives it, at 1.4 GB/s where the processor has SHA-256. Without it
  a file took 1.25 s beside curl's 1.2. A thread that reads behind the writer, from the page cache, would get there.
- The memory of 10,000 tasks is that of 10,000 coroutines, each in the middle of a call, with what it holds of its
  request. A line before the jobs, so that those which may not send yet are not begun, would bound it.
- Connections with HTTP/2: one request at a time on each, since libcurl 7.88 lost one in a thousand side by side. Those
  that are used are as many as requests at once (32 unless `max_in_flight` says otherwise) and as submits, which have
  one each, have left; a later libcurl may be trusted with more on one.]]):format(support.RUNS, support.table(rows)))

for _, begun in ipairs { quick, slow, still } do begun:finish() end
