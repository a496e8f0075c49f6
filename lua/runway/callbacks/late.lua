-- late.lua: callbacks whose token no submit of this program has. A journal may know it: of an earlier run, or of
-- another program. They are asked about one by one, and what is too much is forgotten: anyone can post, and no one has
-- to wait.

local journal = require "runway.journal"
local scheduler = require "runway.scheduler"

local late = {}

local MOST, MOST_BYTES = 256, 4 * 1024 * 1024 -- that stand in line

-- Each journal is asked once, though several clients may have it.
local function look(listener, came, found)
  local rows = {}
  for _, session in ipairs(listener:clients()) do
    local j = session.journal
    if j and rows[j] == nil then rows[j] = journal.of_token(j, came.token) or false end
    if j and rows[j] and not session.closed and found(session, rows[j], came) then return end
  end
end

local function work(line, listener, found)
  while line[1] do
    local came = table.remove(line, 1)
    line.bytes = line.bytes - #came.body
    look(listener, came, found)
  end
end

--- Asks the journals of the clients whose callbacks come here, in a job.
---@param listener runway.CallbackListener
---@param came { token: string, body: string, headers: table }
---@param found fun(session: runway.Session, row: table, came: table): boolean|nil   true: it was meant for this one
function late.ask(listener, came, found)
  local line = listener.late
  if #line >= MOST or line.bytes + #came.body > MOST_BYTES then return end
  line[#line + 1], line.bytes = came, line.bytes + #came.body
  if not line.job or line.job:done() then line.job = scheduler.spawn(work, line, listener, found) end
end

return late
