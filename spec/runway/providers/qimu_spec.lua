local asked = require "spec.support.asked"
local hostile = require "spec.support.hostile"
local qimu = require "runway.providers.qimu"

local IMAGE, LAST = "https://x.test/a.png", "https://x.test/b.png"
local CLIP = "https://x.test/clip.mp4"

local function sent(raw) return asked.sent(qimu, raw) end
local function refused(raw, field, words) asked.refused(qimu, raw, field, words) end

local function read(json, status)
  return qimu.task({ status = status or 200, headers = {}, json = json }, { id = "123456" })
end

local function accepted(json)
  return qimu.accepted { status = 200, headers = {}, json = json }
end

-- The document's example answer, with the state and whatever else a case needs.
local function answer(code, changes)
  local task = {
    callbackUrl = "http://baidu.com", createdTime = "2024-12-07 12:01:36", error = "string",
    id = "123456", images = { { createdTime = "2024-12-07 12:01:36", frameIndex = 0,
      imageActual = "string", imageOrg = "string", modifiedTime = "2024-12-07 12:01:36",
      taskId = "123456" } },
    modifiedTime = "2024-12-07 12:01:36", ratio = "16:9", seconds = 10, taskStatusCode = code,
    taskType = "gen3a_turbo", textPrompt = "fly", videoUrl = CLIP,
  }
  for k, v in pairs(changes or {}) do task[k] = v end
  return { code = 0, message = "执行成功", result = task, success = true, timestamp = 0 }
end

describe("qimu", function()
  it("sends the key bare, and has neither cancel nor upload nor data URIs", function()
    assert.equal("https://api.qimuinfo.top", qimu.base_url)
    assert.equal("QIMU_API_KEY", qimu.env.api_key)
    assert.same({ Authorization = "sk-12345678abcdefg" }, qimu.sign("sk-12345678abcdefg"))
    assert.is_nil(qimu.cancel)
    assert.is_nil(qimu.upload)
    assert.same({}, qimu.media)
    assert.same({ "image_to_video", "text_to_video" }, qimu.kinds)
  end)

  describe("asks", function()
    it("for the document's example, field by field", function()
      local request = sent {
        prompt_text = "string", prompt_image = "http://baidu.com", model = "gen3a_turbo",
        ratio = "16:9", duration = 10, callback_url = "http://baidu.com",
      }
      assert.equal("POST", request.method)
      assert.equal("/uniapp-service/api/runway/add", request.path)
      assert.is_nil(request.safe)
      assert.same({
        callbackUrl = "http://baidu.com", images = { { frameIndex = 0,
          image = "http://baidu.com" } },
        ratio = "16:9", seconds = 10, taskType = "gen3a_turbo", textPrompt = "string",
      }, request.json)
      assert.equal("integer", math.type(request.json.seconds))
      assert.equal("integer", math.type(request.json.images[1].frameIndex))
    end)

    it("with the first image as frame 0 and the last as frame 1", function()
      assert.same({ { frameIndex = 0, image = IMAGE }, { frameIndex = 1, image = LAST,
        note = "x" } },
        sent { ratio = "9:16", image = { { uri = LAST, position = "last", note = "x" }, IMAGE } }
          .json.images)
      assert.same({ { frameIndex = 1, image = LAST } },
        sent { ratio = "9:16", image = { { uri = LAST, position = "last" } } }.json.images)
    end)

    it("for text with the least that is required", function()
      assert.same({ taskType = "gen3a", ratio = "16:9", seconds = 5, textPrompt = "fly" },
        sent { prompt = "fly", ratio = "1280:720" }.json)
      assert.equal("9:16", sent { prompt = "fly", ratio = "720:1280" }.json.ratio)
    end)

    it("with every key it does not know", function()
      local json = sent { prompt = "a", ratio = "16:9", new_knob = { deep_key = 1 },
        key = "k" }.json
      assert.same({ deep_key = 1 }, json.newKnob)
      assert.is_nil(json.key)
    end)

    it("with an unknown model and whatever goes with it", function()
      local json = sent { prompt = "a", model = "gen9", ratio = "4:3", duration = 7 }.json
      assert.equal("gen9", json.taskType)
      assert.equal("4:3", json.ratio)
      assert.equal(7, json.seconds)
    end)

    it("with a warning for a value that its list does not have", function()
      local request = sent { prompt = "a", ratio = "4:3", duration = 7 }
      assert.same({ "4:3", 7 }, { request.json.ratio, request.json.seconds })
      assert.same({ 'gen3a: ratio "4:3" is not among those known (16:9 or 9:16); it goes to the API as it is',
        "gen3a: duration 7 is not among those known (5 or 10); it goes to the API as it is" }, request.warnings)
      assert.is_nil(sent { prompt = "a", ratio = "16:9", duration = 10 }.warnings)
    end)

    it("only when nothing given is known to be refused", function()
      refused({ prompt = "a", ratio = "16:9", duration = -5 }, "duration", "5 or 10")
      refused({ prompt = ("a"):rep(2001), ratio = "16:9" }, "prompt_text", "2000")
      refused({ prompt = "a" }, "ratio", "needs a ratio")
      refused({ ratio = "16:9" }, "prompt_text", "needs prompt_text")
      refused({ ratio = "16:9", prompt = "" }, "prompt_text", "needs prompt_text")
      refused({ kind = "image_to_video", ratio = "16:9" }, "prompt_image", "needs prompt_image")
      refused({ image = { IMAGE, LAST, IMAGE }, ratio = "16:9" }, "prompt_image", "at most two")
    end)

    it("and says by name what the API cannot do", function()
      refused({ video = "https://x.test/v.mp4" }, "kind", "qimu has no video_to_video")
      refused({ prompt = "a", ratio = "16:9", seed = 42 }, "seed", "qimu has no seed")
      for _, uri in ipairs { "data:image/png;base64,AAAA",
        setmetatable({ path = "/tmp/a.png" }, { __name = "runway.file" }) } do
        refused({ image = uri, ratio = "16:9" }, "prompt_image", "qimu takes only image URLs")
      end
    end)

    it("how a task stands", function()
      assert.same({ method = "GET", path = "/uniapp-service/api/runway/getTask",
        query = { taskId = "123456" } }, qimu.query { id = "123456" })
    end)
  end)

  describe("reads a submit answer", function()
    it("as the document prints it", function()
      assert.same({ id = "123456", status = "PENDING", word = "0" }, accepted(answer(0)))
    end)

    it("whose id is a number", function()
      assert.equal("9007199254740993", accepted(answer(0, { id = 9007199254740993 })).id)
    end)

    it("without believing that the task is over already", function()
      assert.same({ id = "123456", word = "3" }, accepted(answer(3)))
    end)

    it("as unreadable without a task", function()
      for _, json in ipairs { {}, { code = 0, success = true }, { code = 0, result = {} },
        { code = 0, result = "123" }, answer(0, { id = "" }), answer(0, { id = 1.5 }), { 1 } } do
        local fields, problem = accepted(json)
        assert.is_nil(fields)
        assert.is_nil(problem)
      end
      assert.is_nil(qimu.accepted { status = 200, body = "<html>" })
    end)

    it("as a refusal when code is not 0 or success is false", function()
      local fields, problem = accepted { code = 1001, message = "参数错误", success = false }
      assert.is_nil(fields)
      assert.same({ message = "参数错误", code = "1001", kind = "invalid_request" }, problem)
      fields, problem = accepted { code = 0, message = "失败", success = false }
      assert.is_nil(fields)
      assert.equal("invalid_request", problem.kind)
      fields, problem = accepted { code = 200, message = "success", success = true }
      assert.is_nil(fields)
      assert.equal("200", problem.code)
      fields, problem = accepted { code = 1002, message = "余额不足" }
      assert.is_nil(fields)
      assert.equal("insufficient_credits", problem.kind)
      fields, problem = accepted { code = 401, message = "没有权限" }
      assert.is_nil(fields)
      assert.equal("authentication", problem.kind)
    end)

    it("that is an HTTP error without a kind of its own, for the status says it", function()
      local late = { status = 429, headers = {}, json = { code = 429, message = "请求过于频繁" } }
      local fields, problem = qimu.accepted(late)
      assert.is_nil(fields)
      assert.same({ message = "请求过于频繁", code = "429" }, problem)
      local broken = answer(0)
      broken.code, broken.message = 500, "系统错误"
      fields, problem = qimu.accepted { status = 500, headers = {}, json = broken }
      assert.is_nil(fields)
      assert.same({ message = "系统错误", code = "500", id = "123456" }, problem)
    end)

    it("as unknown when the error leaves open whether a task was made", function()
      local fields, problem = accepted { code = 500, message = "系统异常", success = false }
      assert.is_nil(fields)
      assert.equal("unknown_submit", problem.kind)
      local odd = answer(0)
      odd.code = 7
      fields, problem = accepted(odd)
      assert.is_nil(fields)
      assert.equal("unknown_submit", problem.kind)
      assert.equal("123456", problem.id)
    end)
  end)

  describe("reads a task", function()
    it("by its own integer codes", function()
      for code, status in pairs { [0] = "PENDING", "PENDING", "RUNNING", "SUCCEEDED", "FAILED" } do
        assert.equal(status, read(answer(code)).status)
        assert.equal(status, read(answer(tostring(code))).status)
        assert.equal(tostring(code), read(answer(code)).word)
      end
    end)

    it("that goes on without output or failure, though the answer has fields for both", function()
      assert.same({ id = "123456", status = "RUNNING", word = "2" }, read(answer(2)))
    end)

    it("that succeeded, with its clip", function()
      assert.same({ id = "123456", status = "SUCCEEDED", word = "3", output = { CLIP } },
        read(answer(3)))
      assert.is_nil(read(answer(3, { videoUrl = "" })).output)
    end)

    it("that failed, with its reason", function()
      assert.same({ id = "123456", status = "FAILED", word = "4", failure = "违规" },
        read(answer(4, { error = "违规" })))
    end)

    it("without a time, for its times have no zone", function()
      assert.is_nil(read(answer(1)).created_at)
    end)

    it("with an unknown code as unknown", function()
      for _, code in ipairs { 5, -1, 2.5, "SUCCEEDED", true } do
        assert.is_nil(read(answer(code)).status)
      end
    end)

    it("that is not there as missing", function()
      local gone = { id = "123456", missing = true }
      assert.same(gone, read(nil, 404))
      assert.same(gone, read({ code = 404, message = "记录不存在" }))
    end)

    it("never out of an error under HTTP 200", function()
      local odd = answer(3)
      odd.code = 500
      local fields, problem = read(odd)
      assert.is_nil(fields)
      assert.equal("server", problem.kind)
      odd.code = 200                             -- success elsewhere, not here
      assert.is_nil((read(odd)))
      odd.code, odd.success = 0, false
      assert.is_nil((read(odd)))
      fields, problem = read({ code = 403, message = "禁止访问" }, 403)
      assert.is_nil(fields)
      assert.equal("禁止访问", problem.message)
    end)

    it("and survives every hostile answer", function()
      local count = hostile.check(qimu, {
        running = { answer(2), answer("1") }, succeeded = { answer(3) }, failed = { answer(4) },
      })
      assert.is_true(count > 1000)
    end)
  end)

  it("reads a callback as the task alone and as the whole envelope", function()
    local hint = { id = "123456", status = "SUCCEEDED", word = "3" }
    assert.same(hint, qimu.callback(answer(3)))
    assert.same(hint, qimu.callback(answer(3).result))
    assert.same({ id = "123456", status = "FAILED", word = "4" }, qimu.callback(answer(4).result))
    local odd = answer(3)
    odd.code = 1
    assert.same({ id = "123456" }, qimu.callback(odd))
    assert.is_nil(qimu.callback { id = "123456" })
    assert.is_nil(qimu.callback "123456")
  end)
end)
