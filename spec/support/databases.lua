-- The databases that specs run over, each { fresh=, close= }: `fresh()` gives where an empty one is, `close()`
-- takes all of them away.

local busted = require "busted"
local postgres = require "spec.support.postgres"
local scratch = require "spec.support.scratch"

local databases = {}

local function sqlite()
  local dir, made = scratch.new(), 0
  return {
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
    fresh = function() return server:fresh() end,
    close = function() server:stop() end,
  }
end

local function over(start, promises)
  local database
  busted.setup(function() database = start() end)
  busted.teardown(function() database.close() end)
  promises(function() return database.fresh() end)
end

--- Describes what holds over each of them.
---@param what string
---@param promises fun(fresh: fun(): string)   declares the specs; `fresh` is for them, once they run
function databases.each(what, promises)
  busted.describe(what .. " over SQLite", function() over(sqlite, promises) end)
  busted.describe(what .. " over PostgreSQL", function()
    local missing = postgres.missing()
    if missing then
      busted.it("keeps the same promises", function() busted.pending(missing) end)
    else
      over(databases.postgresql, promises)
    end
  end)
end

return databases
