-- states.lua: what may become of an entry. Pure.
--
--   queued ──> submitting ──> submitted ──> downloading ──> done
--                  │  ╲           │  ╲───────────┤            │
--                  │   ╲          │              ▼            ▼
--                  │    ╲─────────┴─────────> failed     downloading (once more)
--                  ▼            │
--               unknown <────────┘
--                  └──> submitted, failed, queued            by whoever knows
--
-- `submitting` is the one state in which money may be on its way. It never leads back to `queued`: what
-- was not answered is `unknown`, and stays so until someone settles it. A submit that was refused, or
-- provably never left, leaves no entry at all: its key is free again. What waited for workers is put back as it was by
-- that very attempt, and has `failed` where it was refused for good. A task of which its provider says in the end
-- that it knows none is `unknown`, too, and keeps its id: it may have been deleted, or be another account's.

local states = {}

---@alias runway.State "queued"|"submitting"|"submitted"|"downloading"|"done"|"failed"|"unknown"

states.ALL = { "queued", "submitting", "submitted", "downloading", "done", "failed", "unknown" }

-- From each state to those that may follow.
local MOVES = {
  queued = { "submitting" },
  submitting = { "submitted", "unknown", "failed" },
  submitted = { "downloading", "done", "failed", "unknown" },
  downloading = { "downloading", "done", "failed" },
  done = { "downloading" },
  unknown = { "submitted", "failed", "queued" },
  failed = {},
}

---@param name any
---@return boolean
function states.is(name)
  return type(name) == "string" and MOVES[name] ~= nil
end

--- May an entry go from one to the other?
---@param from runway.State
---@param to runway.State
---@return boolean
function states.may(from, to)
  for _, next_state in ipairs(MOVES[from] or {}) do
    if next_state == to then return true end
  end
  return false
end

--- The states from which one may come: the condition of every write. Raises for a state that is none.
---@param to runway.State
---@param among? runway.State[]   only of these
---@return runway.State[]
function states.before(to, among)
  if not states.is(to) then error("no state of a journal: " .. tostring(to), 2) end
  local list = {}
  for _, from in ipairs(among or states.ALL) do
    if states.may(from, to) then list[#list + 1] = from end
  end
  if #list == 0 then error("nothing leads to the state " .. to, 2) end
  return list
end

return states
