-- What a worker, and a batch, count: every word that they have, with 0 where nothing else is said.

local states = require "runway.journal.states"

local counted = {}

local function filled(words, said)
  local counts = {}
  for _, word in ipairs(words) do counts[word] = 0 end
  for word, n in pairs(said) do counts[word] = n end
  return counts
end

---@param said table<string, integer>
---@return table<string, integer>
function counted.work(said) return filled({ "done", "failed", "unknown", "put_back" }, said) end

---@param said table<runway.State, integer>
---@return table<runway.State, integer>
function counted.batch(said) return filled(states.ALL, said) end

return counted
