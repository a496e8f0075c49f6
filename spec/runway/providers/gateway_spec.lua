local asked = require "spec.support.asked"
local gateway = require "runway.providers.gateway"
local hostile = require "spec.support.hostile"

local IMAGE, LAST = "https://x.test/a.png", "https://x.test/b.png"
local CLIP = "https://dnznrvs05pmza.cloudfront.net/clip.mp4?_jwt=eyJh"

local function sent(raw) return asked.sent(gateway, raw) end
local function refused(raw, field, words) asked.refused(gateway, raw, field, words) end

local function read(json, status)
  return gateway.task({ status = status or 200, headers = {}, json = json }, { id = "t-1" })
end

local function accepted(json)
  return gateway.accepted { status = 200, headers = {}, json = json }
end

-- The example answer of both pages, in Luma's words.
local LUMA = {
  id = "4665a07c-7641-4809-a133-10786201bb56", prompt = "", state = "pending",
  created_at = "2024-12-22T13:38:40.139409Z", batch_id = "",
}

-- The schema of both pages, in Kling's words.
local KLING = {
  code = 0, message = "SUCCEED", request_id = "r-1",
  data = { task_id = "t-1", task_status = "processing", created_at = 1734874720139,
    updated_at = 1734874720139 },
}

describe("gateway", function()
  it("has no host of its own, and takes key and host from its own variables", function()
    assert.is_nil(gateway.base_url)
    assert.same({ api_key = "RUNWAY_GATEWAY_API_KEY", base_url = "RUNWAY_GATEWAY_BASE_URL" },
      gateway.env)
    assert.same({ Authorization = "Bearer k", Accept = "application/json",
      ["X-Runway-Version"] = "2024-11-06" }, gateway.sign("k"))
    assert.is_nil(gateway.cancel)
    assert.is_nil(gateway.upload)
    assert.same({ image = 5242880 }, gateway.media)
  end)

  describe("asks", function()
    it("for the document's example, field by field", function()
      local request = sent {
        prompt_image = "https://www.bt.cn/bbs/template/qiao/style/image/btlogo.png",
        model = "gen4_turbo", prompt_text = "cat dance", watermark = false, duration = 5,
        ratio = "1280:768",
      }
      assert.equal("POST", request.method)
      assert.equal("/runwayml/v1/image_to_video", request.path)
      assert.is_nil(request.safe)
      assert.same({
        promptImage = "https://www.bt.cn/bbs/template/qiao/style/image/btlogo.png",
        model = "gen4_turbo", promptText = "cat dance", watermark = false, duration = 5,
        ratio = "1280:768",
      }, request.json)
      assert.equal("integer", math.type(request.json.duration))
    end)

    it("in the official spelling, whatever is passed through", function()
      assert.same({
        promptImage = "data:image/png;base64,AAAA", model = "gen4_turbo", ratio = "720:1280",
          seed = 0,
        newKnob = { deep_key = 1 },
      }, sent { image = "data:image/png;base64,AAAA", ratio = "9:16", seed = 0,
        new_knob = { deep_key = 1 }, key = "shot" }.json)
      assert.same({ { uri = IMAGE, position = "first" }, { uri = LAST, position = "last" } },
        sent { image = { IMAGE, LAST }, model = "gen3a_turbo",
          ratio = "1280:768" }.json.promptImage)
    end)

    it("with a warning for a value that its list does not have", function()
      local request = sent { image = IMAGE, ratio = "16:9", duration = 7 }
      assert.equal(7, request.json.duration)
      assert.same({ "gen4_turbo: duration 7 is not among those known (5 or 10); it goes to the API as it is" },
        request.warnings)
      assert.is_nil(sent { image = IMAGE, ratio = "16:9", duration = 10 }.warnings)
    end)

    it("only when nothing given is known to be refused", function()
      refused({ image = IMAGE, ratio = "16:9", prompt = ("a"):rep(1001) }, "prompt_text", "1000")
      refused({ image = IMAGE, ratio = "16:9", seed = 4294967296 }, "seed", "4294967295")
      refused({ image = IMAGE }, "ratio", "needs a ratio")
      refused({ image = { IMAGE, LAST }, ratio = "16:9" }, "prompt_image", "one image for gen4_turbo")
      refused({ image = "data:image/png;base64," .. ("A"):rep(5242880), ratio = "16:9" },
        "prompt_image", "5242880")
      refused({ image = IMAGE, ratio = "16:9", callback_url = "https://x.test/" }, "callback_url",
        "no callback")
      refused({ kind = "image_to_video", ratio = "16:9" }, "prompt_image", "needs prompt_image")
      assert.equal(7, sent { image = IMAGE, model = "new", ratio = "5:4",
        duration = 7 }.json.duration)
    end)

    it("for nothing but image_to_video, and says so", function()
      refused({ prompt = "a", ratio = "16:9" }, "kind", "gateway has no text_to_video")
      refused({ video = "https://x.test/v.mp4" }, "kind", "gateway has no video_to_video")
    end)

    it("how a task stands by any id", function()
      assert.same({ method = "GET", path = "/runwayml/v1/tasks/runway_task_a%2Fb" },
        gateway.query { id = "runway_task_a/b" })
    end)
  end)

  describe("reads a submit answer", function()
    it("raw, wrapped, Kling-like and Luma-like", function()
      assert.same({ id = "f6a3" }, accepted { id = "f6a3" })
      assert.same({ id = "runway_task_9", status = "PENDING", word = "PENDING" },
        accepted { id = "runway_task_9", status = "PENDING" })
      assert.same({ id = "t-1", status = "RUNNING", word = "processing" }, accepted(KLING))
      assert.same({ id = LUMA.id, status = "PENDING", word = "pending" }, accepted(LUMA))
      assert.same({ id = "task_1" }, accepted { code = "success", message = "",
        data = { task_id = "task_1" } })
      assert.equal("12345", accepted { data = { id = 12345 } }.id)
    end)

    it("as unreadable without an id, and as a refusal with an error", function()
      for _, json in ipairs { {}, { code = 0, data = {} }, { data = { task_id = "" } }, { 1 } } do
        local fields, problem = accepted(json)
        assert.is_nil(fields)
        assert.is_nil(problem)
      end
      assert.is_nil(gateway.accepted { status = 200, body = "<html>wrong host" })
      local fields, problem = accepted { code = 1201, message = "bad image", request_id = "r" }
      assert.is_nil(fields)
      assert.same({ message = "bad image", code = "1201", kind = "invalid_request" }, problem)
    end)
  end)

  describe("reads a task", function()
    it("in the raw official form first", function()
      assert.same({ id = "t-1", status = "RUNNING", word = "RUNNING", progress = 0.275,
        created_at = 1734874720 },
        read { id = "t-1", status = "RUNNING", createdAt = "2024-12-22T13:38:40.139Z",
          progress = 0.275 })
      assert.same({ id = "t-1", status = "SUCCEEDED", word = "SUCCEEDED", output = { CLIP } },
        read { id = "t-1", status = "SUCCEEDED", output = { CLIP } })
      assert.same({ id = "t-1", status = "FAILED", word = "FAILED", failure = "no",
        failure_code = "SAFETY.INPUT.IMAGE" },
        read { id = "t-1", status = "FAILED", failure = "no", failureCode = "SAFETY.INPUT.IMAGE" })
    end)

    it("Kling-like", function()
      assert.same({ id = "t-1", status = "RUNNING", word = "processing", created_at = 1734874720 },
        read(KLING))
      for word, status in pairs { submitted = "PENDING", processing = "RUNNING",
        succeed = "SUCCEEDED",
        failed = "FAILED" } do
        assert.equal(status, read { code = 0, data = { task_id = "t-1",
          task_status = word } }.status)
      end
      assert.same({ CLIP }, read { code = 0, data = { task_id = "t-1", task_status = "succeed",
        task_result = { videos = { { id = "v", url = CLIP, duration = "5" } } } } }.output)
      assert.equal("no", read { code = 0, data = { task_id = "t-1", task_status = "failed",
        task_status_msg = "no" } }.failure)
    end)

    it("Luma-like", function()
      assert.same({ id = "t-1", status = "PENDING", word = "pending", created_at = 1734874720 },
        read(LUMA))
      assert.equal(42, read { id = "t-1", state = "pending", estimate_wait_seconds = 42 }.next_poll)
      for word, status in pairs { pending = "PENDING", processing = "RUNNING",
        completed = "SUCCEEDED",
        succeeded = "SUCCEEDED", failed = "FAILED" } do
        assert.equal(status, read { id = "t-1", state = word }.status)
      end
      assert.same({ CLIP }, read { id = "t-1", state = "completed", video = CLIP }.output)
      assert.same({ CLIP }, read { id = "t-1", state = "completed", video = { url = CLIP } }.output)
      assert.same({ CLIP }, read { id = "t-1", state = "completed", video_raw = CLIP }.output)
      assert.equal("no", read { id = "t-1", state = "failed", failure_reason = "no" }.failure)
    end)

    it("wrapped by a relay", function()
      local fields = read { code = "success", data = { task_id = "t-1", status = "IN_PROGRESS",
        progress = "30%", data = { id = "inner", status = "RUNNING", progress = 0.5 } } }
      assert.same({ id = "t-1", status = "RUNNING", word = "IN_PROGRESS", progress = 0.3 }, fields)
      assert.same({ CLIP }, read { code = "success", data = { task_id = "t-1", status = "SUCCESS",
        data = { output = { CLIP } } } }.output)
      assert.same({ CLIP }, read { data = { status = "SUCCEEDED", output = { CLIP } } }.output)
    end)

    it("without taking another provider's integer codes for its own", function()
      for code = 0, 4 do
        for _, status in ipairs { code, tostring(code) } do
          local fields = read { id = "t-1", status = status }
          assert.is_nil(fields.status)
          assert.equal(tostring(code), fields.word)
        end
      end
    end)

    it("that does not exist (yet) as missing", function()
      assert.same({ id = "t-1", missing = true }, read({ error = "Not found" }, 404))
      assert.same({ id = "t-1", missing = true },
        read({ code = "task_not_exist", message = "task_not_exist" }, 400))
      assert.equal(90, gateway.missing_grace)
    end)

    it("never out of a page, an error or nothing", function()
      assert.is_nil((gateway.task({ status = 200, body = "<html>" }, { id = "t-1" })))
      assert.is_nil((read {}))
      local fields, problem = read { error = { message = "upstream busy", code = "x" } }
      assert.is_nil(fields)
      assert.equal("server", problem.kind)
      fields, problem = read({ error = { message = "bad key" } }, 401)
      assert.is_nil(fields)
      assert.equal("bad key", problem.message)
    end)

    it("and survives every hostile answer", function()
      local count = hostile.check(gateway, {
        running = { KLING, LUMA, { id = "t-1", status = "RUNNING", progress = 0.5,
          createdAt = "x" },
          { code = "success", data = { task_id = "t-1", status = "QUEUED", progress = "0%",
            data = { id = "i", status = "PENDING" } } } },
        succeeded = { { id = "t-1", status = "SUCCEEDED", output = { CLIP } },
          { id = "t-1", state = "completed", video = { url = CLIP } },
          { code = 0, data = { task_id = "t-1", task_status = "succeed",
            task_result = { videos = { { url = CLIP } } } } } },
        failed = { { id = "t-1", status = "FAILED", failure = "no", failureCode = "X" } },
      })
      assert.is_true(count > 1000)
    end)
  end)

  it("reads a callback, should a relay send one", function()
    assert.same({ id = "t-1", status = "RUNNING", word = "processing" }, gateway.callback(KLING))
    assert.same({ id = LUMA.id, status = "PENDING", word = "pending" }, gateway.callback(LUMA))
    assert.is_nil(gateway.callback { hello = "world" })
  end)
end)
