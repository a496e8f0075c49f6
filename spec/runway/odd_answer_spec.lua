-- A paid answer in whatever form: the id in it is told, by a task or by the error, and the request is
-- not made again. At every provider.

local mocked = require "spec.support.mocked"

local ID = "9f3c2a71-77aa"

local function wide(s) return "\254\255" .. s:gsub(".", "\0%0") end

-- By name, what a relay may answer with status 200.
local FORMS = {
  ["a bare JSON string"] = '"' .. ID .. '"',
  ["a bare id"] = ID .. "\n",
  ["JSON behind a warning of PHP's"] = '<br />\n<b>Warning</b>: x in <b>a.php</b> on line <b>3</b><br />\n{"id":"' .. ID
    .. '","user":{"id":"user_77"}}',
  ["JSON before a warning of PHP's"] = '{"id":"' .. ID .. '"}<br />\n<b>Warning</b>: x<br />',
  ["JSON of two bytes a character"] = wide('{"id":"' .. ID .. '","user_id":"user_77"}'),
  ["a bare id of two bytes a character"] = wide('"' .. ID .. '"'),
  ["broken JSON of two bytes a character"] = wide('{"id":"' .. ID .. '","x":'),
  ["a list of events"] = 'event: made\ndata: {"task_id":"' .. ID .. '"}\n\ndata: [DONE]\n\n',
}

local NUMBERS = { ['{"id":123.0}'] = "123", ['{"task_id":1.23e5}'] = "123000", ['{"data":{"id":4711.0}}'] = "4711" }

local NOBODYS = {
  "user_77", '"user_77"', '{"user":{"id":"user_77"}}', '"ok"', "<b>Warning</b>{\"user_id\":\"user_77\"}",
  wide '{"user":{"id":"user_77"}}', '{"data":"user_77"}',
}

describe("a paid answer", function()
  after_each(mocked.close)

  -- The task, or the error, of one submit that is answered with `body`.
  local function submit(provider, body)
    local client, m = mocked.client({ function() return { status = 200, body = body } end },
      { provider = provider, base_url = mocked.base_url(provider) })
    local clip = { prompt_text = "a cat", prompt_image = "https://x.test/a.png", ratio = "1280:720" }
    if provider == "runwayml" then clip.model, clip.duration = "gen4_turbo", 5 end
    local task, err = client:generate(clip)
    assert.equal(1, #m.requests)
    return task, err
  end

  it("that failed and names a task advises to go on with that one", function()
    local client, m = mocked.client({ { "POST /v1/text_to_video", status = 502, body = '{"task_id":"' .. ID .. '"}' } })
    local task, err = client:generate(mocked.clip())
    assert.same({ nil, "unknown_submit", ID, 1 }, { task, err.kind, err.task_id, #m.requests })
    assert.matches("names the task " .. ID .. ", which may have been charged: go on with it", err.message, 1, true)
    assert.is_nil(err.message:find("before submitting again", 1, true))
  end)

  local function named(provider, body)
    local task, err = submit(provider, body)
    if not task then
      assert.equal("unknown_submit", err.kind)
      assert.equal("yes", err.sent)
      assert.equal(1, err.attempts)
      assert.equal(err.task_id, err.task and err.task.id)
    end
    return task and task.id or err.task_id
  end

  it("that is no clean JSON makes its task, and what was wrong comes beside it", function()
    local task, err = submit("gateway", '{"id":"task:v1.abc","eta":NaN}')
    assert.equal("task:v1.abc", task.id)
    assert.equal("broken_answer", err.code)
    assert.equal("task:v1.abc", err.task_id)
    assert.equal(task, err.task)
    assert.equal("yes", err.sent)
    assert.matches("NaN", err.message)
    task, err = submit("gateway", '{"id":"task:v1.abc"}')
    assert.equal("task:v1.abc", task.id)
    assert.is_nil(err)
  end)

  for _, provider in ipairs(mocked.providers()) do
    for form, body in pairs(FORMS) do
      it(("of %s that is %s names its task"):format(provider, form), function()
        assert.equal(ID, named(provider, body))
      end)
    end

    it("of " .. provider .. " with a number that has a point names its task", function()
      for body, id in pairs(NUMBERS) do assert.equal(id, named(provider, body), body) end
    end)

    it("of " .. provider .. " that names somebody else names no task", function()
      for _, body in ipairs(NOBODYS) do assert.is_nil(named(provider, body), body) end
    end)
  end
end)
