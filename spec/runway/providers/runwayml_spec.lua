local models = require "runway.providers.runwayml_models"
local runwayml = require "runway.providers.runwayml"

local ID = "17f20503-6c24-4c16-946b-35dbbce2af2f"
local IMG, VID = "https://example.com/a.png", "https://example.com/a.mp4"

local function with(base, more)
  local all = {}
  for k, v in pairs(base) do all[k] = v end
  for k, v in pairs(more) do all[k] = v end
  return all
end

local function answer(json, status) return { status = status or 200, headers = {}, json = json } end

describe("runwayml", function()
  it("says who it is", function()
    assert.equal("runwayml", runwayml.name)
    assert.equal("https://api.dev.runwayml.com", runwayml.base_url)
    assert.equal("RUNWAYML_API_SECRET", runwayml.env.api_key)
    assert.equal(5, runwayml.poll_interval)
    assert.same({ image = 5242880, video = 5242880, audio = 5242880 }, runwayml.media)
    local sorted = { table.unpack(runwayml.kinds) }
    table.sort(sorted)
    assert.same(sorted, runwayml.kinds)
    for _, kind in ipairs(runwayml.kinds) do assert.is_table(models[kind], kind) end
    for kind in pairs(models) do
      assert.is_truthy(table.concat(runwayml.kinds, " "):find(kind, 1, true), kind)
    end
  end)

  it("signs with the key and the version, and nothing else", function()
    assert.same({ Authorization = "Bearer key_1", ["X-Runway-Version"] = "2024-11-06" },
      runwayml.sign("key_1"))
  end)
end)

describe("runwayml reading", function()
  it("asks for tasks by their escaped id, and for workflow runs under their own path", function()
    assert.same({ method = "GET", path = "/v1/tasks/" .. ID }, runwayml.query { id = ID })
    assert.same({ method = "GET", path = "/v1/tasks/a%2F..%3Fb" },
      runwayml.query { id = "a/..?b", kind = "recipe" })
    assert.same({ method = "GET", path = "/v1/workflow_invocations/" .. ID },
      runwayml.query { id = ID, kind = "workflow_invocation" })
    assert.same({ method = "DELETE", path = "/v1/tasks/" .. ID },
      runwayml.cancel { id = ID, kind = "image_to_video" })
    local request, problem = runwayml.cancel { id = ID, kind = "workflow_invocation" }
    assert.is_nil(request)
    assert.matches("cannot cancel", problem.message)
  end)

  it("takes an accepted task, with the estimate", function()
    assert.same({ id = ID, estimated_cost = 25 },
      runwayml.accepted(answer { id = ID, estimatedCost = { credits = 25 } }))
    assert.same({ id = ID }, runwayml.accepted(answer { id = ID }))
    assert.equal("9007199254740993", runwayml.accepted(answer { id = "9007199254740993" }).id)
  end)

  it("does not take an answer without an id for an accepted task", function()
    for _, json in ipairs { {}, { { id = ID } }, { id = "" }, { id = 1.5 }, { id = true },
      { id = {} }, { id = ("x"):rep(10240) }, { id = "a\0b" }, { error = "oops" }, "text", 5,
      true } do
      assert.is_nil((runwayml.accepted(answer(json))))
      assert.is_nil(select(2, runwayml.accepted(answer(json))))
    end
    assert.is_nil(runwayml.accepted(answer(nil)))
  end)

  it("reads every form of a task in the document", function()
    local created = { createdAt = "2024-06-27T19:49:32.334Z", id = ID }
    local function read(more) return runwayml.task(answer(with(created, more)), { id = ID }) end
    local base = { id = ID, created_at = 1719517772 }
    assert.same(with(base, { status = "PENDING", word = "PENDING", estimated_cost = 25 }),
      read { status = "PENDING", estimatedCost = { credits = 25 } })
    assert.same(with(base, { status = "THROTTLED", word = "THROTTLED" }),
      read { status = "THROTTLED" })
    assert.same(with(base, { status = "RUNNING", word = "RUNNING", progress = 0.37 }),
      read { status = "RUNNING", progress = 0.37 })
    assert.same(with(base, { status = "SUCCEEDED", word = "SUCCEEDED", output = { VID, IMG },
      cost = 25 }), read { status = "SUCCEEDED", output = { VID, IMG }, cost = { credits = 25 } })
    assert.same(with(base, { status = "FAILED", word = "FAILED", failure = "It broke.",
      failure_code = "INTERNAL.BAD_OUTPUT.CODE01", cost = 0 }),
      read { status = "FAILED", failure = "It broke.", failureCode = "INTERNAL.BAD_OUTPUT.CODE01",
        cost = { credits = 0 } })
    assert.same(with(base, { status = "CANCELLED", word = "CANCELLED", cost = 0 }),
      read { status = "CANCELLED", cost = { credits = 0 } })
  end)

  it("reads a workflow run: every output of every node, in one order", function()
    local run = runwayml.task(answer { id = ID, status = "SUCCEEDED", createdAt = "x", output = {
      b = { "https://o/3" }, a = { "https://o/1", "https://o/2" }, c = {}, d = 5 } },
      { id = ID, kind = "workflow_invocation" })
    assert.same({ "https://o/1", "https://o/2", "https://o/3" }, run.output)
    run = runwayml.task(answer { id = ID, status = "FAILED", failure = "Nodes failed",
      failureCode = "INTERNAL", nodeErrors = { a = { message = "bad image" } } }, { id = ID })
    assert.equal("Nodes failed", run.failure)
    run = runwayml.task(answer { id = ID, status = "FAILED",
      nodeErrors = { a = { message = "bad image", nodeName = "Upscale" }, b = { message = "b" },
        c = 5 } }, { id = ID })
    assert.equal("Upscale: bad image; b", run.failure)
    run = runwayml.task(answer { id = ID, status = "SUCCEEDED", output = { a = { VID } },
      nodeErrors = { b = { message = "optional node" } } }, { id = ID })
    assert.is_nil(run.failure)
  end)

  it("bears whatever stands in the fields", function()
    local odd = { true, 5, 5.5, 0/0, "", "\0", {}, { {} }, print, ("x"):rep(1e6) }
    for _, field in ipairs { "status", "progress", "output", "failure", "failureCode", "createdAt",
      "cost", "estimatedCost", "nodeErrors" } do
      for _, v in ipairs(odd) do
        local read = runwayml.task(answer { id = ID, [field] = v }, { id = ID })
        assert.equal(ID, read.id)
        assert.is_nil(read.status)
        assert.is_nil(read.output)
        assert.is_true(#(read.failure or "") <= 4096)
        assert.is_true(#(read.word or "") <= 64)
      end
    end
  end)

  it("folds words, clamps progress, takes one URL for a list, keeps 64 of many", function()
    local function read(more) return runwayml.task(answer(with({ id = ID }, more)), { id = ID }) end
    assert.equal("SUCCEEDED", read { status = " succeeded " }.status)
    local new = read { status = "REVIEWING" }
    assert.is_nil(new.status)
    assert.equal("REVIEWING", new.word)
    assert.equal("3", read { status = 3 }.word)
    for given, progress in pairs { ["37%"] = 0.37, ["0.37"] = 0.37, [250] = 1, [-1] = 0 } do
      assert.equal(progress, read { progress = given }.progress)
    end
    assert.same({ VID }, read { status = "SUCCEEDED", output = VID }.output)
    assert.same({ VID }, read { output = { VID, "file:///etc/passwd", 5 } }.output)
    assert.is_nil(read { status = "SUCCEEDED", output = {} }.output)
    local many = {}
    for i = 1, 10000 do many[i] = "https://o/" .. i end
    local read_many = read { output = many }
    assert.equal(64, #read_many.output)
    assert.matches("first 64 of 10000", read_many.flagged)
    assert.equal(12.5, read { cost = 12.5 }.cost)
    assert.equal("broken", read { status = "FAILED", failure = { message = "broken" } }.failure)
  end)

  it("tells an answer that holds no task, and a task that is gone", function()
    for _, json in ipairs { {}, { 1, 2 }, { error = "x" }, "text", 5, true } do
      assert.is_nil(runwayml.task(answer(json), { id = ID }))
    end
    assert.is_nil(runwayml.task(answer(nil), { id = ID }))
    assert.same({ missing = true },
      runwayml.task(answer({ error = "not found" }, 404), { id = ID }))
  end)

  it("reads the balance", function()
    assert.same({ method = "GET", path = "/v1/organization" }, runwayml.credits())
    assert.equal(1250, runwayml.balance(answer { creditBalance = 1250, tier = {} }))
    for _, json in ipairs { {}, { creditBalance = "many" }, "x", { creditBalance = {} } } do
      assert.is_nil(runwayml.balance(answer(json)))
    end
  end)

  it("reads what the account may run of each model, and no more than is told", function()
    local null = require("runway.json").null
    local function limits(tier, usage)
      return runwayml.limits(answer { tier = { models = tier }, usage = { models = usage } })
    end
    assert.same({ ["gen4.5"] = { concurrent = 3, daily = 500, used_today = 12 }, act_two = { concurrent = 0 } }, limits(
      { ["gen4.5"] = { maxConcurrentGenerations = 3, maxDailyGenerations = 500 }, act_two = {
        maxConcurrentGenerations = 0, maxDailyGenerations = null } }, { ["gen4.5"] = { dailyGenerations = 12.0 } }))
    assert.same({ a = { used_today = 4 } }, limits(null, { a = { dailyGenerations = "4" } }))
    assert.same({ a = {} }, limits { a = { maxConcurrentGenerations = -1, maxDailyGenerations = {} }, b = null })
    for _, none in ipairs { {}, "x", { tier = null }, { tier = {}, usage = "x" }, { tier = { models = {} } } } do
      assert.is_nil(runwayml.limits(answer(none)))
    end
  end)
end)

describe("runwayml problems", function()
  it("are told with their issues and the page about them", function()
    local problem = runwayml.problem(answer({
      error = "Validation of body failed", docUrl = "https://docs.dev.runwayml.com/errors",
      issues = {
        { code = "too_big", path = { "duration" },
          message = "Too big: expected number to be <=10" },
        { code = "invalid", path = { "promptImage", 0, "uri" }, message = "Invalid\n input" },
        { code = "unrecognized_keys" },
      } }, 400))
    assert.equal("Validation of body failed (duration: Too big: expected number to be <=10; "
      .. "promptImage[1].uri: Invalid input; unrecognized_keys); "
      .. "see https://docs.dev.runwayml.com/errors", problem.message)
    assert.is_nil(problem.kind)
    assert.is_nil(problem.code)
  end)

  it("stay short however much is said", function()
    local issues = {}
    for i = 1, 1000 do issues[i] = { message = ("x"):rep(1e4), path = { ("y"):rep(1e4), {} } } end
    local problem = runwayml.problem(answer({ error = ("e"):rep(1e6), issues = issues }, 400))
    local message = problem.message
    assert.is_true(#message < 2500)
    assert.matches("and 995 more", message)
  end)

  it("know an empty account from its words, and a daily limit from that", function()
    local function kind(text, status)
      return runwayml.problem(answer({ error = text }, status)).kind
    end
    assert.equal("insufficient_credits",
      kind("You do not have enough credits to run this task.", 400))
    for _, text in ipairs { "Insufficient credits", "You are out of credits.", "No credits left",
      "Not enough credits" } do
      assert.equal("insufficient_credits", kind(text, 403))
    end
    assert.is_nil(kind("Your daily task limit has been reached.", 429))
    assert.is_nil(kind("Invalid parameter 'promptText'", 400))
  end)

  it("carry the API's code, also from a relay's envelope, and an id that slipped in", function()
    assert.equal("no_eligible_model",
      runwayml.problem(answer({ error = "None fits", code = "no_eligible_model" }, 400)).code)
    local relayed = runwayml.problem(answer({ error = { message = "Bad key", code = "401" } }, 401))
    assert.equal("Bad key", relayed.message)
    assert.equal("401", relayed.code)
    assert.equal(ID, runwayml.problem(answer({ error = "late", id = ID }, 502)).id)
    assert.equal(ID, runwayml.problem(answer({ id = ID }, 500)).id)
  end)

  it("are nil where nothing is said", function()
    for _, json in ipairs { {}, { 1 }, { error = {} }, { error = true }, "html", 5 } do
      assert.is_nil(runwayml.problem(answer(json, 500)))
    end
    assert.is_nil(runwayml.problem(answer(nil, 502)))
    assert.is_nil(runwayml.problem(answer({ error = "but fine" }, 200)))
  end)

  it("of a task say whether trying anew has a chance", function()
    for code, verdict in pairs {
      ["SAFETY.INPUT.TEXT"] = false, ["SAFETY.OUTPUT.VIDEO"] = false, ["SAFETY"] = false,
      ["INPUT_PREPROCESSING.SAFETY.TEXT"] = false, ["INPUT_PREPROCESSING.INTERNAL"] = true,
      ["INTERNAL.BAD_OUTPUT.CODE01"] = true, ["INTERNAL"] = true, ["ASSET.INVALID"] = false,
      ["THIRD_PARTY.UNAVAILABLE"] = true, [""] = true, ["internal"] = true,
    } do
      assert.equal(verdict, runwayml.retryable_failure(code), code)
    end
    assert.is_true(runwayml.retryable_failure(nil))
    for _, code in ipairs { "INTERNALS", "NEW.CODE", "ASSET.NEW", "THIRD_PARTY", ".", 5, {} } do
      assert.is_nil(runwayml.retryable_failure(code))
    end
  end)
end)

describe("runwayml upload", function()
  local clip = { name = "cat.mp4", type = "video/mp4", size = 4096, path = "/tmp/cat.mp4" }
  local where = { uploadUrl = "https://bucket.example.com/", runwayUri = "runway://token",
    fields = { policy = "p", key = "k", ["x-amz-date"] = "20260808T000000Z" } }

  it("asks where to, sends the form to another origin, and hands back the URI", function()
    assert.same({ request = { method = "POST", path = "/v1/uploads", safe = true,
      json = { filename = "cat.mp4", type = "ephemeral" } } }, runwayml.upload(clip, {}))
    assert.same({ request = { method = "POST", url = "https://bucket.example.com/", safe = true,
      form = { { "key", "k" }, { "policy", "p" }, { "x-amz-date", "20260808T000000Z" },
        { "file", file = "/tmp/cat.mp4", filename = "cat.mp4", type = "video/mp4" } } } },
      runwayml.upload(clip, { answer(where) }))
    assert.same({ uri = "runway://token" },
      runwayml.upload(clip, { answer(where), answer(nil, 204) }))
  end)

  it("refuses a file that Runway would not take", function()
    for _, more in ipairs { { name = "cat" }, { name = "" }, { name = ("x"):rep(256) .. ".mp4" },
      { size = 511 }, { size = 200 * 1024 * 1024 + 1 } } do
      local step, problem = runwayml.upload(with(clip, more), {})
      assert.is_nil(step)
      assert.equal("invalid_request", problem.kind)
    end
    for _, more in ipairs { { size = 512 }, { size = 200 * 1024 * 1024 }, { name = "a.b" },
      { name = ("x"):rep(251) .. ".mp4" } } do
      assert.is_table(runwayml.upload(with(clip, more), {}))
    end
  end)

  it("does not trust the answer", function()
    for _, more in ipairs { { uploadUrl = 5 }, { uploadUrl = "file:///etc/passwd" },
      { fields = "x" },
      { fields = { { 1 } } }, { fields = { a = {} } }, { runwayUri = "https://x/y" },
      { runwayUri = "runway://a b" }, { runwayUri = "runway://" .. ("x"):rep(5000) } } do
      local step, problem = runwayml.upload(clip, { answer(with(where, more)) })
      assert.is_nil(step)
      assert.equal("protocol", problem.kind)
    end
    assert.is_nil((runwayml.upload(clip, { answer(nil) })))
    assert.is_nil((runwayml.upload(clip, { answer("text") })))
  end)
end)
