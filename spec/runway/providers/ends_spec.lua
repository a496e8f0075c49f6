-- How a wait ends at every provider: by each word that relays use for an end, by a task that is gone for
-- certain, and by its own deadline, which tells what the provider said last.

local mocked = require "spec.support.mocked"

-- A task as each provider shows it.
local function shown(provider, word, more)
  local task = { id = "t1", [provider == "qimu" and "taskStatusCode" or "status"] = word }
  for name, v in pairs(more or {}) do task[name] = v end
  if provider == "qimu" then return { json = { code = 0, result = task } } end
  if provider == "chatgptsb" then return { json = { task = task } } end
  return { json = task }
end

local SAID = "it waits for a person"
local REASON = { failure = SAID, fail_reason = SAID, error = SAID }

local LINK = "https://x.test/a.mp4"

local LINKS = { output = { LINK }, videoUrl = LINK, artifacts = { { url = LINK } } }

for _, provider in ipairs(mocked.providers()) do
  describe("a wait at " .. provider, function()
    after_each(mocked.close)

    -- Submits, and waits through the answers, of which the last stays.
    local function wait(answers)
      local asked = -1
      local client = mocked.client(function()
        asked = asked + 1
        return asked == 0 and shown(provider, nil) or answers[math.min(asked, #answers)]
      end, { provider = provider, base_url = "https://relay.example", max_retries = 0 })
      local clip = { prompt_text = "a cat", prompt_image = "https://x.test/a.png", ratio = "1280:720" }
      if provider == "runwayml" then clip.model, clip.duration = "gen4_turbo", 5 end
      local task = assert(client:generate(clip))
      local ok, err = task:wait { timeout = 300 }
      return ok, err, asked, task
    end

    it("ends with a word for a failure", function()
      for _, word in ipairs { "fail", "failure", "error", "Errored", "rejected", "expired", "aborted", "timeout",
        "unsuccessful", "terminated" } do
        local _, err, asked = wait { shown(provider, word, REASON) }
        assert.equal("task_failed", err.kind, word)
        assert.matches(SAID, err.message, 1, true)
        assert.equal(1, asked)
      end
    end)

    it("ends with a word for success, or for an end by someone", function()
      for _, word in ipairs { "success", "completed", "Done", "finished", "successful" } do
        local task = assert(wait { shown(provider, word, LINKS) })
        assert.equal(1, task.progress)
        assert.same({ LINK }, task.output)
      end
      assert.equal("task_cancelled", select(2, wait { shown(provider, "canceled") }).kind)
    end)

    it("tells a word that no one knows, and its reason, when its time is over", function()
      local _, err, _, task = wait { shown(provider, "on_hold", REASON) }
      assert.equal("timeout", err.kind)
      assert.matches('"on_hold": ' .. SAID, err.message, 1, true)
      assert.is_nil(task.failure)
    end)

    it("believes that a task is gone when it was said three times in a row", function()
      for _, status in ipairs { 404, 410 } do
        local gone, there = { status = status, json = { error = "no such task" } }, shown(provider, nil)
        local task, err, asked = wait { there, gone, gone, there, gone, gone, gone }
        assert.is_nil(task)
        assert.equal("not_found", err.kind)
        assert.equal(7, asked)
        assert.is_true(select(3, wait { gone }) >= 3)
      end
    end)
  end)
end
