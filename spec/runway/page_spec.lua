-- A page for people instead of an answer, under any status, at every provider: it is said to be one, and
-- it says nothing of a task.

local mocked = require "spec.support.mocked"

local PAGE = "<!DOCTYPE html>\n<html><head><title>Just a moment</title></head><body>checking</body></html>"

describe("a page instead of an answer", function()
  after_each(mocked.close)

  local function client(provider, status)
    return mocked.client(function()
      local headers = { ["Content-Type"] = "text/html", Location = "https://x.test/" }
      return { status = status, body = PAGE, headers = headers }
    end, { provider = provider, base_url = mocked.base_url(provider), max_retries = 0 })
  end

  local function says_so(err)
    assert.matches("HTML", err.message, 1, true)
    assert.matches("<!DOCTYPE html> <html>", err.message, 1, true)
  end

  for _, provider in ipairs(mocked.providers()) do
    it("is told at " .. provider .. ", whatever its status", function()
      for _, status in ipairs { 200, 201, 301, 302, 400, 401, 402, 403, 404, 408, 410, 422, 429, 451, 500, 502, 503 } do
        local c, m = client(provider, status)
        local clip = { prompt_text = "a cat", prompt_image = "https://x.test/a.png", ratio = "1280:720" }
        if provider == "runwayml" then clip.model, clip.duration = "gen4_turbo", 5 end
        local task, err = c:generate(clip)
        assert.is_nil(task)
        assert.equal(1, #m.requests)
        says_so(err)
        task, err = c:task("t1"):refresh()
        assert.is_nil(task)
        assert.is_not.equal("not_found", err.kind)
        says_so(err)
        if status >= 300 then says_so(select(2, c:request { path = "/v1/x" })) end
      end
    end)
  end

  it("neither cancels a task nor says that it is gone", function()
    for _, status in ipairs { 200, 302, 403, 404, 410, 500 } do
      local ok, err = client("runwayml", status):task("t1"):cancel()
      assert.is_nil(ok, status)
      assert.equal("t1", err.task_id)
      says_so(err)
    end
  end)
end)
