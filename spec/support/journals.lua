-- Journals in a directory of a spec's own, and what a spec does to them behind their back.

local busted = require "busted"
local core = require "runway.core"
local databases = require "spec.support.databases"
local journal = require "runway.journal"
local scratch = require "spec.support.scratch"

local journals = {}

local files, open, attempts, fresh_one, places
local mend = function() end

--- Call both around each spec.
---@param fresh? fun(): string   of databases.lua; without it: files
function journals.setup(fresh)
  files, open, attempts, fresh_one, places = scratch.new(), {}, {}, fresh, {}
end

function journals.teardown()
  mend()
  for _, attempt in ipairs(attempts) do attempt:ends(nil, {}, false) end
  for _, j in ipairs(open) do j:close() end
  files:remove()
end

--- Describes what holds of journals over each database.
---@param what string
---@param promises fun()
function journals.over_each_database(what, promises)
  databases.each(what, function(fresh)
    busted.before_each(function() journals.setup(fresh) end)
    busted.after_each(journals.teardown)
    promises()
  end)
end

--- A file of the spec's own.
---@param name string
function journals.path(name) return files:path(name) end

--- Where a journal is, or is to be.
---@param name? string   for a spec that has several
function journals.where(name)
  name = name or "shots.db"
  if not fresh_one then return files:path(name) end
  places[name] = places[name] or fresh_one()
  return places[name]
end

--- A journal that is closed after the spec.
---@param name? string
function journals.open(name)
  local j = assert(journal.open(journals.where(name)))
  open[#open + 1] = j
  return j
end

--- SQL beside a journal, as another program would write it.
---@param statements string[]|table[]
---@param name? string
function journals.sql(statements, name)
  local store = assert(require("runway.store").open(journals.where(name)))
  for i, statement in ipairs(statements) do
    if type(statement) == "string" then statements[i] = { statement } end
  end
  local results = assert(store:write(statements))
  store:close()
  return results
end

--- The intent of a request, as submits have it.
function journals.intent(key, more)
  local intent = {
    key = key, provider = "runwayml", base_url = "https://api.example", kind = "text_to_video",
    token = core.token(), fingerprint = "f1",
    description = '{"kind":"text_to_video","params":{"prompt_text":"a cat"}}',
  }
  for name, v in pairs(more or {}) do intent[name] = v end
  return intent
end

--- Takes a key, as a submit does before its request leaves.
---@return runway.Attempt|nil, table|nil, runway.Error|nil, runway.Lack|nil
function journals.begin(j, key, more)
  local attempt, row, err, lack = journal.begin(j, journals.intent(key, more), more and more.terms or {},
    function() end)
  attempts[#attempts + 1] = attempt
  return attempt, row, err, lack
end

--- Has writes of a journal done by a function, until the spec ends or what this gives is called.
---@param j runway.Journal
---@param instead fun(write: (fun(): table[]|nil, runway.Error|nil), statements: table[]): table[]|nil, runway.Error|nil
---@return fun() mend
function journals.write_by(j, instead)
  local other = assert(require("runway.store").open(files:path "other.db"))
  local Store = getmetatable(other).__index
  other:close()
  local was = Store.write
  Store.write = function(self, statements)
    local function write() return was(self, statements) end
    if self.path ~= j.path then return write() end
    return instead(write, statements)
  end
  mend = function() Store.write = was end
  return mend
end

--- Makes an attempt look as if its program had ended long ago.
function journals.run_out(key, name)
  journals.sql({ { "UPDATE runway_shots SET lease_until = 1 WHERE key = $1", key } }, name)
end

--- A task, as far as a journal looks at one.
function journals.task(id, more)
  local t = { id = id, status = "PENDING" }
  for name, v in pairs(more or {}) do t[name] = v end
  return t
end

return journals
