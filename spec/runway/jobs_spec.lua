local child = require "spec.support.child"
local runway = require "runway"
local scheduler = require "runway.scheduler"

-- A timer that is far away: what waits for it does not end by itself.
local FAR = 1e6

describe("many at once:", function()
  before_each(function() scheduler.freeze() end)   -- no spec here waits for real
  after_each(function() scheduler.thaw() end)

  describe("run", function()
    it("gives back the function's values", function()
      assert.same({ 1, nil, 3 }, { runway.run(function(a) return a, nil, 3 end, 1) })
    end)

    it("raises what the function raises, with its traceback when it is a text", function()
      local function deep() error "broken" end
      local ok, message = pcall(runway.run, function() deep() end)
      assert.is_false(ok)
      assert.truthy(message:find "broken")
      assert.truthy(message:find "deep")
      local raised = { code = 7 }
      ok, message = pcall(runway.run, function() error(raised) end)
      assert.is_false(ok)
      assert.equal(raised, message)
    end)

    it("may be called inside a job", function()
      assert.equal("inner", runway.run(function() return runway.run(function() return "inner" end) end))
    end)

    it("runs the other jobs beside it, and leaves those that go on", function()
      local beside
      local job = runway.spawn(function() beside = true runway.sleep(FAR) end)
      runway.run(function() runway.sleep(1) end)
      assert.is_true(beside)
      assert.is_false(job:done())
      job:cancel()
    end)
  end)

  it("refuses to let jobs wait for themselves, or in a ring", function()
    local said = {}
    local a, b, c
    local function joins(other)
      return function() said[#said + 1] = select(2, pcall(function() other():join() end)) end
    end
    a = runway.spawn(joins(function() return b end))
    b = runway.spawn(joins(function() return c end))
    c = runway.spawn(joins(function() return a end))
    local own
    own = runway.spawn(joins(function() return own end))
    runway.all { a, b, c, own }
    assert.equal(2, #said)
    for _, message in ipairs(said) do
      assert.matches("^spec/runway/jobs_spec.lua:%d+: join was called in the job itself, or of one that waits for it",
        message)
    end
  end)

  describe("all", function()
    it("waits for jobs, functions and tasks alike, and keeps their order", function()
      local task = { wait = function(self) runway.sleep(2) return self.name end, name = "task" }
      local job = runway.spawn(function() runway.sleep(3) return "job" end)
      local results, failures = runway.all { job, function() return "function" end, task }
      assert.same({ "job", "function", "task" }, results)
      assert.is_nil(failures)
    end)

    it("runs functions side by side", function()
      local began = scheduler.now()
      runway.all { function() runway.sleep(5) end, function() runway.sleep(5) end }
      assert.equal(5, scheduler.now() - began)
    end)

    it("runs so many at once, the next one when one has ended, in their order", function()
      local running, most, order = 0, 0, {}
      local list = {}
      for i = 1, 9 do
        list[i] = function()
          running, order[#order + 1] = running + 1, i
          most = math.max(most, running)
          runway.sleep(i % 3 + 1)
          running = running - 1
          if i == 4 then error "broken" end
          return i
        end
      end
      list[10] = runway.spawn(function() return "beside them" end)
      list[11] = { wait = function() return list[9]() end }
      local results, failures = runway.all(list, 3)
      assert.equal(3, most)
      assert.same({ 1, 2, 3, 4, 5, 6, 7, 8, 9, 9 }, order)
      assert.same({ 1, 2, 3, nil, 5, 6, 7, 8, 9, "beside them", 9 }, results)
      assert.truthy(tostring(failures[4]):find "broken")
      assert.same({ 1, 2 }, (runway.all({ list[1], list[2] }, math.huge)))
    end)

    it("begins nothing more once its wait is ended", function()
      local begun, list = 0, {}
      for i = 1, 5 do
        list[i] = function()
          begun = begun + 1
          runway.sleep(10)
        end
      end
      local job = runway.spawn(runway.all, list, 2)
      runway.sleep(1)
      job:cancel()
      runway.sleep(100)
      assert.equal(2, begun)
      for _, most in ipairs { 0, 1.5, -1, 0 / 0, "2" } do assert.has_error(function() runway.all(list, most) end) end
    end)

    it("lets no failure stop the rest, and tells each at its place", function()
      local results, failures = runway.all {
        function() return nil, "refused" end, function() return "fine", "and more" end, function() error "broken" end,
      }
      assert.equal("fine", results[2])
      assert.is_nil(results[1])
      assert.equal("refused", failures[1])
      assert.truthy(failures[3].message:find "broken")
      assert.is_nil(failures[2])
    end)

    it("of nothing is nothing", function()
      assert.same({}, (runway.all {}))
    end)

    it("refuses what it cannot wait for", function()
      local ok, message = pcall(function() runway.all { function() end, 5 } end)
      assert.is_false(ok)
      assert.truthy(message:find "jobs_spec.lua:%d+: all takes jobs, tasks or functions; item 2 is a number")
      ok, message = pcall(function() runway.all(nil) end)
      assert.is_false(ok)
      assert.truthy(message:find "all takes a list")
    end)
  end)
end)

describe("a program that ends before its jobs ran", function()
  local BEGIN = [[
    local runway = require "runway"
    for i = 1, 3 do runway.spawn(print, "ran", i) end
  ]]
  local SAYS = "the program ended before %d job(s) that it had spawned ever ran: end a script with runway.run"

  local function says(count, code)
    local text, status = child.run(BEGIN .. code)
    assert.equal(0, status)
    if not count then return assert.is_nil(text:find("ever ran", 1, true), text) end
    assert.equal("runway: " .. SAYS:format(count), text:match "[^\n]*$":sub(1, #SAYS:format(count) + 8))
  end

  it("says so", function()
    says(3, "")
    says(3, "runway.spawn(print):cancel()")
    says(1, "runway.run(print) runway.spawn(print)")
  end)

  it("is silent where they ran, or were cancelled", function()
    says(nil, "runway.run(print)")
    says(nil, "runway.sleep(0)")
    says(nil, "runway.spawn(print) runway.spawn(print):join()")
  end)

  it("is silent where a host turns the loop, or ends the process on purpose", function()
    says(nil, "runway.step(0) runway.step(0) runway.spawn(print)")
    says(nil, "os.exit(0)")
  end)
end)
