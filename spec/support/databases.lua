-- The databases that a spec of runway.store runs over, each { name=, fresh= }: `fresh()` gives where an
-- empty one is, `close()` takes all of them away.

local postgres = require "spec.support.postgres"
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

databases.missing_postgresql = postgres.missing

function databases.postgresql()
  local server = postgres.start()
  return {
    name = "PostgreSQL",
    fresh = function() return server:fresh() end,
    close = function() server:stop() end,
  }
end

return databases
