-- What benchmarks share: programs beside this one, medians, and the page they write.
--
-- Each figure stands beside a floor that was measured in the same run, turn by turn with it, since a machine that does
-- something else meanwhile shifts both. bench/RESULTS.md has a section for each benchmark, which writes its own anew.

local child = require "spec.support.child"
local core = require "runway.core"
local interpreter = require "spec.support.interpreter"

local support = {}

support.RUNS = 5                              -- of each, interleaved; the middle one counts

---------------------------------------------------------------------------------------------------
-- Numbers

--- The least number that `share` of a list are not greater than.
---@param list number[]
---@param share number   0.5: the median
---@return number
function support.quantile(list, share)
  local sorted = table.move(list, 1, #list, 1, {})
  table.sort(sorted)
  return sorted[math.max(1, math.ceil(share * #sorted))]
end

function support.median(list) return support.quantile(list, 0.5) end

--- Each of some measurements in turn, again and again.
---@param measures { [1]: string, [2]: fun(): number }[]   names, and how each is measured
---@return table<string, number[]> by_name
function support.interleaved(measures)
  local found = {}
  for run = 1, support.RUNS do
    for _, measure in ipairs(measures) do
      local name = measure[1]
      found[name] = found[name] or {}
      found[name][run] = measure[2]()
      io.stderr:write(("  run %d of %d, %s: %.4g\n"):format(run, support.RUNS, name, found[name][run]))
    end
  end
  return found
end

---------------------------------------------------------------------------------------------------
-- Programs

--- What a command writes; raises where it fails.
---@param command string   of a shell
---@return string
function support.said(command)
  local pipe = assert(io.popen(command))
  local text = pipe:read "a"
  assert(pipe:close(), command .. " failed")
  return (text:gsub("%s+$", ""))
end

--- Starts a Lua program.
---@param path string          of its source
---@param arguments (string|number)[]
---@return file* pipe   what it writes
function support.start(path, arguments)
  local words = { child.paths(), interpreter, child.quote(path) }
  for _, argument in ipairs(arguments) do words[#words + 1] = child.quote(tostring(argument)) end
  return assert(io.popen(table.concat(words, " ") .. " 2>&1"))
end

--- Runs Lua programs side by side, which begin what counts together: each writes a line once it is ready, and waits
--- until the file is there that its first argument names.
---@param path string
---@param count integer
---@param arguments (string|number)[]   the others
---@return string[] said   what each wrote after that line
---@return number began    by core.now(), which all processes share
function support.together(path, count, arguments)
  local go = os.tmpname()
  os.remove(go)
  local pipes, said = {}, {}
  for i = 1, count do pipes[i] = support.start(path, { go, table.unpack(arguments) }) end
  for _, pipe in ipairs(pipes) do pipe:read "l" end
  local began = core.now()
  assert(io.open(go, "w")):close()
  for i, pipe in ipairs(pipes) do
    said[i] = pipe:read "a"
    if not pipe:close() then error(said[i]) end
  end
  os.remove(go)
  return said, began
end

---------------------------------------------------------------------------------------------------
-- The page

local PAGE = "bench/RESULTS.md"
local HEAD = [[
# What it takes

Written by `make bench`, a section for each file of `bench/`. Every figure is the median of at least five runs, and
every ratio is to a floor measured in the same run, turn by turn with it: what the database, or libcurl, does for the
same work with nothing of ours above it. Figures of two machines, or of two days, are not to be compared; ratios are.
]]

-- The machine, in one line.
local function machine()
  local memory = tonumber(support.said "sed -n 's/^MemTotal: *\\([0-9]*\\).*/\\1/p' /proc/meminfo") or 0
  return ("%s, %s CPUs, %.0f GiB, %s, %s; %s; load %s at the end"):format(
    support.said "sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1", support.said "nproc", memory / 2 ^ 20,
    support.said "uname -sr", support.said ". /etc/os-release && echo \"$PRETTY_NAME\"", _VERSION,
    support.said "cut -d' ' -f1 /proc/loadavg")
end

---@param rows string[][]   the first is the head
---@return string
function support.table(rows)
  local lines = {}
  for i, row in ipairs(rows) do
    lines[#lines + 1] = "| " .. table.concat(row, " | ") .. " |"
    if i == 1 then lines[2] = "|" .. (" --- |"):rep(#row) end
  end
  return table.concat(lines, "\n")
end

--- Writes a benchmark's section, in the place of the one it had.
---@param title string
---@param text string
function support.publish(title, text)
  local file = io.open(PAGE)
  local page = file and file:read "a" or HEAD
  if file then file:close() end
  local heading = "\n## " .. title .. "\n"
  local from = page:find(heading, 1, true) or #page + 1
  local to = page:find("\n## ", from + 1, true) or #page + 1
  local section = ("%s\n%s\n\nOn %s, on %s.\n"):format(heading, text, machine(), os.date "%Y-%m-%d")
  file = assert(io.open(PAGE, "w"))
  file:write(page:sub(1, from - 1), section, page:sub(to))
  file:close()
  print(text)
end

return support
