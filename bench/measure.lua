-- measure.lua: what benchmarks of the client share: a server to run against, programs that say what they took, and
-- the numbers' form.

local runway = require "runway"
local text = require "runway.text"

local measure = {}

--------------------------------------------------------------------- running

-- The first line that a command says.
local function line_of(command)
  local pipe = assert(io.popen(command))
  local line = pipe:read "l"
  assert(pipe:close(), command .. " failed")
  return (assert(line, command .. " said nothing"))
end

---@return string  a directory in memory, where the system has such
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

return measure
