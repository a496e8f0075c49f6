-- What resellers answer, in whatever form; each adapter's own forms are in its spec.

local effort = require "spec.support.effort"
local reseller_answer = require "runway.providers.reseller_answer"
local runway = require "runway"

local WORDS = reseller_answer.words()
local URL = "https://cdn.test/clip.mp4"

local function accepted(json) return reseller_answer.accepted({ status = 200, headers = {}, json = json }, WORDS) end
local function task(json) return reseller_answer.task({ status = 200, headers = {}, json = json }, { id = "t1" },
  WORDS) end

describe("reseller_answer, of a submit,", function()
  it("reads the id under any name that is a task's alone", function()
    for _, json in ipairs { { id = "t1" }, { task_id = "t1" }, { taskId = "t1" }, { data = { taskId = "t1" } },
      { code = 200, msg = "success", data = { task_id = "t1" } }, { success = true,
        data = { task = { taskId = "t1" } } } } do
      assert.equal("t1", (accepted(json) or {}).id)
    end
    assert.equal("736a6f88-bd29", accepted({ code = "success", data = "736a6f88-bd29" }).id)
  end)

  it("takes words that refuse for a refusal", function()
    for _, json in ipairs { { code = 400, msg = "no" }, { code = 1201, message = "bad image" }, { code = 7,
      msg = "参数错误" },
      { success = false, message = "prompt is required" }, { error = { message = "unsupported ratio" } },
      { error = "invalid seed" }, { code = "callback_url_empty", message = "callback_url_empty" } } do
      local fields, problem = accepted(json)
      assert.is_nil(fields)
      assert.equal("invalid_request", problem.kind, problem.message)
    end
  end)

  it("takes no other words for one: whether there is a task stays open", function()
    for _, json in ipairs { { code = 500, msg = "no" }, { code = 7, msg = "hello" }, { code = 7, msg = "system busy" },
      { error = { message = "upstream timeout" } }, { success = false, message = "please try again later" },
      { code = 7, msg = "bad image", data = { task_id = "t1" } } } do
      local fields, problem = accepted(json)
      assert.is_nil(fields)
      assert.equal("unknown_submit", problem.kind, problem.message)
    end
    for _, json in ipairs { { message = "ok" }, { code = 200, msg = "success" }, { code = 1, msg = "操作成功" },
      { code = 20000, message = "Task submitted" }, { code = 0, data = {} }, {} } do
      local fields, problem = accepted(json)
      assert.is_nil(fields)
      assert.is_nil(problem)
      assert.is_nil(reseller_answer.problem { status = 200, json = json })
    end
  end)

  it("takes a word that refuses for none where the text says that all is well, or that nothing is wrong", function()
    for _, json in ipairs { { code = 7, msg = "Task created, do not resubmit" }, { code = 7, msg = "No errors" },
      { code = 7, message = "accepted; it cannot be cancelled" }, { code = 7, message = "已提交，不能重复提交" },
      { success = false, message = "unknown error" }, { code = -1, message = "未知错误" },
      { code = 7, message = "the task is being processed; failed ones are refunded" },
      { code = 7, message = "Processing. Contact support if it takes too long" },
      { code = 7, message = "hello; contact support" },
      { code = 7, message = "已受理，失败会退款" }, { code = 7, message = "任务处理中，不能重复提交" },
      { code = 7, message = "Request received. You will be told if it fails" },
      { success = false, message = "a task like this is running, it must not be sent again" } } do
      local fields, problem = accepted(json)
      assert.is_nil(fields)
      assert.is_true(problem == nil or problem.kind == "unknown_submit", json.msg or json.message)
    end
    for _, said in ipairs { "the task was not created: bad image", "invalid token", "too many queued tasks",
      "only png is accepted, invalid image", "unsuccessful: wrong ratio", "未提交成功：参数错误",
      "error processing the image: unsupported", "refused: another task is running",
      "one is already in progress: quota exceeded", "it failed: accepted are png", "无法受理：参数错误",
      "this model is not supported", "our support for gen2 has ended, invalid model" } do
      assert.equal("invalid_request", select(2, accepted { code = 7, msg = said }).kind, said)
    end
  end)

  it("is never a refusal of a paid request for the user either", function()
    for _, json in ipairs { { message = "ok" }, { code = 200, msg = "success", data = {} }, { status = "ok" },
      { message = "system busy" }, { message = "Task created" }, { message = "no error" },
      { message = "Submitted. This must not be repeated." }, { message = "the status must be polled" },
      { code = 10000, message = "Your task has been accepted, not started yet" },
      { message = "Your request is being processed; failed jobs are refunded" } } do
      for _, provider in ipairs { "chatgptsb", "cometapi", "gateway", "qimu" } do
        local mock = runway.mock { { json = json } }
        local client = assert(runway.client { api_key = "k", provider = provider, base_url = "https://x.test",
          transport = mock })
        local made, err = client:generate(provider == "gateway"
          and { image = "https://x.test/a.png", ratio = "1280:720" } or { prompt = "a cat", ratio = "16:9" })
        mock:finish()
        assert.is_nil(made)
        assert.equal("unknown_submit", err.kind, provider .. " " .. tostring(err))
      end
    end
  end)
end)

describe("reseller_answer, of a query,", function()
  it("ends a task by the words that relays use", function()
    for word, status in pairs { fail = "FAILED", error = "FAILED", failure = "FAILED", failed = "FAILED",
      FAILURE = "FAILED", timeout = "FAILED", rejected = "FAILED", expired = "FAILED", done = "SUCCEEDED",
      finished = "SUCCEEDED", complete = "SUCCEEDED", canceled = "CANCELLED", generating = "RUNNING" } do
      assert.equal(status, task({ task_id = "t1", status = word }).status, word)
      assert.equal(status, task({ code = "success", data = { task_id = "t1", status = word } }).status, word)
      assert.equal(status, task({ id = "t1", taskStatus = word }).status, word)
    end
  end)

  it("but not where the word may be the request's", function()
    for _, word in ipairs { "fail", "error", "failed", "timeout" } do
      local fields = task { status = word, message = "busy" }
      assert.is_nil(fields and fields.status)
    end
  end)

  it("finds the clip wherever relays put it", function()
    for _, more in ipairs { { output = { URL } }, { metadata = { url = URL } }, { result = { url = URL } },
      { url = URL },
      { data = { output = URL } }, { data = { metadata = { url = URL } } }, { data = { video_url = URL } },
      { videoUrl = URL }, { result = { videos = { { url = URL } } } }, { content = { video_url = URL } },
      { result_urls = { URL } }, { results = { { url = URL } } }, { task_result = { videos = { { url = URL } } } },
      { output = { { video_url = URL } } }, { result = { { downloadUrl = URL } } }, { artifacts = { { url = URL } } },
      { assets = { video = URL } }, { data = { artifacts = { { url = URL } } } }, { fail_reason = URL } } do
      more.task_id, more.status = "t1", "SUCCESS"
      assert.same({ URL }, task(more).output)
    end
  end)

  it("tells a failure's reason under any name that it has, and no success for one", function()
    for _, more in ipairs { { message = "bad image" }, { error_message = "bad image" }, { reason = "bad image" },
      { error = "bad image", message = "success" }, { msg = "bad image" } } do
      more.task_id, more.status = "t1", "FAILURE"
      assert.equal("bad image", task(more).failure)
    end
    assert.is_nil(task({ task_id = "t1", status = "FAILURE", message = "success" }).failure)
  end)

  it("takes neither a poster nor a task's own address for it", function()
    local urls = { get = "https://x.test/tasks/t1", cancel = "https://x.test/tasks/t1/cancel" }
    assert.is_nil(task({ task_id = "t1", status = "SUCCESS", cover_url = URL, poster = URL, urls = urls }).output)
  end)

  it("reads percent", function()
    assert.equal(0.37, task({ id = "t1", status = "in_progress", progress = 37 }).progress)
    assert.equal(0.37, task({ id = "t1", status = "in_progress", progress = "37%" }).progress)
  end)
end)

it("reseller_answer takes no longer for an answer that was made to take long", function()
  for _, unit in ipairs { "notenough", "insufficient", " ", "error", "\n", "1", "余额" } do
    effort.assert_linear(50000, function(size)
      local long = unit:rep(size)
      for _, json in ipairs { { error = { message = long } }, { code = long, msg = long }, { status = long, id = "t1" },
        { data = long }, { id = long, progress = long, created_at = long }, { error = long } } do
        accepted(json)
        task(json)
        reseller_answer.problem { status = 400, json = json }
      end
    end)
  end
end)
