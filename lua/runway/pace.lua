-- pace.lua: how long tasks of a model take, by those of this account that have ended; so that the next one is asked
-- about when there is reason to.

local journal = require "runway.journal"

local pace = {}

local KEPT = 20                               -- of each model, the newest ones

-- What tasks of one kind and model have taken, in a session: { seconds … }, with `read`: those of the journal are in;
-- and `sorted`, the shortest first, where that was asked for since the last came.
local function of(session, ref)
  session.paces = session.paces or {}
  local name = (ref.kind or "") .. "\n" .. tostring(ref.model or "")
  session.paces[name] = session.paces[name] or {}
  return session.paces[name]
end

--- One has taken so long.
---@param session runway.Session
---@param ref table          its kind and model
---@param seconds number     from when it stood in no queue
function pace.note(session, ref, seconds)
  local list = of(session, ref)
  list[#list + 1], list.sorted = seconds, nil
  if #list > KEPT then table.remove(list, 1) end
end

--- Reads what earlier programs have noted in the journal, where there is one, once.
---@param session runway.Session
---@param ref table
function pace.recall(session, ref)
  local list = of(session, ref)
  if list.read or not session.journal or not ref.model then return end
  list.read, list.sorted = true, nil
  local earlier = journal.paces(session.journal, session, ref, KEPT)
  for i = #earlier, 1, -1 do
    if #list < KEPT then table.insert(list, 1, earlier[i]) end
  end
end

--- What they have taken.
---@param session runway.Session
---@param ref table
---@return number[] seconds  the shortest first; to be read
function pace.typical(session, ref)
  local list = of(session, ref)
  if list.sorted then return list.sorted end
  local sorted = {}
  for i, seconds in ipairs(list) do sorted[i] = seconds end
  table.sort(sorted)
  list.sorted = sorted
  return sorted
end

return pace
