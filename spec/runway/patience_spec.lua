-- How long a wait lasts that no one gave a time: by what the provider says of the task.

local adapters = require "spec.support.adapters"
local mocked = require "spec.support.mocked"
local scheduler = require "runway.scheduler"

local HOUR = 3600
local NEAR = 66                               -- seconds between two queries, at the most: a wait sees no more exactly

describe("a wait without a timeout", function()
  after_each(mocked.close)

  -- A provider that says `word(seconds since it was first asked)`; how long the wait for its task took, and its error.
  local function waited(word, options, opts)
    local first
    local all = { provider = adapters.own {
      task = function(answer) return answer.json and { status = answer.json.status, word = answer.json.word } end,
    } }
    for name, v in pairs(options or {}) do all[name] = v end
    local client = mocked.client(function(request)
      first = first or request.time
      return { json = word(request.time - first) }
    end, all)
    local began = scheduler.now()
    local task, err = client:task("t1"):wait(opts)
    return scheduler.now() - began, task, err
  end

  local function near(expected, seconds)
    assert.is_true(math.abs(expected - seconds) <= NEAR, ("%s s, expected %s s"):format(seconds, expected))
  end

  it("does not end while the task stands in the provider's queue", function()
    local seconds, task, err = waited(function(t)
      return { status = t < 4 * HOUR and "PENDING" or t < 8 * HOUR and "THROTTLED" or t < 8.5 * HOUR and "RUNNING"
        or "CANCELLED" }
    end)
    assert.is_nil(task)
    assert.equal("task_cancelled", err.kind)
    near(8.5 * HOUR, seconds)
  end)

  it("ends an hour after the task was last seen in the queue", function()
    local seconds, _, err = waited(function(t) return { status = t < 2 * HOUR and "PENDING" or "RUNNING" } end)
    assert.equal("timeout", err.kind)
    assert.matches("still RUNNING after 10[78]%d%d s", err.message)
    near(3 * HOUR, seconds)
  end)

  it("ends after an hour when the provider says a word that no one knows, or nothing at all", function()
    local seconds, _, err = waited(function() return { word = "marinating" } end)
    assert.equal("timeout", err.kind)
    near(HOUR, seconds)
    seconds, _, err = waited(function() return {} end)
    assert.equal("timeout", err.kind)
    near(HOUR, seconds)
  end)

  it("ends after a day in any case, for some providers never say that they have begun", function()
    local seconds, _, err = waited(function() return { status = "PENDING" } end)
    assert.equal("timeout", err.kind)
    assert.matches("still PENDING after 86400 s", err.message, 1, true)
    near(24 * HOUR, seconds)
  end)

  it("and one with a timeout, or a client's deadline, lasts as long as was said", function()
    local function pending() return { status = "PENDING" } end
    local seconds, _, err = waited(pending, nil, { timeout = 900 })
    assert.equal("timeout", err.kind)
    assert.matches("after 900 s", err.message, 1, true)
    near(900, seconds)
    near(600, (waited(pending, { deadline = 600 })))
  end)
end)
