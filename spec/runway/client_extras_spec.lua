-- Runway's API beyond the thirteen kinds: what client:request started is attached by its id, waited for and
-- downloaded like any other task. Over real sockets and the sandbox, and over a mock for what goes wrong.

local runway = require "runway"
local sandbox = require "runway.sandbox"
local scratch = require "spec.support.scratch"

local WORKFLOW = "5e1f0c8a-3b7d-4c12-9f04-6a2b8d7c9e10"
local RUN = "17f20503-6c24-4c16-946b-35dbbce2af2f"
local A, B = "0b6c2f6e-9d41-4d5a-8a37-2f1f4c3b7e55", "1c7d3a7f-0e52-4e6b-9b48-3a2a5d4c8f66"

local directory

before_each(function()
  directory = os.tmpname()
  os.remove(directory)
  assert(os.execute("mkdir '" .. directory .. "'"))
end)
after_each(function() os.execute("rm -rf '" .. directory .. "'") end)

local content = scratch.read

describe("started with client:request at the sandbox,", function()
  local server, client

  before_each(function()
    server = assert(sandbox.start { seconds = 0.05 })
    client = assert(runway.client { api_key = "key-1", base_url = server.base_url, poll_interval = 0.01 })
  end)
  after_each(function() server:close() end)

  -- The id that the API gave what was started.
  local function start(path, body)
    local answer = assert(client:request { method = "POST", path = path, json = body })
    assert.equal(200, answer.status)
    assert.is_string(answer.json.id)
    return answer.json.id, answer.json
  end

  local function finished(id, kind)
    local task = client:task(id, kind)
    assert(task:wait { timeout = 20 })
    assert.equal("SUCCEEDED", task.status)
    local files = assert(task:download_all(directory))
    assert.equal(#task.output, #files)
    assert.is_true(#files > 0)
    for i, file in ipairs(files) do
      assert.equal(1, file.path:find(("%s/%s-%d."):format(directory, id, i), 1, true))
      assert.equal(file.bytes, #content(file.path))
    end
    return task, files
  end

  local function asked(pattern)
    local count = 0
    for _, request in ipairs(server.requests) do
      if request.method == "GET" and request.path:find(pattern) then count = count + 1 end
    end
    return count
  end

  it("a workflow's run is waited for under its own path, and downloaded", function()
    local id = start("/v1/workflows/" .. WORKFLOW, {})
    local task = finished(id, "workflow_invocation")
    assert.equal("workflow_invocation", task.kind)
    assert.is_true(asked("^/v1/workflow_invocations/" .. id:gsub("%-", "%%-")) > 0)
    assert.equal(0, asked "^/v1/tasks/")
    assert.is_table(task.raw.output)
  end)

  it("a workflow's run takes what its nodes are to begin with", function()
    local id = start("/v1/workflows/" .. WORKFLOW, {
      nodeOutputs = { [A] = { prompt = { type = "primitive", value = "a lighthouse in fog" } } } })
    finished(id, "workflow_invocation")
  end)

  it("a workflow's run is no task, and a task no run", function()
    local id = start("/v1/workflows/" .. WORKFLOW, {})
    local task, err = client:get(id)
    assert.is_nil(task)
    assert.equal("not_found", err.kind)
    assert.equal(id, err.task_id)
    assert.equal(id, assert(client:get(id, "workflow_invocation")).id)
  end)

  it("a workflow's run is not cancelled, which is said before anything is sent", function()
    local id = start("/v1/workflows/" .. WORKFLOW, {})
    local before = #server.requests
    local ok, err = client:task(id, "workflow_invocation"):cancel()
    assert.is_nil(ok)
    assert.matches("runwayml cannot cancel a workflow invocation", err.message, 1, true)
    assert.equal(before, #server.requests)
  end)

  it("a router's task is waited for and downloaded, in each of its three kinds", function()
    for path, input in pairs {
      video = { promptText = "a lighthouse in fog", duration = 5 }, image = { promptText = "a lighthouse" },
      audio = { type = "speech", promptText = "hello" },
    } do
      local id, answer = start("/v1/generate/" .. path, { configId = "my-router", input = input })
      assert.equal("my-router", answer.routing.configId)
      local task = finished(id)
      assert.is_nil(task.kind)
      assert.is_number(task.cost)
    end
  end)

  it("a router that does not exist is told with its code", function()
    local answer, err = client:request { method = "POST", path = "/v1/generate/video",
      json = { configId = "missing", input = { promptText = "x" } } }
    assert.is_nil(answer)
    assert.equal("not_found", err.kind)
    assert.equal("router_config_not_found", err.code)
  end)

  it("a recipe's task is waited for, downloaded and cancelled", function()
    local image = { uri = "https://example.com/product.png" }
    local id = start("/v1/recipes/product_ad", { version = "2026-07", productImages = { image }, duration = 5 })
    finished(id, "product_ad")
    id = start("/v1/recipes/marketing_stock_image", { version = "2026-06", prompt = "a desk" })
    local _, files = finished(id)
    assert.equal(4, #files)
    server:scenario "stall"
    id = start("/v1/recipes/product_ad", { version = "2026-07", productImages = { image } })
    local task = client:task(id)
    assert(task:refresh())
    assert(task:cancel())
    assert.equal("CANCELLED", task.status)
  end)

  it("a run that fails says why, and a start is made once", function()
    server:scenario "fail"
    local id = start("/v1/workflows/" .. WORKFLOW, {})
    local task = client:task(id, "workflow_invocation")
    local done, err = task:wait { timeout = 20 }
    assert.is_nil(done)
    assert.equal("task_failed", err.kind)
    assert.equal(task, err.task)
    assert.is_table(task.raw.nodeErrors)
    server:scenario "drop"
    local answer
    answer, err = client:request { method = "POST", path = "/v1/workflows/" .. WORKFLOW, json = {} }
    assert.is_nil(answer)
    assert.equal("unknown_submit", err.kind)
    assert.equal(2, #server.tasks)
  end)
end)

describe("a workflow's run", function()
  local mock, client

  local function open(list)
    mock = runway.mock(list)
    client = assert(runway.client { api_key = "k", transport = mock })
    return client:task(RUN, "workflow_invocation")
  end
  after_each(function() mock:close() end)

  local PATH = "GET /v1/workflow_invocations/" .. RUN

  local function state(status, more)
    local json = { id = RUN, status = status, createdAt = "2026-06-01T09:00:00.000Z" }
    for name, v in pairs(more or {}) do json[name] = v end
    return { PATH, json = json }
  end

  it("brings the outputs of all its nodes, in one order", function()
    local list = { state "PENDING", state("RUNNING", { progress = 0.5, output = {} }),
      state("SUCCEEDED", { output = { [B] = { "https://cdn.test/b.mp4" },
        [A] = { "https://cdn.test/a1.png", "https://cdn.test/a2.png" } } }) }
    for _, name in ipairs { "a1.png", "a2.png", "b.mp4" } do
      list[#list + 1] = { "GET https://cdn.test/" .. name, body = name }
    end
    local task = open(list)
    assert(task:wait())
    local files = assert(task:download_all(directory))
    assert.same({ "a1.png", "a2.png", "b.mp4" },
      { content(files[1].path), content(files[2].path), content(files[3].path) })
    assert.equal(directory .. "/" .. RUN .. "-3.mp4", files[3].path)
    mock:finish()
  end)

  it("shows what is finished while it runs, which is never taken for the whole", function()
    local part = { [A] = { "https://cdn.test/a.mp4" } }
    local task = open { state("RUNNING", { progress = 0.5, output = part }),
      state("SUCCEEDED", { output = {} }), state("SUCCEEDED", { output = { [B] = { "https://cdn.test/b.mp4" } } }) }
    assert(task:refresh())
    assert.equal("RUNNING", task.status)
    assert.same({ "https://cdn.test/a.mp4" }, task.output)
    local file, err = task:download(directory .. "/a.mp4")
    assert.is_nil(file)
    assert.matches("the task is RUNNING", err.message, 1, true)
    assert(task:wait())
    assert.same({ "https://cdn.test/b.mp4" }, task.output)
    mock:finish()
  end)

  it("that fails tells its nodes' errors when it has no words of its own", function()
    local task = open { state("FAILED", { failureCode = "INTERNAL",
      nodeErrors = { [A] = { nodeName = "Upscale", message = "bad image" } } }) }
    local done, err = task:wait()
    assert.is_nil(done)
    assert.equal("task_failed", err.kind)
    assert.equal("Upscale: bad image", task.failure)
    assert.equal("INTERNAL", err.code)
    assert.is_true(err.retryable)
    mock:finish()
  end)

  it("that was started is named by a 5xx that holds its id", function()
    open { { "POST /v1/workflows/" .. WORKFLOW, status = 502, json = { id = RUN, error = "late" } } }
    local answer, err = client:request { method = "POST", path = "/v1/workflows/" .. WORKFLOW, json = {} }
    assert.is_nil(answer)
    assert.equal("unknown_submit", err.kind)
    assert.equal(RUN, err.task_id)
    mock:finish()
  end)
end)
