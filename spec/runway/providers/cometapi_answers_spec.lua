-- What cometapi reads; what it asks is in cometapi_spec.lua.

local cometapi = require "runway.providers.cometapi"
local hostile = require "spec.support.hostile"

local IMAGE = "https://x.test/a.png"
local CLIP = "https://dnznrvs05pmza.cloudfront.net/clip.mp4?_jwt=eyJh"

local function read(json, status, ref)
  return cometapi.task({ status = status or 200, headers = {}, json = json }, ref or { id = "t-1" })
end

local function accepted(json, status)
  return cometapi.accepted({ status = status or 200, headers = {}, json = json })
end

describe("cometapi", function()
  describe("reads a submit answer", function()
    it("of the older and the newer wrapper, and of the official form", function()
      assert.same({ id = "t-1" }, accepted {
        code = 200, msg = "成功", data = { task_id = "t-1" }, exec_time = 0.67 })
      assert.same({ id = "t-1" }, accepted {
        code = 200, message = "", msg = "success", data = { task_id = "t-1" } })
      assert.same({ id = "f6a3" }, accepted { id = "f6a3" })
      assert.same({ id = "t-1" }, accepted { code = "success", message = "",
        data = { task_id = "t-1" } })
      assert.same({ id = "t-1", status = "PENDING", word = "QUEUED" },
        accepted { code = "success", data = { task_id = "t-1", id = 77, status = "QUEUED" } })
    end)

    it("whose id is a number, kept exactly", function()
      assert.equal("9007199254740993", accepted { code = 200,
        data = { task_id = 9007199254740993 } }.id)
    end)

    it("as unreadable when it holds no id that can be used", function()
      for _, json in ipairs {
        {}, { code = 200, msg = "success" }, { code = 200, data = {} }, { 1, 2 },
        { code = 200, data = { task_id = "" } }, { code = 200, data = { task_id = 1.5 } },
        { code = 200, data = { task_id = true } }, { code = 200,
          data = { task_id = ("x"):rep(10240) } },
        { code = 200, data = { task_id = "a\0b", id = 5 } }, { message = "ok" }, { code = {} },
      } do
        local fields, problem = accepted(json)
        assert.is_nil(fields)
        assert.is_nil(problem)
      end
      assert.is_nil(cometapi.accepted { status = 200, headers = {}, body = "<html>" })
    end)

    it("as a refusal when the code is not success, though the status is 200", function()
      local fields, problem = accepted { code = "callback_url_empty",
        message = "callback_url_empty" }
      assert.is_nil(fields)
      assert.same({ message = "callback_url_empty", code = "callback_url_empty",
        kind = "invalid_request", refused = true }, problem)
      fields, problem = accepted { code = 400, msg = "参数错误" }
      assert.is_nil(fields)
      assert.same({ message = "参数错误", code = "400", kind = "invalid_request" }, problem)
      fields, problem = accepted { code = 401, msg = "no" }
      assert.is_nil(fields)
      assert.equal("authentication", problem.kind)
      fields, problem = accepted { error = { message = "bad ratio", code = "" } }
      assert.is_nil(fields)
      assert.same({ message = "bad ratio", kind = "invalid_request" }, problem)
    end)

    it("as unknown when the server's own error leaves open whether a task was made", function()
      local fields, problem = accepted { code = 500, msg = "timeout" }
      assert.is_nil(fields)
      assert.equal("unknown_submit", problem.kind)
      fields, problem = accepted { code = 400, msg = "odd", data = { task_id = "t-9" } }
      assert.is_nil(fields)
      assert.equal("unknown_submit", problem.kind)
      assert.equal("t-9", problem.id)
    end)

    it("as out of credits, in whatever words", function()
      for _, text in ipairs { "user quota is not enough", "insufficient balance",
        "Insufficient quota",
        "用户额度不足", "账户余额不足",
          "You do not have enough credits to run this task." } do
        local _, problem = accepted { code = 500, msg = text }
        assert.equal("insufficient_credits", problem.kind)
      end
      local _, problem = accepted { code = 403, msg = "insufficient permissions" }
      assert.equal("permission", problem.kind)
    end)

    it("that is an HTTP error without a kind of its own, for the status says it", function()
      for _, status in ipairs { 400, 401, 429, 500, 503 } do
        local fields, problem = accepted({ error = { message = "no", code = "" } }, status)
        assert.is_nil(fields)
        assert.same({ message = "no" }, problem)
      end
      local _, problem = accepted({ error = { message = "no" }, task_id = "t-1" }, 504)
      assert.equal("t-1", problem.id)
      assert.equal("t-1", accepted({ id = "t-1" }, 500).id)
    end)

    it("without believing that the task is over already", function()
      assert.same({ id = "t-1", word = "success" }, accepted { task_id = "t-1",
        status = "success" })
      assert.same({ id = "t-1", word = "3" }, accepted { code = 200, data = { task_id = "t-1",
        status = "3" } })
    end)
  end)

  describe("reads a task", function()
    local created = 1773360000

    local DUOMI = {
      code = 200, msg = "成功", exec_time = 0.2,
      data = {
        task_id = "t-1", state = "succeeded", status = "3", prompt = "a", prompt_en = "a",
        video_url = CLIP, raw_video_url = "https://x.test/raw.mp4", poster = "https://x.test/p.jpg",
        last_frame = "https://x.test/l.jpg", msg = nil, point = "320", refund = "0",
        create_time = "1728622596", update_time = "1728622955",
      },
    }
    local WRAPPED = {
      code = "success", message = "",
      data = {
        task_id = "t-1", action = "IMAGE_TO_VIDEO", status = "QUEUED", fail_reason = "",
        submit_time = created, start_time = 0, finish_time = 0, progress = "0%",
        data = { id = "inner", status = "PENDING", createdAt = "2026-03-13T00:00:00Z" },
      },
    }
    local RAW = {
      id = "t-1", status = "RUNNING", createdAt = "2026-03-13T00:00:00.123Z", progress = 0.275,
      estimatedCost = { credits = 25 },
    }
    local FLAT = {
      task_id = "t-1", action = "TEXT_TO_VIDEO", status = "IN_PROGRESS", fail_reason = "",
      result_url = "", submit_time = created, start_time = created + 5, finish_time = 0,
      progress = "30%", data = { id = "inner", status = "RUNNING" },
    }

    local function with(example, changes)
      local t = {}
      for k, v in pairs(example) do t[k] = v end
      for k, v in pairs(changes) do t[k] = v end
      return t
    end

    it("in the duomi form", function()
      assert.same({ id = "t-1", status = "SUCCEEDED", word = "3", output = { CLIP },
        created_at = 1728622596 }, read(DUOMI))
      for word, status in pairs { ["0"] = "PENDING", ["1"] = "RUNNING" } do
        local fields = read { code = 200, data = { task_id = "t-1", status = word } }
        assert.equal(status, fields.status)
        assert.is_nil(fields.output)
      end
      assert.same({ id = "t-1", status = "FAILED", word = "2", failure = "内容违规" },
        read { code = 200, msg = "成功", data = { task_id = "t-1", status = "2",
          msg = "内容违规" } })
      assert.equal("RUNNING", read { code = 200, data = { task_id = "t-1", status = 1 } }.status)
    end)

    it("in the wrapped form", function()
      assert.same({ id = "t-1", status = "PENDING", word = "QUEUED", progress = 0,
        created_at = created },
        read(WRAPPED))
      for word, status in pairs {
        NOT_START = "PENDING", SUBMITTED = "PENDING", QUEUED = "PENDING", UNKNOWN = "PENDING",
        IN_PROGRESS = "RUNNING", SUCCESS = "SUCCEEDED", FAILURE = "FAILED",
      } do
        assert.equal(status, read { code = "success", data = { task_id = "t",
          status = word } }.status)
      end
      local done = with(WRAPPED.data, { status = "SUCCESS", progress = "100%",
        data = { id = "inner", status = "SUCCEEDED", output = { CLIP }, cost = { credits = 25 } } })
      local fields = read { code = "success", message = "", data = done }
      assert.same({ id = "t-1", status = "SUCCEEDED", word = "SUCCESS", progress = 1,
        output = { CLIP },
        cost = 25, created_at = created }, fields)
      fields = read { code = "success", data = with(WRAPPED.data, { status = "FAILURE",
        fail_reason = "moderated", data = { failure = "x", failureCode = "SAFETY.INPUT.TEXT" } }) }
      assert.equal("FAILED", fields.status)
      assert.equal("moderated", fields.failure)
      assert.equal("SAFETY.INPUT.TEXT", fields.failure_code)
    end)

    it("in the raw official form", function()
      assert.same({ id = "t-1", status = "RUNNING", word = "RUNNING", progress = 0.275,
        created_at = created, estimated_cost = 25 }, read(RAW))
      assert.same({ id = "t-1", status = "SUCCEEDED", word = "SUCCEEDED", output = { CLIP, IMAGE },
        cost = 0 }, read { id = "t-1", status = "SUCCEEDED", output = { CLIP, IMAGE },
        cost = { credits = 0 } })
      assert.same({ id = "t-1", status = "FAILED", word = "FAILED", failure = "no",
        failure_code = "INTERNAL.BAD_OUTPUT.CODE01" },
        read { id = "t-1", status = "FAILED", failure = "no",
          failureCode = "INTERNAL.BAD_OUTPUT.CODE01" })
      assert.equal("CANCELLED", read { id = "t-1", status = "CANCELLED" }.status)
      assert.equal("THROTTLED", read { id = "t-1", status = "THROTTLED" }.status)
    end)

    it("in the flat form", function()
      assert.same({ id = "t-1", status = "RUNNING", word = "IN_PROGRESS", progress = 0.3,
        created_at = created }, read(FLAT))
      assert.same({ CLIP }, read(with(FLAT, { status = "SUCCESS", result_url = CLIP })).output)
      -- A wrapper around the flat form is still the flat form.
      local fields = read(with(FLAT, { code = 200 }))
      assert.equal("RUNNING", fields.status)
      assert.equal("t-1", fields.id)
    end)

    it("whose URL stands where the reason of a failure belongs", function()
      assert.same({ CLIP }, read { code = "success", data = { task_id = "t-1", status = "SUCCESS",
        fail_reason = CLIP } }.output)
      local failed = read { code = "success", data = { task_id = "t-1", status = "FAILURE",
        fail_reason = "https://help.test/why" } }
      assert.is_nil(failed.output)
      assert.equal("https://help.test/why", failed.failure)
      local running = read { code = "success", data = { task_id = "t-1", status = "IN_PROGRESS",
        fail_reason = CLIP } }
      assert.is_nil(running.output)
    end)

    it("with the provider's own output before the relay's link to it", function()
      assert.same({ CLIP }, read { task_id = "t-1", status = "SUCCESS", result_url = IMAGE,
        data = { output = { CLIP } } }.output)
    end)

    it("by the asked id, whatever other ids the answer holds", function()
      assert.equal("t-1", read({ id = "inner", status = "RUNNING" }).id)
      assert.equal("t-7", read({ task_id = "t-7", status = "RUNNING" }, 200, {}).id)
      assert.equal("t-7", read({ code = "success", data = { id = 5, task_id = "t-7",
        status = "QUEUED",
        data = { id = "inner" } } }, 200, {}).id)
    end)

    it("with the envelope's own status never taken for the task's", function()
      local fields = read { id = "req-1", code = 200, status = "success",
        data = { task_id = "t-1", status = "IN_PROGRESS" } }
      assert.equal("RUNNING", fields.status)
      fields = read { status = "success", data = { id = "t-1", status = "1" } }
      assert.equal("RUNNING", fields.status)
    end)

    it("with an unknown word as unknown, though the part inside claims an end", function()
      local fields = read { task_id = "t-1", status = "REVIEWING", data = { status = "FAILED" } }
      assert.is_nil(fields.status)
      assert.equal("REVIEWING", fields.word)
      assert.equal("RUNNING", read { task_id = "t-1", status = "REVIEWING",
        data = { status = "RUNNING" } }.status)
      assert.equal("SUCCEEDED", read { task_id = "t-1", data = { status = "SUCCEEDED" } }.status)
      assert.equal("RUNNING", read { id = "t-1", status = " running " }.status)
    end)

    it("that succeeded without an output, as that", function()
      for _, output in ipairs { {}, { 5 }, { "file:///x" }, "", 7 } do
        local fields = read { id = "t-1", status = "SUCCEEDED", output = output }
        assert.equal("SUCCEEDED", fields.status)
        assert.is_nil(fields.output)
      end
      assert.same({ CLIP }, read { id = "t-1", status = "SUCCEEDED", output = CLIP }.output)
    end)

    it("that does not exist yet as missing, not as an error", function()
      local gone = { id = "t-1", missing = true }
      local json = { code = "task_not_exist", message = "task_not_exist" }
      assert.same(gone, read(json, 400))
      assert.same(gone, read(json, 200))
      assert.same(gone, read({ error = "not found" }, 404))
      assert.equal("not_found", cometapi.problem { status = 400, json = json }.kind)
    end)

    it("never out of an error under HTTP 200", function()
      for _, code in ipairs { 500, 400, "500", "fail", "error", 1, 201 } do
        local fields, problem = read { code = code, msg = "busy",
          data = { task_id = "t-1", status = "SUCCESS", result_url = CLIP } }
        assert.is_nil(fields)
        assert.is_string(problem.kind)
      end
      local _, problem = read { code = "fail", msg = "busy" }
      assert.equal("server", problem.kind)       -- says nothing of the task: asked again
    end)

    it("as unreadable when the answer names no task", function()
      for _, json in ipairs { {}, { code = 200 }, { code = 200, data = {} }, { 1 },
        { message = "x" } } do
        local fields, problem = read(json)
        assert.is_nil(fields)
        assert.is_nil(problem)
      end
      assert.is_nil((cometapi.task({ status = 200, body = "<html>" }, { id = "t" })))
    end)

    it("and survives every hostile answer", function()
      local count = hostile.check(cometapi, {
        running = { WRAPPED, RAW, FLAT, { code = 200, msg = "成功", data = { task_id = "t-1",
          status = "1" } } },
        succeeded = { DUOMI, { id = "t-1", status = "SUCCEEDED", output = { CLIP } },
          { code = "success", data = { task_id = "t-1", status = "SUCCESS", fail_reason = CLIP,
            data = { output = { { url = CLIP } } } } } },
        failed = { { task_id = "t-1", status = "FAILURE", fail_reason = "no",
          data = { failure = "no", failureCode = "X.Y", status = "FAILED" } } },
      })
      assert.is_true(count > 1000)
    end)
  end)

  describe("reads an error", function()
    local function problem(status, json) return cometapi.problem { status = status,
      json = json } end

    it("in each of its forms", function()
      assert.same({ message = "bad key", code = "invalid_api_key" }, problem(401, { error = {
        message = "bad key", type = "comet_api_error", param = "", code = "invalid_api_key" } }))
      assert.same({ message = "bad key" }, problem(401, { error = { message = "bad key",
        code = "" } }))
      assert.same({ message = "no", code = "some_code" },
        problem(400, { code = "some_code", message = "no" }))
      assert.same({ message = "Invalid body (duration: must be 5)" }, problem(400, {
        error = "Invalid body", issues = { { code = "x", path = { "duration" },
          message = "must be 5" } } }))
      assert.is_nil(problem(502, nil))
      assert.is_nil(problem(502, {}))
    end)

    it("of a bad body under HTTP 500 as a refusal", function()
      assert.same({ message = "bad body", code = "invalid_request", kind = "invalid_request",
        refused = true }, problem(500, { error = { message = "bad body",
          code = "invalid_request" } }))
      assert.is_nil(problem(500, { error = { message = "oops", code = "" } }).refused)
      assert.is_nil(problem(401, { error = { message = "no", code = "invalid_request" } }).kind)
    end)

    it("of an empty account as out of credits", function()
      local p = problem(403, { error = { message = "用户额度不足",
        code = "insufficient_user_quota" } })
      assert.equal("insufficient_credits", p.kind)
      assert.equal("insufficient_user_quota", p.code)
    end)

    it("that names a task, with its id", function()
      assert.equal("t-1", problem(504, { code = "timeout", message = "x",
        data = { task_id = "t-1" } }).id)
    end)
  end)

  describe("reads a callback", function()
    it("without an envelope and all in strings", function()
      assert.same({ id = "t-1", status = "SUCCEEDED", word = "3" }, cometapi.callback {
        task_id = "t-1", status = "3", prompt = "a", prompt_en = "a", video_url = CLIP,
        poster = "https://x.test/p.jpg", last_frame = "https://x.test/l.jpg", point = "320",
        refund = "0", create_time = "1728622596", update_time = "1728622955",
      })
    end)

    it("in the forms of a query", function()
      assert.same({ id = "t-1", status = "RUNNING", word = "IN_PROGRESS" }, cometapi.callback {
        code = "success", data = { task_id = "t-1", status = "IN_PROGRESS", progress = "3%" } })
      assert.same({ id = "t-1" }, cometapi.callback { code = 500, data = { task_id = "t-1",
        status = "SUCCESS" } })
    end)

    it("as none when it names no task", function()
      for _, payload in ipairs { {}, { status = "3" }, "x", 5, { { task_id = "t" } } } do
        assert.is_nil(cometapi.callback(payload))
      end
    end)
  end)

  it("knows which failures may pass", function()
    for code, verdict in pairs {
      ["SAFETY.INPUT.TEXT"] = false, ["SAFETY.OUTPUT.VIDEO"] = false, ["ASSET.INVALID"] = false,
      ["INPUT_PREPROCESSING.SAFETY.TEXT"] = false, ["INPUT_PREPROCESSING.INTERNAL"] = true,
      INTERNAL = true, ["INTERNAL.BAD_OUTPUT.CODE01"] = true, ["THIRD_PARTY.UNAVAILABLE"] = true,
    } do
      assert.equal(verdict, cometapi.retryable_failure(code))
    end
    assert.is_nil(cometapi.retryable_failure("NEW.CODE"))
    assert.is_nil(cometapi.retryable_failure(nil))
  end)
end)
