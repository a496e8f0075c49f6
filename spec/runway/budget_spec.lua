-- What may be spent: no submit takes a client past its budget, whatever happens beside it.

local chance = require "spec.support.chance"
local mocked = require "spec.support.mocked"
local runway = require "runway"
local scheduler = require "runway.scheduler"

local clip = mocked.clip

-- Tasks of runwayml that end as `ends(n)` says: status, cost; `submit(n)` is what answers the nth submit.
local function provider(ends, submit)
  local made = 0
  return function(request)
    if request.method == "POST" then
      made = made + 1
      return submit and submit(made) or { json = { id = "t" .. made } }
    end
    local status, cost = ends(tonumber(request.path:match "t(%d+)$"))
    return { json = { id = request.path:match "t%d+$", status = status, cost = cost and { credits = cost },
      failure = status == "FAILED" and "no" or nil, output = status == "SUCCEEDED" and { mocked.OUTPUT } or nil } }
  end
end

local function running() return "RUNNING" end

describe("a budget", function()
  after_each(mocked.close)

  it("refuses what would pass it, before anything is sent", function()
    local client, m = mocked.client(provider(running), { budget = 119 })
    assert(client:generate(clip()))
    local task, err = client:generate(clip())
    assert.is_nil(task)
    assert.same({ "limit", "budget", "no", false }, { err.kind, err.code, err.sent, err.retryable })
    assert.truthy(tostring(err):find("119", 1, true))
    assert.equal(1, #m.requests)
    assert.same({ spent = 0, reserved = 60, budget = 119 }, client:spent())
    assert(client:generate(clip { duration = 4 }))      -- to the last credit but eleven
  end)

  it("lets through what fits to the last credit, also in fractions that no binary number holds", function()
    for _, price in ipairs { 0.1, 6.8, 1 / 3 } do
      local client, m = mocked.client(provider(running), { budget = 10 * price * 5, prices = { ["gen4.5"] = price } })
      for _ = 1, 10 do assert(client:generate(clip())) end
      assert.equal("budget", select(2, client:generate(clip())).code)
      assert.equal(10, #m.requests)
    end
  end)

  it("for ten lets ten of a thousand through that come at once, in whatever order things happen", function()
    for seed = 1, 5 do
      local roll = chance.of(seed)
      local client, m = mocked.client(provider(running, function(n)
        return { json = { id = "t" .. n }, delay = roll(100) / 10 }
      end), { budget = 600 })
      local through, refused = 0, 0
      runway.run(function()
        local list = {}
        for i = 1, 1000 do
          local pause = roll(4) == 1 and roll(50) / 10 or 0
          list[i] = function()
            if pause > 0 then runway.sleep(pause) end
            local task, err = client:generate(clip())
            if task then through = through + 1 end
            if err and err.code == "budget" then refused = refused + 1 end
            return true
          end
        end
        assert.is_nil(select(2, runway.all(list)))
      end)
      assert.same({ 10, 990, 10 }, { through, refused, #m.requests })
      assert.same({ spent = 0, reserved = 600, budget = 600 }, client:spent())
      mocked.close()
    end
  end)

  it("is never passed while submits fail, are lost, cost more or less, and come back", function()
    for seed = 1, 10 do
      local roll = chance.of(seed)
      local costs, most, ours = {}, 0, 0
      local client = mocked.client(provider(function(n)
        local status = ({ "SUCCEEDED", "FAILED", "SUCCEEDED", "RUNNING" })[roll(4)]
        if status ~= "RUNNING" then
          costs[n] = status == "FAILED" and 0 or roll(60)
          return status, costs[n]
        end
        return status
      end, function(n)
        local what = roll(6)
        if what == 1 then return { status = 400, json = { error = "no" } } end
        if what == 2 then
          ours = ours + 60
          return { fault = "lost" }
        end
        costs[n] = 60
        return { json = { id = "t" .. n }, delay = roll(20) / 10 }
      end), { budget = 900, max_retries = 0 })
      runway.run(function()
        local list = {}
        for i = 1, 60 do
          list[i] = function()
            runway.sleep(roll(300) / 10)
            local task = client:generate(clip())
            local sum = ours
            for _, cost in pairs(costs) do sum = sum + cost end
            most = math.max(most, sum)
            if task then task:wait { timeout = 60 } end
            return true
          end
        end
        assert.is_nil(select(2, runway.all(list)))
      end)
      assert.is_true(most <= 900, most)
      local sums, sum = client:spent(), ours
      for _, cost in pairs(costs) do sum = sum + cost end
      assert.equal(sum, sums.spent + sums.reserved, "seed " .. seed)
      mocked.close()
    end
  end)

  it("refuses what has no price: a guard that lets the unknown through is none", function()
    local client, m = mocked.client(provider(running), { budget = 1e6 })
    local task, err = client:generate(clip { model = "of_tomorrow" })
    assert.is_nil(task)
    assert.same({ "config", "no_price", "no" }, { err.kind, err.code, err.sent })
    assert.equal(0, #m.requests)
    client = mocked.client(provider(running), { budget = 1e6, prices = { of_tomorrow = 2 } })
    assert(client:generate(clip { model = "of_tomorrow" }))
    assert.same({ spent = 0, reserved = 10, budget = 1e6 }, client:spent())
  end)

  it("of nothing lets through what costs nothing", function()
    local client = mocked.client(provider(running), { budget = 0, prices = { ["gen4.5"] = 0 } })
    assert(client:generate(clip()))
    assert.equal("budget", select(2, client:generate(clip { model = "veo3.1", duration = 4 })).code)
  end)

  it("is a number, 0 or more", function()
    for _, bad in ipairs { -1, 0 / 0, math.huge, "5" } do
      assert.has_error(function() mocked.client({}, { budget = bad }) end)
    end
  end)
end)

describe("what is spent", function()
  after_each(mocked.close)

  it("is what the provider says, as soon as it says it: the estimate, then the cost", function()
    local client = mocked.client(provider(function() return "SUCCEEDED", 48 end, function(n)
      return { json = { id = "t" .. n, estimatedCost = { credits = 55 } } }
    end))
    local task = assert(client:generate(clip()))
    assert.same({ spent = 0, reserved = 55 }, client:spent())
    assert(task:wait())
    assert.same({ spent = 48, reserved = 0 }, client:spent())
    assert(task:refresh())
    assert.same({ spent = 48, reserved = 0 }, client:spent())
  end)

  it("stays what the provider has named, whoever looks at the task later", function()
    local asked = 0
    local client = mocked.client(provider(function()
      asked = asked + 1
      return asked == 3 and "FAILED" or "RUNNING", asked == 1 and 48 or nil
    end), { budget = 60 })
    assert(assert(client:generate(clip())):refresh())
    for _ = 1, 2 do
      assert.same({ spent = 48, reserved = 0, budget = 60 }, client:spent())
      assert(client:get "t1")
    end
    assert.same({ spent = 48, reserved = 0, budget = 60 }, client:spent())
  end)

  it("is our estimate where the provider names nothing", function()
    local client = mocked.client(provider(function() return "SUCCEEDED" end))
    assert(assert(client:generate(clip())):wait())
    assert.same({ spent = 60, reserved = 0 }, client:spent())
  end)

  it("comes back from what failed, but for what that cost", function()
    for named, spent in pairs { [0] = 0, [60] = 60 } do
      local client = mocked.client(provider(function() return "FAILED", named end), { budget = 60 })
      local task = assert(client:generate(clip()))
      assert.equal("task_failed", select(2, task:wait()).kind)
      assert.same({ spent = spent, reserved = 0, budget = 60 }, client:spent())
      assert.equal(spent == 0, client:generate(clip()) ~= nil)
    end
    local client = mocked.client(provider(function() return "FAILED" end))
    assert.equal("task_failed", select(2, assert(client:generate(clip())):wait()).kind)
    assert.same({ spent = 0, reserved = 0 }, client:spent())
  end)

  it("comes back from what was cancelled only if the provider says so", function()
    local client = mocked.client(function(request)
      return request.method == "POST" and { json = { id = "t1" } } or { status = 204 }
    end)
    assert(assert(client:generate(clip())):cancel())
    assert.same({ spent = 60, reserved = 0 }, client:spent())
    client = mocked.client(provider(function() return "CANCELLED", 0 end))
    assert.equal("task_cancelled", select(2, assert(client:generate(clip())):wait()).kind)
    assert.same({ spent = 0, reserved = 0 }, client:spent())
  end)

  it("does not overflow, whatever a provider names", function()
    local asked = 0
    local client = mocked.client(provider(function()
      asked = asked + 1
      return asked == 1 and "RUNNING" or "SUCCEEDED", 1e300
    end), { budget = 1e9 })
    assert(assert(client:generate(clip())):wait())
    assert.equal(2, asked)
    assert.equal(1e15, client:spent().spent)
    assert.equal("budget", select(2, client:generate(clip())).code)
  end)

  it("is nothing of what was refused, or never left", function()
    for _, answer in ipairs { { status = 400, json = { error = "no" } }, { fault = "not_sent" } } do
      local client = mocked.client(provider(running, function() return answer end), { max_retries = 1 })
      assert.is_nil(client:generate(clip()))
      assert.same({ spent = 0, reserved = 0 }, client:spent())
    end
  end)

  it("holds back what became unknown: the money may be spent", function()
    local client = mocked.client(provider(running, function() return { fault = "lost" } end), { budget = 60 })
    assert.equal("unknown_submit", select(2, client:generate(clip())).kind)
    assert.same({ spent = 0, reserved = 60, budget = 60 }, client:spent())
    assert.equal("budget", select(2, client:generate(clip())).code)
  end)

  it("does so, too, where a transport does not say that the request left, but what was answered", function()
    local transport = { cancel = function() end }
    function transport.start(_, _, done)
      scheduler.at(scheduler.now(), function() done { status = 500, headers = {}, body = '{"error":"no"}' } end)
      return 1
    end
    local client = assert(runway.client { api_key = mocked.KEY, transport = transport })
    assert.equal("unknown_submit", select(2, client:generate(clip())).kind)
    assert.same({ spent = 0, reserved = 60 }, client:spent())
  end)

  it("believes no provider that pays for being asked", function()
    local client = mocked.client(provider(function() return "SUCCEEDED", -1000 end), { budget = 60 })
    assert(assert(client:generate(clip())):wait())
    assert.same({ spent = 60, reserved = 0, budget = 60 }, client:spent())
    -- nor an adapter that passes that on
    client = mocked.client(function(request)
      return { json = request.method == "POST" and { id = "t1" } or { done = true } }
    end, { prices = { m = 10 }, provider = {
      name = "reelhouse", base_url = "https://reelhouse.example", kinds = { "text_to_video" },
      submit = function() return { method = "POST", path = "/make", json = {} } end,
      accepted = function(answer) return { id = answer.json.id, estimated_cost = -1000 } end,
      query = function(ref) return { path = "/tasks/" .. ref.id } end,
      task = function() return { status = "SUCCEEDED", cost = -1000, output = { mocked.OUTPUT } } end,
    } })
    assert(assert(client:generate { model = "m", prompt = "x", duration = 6 }):wait())
    assert.same({ spent = 60, reserved = 0 }, client:spent())
  end)

  it("comes back from a job that was cancelled before its request left, and not from one after", function()
    local client = mocked.client(provider(running, function(n)
      if n == 1 then return { status = 429, json = { error = "later" }, headers = { ["Retry-After"] = "30" } } end
      return { json = { id = "t" .. n }, delay = 5 }
    end))
    runway.run(function()
      local job = runway.spawn(client.generate, client, clip())
      runway.sleep(6)                           -- it pauses between two requests
      assert.equal(60, client:spent().reserved)
      job:cancel()
      assert.equal(0, client:spent().reserved)
      job = runway.spawn(client.generate, client, clip())
      runway.sleep(40)
      local other = runway.spawn(client.generate, client, clip())
      runway.sleep(2)
      other:cancel()
      other:join()
      job:join()
      assert.equal(120, client:spent().reserved)
    end)
  end)
end)
