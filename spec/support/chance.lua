-- Chance that can be had again: a sequence of its own by a seed, and how long a script of tools/torture is to go on.

local core = require "runway.core"

local chance = {}

--- A sequence of whole numbers.
---@param seed integer
---@return fun(n: integer): integer  the next one of 1 to n
function chance.of(seed)
  local state = seed % 2147483646 + 1
  for _ = 1, 3 do state = state * 48271 % 2147483647 end -- seeds that are near begin apart
  return function(n)
    state = state * 48271 % 2147483647
    return state % n + 1
  end
end

--- What a script of tools/torture is asked for: COUNT, SECONDS_EACH, SEED.
---@param count integer    as often as its promise says
---@param parts? integer   what it does in turn, each from now on for its part of the whole
---@return { count: integer, seed: integer, over: fun(done: integer): boolean }
function chance.asked(count, parts)
  local seconds = tonumber(os.getenv "SECONDS_EACH")
  parts = parts or 1
  local asked = {
    count = math.ceil((tonumber(os.getenv "COUNT") or count) / parts),
    seed = math.floor(tonumber(os.getenv "SEED") or os.time()),
  }
  local ends = seconds and core.now() + seconds / parts
  function asked.over(done)
    if ends then return core.now() >= ends end
    return done >= asked.count
  end
  return asked
end

return chance
