-- A film on its way to its file, where two programs that share a journal want it.

local clients = require "runway.client"
local runway = require "runway"
local sandbox = require "runway.sandbox"
local scratch = require "spec.support.scratch"

describe("a film that two programs fetch", function()
  local here, server, first, second

  before_each(function()
    here = scratch.new()
    server = assert(sandbox.start { seconds = 0 })
    local function connect()
      return assert(runway.client { provider = "runwayml", api_key = "key_0123456789", base_url = server.base_url,
        poll_interval = 0.01, journal = here:path "j.db" })
    end
    first, second = connect(), connect()
  end)
  after_each(function()
    for _, client in ipairs { first, second } do
      client.journal:close()
      client:close()
    end
    server:close()
    here:remove()
  end)

  local function made(client)
    local task = assert(client:generate { kind = "text_to_video", model = "gen4.5", ratio = "1280:720", duration = 5,
      prompt_text = "fog sandbox:slow_file=1", key = "a" })
    return assert(task:wait())
  end

  -- The second one's task, once the first one has begun to fetch it.
  local function begun()
    local mine, other = made(first), made(second)
    local job = runway.spawn(mine.download, mine, here:path "a.mp4")
    repeat runway.step(0.01) until here:content "a.mp4.part" or job:done()
    return job, other
  end

  local function fetched()
    local count = 0
    for _, request in ipairs(server.requests) do count = count + (request.path:find "^/files/" and 1 or 0) end
    return count
  end

  -- Counts how often was waited, and makes it short.
  local function waits(then_do)
    local session, count = clients.session_of(second), 0
    local pause = session.pause
    session.pause = function(self, seconds)
      if seconds < 1 then return pause(self, seconds) end
      count = count + 1
      if then_do then then_do() end
      return pause(self, 0.01)
    end
    return function() return count end
  end

  it("is fetched by one, and found by the other", function()
    local job, task = begun()
    local count = waits()
    local file = assert(task:download(here:path "a.mp4"))
    assert.is_true(count() > 0)
    assert.same(assert(job:join()).sha256, file.sha256)
    assert.equal(1, fetched())
    assert.equal("done", second.journal:get("a").state)
    assert.is_nil(second.journal:get("a").error)
  end)

  it("has one receipt, by whichever of them is first", function()
    local mine, other = made(first), made(second)
    local path = here:path "a.mp4"
    assert(mine:download(path, { receipt = true }))
    local receipt = here:content "a.mp4.json"
    os.remove(path .. ".json")
    -- the first one writes it between the second one's look and its own writing
    local session = clients.session_of(second)
    local look, wrote = session.look, false
    session.look = function(self, what, where, ...)
      if what == "write" and not wrote then
        wrote = true
        here:write("a.mp4.json", receipt)
      end
      return look(self, what, where, ...)
    end
    local file = assert(other:download(path, { receipt = true }))
    assert.is_true(wrote)
    assert.equal(path .. ".json", file.receipt)
  end)

  it("whose receipt another program is writing waits for that", function()
    local other = made(second)
    local session, busy = clients.session_of(second), { try = 2, write = 2 }
    local count = waits()
    local look = session.look
    session.look = function(self, what, where, ...)
      if where:find "%.json$" and (busy[what] or 0) > 0 then
        busy[what] = busy[what] - 1
        return { error = { kind = "io", code = "locked", message = where .. ": cannot lock the .part file" } }
      end
      return look(self, what, where, ...)
    end
    local file = assert(other:download(here:path "a.mp4", { receipt = true }))
    assert.equal(here:path "a.mp4.json", file.receipt)
    assert.equal(4, count())
  end)

  it("and whose place is taken by it when the other one would submit, is the other one's by its key", function()
    local params = { kind = "text_to_video", model = "gen4.5", ratio = "1280:720", duration = 5, prompt_text = "fog",
      key = "b", output = here:path "b.mp4" }
    local session = clients.session_of(second)
    local enter, mine = session.admission.enter, nil
    -- between the second one's look at the key and its look at the place, the first one makes all of it
    session.admission.enter = function(...)
      if not mine then
        mine = assert(assert(first:generate(params)):wait())
        assert(mine:download())
      end
      return enter(...)
    end
    local other = assert(second:generate(params))
    assert.equal(mine.id, other.id)
    assert.equal(here:path "b.mp4", assert(assert(other:wait()):download()).path)
    local posts = 0
    for _, request in ipairs(server.requests) do posts = posts + (request.method == "POST" and 1 or 0) end
    assert.equal(1, posts)
  end)

  it("is gone on with where the first one leaves it", function()
    local job, task = begun()
    waits(function() job:cancel() end)
    local file = assert(task:download(here:path "a.mp4"))
    assert.equal("cancelled", select(2, job:join()).kind)
    assert.equal(file.bytes, #here:content "a.mp4")
    assert.equal(2, fetched())
  end)

  it("is not waited for by a client that is closed", function()
    local job, task = begun()
    waits(function() second:close() end)
    local _, err = task:download(here:path "a.mp4")
    assert.truthy(err)
    assert(job:join())
  end)

  it("is not waited for behind a deadline", function()
    local job, task = begun()
    local _, err = task:download(here:path "a.mp4", { deadline = 0.9 })
    assert.equal("locked", err.code)
    assert.is_nil(first.journal:get("a").error) -- the other one has had no trouble
    assert(job:join())
  end)
end)
