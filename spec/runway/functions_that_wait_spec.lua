-- Functions of the caller's that wait: the call that calls them waits with them, in a job that the host steps as
-- outside of one. docs/embedding.md lists them.

local adapters = require "spec.support.adapters"
local mocked = require "spec.support.mocked"
local runway = require "runway"
local scratch = require "spec.support.scratch"

local CLIP = { model = "gen4.5", prompt_text = "a cat", ratio = "1280:720", duration = 5 }
local FILM = "https://files.example/a.mp4"

describe("a function that waits:", function()
  local files
  setup(function() files = scratch.new() end)
  teardown(function() files:remove() end)
  after_each(mocked.close)

  local function client_of(options)
    return (mocked.client({
      { method = "POST", path = "^", json = { id = "t1", status = "PENDING" } },
      { path = "^.*tasks/t1$", json = { id = "t1", status = "RUNNING" } },
      { path = "^.*tasks/t1$", json = { id = "t1", status = "SUCCEEDED", output = { FILM } } },
      { "GET " .. FILM, body = ("x"):rep(100) },
    }, options))
  end

  local function film_of(client, looked)
    local task = assert(client:generate(CLIP))
    assert(task:wait { on_progress = looked })
    local path = files:path "a.mp4"
    return assert(task:download(path, { overwrite = true }))
  end

  local CASES = {
    ["on_progress of wait"] = function(wait) film_of(client_of(), wait) end,
    ["on_progress of a list"] = function(wait)
      local shot = { key = "a" }
      for name, v in pairs(CLIP) do shot[name] = v end
      local directory = scratch.new()
      local result = assert(runway.batch(client_of(), { shot },
        { directory = directory.directory, on_progress = wait }))
      assert.equal(1, result.counts.done)
      directory:remove()
    end,
    logger = function(wait) film_of(client_of { logger = wait }) end,
    api_key = function(wait)
      film_of(client_of { api_key = function()
        wait()
        return mocked.KEY
      end })
    end,
    prices = function(wait)
      film_of(client_of { budget = 100, prices = function()
        wait()
        return 5
      end })
    end,
    ["of an adapter"] = function(wait)
      local own = adapters.own { accepted = function(answer)
        wait()
        return { id = answer.json.id }
      end }
      film_of(client_of { provider = own })
    end,
    ["of a mock's list"] = function(wait)
      local client = mocked.client(function()
        wait()
        return { json = { id = "t1", status = "SUCCEEDED", output = { FILM } } }
      end)
      assert(assert(client:generate(CLIP)):wait())
    end,
  }

  for name, case in pairs(CASES) do
    it(name, function()
      for _, in_a_job in ipairs { true, false } do
        local began, ended = 0, 0
        local function wait()
          began = began + 1
          runway.sleep(0.5)
          ended = ended + 1
        end
        if in_a_job then
          local job = runway.spawn(case, wait)
          repeat runway.step(60) until job:done()
          assert(job:join())
        else
          case(wait)
        end
        assert.is_true(began > 0)
        assert.equal(began, ended)
      end
    end)
  end
end)
