-- client:read_callback: what each provider posts to a callback URL, read into an id and a hint.

local adapters = require "spec.support.adapters"
local json = require "runway.json"
local mocked = require "spec.support.mocked"
local runway = require "runway"

local CLIP = "https://dnznrvs05pmza.cloudfront.net/clip.mp4?_jwt=eyJh"

-- A client whose transport refuses everything: reading makes no request.
local function client(provider, more)
  local options = { provider = provider, api_key = "sk-0123456789abcdef", base_url = "https://api.test",
    transport = { start = function() error("a request was made") end, close = function() end } }
  for name, v in pairs(more or {}) do options[name] = v end
  return assert(runway.client(options))
end

local function read(provider, body, headers)
  if type(body) ~= "string" then body = assert(json.encode(body)) end
  return client(provider):read_callback(body, headers)
end

local function hints(provider, body, id, status, word)
  local hint, err = read(provider, body)
  assert(hint, tostring(err))
  assert.same({ id = id, status = status, word = word }, hint)
end

local function refused(provider, body, kind, words)
  local hint, err = read(provider, body)
  assert.is_nil(hint)
  assert.equal(kind, err.kind)
  assert.equal("no", err.sent)
  assert.equal(provider, err.provider)
  assert.matches(words, err.message, 1, true)
  return err
end

describe("read_callback", function()
  describe("of cometapi", function()
    local function duomi(status, more)
      local task = { task_id = "t-1", status = status, prompt = "a cat", prompt_en = "a cat", video_url = CLIP,
        poster = "https://x.test/p.jpg", last_frame = "https://x.test/l.jpg", msg = json.null, point = "320",
        refund = "0", create_time = "1728622596", update_time = "1728622955" }
      for name, v in pairs(more or {}) do task[name] = v end
      return task
    end

    it("reads the task without an envelope and all in strings", function()
      for word, status in pairs { ["0"] = "PENDING", ["1"] = "RUNNING", ["2"] = "FAILED", ["3"] = "SUCCEEDED" } do
        hints("cometapi", duomi(word), "t-1", status, word)
      end
    end)

    it("reads it as it came over the wire, nulls and all", function()
      hints("cometapi", [[{"task_id":"6ce0a8e7","status":"3","prompt":"a cat","prompt_en":"a cat","video_url":"]]
        .. CLIP .. [[","poster":"","last_frame":"","msg":null,"point":"320","refund":"0","create_time":"1728622596",]]
        .. [["update_time":"1728622955"}]], "6ce0a8e7", "SUCCEEDED", "3")
    end)

    it("reads numbers where strings were promised", function()
      hints("cometapi", duomi(3, { task_id = 123 }), "123", "SUCCEEDED", "3")
      hints("cometapi", '{"task_id":9007199254740993,"status":"1"}', "9007199254740993", "RUNNING", "1")
    end)

    it("reads each form that a query's answer has, and both words of a relay and of Runway", function()
      hints("cometapi", { code = 200, msg = "成功", data = duomi "3" }, "t-1", "SUCCEEDED", "3")
      hints("cometapi", { code = "success", message = "", data = { task_id = "t-1", action = "IMAGE_TO_VIDEO",
        status = "IN_PROGRESS", progress = "30%", data = { id = "inner", status = "RUNNING" } } },
        "t-1", "RUNNING", "IN_PROGRESS")
      hints("cometapi", { task_id = "t-1", status = "FAILURE", fail_reason = "no" }, "t-1", "FAILED", "FAILURE")
      hints("cometapi", { id = "f6a3", status = "RUNNING", progress = 0.5 }, "f6a3", "RUNNING", "RUNNING")
    end)

    it("gives no status of an error, and none for a word that no one knows", function()
      hints("cometapi", { code = 500, msg = "busy", data = duomi "3" }, "t-1")
      hints("cometapi", duomi "REVIEWING", "t-1", nil, "REVIEWING")
    end)
  end)

  describe("of chatgptsb", function()
    local ID = "fc4a68aa-4280-42cb-b55c-e1d9a64960e0"

    it("reads the body of an answer", function()
      for _, status in ipairs { "PENDING", "THROTTLED", "RUNNING", "SUCCEEDED", "FAILED" } do
        hints("chatgptsb", { task = { id = ID, name = "Gen-2", status = status, error = json.null,
          progressText = json.null, progressRatio = "0.5", artifacts = json.array {}, taskType = "gen2",
          options = { seconds = 4 } } }, ID, status, status)
      end
    end)

    it("reads it also without its envelope, or with a relay's around it", function()
      hints("chatgptsb", { id = ID, status = "FAILED", error = { reason = "INTERNAL" } }, ID, "FAILED", "FAILED")
      hints("chatgptsb", { code = 0, data = { task = { id = ID, status = "RUNNING" } } }, ID, "RUNNING", "RUNNING")
    end)
  end)

  describe("of qimu", function()
    local function task(code) return { id = "123456", taskStatusCode = code, taskType = "gen3a_turbo", ratio = "16:9",
      seconds = 10, videoUrl = CLIP, error = "", createdTime = "2024-12-07 12:01:36" } end

    it("reads the whole answer and the task alone, by its own codes", function()
      for code, status in pairs { [0] = "PENDING", "PENDING", "RUNNING", "SUCCEEDED", "FAILED" } do
        hints("qimu", { code = 0, message = "执行成功", result = task(code), success = true, timestamp = 0 },
          "123456", status, tostring(code))
        hints("qimu", task(code), "123456", status, tostring(code))
      end
    end)

    it("gives no status of an answer that is none", function()
      hints("qimu", { code = 500, message = "系统异常", result = task(3), success = false }, "123456")
    end)
  end)

  it("of a gateway reads whatever form its host has", function()
    hints("gateway", { id = "t-1", status = "SUCCEEDED", output = { CLIP } }, "t-1", "SUCCEEDED", "SUCCEEDED")
    hints("gateway", { code = 0, data = { task_id = "t-1", task_status = "submitted" } }, "t-1", "PENDING",
      "submitted")
    hints("gateway", { id = "t-1", state = "completed", video = CLIP }, "t-1", "SUCCEEDED", "completed")
    hints("gateway", { code = "success", data = { task_id = "t-1", status = "FAILURE" } }, "t-1", "FAILED",
      "FAILURE")
  end)

  it("of runwayml says that there are none", function()
    refused("runwayml", { id = "t-1", status = "SUCCEEDED" }, "invalid_request", "runwayml has no callbacks")
  end)

  it("carries an id and a hint and nothing that could be taken for the task", function()
    for _, provider in ipairs(mocked.providers "callback") do
      for _, body in ipairs {
        { task_id = "t-1", status = "3", video_url = "https://evil.test/x.mp4" },
        { task = { id = "t-1", status = "SUCCEEDED", artifacts = { "https://evil.test/x.mp4" } } },
        { result = { id = "t-1", taskStatusCode = 3, videoUrl = "https://evil.test/x.mp4" }, code = 0 },
        { id = "t-1", status = "SUCCEEDED", output = { "https://evil.test/x.mp4" } },
      } do
        local hint = read(provider, body)
        for name in pairs(hint or {}) do
          assert.is_truthy(name == "id" or name == "status" or name == "word", name)
        end
      end
    end
  end)

  describe("refuses", function()
    local PROVIDERS = mocked.providers "callback"

    it("what is no JSON object, without raising", function()
      for _, provider in ipairs(PROVIDERS) do
        for _, body in ipairs { "", " ", "<html>", '{"task_id":', "null", "5", '"t-1"', "true", '{"task_id":"a"}x',
          '{"task_id":NaN}', "task_id=t-1&status=3", ("["):rep(100000), "\239\187\191{}", "{\0}",
          '{"task_id":"\255"}' } do
          refused(provider, body, "protocol", "the callback is not a JSON object")
        end
      end
    end)

    it("what names no task", function()
      for _, provider in ipairs(PROVIDERS) do
        for _, body in ipairs { "{}", "[]", '[{"task_id":"t-1","status":"3"}]', '{"status":"3"}', '{"task":{}}',
          '{"task_id":""}', '{"task_id":1.5}', '{"task_id":true}', '{"task_id":{"id":"t-1"}}',
          '{"task_id":"a\\u0000b"}',
          '{"task_id":null,"status":"3"}', '{"task_id":".."}', '{"result":[],"code":0}', '{"data":"t-1"}',
          '{"task_id":"' .. ("x"):rep(10240) .. '"}' } do
          refused(provider, body, "protocol", "the callback names no task")
        end
      end
    end)

    it("what is larger than 1 MiB, without reading it", function()
      local err = refused("cometapi", '{"task_id":"t-1","pad":"' .. ("x"):rep(2 ^ 20) .. '"}', "limit", "1 MiB")
      assert.is_nil(err.body)
    end)

    it("to show what was posted, for it may hold anything", function()
      local err = refused("cometapi", "sk-0123456789abcdef https://x.test/a?sig=SECRET", "protocol",
        "not a JSON object")
      assert.not_matches("0123456789abcdef", tostring(err), 1, true)
      assert.not_matches("SECRET", tostring(err), 1, true)
    end)
  end)

  it("hands the headers to the adapter, and bears an adapter that fails", function()
    local seen
    local adapter = adapters.own()
    function adapter.callback(payload, headers)
      seen = headers
      if payload.raise then error "oops" end
      return payload.give
    end
    local own = client(adapter)
    assert.same({ id = "t-1" }, own:read_callback('{"give":{"id":"t-1"}}', { ["x-signature"] = "abc" }))
    assert.same({ ["x-signature"] = "abc" }, seen)
    own:read_callback "{}"
    assert.same({}, seen)
    for _, body in ipairs { '{"raise":1}', '{"give":{}}', '{"give":{"id":5}}', '{"give":{"id":""}}', '{"give":true}',
      '{"give":"t-1"}', '{"give":{"id":"a\\nb"}}' } do
      local hint, err = own:read_callback(body)
      assert.is_nil(hint, body)
      assert.equal("protocol", err.kind)
      assert.matches("names no task", err.message, 1, true)
    end
  end)

  it("raises on misuse", function()
    local comet = client "cometapi"
    for _, body in ipairs { false, 5, {} } do
      assert.has_error(function() comet:read_callback(body) end, "read_callback takes the body as a string")
    end
    assert.has_error(function() comet:read_callback("{}", "headers") end, "read_callback takes the headers as a table")
    assert.has_error(function() comet.read_callback(nil, "{}") end)
  end)

  it("leads to the task, whose state a query of our own says", function()
    local mock = runway.mock {
      { "POST /runway/feed", check = function(request) return request.json.task_id == "t-1" end,
        json = { code = "success", data = { task_id = "t-1", status = "IN_PROGRESS", progress = "40%" } } },
    }
    local comet = assert(runway.client { provider = "cometapi", api_key = "k", transport = mock })
    local hint = assert(comet:read_callback '{"task_id":"t-1","status":"3","video_url":"https://evil.test/x.mp4"}')
    assert.equal("SUCCEEDED", hint.status)
    local task = assert(comet:get(hint.id))
    assert.equal("RUNNING", task.status)
    assert.is_nil(task.output)
    mock:finish()
  end)
end)
