local calls = require "spec.runway.sandbox.calls"

describe("the answers of resellers", function()
  local function finish(api, shape, scenario)
    local app = calls.app { shape = shape }
    local id = api.id(calls.submit(app, api, scenario).json)
    return calls.query(app, api, id, 1).json, calls.query(app, api, id, 6).json,
      calls.query(app, api, id, 11).json, app
  end

  it("come from the feed wrapped, unless told otherwise", function()
    local queued, running, done = finish(calls.cometapi)
    assert.same({ "success", "", "QUEUED", "0%", 0 },
      { queued.code, queued.message, queued.data.status, queued.data.progress,
        queued.data.start_time })
    assert.same({ "IN_PROGRESS", "RUNNING" }, { running.data.status, running.data.data.status })
    assert.same({ "SUCCESS", "100%", "SUCCEEDED" },
      { done.data.status, done.data.progress, done.data.data.status })
    assert.equal(calls.EPOCH + 10, done.data.finish_time)
  end)

  it("come from the feed flat, with result_url", function()
    local queued, _, done = finish(calls.cometapi, "flat")
    assert.same({ "", "QUEUED" }, { queued.result_url, queued.status })
    assert.same({ nil, "SUCCESS" }, { done.code, done.status })
    assert.matches("^http.*%.mp4", done.result_url)
  end)

  it("come from the feed in duomi's form, all strings", function()
    local queued, running, done = finish(calls.cometapi, "duomi")
    assert.same({ 200, "0" }, { queued.code, queued.data.status })
    assert.equal("1", running.data.status)
    assert.same({ "3", "succeeded" }, { done.data.status, done.data.state })
    assert.matches("^http.*%.mp4", done.data.video_url)
    local _, _, failed = finish(calls.cometapi, "duomi", "fail")
    assert.same({ "2", "320" }, { failed.data.status, failed.data.refund })
    assert.string(failed.data.msg)
  end)

  it("come with the URL in fail_reason from old relays", function()
    local _, _, done = finish(calls.cometapi, "quirk")
    assert.same({ "SUCCESS", nil }, { done.data.status, done.data.data })
    assert.matches("^http.*%.mp4", done.data.fail_reason)
  end)

  it("come raw from the gateway, wrapped, and as Kling's and Luma's", function()
    local _, _, done = finish(calls.gateway)
    assert.same({ "SUCCEEDED", nil }, { done.status, done.cost })
    _, _, done = finish(calls.gateway, "wrapped")
    assert.same({ "success", "SUCCEEDED" }, { done.code, done.data.data.status })

    local queued, running
    queued, running, done = finish(calls.gateway, "kling")
    assert.same({ 0, "submitted", "processing", "succeed" },
      { queued.code, queued.data.task_status, running.data.task_status, done.data.task_status })
    assert.equal("integer", math.type(queued.data.created_at))
    assert.matches("%.mp4", done.data.task_result.videos[1].url)

    queued, running, done = finish(calls.gateway, "luma")
    assert.same({ "pending", nil, "processing", "completed" },
      { queued.state, queued.video, running.state, done.state })
    assert.matches("%.mp4", done.video)
  end)

  it("to a submit are in the gateway's shape too", function()
    local kling = calls.submit(calls.app { shape = "kling" }, calls.gateway).json
    assert.same({ nil, 0, "submitted" }, { kling.id, kling.code, kling.data.task_status })
    assert.matches("^%d+$", kling.data.task_id)
    local luma = calls.submit(calls.app { shape = "luma" }, calls.gateway).json
    assert.same({ "pending", "fog" }, { luma.state, luma.prompt })
    assert.matches("^%x+%-", luma.id)
    for _, shape in ipairs { "flat", "duomi", "official" } do -- the feed's own: raw here
      local _, _, done = finish(calls.gateway, shape)
      assert.equal("SUCCEEDED", done.status)
    end
    assert.matches("^task_", calls.submit(calls.app { shape = "wrapped" }, calls.gateway).json.id)
    local duomi = calls.submit(calls.app { shape = "duomi" }, calls.cometapi).json
    assert.same({ 200, "成功", "number" }, { duomi.code, duomi.msg, type(duomi.exec_time) })
    local newer = calls.submit(calls.app(), calls.cometapi).json
    assert.same({ 200, "success", "" }, { newer.code, newer.msg, newer.message })
  end)

  it("tell when a task was made, each in its own way", function()
    local function at100(api, shape)
      local app = calls.app { shape = shape }
      local id = api.id(calls.submit(app, api, nil, 100).json)
      return calls.query(app, api, id, 101).json
    end
    local unix, iso = calls.EPOCH + 100, "2025-08-07T20:55:00.000Z"
    assert.equal(iso, at100(calls.official).createdAt)
    assert.equal(iso, at100(calls.gateway).createdAt)
    assert.equal(iso, at100(calls.gateway, "luma").created_at)
    assert.equal(unix * 1000, at100(calls.gateway, "kling").data.created_at)
    assert.equal(unix, at100(calls.cometapi).data.submit_time)
    assert.equal(tostring(unix), at100(calls.cometapi, "duomi").data.create_time)
    assert.equal(iso, at100(calls.chatgptsb).task.createdAt)
    local qimu = at100(calls.qimu).result
    assert.same({ "2025-08-08 04:55:00", "2025-08-08 04:55:01" },
      { qimu.createdTime, qimu.modifiedTime })
  end)

  it("are to be had of either family of CometAPI", function()
    local app = calls.app { relay = "cometapi" }
    local id = calls.submit(app, calls.cometapi).json.data.task_id
    assert.equal("SUCCEEDED", calls.query(app, calls.gateway, id, 11).json.status)
  end)

  it("of the web shape hold the options that were sent, and nulls", function()
    local app = calls.app()
    local body = calls.body(calls.chatgptsb, { taskType = "europa" })
    local task = calls.send(app, "bearer", "POST", "/runway/tasks", body)
    assert.same({ "gen3a", 5 }, { task.json.task.taskType, task.json.task.options.seconds })
    assert.equal(2, task.json.task.estimatedTimeToStartSeconds)
    assert.matches('"progressRatio":null', task.body, 1, true)
    assert.matches('"artifacts":[]', task.body, 1, true)
    local options = { text_prompt = "on", init_video = "https://a.example/1.mp4",
      extended_from_task_id = task.json.task.id }
    local more = { taskType = "gen3a_turbo", options = options }
    assert.equal(200, calls.send(app, "bearer", "POST", "/runway/tasks", more).status)
  end)

  it("of qimu show the task whole, in local time", function()
    local app = calls.app()
    local task = calls.submit(app, calls.qimu).json
    assert.same({ 0, true, 0 }, { task.code, task.success, task.result.taskStatusCode })
    assert.equal("2025-08-08 04:53:20", task.result.createdTime)
    assert.same({ 0, "http://baidu.com" },
      { task.result.images[1].frameIndex, task.result.images[1].imageOrg })
  end)
end)
