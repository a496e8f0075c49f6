-- What fails at a chosen moment: each allocation in turn, C's or Lua's, and each call that touches a file, in a
-- program that submits, waits, downloads, keeps a journal and takes callbacks (failing_program.lua, with
-- shortage.c and faults.c before the C library). What must be true whatever it was told is checked here, against
-- servers that count what is paid for. Specs try some of it; `make torture` tries it all.

local child = require "spec.support.child"
local films = require "runway.sandbox.files"
local journal = require "runway.journal"
local json = require "runway.json"
local lua = require "spec.support.interpreter"
local rawserver = require "spec.support.rawserver"
local runway = require "runway"
local sandbox = require "runway.sandbox"
local scratch = require "spec.support.scratch"

local failing = {}

local PROGRAM = debug.getinfo(1, "S").source:match "^@(.*)%.lua$" .. "_program.lua"
local quote = child.quote

local FILM_BYTES, FILM_CUT = 40000, 20000
local POST = "POST %s HTTP/1.1\r\nHost: me\r\nContent-Type: application/json\r\nContent-Length: %d\r\n"
  .. "Connection: close\r\n\r\n%s"

--- What there is to fail, each with the stories that it is met in. `times`: so often in a row. Of Lua's own
--- one that fails alone costs a collection, two are an error.
failing.memory = {
  { story = "task", whose = "runway" }, { story = "task", whose = "runway", times = 5 },
  { story = "task", whose = "runway", journal = true }, { story = "task", whose = "runway", journal = true, times = 5 },
  { story = "task", whose = "runway", budget = true, times = 5 },
  { story = "task", whose = "lua", budget = true, times = 2 },
  { story = "task", whose = "lua", budget = true, journal = true, times = 2 },
  { story = "film", whose = "runway" },
  { story = "callback", whose = "runway" }, { story = "callback", whose = "runway", times = 5 },
  { story = "task", whose = "lua", journal = true }, { story = "task", whose = "lua", times = 2 },
  { story = "task", whose = "lua", journal = true, times = 2 },
  { story = "task", whose = "lua", journal = true, times = 40 },
  { story = "task", whose = "lua", times = 1000 }, { story = "film", whose = "lua", times = 2 },
  { story = "callback", whose = "lua" }, { story = "callback", whose = "lua", times = 2 },
  { story = "task", whose = "all", journal = true }, { story = "callback", whose = "all" },
  { story = "woken", whose = "runway", journal = true },
  { story = "woken", whose = "runway", journal = true, times = 5 },
  { story = "woken", whose = "lua", journal = true, times = 2 }, { story = "woken", whose = "all", journal = true },
}
for _, plan in ipairs {
  { story = "task", whose = "runway" }, { story = "task", whose = "runway", times = 5 },
  { story = "task", whose = "lua", times = 2 }, { story = "task", whose = "lua", times = 40 },
  { story = "task", whose = "all" }, { story = "task", whose = "all", times = 5 },
  { story = "woken", whose = "runway" }, { story = "woken", whose = "lua", times = 2 },
  { story = "woken", whose = "all" },
} do
  plan.journal = "postgresql"
  failing.memory[#failing.memory + 1] = plan
end

failing.files = {}
for call, errors in pairs {
  open = { "EIO", "EACCES", "EMFILE", "ENOMEM", "ENOSPC" }, opendir = { "EMFILE" },
  write = { "EIO", "ENOSPC", "EDQUOT" }, read = { "EIO" }, fsync = { "EIO", "ENOSPC" }, close = { "EIO" },
  renameat2 = { "EIO", "ENOSPC", "EINVAL" }, link = { "EIO" }, rename = { "EIO" }, ftruncate = { "EIO" },
  lseek = { "EIO" }, flock = { "ENOLCK" }, lock = { "ENOLCK", "EIO" }, fsetxattr = { "ENOSPC" },
  fgetxattr = { "EIO" },
} do
  for _, err in ipairs(errors) do
    -- where locks fail for long, SQLite tries for ten seconds
    for _, more in ipairs(call == "lock" and { "" } or { "", "+" }) do
      local fault = ("%s=%s@%%d%s"):format(call, err, more)
      -- the way that a file takes to its name where this one is not to be had
      if call == "link" then fault = fault .. " renameat2=EINVAL" end
      if call == "rename" then fault = fault .. " renameat2=EINVAL link=EPERM" end
      for _, story in ipairs { "task", "film", "woken" } do
        failing.files[#failing.files + 1] = { story = story, whose = "files", fault = fault, journal = story ~= "film",
          again = true }
      end
    end
  end
end
table.sort(failing.files, function(a, b) return a.fault .. a.story < b.fault .. b.story end)

--- The libraries, compiled; to be removed by who asked for them.
---@return table files
function failing.libraries()
  local files = scratch.new()
  local lua_flags = "-O1 -pthread $(pkg-config --cflags lua" .. _VERSION:sub(5) .. ")"
  for name, with in pairs { shortage = lua_flags, faults = "" } do
    local command = "cc -std=c11 -D_GNU_SOURCE -Wall -Wextra -Werror -shared -fPIC %s -o '%s' spec/support/%s.c -ldl"
    assert(os.execute(command:format(with, files:path(name .. ".so"), name)), "a library of failures does not compile")
  end
  return files
end

--- What a plan is called.
function failing.name(plan)
  return ("%s%s%s%s, %s"):format(plan.story, plan.journal and " with a journal" or "",
    plan.journal == "postgresql" and " on a server" or "", plan.budget and " with a budget" or "", plan.whose == "files"
    and plan.fault:gsub("%%d", "N") or ("%s's memory, %d in a row"):format(plan.whose, plan.times or 1))
end

-- What the provider would post of each task that was made, where it was told to: left for the program, which posts it
-- to itself.
local function leave_callbacks(self)
  for i = self.left + 1, #self.server.tasks do
    local task = self.server.tasks[i]
    local where = (task.input.callback_url or ""):match "^http://[^/]*(/.*)"
    if where then
      local body = json.encode { task_id = task.id, status = "1" }
      local path = self.files:write(task.prompt:match "%d+" .. "/callback.new", POST:format(where, #body, body))
      assert(os.rename(path, (path:gsub("%.new$", ""))))
    end
    self.left = i
  end
end

-- Runs the program; the sandbox answers meanwhile.
local function play(self, plan, libraries)
  local words = {}
  for name, value in pairs(plan) do words[#words + 1] = ("%s=%q"):format(name, value) end
  local files, mark, library = self.files, self.files:path "mark", libraries:path "shortage.so"
  local preload = quote(library .. ":" .. libraries:path "faults.so")
  local command = ("%s SPEC_PRELOAD=%s LD_PRELOAD=%s %s %s %s %s"):format(child.paths(), preload, preload, lua,
    quote(PROGRAM), quote(library), quote("{" .. table.concat(words, ",") .. "}"))
  os.execute(("{ %s; echo $? >%s.new; mv %s.new %s; } >%s 2>&1 </dev/null &"):format(command, mark, mark, mark,
    files:path "log"))
  repeat
    runway.step(0.002)
    leave_callbacks(self)
  until files:content "mark"
  assert(files:content "mark" == "0\n", files:content "log")
end

-- What a program was told, as lists by name, and what it said by itself.
local function record_of(self, n, part)
  local record = { said = self.files:content(n .. "/" .. part .. ".said") or "" }
  for name, value in (self.files:content(n .. "/" .. part) or ""):gmatch "([%w_]+)=([^\n]*)" do
    record[name] = record[name] or {}
    table.insert(record[name], value)
  end
  return record
end

local function first(record, name) return record[name] and record[name][1] end

-- Is the id of what was paid for told somewhere?
local function is_told(id, record, entries)
  for _, value in ipairs(record.id or {}) do if value == id then return true end end
  for _, e in ipairs(entries) do if e.task_id == id then return true end end
  return (record.said .. (first(record, "err_message") or "")):find(id, 1, true) ~= nil
end

-- The journal's entries. nil, why when it cannot tell.
local function entries_of(n, plan)
  local where = plan.where and plan.where:gsub("NTH", n)
  if not where or plan.journal == true and not scratch.read(where) then return {} end
  local j, err = journal.open(where)
  if not j then return nil, tostring(err) end
  local entries
  entries, err = j:entries()
  j:close()
  return entries, tostring(err)
end

-- What was not freed, and how often. One line may be told of in each run: the block of last words, which is
-- kept for good.
local function leaks_of(said)
  local leaks, count = {}, 0
  for line in said:gmatch "leaked [^\n]*" do leaks[line], count = (leaks[line] or 0) + 1, count + 1 end
  return leaks, count
end

-- What is wrong with how a program came to its end.
local function check_end(self, record, how, fault)
  if how ~= "exit 0" then fault("it ended with %s", how) end
  local raised = first(record, "raised") or ""
  if raised:find "%.lua:%d+: not enough memory$" then fault "C says of memory where it was missing" end
  if record.said:find("PANIC", 1, true) then fault "Lua panicked" end
  for line, count in pairs((leaks_of(record.said))) do
    if count > (self.kept[line] or 0) then fault("%s, %d times", line, count) end
  end
  local afterwards = first(record, "afterwards")
  if afterwards ~= "done" and afterwards ~= "unknown" then fault("afterwards: %s", afterwards or "nothing") end
end

local function check_paid(self, n, record, entries, fault)
  for _, prompt in ipairs { "shot " .. n, "another " .. n } do
    local ids = self.ids[prompt] or {}
    if #ids > 1 then fault("%s was paid for %d times", prompt, #ids) end
    if not ids[1] and prompt:find "^shot" and entries[1] and entries[1].state == "unknown" then
      fault("nothing was paid for, and the journal says unknown")
    end
    if ids[1] and prompt:find "^shot" and not is_told(ids[1], record, entries) then
      local unknown = first(record, "err_kind") == "unknown_submit" or entries[1] and entries[1].state == "unknown"
      if not unknown then fault("%s was paid for, and nothing tells of %s", prompt, ids[1]) end
    end
  end
  if #entries > 1 then fault("it has %d entries", #entries) end
end

local function check_files(self, n, record, entries, fault)
  local film = self.film or rawserver.film_bytes(n, FILM_BYTES)
  for _, name in ipairs { "a.mp4", "b.mp4" } do
    local bytes = self.files:content(n .. "/" .. name)
    if bytes and bytes ~= film then fault("%s is not whole: %d bytes", name, #bytes) end
    local receipt = self.files:content(n .. "/" .. name .. ".json")
    if receipt and not json.decode(receipt) then fault("the receipt of %s is not whole", name) end
  end
  for _, path in ipairs(record.file or {}) do
    local file = io.open(path)
    if file then file:close() else fault("it was told of the file %s, which is not there", path) end
  end
  for _, e in ipairs(entries) do
    local there = e.state ~= "done" or self.files:content(n .. "/a.mp4")
    if not there then fault "the journal says done, without a file" end
  end
end

-- What is wrong with what came of one failure; nil when all is well.
local function judge(self, n, part, how, plan)
  local record, wrong = record_of(self, n, part), {}
  local function fault(...) wrong[#wrong + 1] = (...):format(select(2, ...)) end
  local entries, trouble = entries_of(n, plan)
  if not entries then fault("its journal cannot be read: %s", trouble) end
  entries = entries or {}
  check_end(self, record, how, fault)
  if part == "first" then check_paid(self, n, record, entries, fault) end
  check_files(self, n, record, entries, fault)
  if #wrong == 0 then return nil, record end
  local which = part == "again" and ", run again" or ""
  return ("%s, N = %d%s (at %s; %s): %s; it said: %s"):format(failing.name(plan), n, which,
    first(record, "at") or "?", first(record, "raised") or first(record, "err_message") or "told nothing",
    table.concat(wrong, "; "), record.said:sub(1, 600)), record
end

-- The servers, and where the program finds them.
local function serve(self, plan, database)
  if plan.journal == "postgresql" then
    plan.prepare, plan.where = database:numbered "NTH"
  elseif plan.journal then
    plan.where = self.files:path "NTH/shots.db"
  end
  self.server = assert(sandbox.start { seconds = 0.02, scenario = plan.story == "woken" and "drop" or nil })
  if plan.story ~= "film" then
    self.film = films.bytes "video"
    return self.server.base_url
  end
  self.host = rawserver.start { lifetime = 3600 }
  plan.film = ("size=%d&steps=cut:%d&seed="):format(FILM_BYTES, FILM_CUT)
  return self.host:url ""
end

local function count_paid(self)
  self.ids = {}
  for _, task in ipairs(self.server.tasks) do
    local prompt = task.input.promptText or task.prompt
    self.ids[prompt] = self.ids[prompt] or {}
    table.insert(self.ids[prompt], task.id)
  end
end

--- Lets something fail in a story, each time in a process of its own.
---@param libraries table  as `failing.libraries` gives them
---@param given table      of failing.memory or failing.files
---@param range? table     first (1), step (1), last (all)
---@param database? table  of postgres.lua: where journals on a server are
---@return string[] complaints
---@return table counts   tried: processes; met: in which something failed; told: that were told of it;
---  most: as many calls there were that could fail (none of malloc's where another library stands in for it)
function failing.run(libraries, given, range, database)
  range = range or {}
  local self = { files = scratch.new(), left = 0 }
  local plan = { directory = self.files.directory, first = range.first or 1, step = range.step or 1,
    last = range.last or 1000000, times = 1 }
  for name, value in pairs(given) do plan[name] = value end
  plan.base = serve(self, plan, database)
  play(self, plan, libraries)
  count_paid(self)
  local complaints, counts = {}, { tried = 0, met = 0, told = 0, most = 0 }
  local kept
  self.kept, kept = leaks_of(record_of(self, 0, "first").said)
  if kept > 1 then complaints[1] = "a run in which nothing fails leaks: " .. record_of(self, 0, "first").said end
  for n, part, how in self.files:content "results":gmatch "(%d+) (%w+) (%w+ %d+)" do
    n = tonumber(n)
    local complaint, record = judge(self, n, part, how, plan)
    complaints[#complaints + 1] = complaint
    local counted = tonumber(first(record, "counted") or 0)
    counts.tried = counts.tried + 1
    if part == "first" and n > 0 and counted >= n then counts.met = counts.met + 1 end
    if part == "first" and (record.raised or record.err_kind) then counts.told = counts.told + 1 end
    counts.most = math.max(counts.most, counted)
  end
  self.server:close()
  if self.host then self.host:stop() end
  self.files:remove()
  return complaints, counts
end

return failing
