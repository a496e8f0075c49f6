-- The databases that a spec of runway.store runs over, each { name=, fresh= }: `fresh()` gives where an
-- empty one is, `close()` takes all of them away.

local scratch = require "spec.support.scratch"

local databases = {}

function databases.sqlite()
  local dir, made = scratch.new(), 0
  return {
    name = "SQLite",
    fresh = function()
      made = made + 1
      return dir:path("store" .. made .. ".db")
    end,
    close = function() dir:remove() end,
  }
end

return databases
