-- A worker that is told of what is new: here it never looks by itself within the life of a spec.

local child = require "spec.support.child"
local errors = require "runway.errors"
local journal = require "runway.journal"
local leftovers = require "spec.support.leftovers"
local postgres = require "spec.support.postgres"
local runway = require "runway"
local sandbox = require "runway.sandbox"
local scratch = require "spec.support.scratch"
local work = require "runway.work"

local missing = postgres.missing()
if missing then
  describe("a worker that is told", function()
    it("is tested over PostgreSQL", function() pending(missing) end)
  end)
  return
end

local QUIET = 0.5                             -- seconds after which a worker with nothing to do has looked its last

describe("a worker that is told", function()
  local server, files, other_side, where, client, worker
  local poll = work.POLL

  setup(function() server = postgres.start() end)
  teardown(function() server:stop() end)
  before_each(function()
    work.POLL = 1e9
    files, where = scratch.new(), server:fresh()
    other_side = assert(sandbox.start { seconds = 0.01 })
    client = assert(runway.client { provider = "runwayml", api_key = "key_0123456789abcdef", poll_interval = 0.02,
      base_url = other_side.base_url, journal = where })
  end)
  after_each(function()
    work.POLL = poll
    worker:cancel()
    worker:join()
    leftovers.let_end()                       -- what it does at its end
    client:close()
    other_side:close()
    files:remove()
    leftovers.let_end()
  end)

  local PROGRAM = [[
    local runway = require "runway"
    local where, base, key = ...
    local client = assert(runway.client { provider = "runwayml", api_key = "key_0123456789abcdef", base_url = base,
      journal = where })
    assert(client:enqueue { key = key, prompt_text = key, model = "gen4.5", ratio = "1280:720", duration = 5 })
    client:close()
  ]]

  local function enqueue_elsewhere(key)
    assert.equal("", (child.run(PROGRAM, { arguments = { where, other_side.base_url, key } })))
  end

  local function state(key)
    local e = postgres.surely(function() return client.journal:get(key) end)
    return e.state
  end

  local function is_made(key)
    while state(key) ~= "done" do
      if worker:done() then assert(worker:join()) end
      runway.sleep(0.02)
    end
  end

  local function begin()
    worker = runway.spawn(runway.work, client, { directory = files:path "out", jobs = 2 })
    enqueue_elsewhere "first"
    is_made "first"
    runway.sleep(QUIET)
  end

  it("takes at once what another program puts in line", function()
    begin()
    enqueue_elsewhere "next"
    is_made "next"
  end)

  it("takes at once what another worker hands on", function()
    begin()
    enqueue_elsewhere "left"
    is_made "left"
    runway.sleep(QUIET)
    server:sql(("SET search_path = %s; UPDATE runway_shots SET state = 'submitted', lease_until = 0, path = NULL "
      .. "WHERE key = 'left'; NOTIFY runway"):format(where:match "search_path%%3D(s%d+)"))
    is_made "left"
  end)

  it("is told again after the server was killed and started again", function()
    begin()
    server:kill()
    runway.sleep(0.2)
    server:run()
    while not pcall(state, "first") do runway.sleep(0.1) end
    runway.sleep(QUIET)
    enqueue_elsewhere "after"
    is_made "after"
  end)

  it("looks at its own pace where it cannot be told", function()
    begin()
    worker:cancel()
    worker:join()
    local hear = journal.hear
    journal.hear = function() return nil, errors.new { kind = "io", code = "sql", message = "no" } end
    worker = runway.spawn(runway.work, client, { directory = files:path "out", jobs = 2 })
    runway.sleep(QUIET)
    journal.hear = hear
    enqueue_elsewhere "next"
    is_made "next"
  end)
end)
