-- How many tasks are under way at once.

local chance = require "spec.support.chance"
local child = require "spec.support.child"
local mocked = require "spec.support.mocked"
local runway = require "runway"
local scheduler = require "runway.scheduler"
local scratch = require "spec.support.scratch"

local clip = mocked.clip

-- Tasks of runwayml that run for as long as `seconds(n)` says; it counts how many run at once.
local function provider(seconds, submit)
  local self = { made = 0, most = 0, ends = {} }
  function self.under_way()
    local count = 0
    for _, at in pairs(self.ends) do count = count + (at > scheduler.now() and 1 or 0) end
    return count
  end
  function self.answer(request)
    if request.method == "DELETE" then
      self.ends[tonumber(request.path:match "t(%d+)$")] = 0
      return { status = 204 }
    end
    if request.method == "POST" then
      self.made = self.made + 1
      local answer = submit and submit(self.made)
      if answer then return answer end
      self.ends[self.made] = scheduler.now() + seconds(self.made)
      self.most = math.max(self.most, self.under_way())
      return { json = { id = "t" .. self.made } }
    end
    local over = self.ends[tonumber(request.path:match "t(%d+)$")] <= scheduler.now()
    return { json = { id = request.path:match "t%d+$", status = over and "SUCCEEDED" or "RUNNING",
      output = over and { mocked.OUTPUT } or nil } }
  end
  return self
end

local function minute() return 60 end

describe("max_tasks", function()
  after_each(mocked.close)

  it("is kept by jobs beside one another, who go in the order in which they came", function()
    local roll = chance.of(7)
    local p = provider(function() return roll(120) end)
    local client = mocked.client(p.answer, { max_tasks = 3 })
    local order = {}
    runway.run(function()
      local list = {}
      for i = 1, 20 do
        list[i] = function()
          local task = assert(client:generate(clip { seed = i }))
          order[#order + 1] = i
          return assert(task:wait())
        end
      end
      assert.is_nil(select(2, runway.all(list)))
    end)
    assert.same({ 20, 3 }, { p.made, p.most })
    for i = 1, 20 do assert.equal(i, order[i]) end
  end)

  it("goes to who stands in line, and not to who comes back at once", function()
    local p = provider(minute)
    local client = mocked.client(p.answer, { max_tasks = 1 })
    local order = {}
    local function make(name) return function()
      for _ = 1, 2 do
        local task = assert(client:generate(clip()))
        order[#order + 1] = name
        assert(task:wait())
      end
      return true
    end end
    runway.run(function() assert.is_nil(select(2, runway.all { make "a", make "b" })) end)
    assert.equal("a b a b", table.concat(order, " "))
  end)

  it("is kept by a script that submits first and waits later: it asks after its tasks meanwhile", function()
    local p = provider(minute)
    local client = mocked.client(p.answer, { max_tasks = 2 })
    local tasks = {}
    for i = 1, 6 do tasks[i] = assert(client:generate(clip())) end
    assert.same({ 6, 2 }, { p.made, p.most })
    for _, task in ipairs(tasks) do assert(task:wait()) end
  end)

  it("waits no longer than the deadline", function()
    local p = provider(minute)
    local client = mocked.client(p.answer, { max_tasks = 1 })
    assert(client:generate(clip()))
    local began = scheduler.now()
    local task, err = client:generate(clip { deadline = 20 })
    assert.is_nil(task)
    assert.same({ "timeout", "max_tasks", "no", true }, { err.kind, err.code, err.sent, err.retryable })
    assert.equal(20, scheduler.now() - began)
    assert.equal(1, p.made)
    assert.equal(60, client:spent().reserved)   -- what was held back for it came back
  end)

  it("gives the place of what was refused, failed or cancelled to the next", function()
    local p = provider(minute, function(n) return n == 1 and { status = 400, json = { error = "no" } } or nil end)
    local client = mocked.client(p.answer, { max_tasks = 1 })
    assert.is_nil(client:generate(clip()))
    local began = scheduler.now()
    assert(assert(client:generate(clip())):cancel())
    assert(client:generate(clip()))
    assert.equal(began, scheduler.now())
  end)

  it("holds the place of what became unknown for a minute", function()
    local p = provider(minute, function(n) return n == 1 and { fault = "lost" } or nil end)
    local client = mocked.client(p.answer, { max_tasks = 1 })
    assert.equal("unknown_submit", select(2, client:generate(clip())).kind)
    local began = scheduler.now()
    assert(client:generate(clip()))
    assert.equal(60, scheduler.now() - began)
  end)

  it("is not used up by a provider that names one task twice", function()
    local ended = false
    local client = mocked.client(function(request)
      if request.method == "POST" then return { json = { id = "t1" } } end
      ended = true
      return { json = { id = "t1", status = "SUCCEEDED", output = { mocked.OUTPUT } } }
    end, { max_tasks = 2 })
    assert(client:generate(clip()))
    assert(client:generate(clip()))
    assert(client:task "t1":wait())
    assert.is_true(ended)
    for _ = 1, 2 do assert(client:generate(clip { deadline = 1 })) end
  end)

  it("does not wait for a task that its provider knows no more, or will not tell of", function()
    for _, status in ipairs { 404, 401 } do
      local p = provider(minute)
      local client = mocked.client(function(request)
        if request.method == "GET" then return { status = status, json = { error = "no" } } end
        return p.answer(request)
      end, { max_tasks = 1, max_retries = 0 })
      assert(client:generate(clip()))
      assert(client:generate(clip { deadline = 600 }))
      mocked.close()
    end
  end)

  it("goes on past failed queries", function()
    local p, asked = provider(minute), 0
    local client = mocked.client(function(request)
      if request.method == "GET" then
        asked = asked + 1
        if asked < 4 then return { status = 500, json = { error = "no" } } end
      end
      return p.answer(request)
    end, { max_tasks = 1, max_retries = 0 })
    assert(client:generate(clip()))
    assert(client:generate(clip { deadline = 6000 }))
    assert.is_true(asked >= 4)
    assert.same({ 2, 1 }, { p.made, p.most })
  end)

  it("asks a slow server once at a time", function()
    local asked = 0
    local client = mocked.client(function(request)
      if request.method == "POST" then return { json = { id = "t1" } } end
      asked = asked + 1
      return { status = 500, json = { error = "no" }, delay = 50 }
    end, { max_tasks = 1 })
    assert(client:generate(clip()))
    assert.equal("max_tasks", select(2, client:generate(clip { deadline = 600 })).code)
    -- a query takes a minute, and two requests
    assert.is_true(asked > 1 and asked <= 20, asked)
  end)

  it("leaves a server alone that says when to come back, whichever task it was asked after", function()
    local made, asked = 0, 0
    local client = mocked.client(function(request)
      if request.method == "POST" then
        made = made + 1
        return { json = { id = "t" .. made }, delay = made == 2 and 20 or 0 }
      end
      asked = asked + 1
      return { status = 429, json = { error = "later" }, headers = { ["Retry-After"] = "300" } }
    end, { max_tasks = 2 })
    for _ = 1, 2 do assert(client:generate(clip())) end
    assert.equal("max_tasks", select(2, client:generate(clip { deadline = 290 })).code)
    assert.equal(1, asked)
  end)

  it("lets a job leave the line, and those behind it move up", function()
    local p = provider(minute)
    local client = mocked.client(p.answer, { max_tasks = 1 })
    runway.run(function()
      local first = assert(client:generate(clip()))
      local jobs = {}
      for i = 1, 3 do jobs[i] = runway.spawn(client.generate, client, clip()) end
      runway.sleep(1)
      jobs[1]:cancel()
      jobs[2]:cancel()
      assert(first:wait())
      assert(jobs[3]:join())
      assert.equal("cancelled", select(2, jobs[1]:join()).kind)
    end)
    assert.same({ 2, 1 }, { p.made, p.most })
    assert.equal(60, client:spent().reserved)
  end)

  it("ends the waiting of a client that is closed", function()
    local p = provider(minute)
    local client = mocked.client(p.answer, { max_tasks = 1 })
    runway.run(function()
      assert(client:generate(clip()))
      local jobs = {}
      for i = 1, 3 do jobs[i] = runway.spawn(client.generate, client, clip()) end
      runway.sleep(1)
      client:close()
      for i = 1, 3 do assert.equal("cancelled", select(2, jobs[i]:join()).kind) end
    end)
    assert.equal(1, p.made)
  end)

  it("holds back nothing for who waits in line: what fails meanwhile is there for others", function()
    local posts = 0
    local client = mocked.client(function(request)
      if request.method == "POST" then
        posts = posts + 1
        return { json = { id = "t" .. posts } }
      end
      return { json = { status = "FAILED", failure = "no", cost = { credits = 0 } } }
    end, { max_tasks = 1, budget = 120 })
    runway.run(function()
      local list = {}
      for i = 1, 5 do
        list[i] = function()
          local task = assert(client:generate(clip()))
          assert.equal("task_failed", select(2, task:wait()).kind)
          return true
        end
      end
      assert.is_nil(select(2, runway.all(list)))
    end)
    assert.equal(5, posts)
  end)

  it("gives back the file that a job was to write, when the job is cancelled in line", function()
    local here, in_line = scratch.new(), false
    local client = mocked.client(provider(minute).answer, { max_tasks = 1, logger = function(_, message)
      in_line = in_line or message:find("in line", 1, true) ~= nil
    end })
    local shot = clip { output = here:path "a.mp4", deadline = 5 }
    runway.run(function()
      assert(client:generate(clip()))
      local job = runway.spawn(client.generate, client, shot)
      while not in_line do runway.sleep(0) end
      assert.equal(60, client:spent().reserved) -- nothing is held back for who only waits
      assert.equal("output_taken", select(2, client:generate(shot)).code)
      job:cancel()
      assert.equal("max_tasks", select(2, client:generate(shot)).code)
    end)
    here:remove()
  end)

  it("says nothing of what stands in line when the program ends: it has not left", function()
    local said = child.run [[
      local runway = require "runway"
      local m = runway.mock { { "POST /v1/text_to_video", json = { id = "t1" } } }
      m.pretends = false                        -- what it answers is to be spoken of as if it were real
      local client = assert(runway.client { api_key = "test", transport = m, max_tasks = 1 })
      local shot = { model = "gen4.5", prompt_text = "a", ratio = "1280:720", duration = 5 }
      runway.run(function()
        assert(client:generate(shot))
        local job = runway.spawn(client.generate, client, shot)
        runway.sleep(0)
        job:cancel()
        print(job:join())
        runway.spawn(client.generate, client, shot)
        runway.sleep(0)
        os.exit(0)
      end)
    ]]
    assert.truthy(said:find("cancelled", 1, true), said)
    assert.truthy(said:find("task t1", 1, true), said)
    assert.is_nil(said:find("no final answer yet", 1, true), said)
  end)

  it("lets Ctrl-C end the waiting, with nothing left behind", function()
    for _, where in ipairs { "nil", "os.tmpname()" } do
      local said = child.run(([[
        local runway = require "runway"
        local asked = 0
        local m = runway.mock(function(request)
          if request.method == "POST" then return { json = { id = "t" .. #request.url } } end
          asked = asked + 1
          if asked == 1 then io.popen("kill -INT $PPID"):close() end
          return { json = { status = asked > 2 and "SUCCEEDED" or "RUNNING",
            output = asked > 2 and { "https://x.test/a.mp4" } or nil } }
        end)
        local where = %s
        local client = assert(runway.client { api_key = "test", transport = m, max_tasks = 1, journal = where })
        local shot = { model = "gen4.5", prompt_text = "a", ratio = "1280:720", duration = 5 }
        assert(client:generate(shot))
        local ok, raised = pcall(client.generate, client, shot)
        print(ok, tostring(raised):match "interrupted!", client:spent().reserved)
        assert(client:generate(shot))
        print(client:spent().spent, client:spent().reserved)
        client:close()
        if where then os.remove(where) end
      ]]):format(where))
      assert.equal("false\tinterrupted!\t60\n60\t60", said)
    end
  end)

  it("is a whole number, 1 or more", function()
    for _, bad in ipairs { 0, 1.5, -1, "2" } do
      assert.has_error(function() mocked.client({}, { max_tasks = bad }) end)
    end
  end)
end)
