-- measure.lua: what the benchmarks share: a server to run against, programs measured by turns, and their
-- sections of RESULTS.md.

local runway = require "runway"
local text = require "runway.text"

local measure = {}

measure.ROUNDS = tonumber(os.getenv "ROUNDS") or 5
local RESULTS = "bench/RESULTS.md"
local INTRO = [[
# Results

Written by `make bench`, a section for each benchmark. A time says as much about a machine as about a program: what
holds elsewhere is the ratio to the floor, which ran by turns with it.

]]

--------------------------------------------------------------------- running

-- The first line that a command says.
local function line_of(command)
  local pipe = assert(io.popen(command))
  local line = pipe:read "l"
  assert(pipe:close(), command .. " failed")
  return (assert(line, command .. " said nothing"))
end

---@return string  a directory in memory, where the system has such, to be removed by `measure.over`
function measure.directory()
  return line_of "mktemp -d -p \"$([ -w /dev/shm ] && echo /dev/shm || echo \"${TMPDIR:-/tmp}\")\""
end

--- Starts a server of ours, which ends with the pipe.
---@param program string
---@return { url: string, busy: fun(): number }   busy: the seconds of CPU it has used
function measure.server(program)
  local pipe = assert(io.popen(program))
  local url = "http://127.0.0.1:" .. assert(pipe:read "l", program .. " did not start")
  local client = assert(runway.client { provider = "runwayml", api_key = "key", base_url = url })
  return { url = url, pipe = pipe, busy = function()
    return assert(client:request { path = "/busy" }).json.cpu
  end }
end

--- Runs a program that prints the seconds of CPU and of the clock that it took.
---@param command string
---@return { cpu: number, clock: number }
function measure.once(command)
  local cpu, clock = line_of(command):match "^(%S+) (%S+)$"
  return { cpu = tonumber(cpu), clock = tonumber(clock) }
end

---@param list number[]
---@return number
function measure.median(list)
  local sorted = { table.unpack(list) }
  table.sort(sorted)
  local half = #sorted // 2
  return #sorted % 2 == 1 and sorted[half + 1] or (sorted[half] + sorted[half + 1]) / 2
end

--- User instructions for one of what a program does many of: the difference of two runs, so that what it does but once
--- does not count.
---@param command fun(count: integer): string
---@return integer
function measure.instructions(command)
  local function counted(count)
    return tonumber(line_of("valgrind --tool=callgrind --callgrind-out-file=/dev/null " .. command(count) ..
      " 2>&1 >/dev/null | sed -n 's/.*Collected : //p'"))
  end
  local few, many = 200, 600
  return (counted(many) - counted(few)) // (many - few)
end

--------------------------------------------------------------------- telling

-- What it runs on, in a line.
local function machine()
  local model = line_of "sed -n 's/^model name[^:]*: //p' /proc/cpuinfo 2>/dev/null | head -1 | grep . || uname -m"
  return ("%s, %s CPUs, %s, %s, %s, libcurl %s"):format(model, line_of "nproc", line_of "uname -sr", _VERSION,
    line_of "cc --version", line_of "curl-config --version | cut -d' ' -f2")
end

--- A number for a table: 3, 1.48, 406,775.
---@param n number
---@return string
function measure.shown(n)
  if n < 1000 then return text.fixed(n, 2) end
  local whole = ("%d"):format(n // 1):reverse():gsub("(%d%d%d)", "%1,"):reverse():gsub("^,", "")
  return whole
end

---@param rows string[][]   the first is the head
---@return string
function measure.table(rows)
  local lines = {}
  for i, row in ipairs(rows) do
    lines[#lines + 1] = "| " .. table.concat(row, " | ") .. " |"
    if i == 1 then lines[2] = ("|---"):rep(#row) .. "|" end
  end
  return table.concat(lines, "\n")
end

--- Writes a section of RESULTS.md, in place of the one of that title, and shows it.
---@param title string
---@param said string
function measure.tell(title, said)
  local section = ("## %s\n\n%s\n\nMeasured on %s.\n"):format(title, said, machine())
  local file = io.open(RESULTS)
  local all = file and file:read "a" or INTRO
  if file then file:close() end
  local first = all:find("## " .. title .. "\n", 1, true)
  local after = first and all:find("\n## ", first, true)
  if first then
    all = all:sub(1, first - 1) .. section .. (after and all:sub(after) or "")
  else
    all = all:gsub("\n*$", "\n\n") .. section
  end
  file = assert(io.open(RESULTS, "w"))
  assert(file:write(all))
  file:close()
  print(section)
end

return measure
