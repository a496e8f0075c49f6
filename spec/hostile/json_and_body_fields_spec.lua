-- What the fields of an answer may hold, and what the user gets: the second half of the catalogue's section
-- "JSON and body", one spec for each line, named as the line.

local answered = require "spec.support.answered"
local mocked = require "spec.support.mocked"

local submit, unknown, polled, fails = answered.submit, answered.unknown, answered.polled, answered.fails

-- A task whose one look is answered with these fields.
local function seen(json)
  local task = polled { '{"id":"t1",' .. json .. "}" }
  return assert(task:refresh())
end

local RUNNING = '"status":"RUNNING"'
local DONE = '{"id":"t1","status":"SUCCEEDED","output":%s}'

-- What a logger is told, but for each exchange.
local function logger()
  local lines = {}
  return function(level, message)
    if level ~= "debug" then lines[#lines + 1] = level .. ": " .. message end
  end, lines
end

describe("JSON and body:", function()
  after_each(answered.close)

  it("id is number 9007199254740993 -> kept exactly as string", function()
    for _, number in ipairs { "9007199254740993", "9223372036854775807", "18446744073709551617",
      "1234567890123456789012345678901234567890" } do
      local task, err = submit('{"id":' .. number .. "}")
      assert.equal(number, (task or err.task).id)
      assert.equal(number, unknown({ status = 500, body = '{"task_id":' .. number .. "}" }, number).task_id)
    end
  end)

  it('id is float, bool, table, "" or 10 KB -> bad_response (submit: unknown)', function()
    for _, id in ipairs { "1.5", "1e400", "true", "false", "null", "{}", "[]", "[1,2]", '""', '" "',
      '"' .. ("x"):rep(10240) .. '"' } do
      assert.matches("names no task", unknown('{"id":' .. id .. "}").message, 1, true)
      -- A query is about the task that was asked for, whatever it calls itself.
      assert.equal("RUNNING", seen('"id":' .. id .. "," .. RUNNING).status)
    end
  end)

  it("id missing but task_id present -> adapter's alternatives", function()
    for _, provider in ipairs(mocked.providers()) do
      local task, err = submit('{"task_id":"t-9"}', { provider = provider })
      assert.equal("t-9", task and task.id or err.task_id, provider)
      assert.equal("t-9", (task or err.task).id)
    end
    for _, provider in ipairs { "runwayml", "gateway", "cometapi", "qimu" } do
      assert(submit('{"task_id":"t-9"}', { provider = provider }), provider)
    end
  end)

  it("status missing / number / table -> treated as unknown status, P", function()
    for _, status in ipairs { '"x":1', '"status":7', '"status":{"a":1}', '"status":[]', '"status":null',
      '"status":true', '"status":""', '"status":1e308' } do
      local body = '{"id":"t1",' .. status .. "}"
      local task, asked = polled { body, body }
      assert.equal("PENDING", assert(task:refresh()).status)
      assert.equal(task, task:wait())
      assert.equal(3, asked())
    end
  end)

  it("new status word -> state pending, raw word exposed, P until deadline", function()
    local body = '{"id":"t1","status":"DREAMING"}'
    local task, asked = polled({ body }, { after = body })
    local words = {}
    local err = fails(task, "wait", "timeout", { timeout = 600, on_progress = function(t)
      words[#words + 1] = t.status .. "/" .. t.raw.status
    end })
    assert.equal("PENDING/DREAMING", words[1])
    assert.equal(asked(), #words)
    assert.is_true(asked() > 50)
    assert.matches("DREAMING", err.message, 1, true)
    assert.is_true(err.retryable)
  end)

  it("status in other case or spaces -> folded", function()
    for _, word in ipairs { "running", " Running ", "RUNNING\\n", "\\tRuNnInG" } do
      assert.equal("RUNNING", seen('"status":"' .. word .. '"').status)
    end
  end)

  it('progress NaN, -1, 250, "37%", "0.37", null, table -> clamped 0..1 or nil', function()
    for value, progress in pairs {
      ["-1"] = 0, ["250"] = 1, ['"37%"'] = 0.37, ['"0.37"'] = 0.37, ["37"] = 0.37, ["0"] = 0, ["1"] = 1, ["1e308"] = 1,
      ["-1e308"] = 0, NaN = false, Infinity = false, null = false, ["{}"] = false, ["[]"] = false, ['""'] = false,
      ['"NaN"'] = false, ['"much"'] = false, ["true"] = false,
    } do
      assert.equal(progress or nil, seen(RUNNING .. ',"progress":' .. value).progress, value)
    end
  end)

  it("output string instead of array -> accepted", function()
    local task, asked = polled { DONE:format '"https://x.example/a.mp4"' }
    assert.same({ "https://x.example/a.mp4" }, assert(task:wait()).output)
    assert.equal(1, asked())
  end)

  it("output empty on SUCCEEDED -> re-poll 3x over 15 s, then no_output (failed, not lost: id kept)", function()
    for _, output in ipairs { "[]", "null", '""', "{}", "false" } do
      local none = DONE:format(output)
      local client, m = mocked.client(function(request)
        return request.paid and mocked.SUBMIT or { body = none }
      end)
      local task = assert(client:generate(mocked.clip()))
      local err = fails(task, "wait", "protocol")
      assert.equal("no_output", err.code)
      assert.is_true(err.retryable)
      assert.equal("SUCCEEDED", task.status)
      assert.equal(5, #m.requests)              -- the submit, the first look, and three more
      local took = m.requests[5].time - m.requests[2].time
      assert.is_true(took >= 15 and took < 16)
      -- what comes late is had
      local late, asked = polled { none, none, none }
      assert.equal(1, #assert(late:wait()).output)
      assert.equal(4, asked())
    end
  end)

  it("output of 10,000 URLs -> first 64, flagged", function()
    local urls = {}
    for i = 1, 10000 do urls[i] = ('"https://x.example/%d.mp4"'):format(i) end
    local list = "[" .. table.concat(urls, ",") .. "]"
    for provider, body in pairs {
      runwayml = DONE:format(list), gateway = DONE:format(list), cometapi = DONE:format(list),
      chatgptsb = '{"task":{"id":"t1","status":"SUCCEEDED","artifacts":' .. list .. "}}",
      qimu = '{"code":0,"result":{"id":"t1","taskStatusCode":3,"videoUrl":' .. list .. "}}",
    } do
      local log, lines = logger()
      local task = polled({ body }, { logger = log, provider = provider })
      assert.equal(64, #assert(task:wait()).output)
      assert.equal("https://x.example/64.mp4", task.output[64])
      assert.equal("warning: task t1: only the first 64 of 10000 outputs are kept", lines[#lines])
    end
  end)

  it("url null / number -> bad_response", function()
    -- Looked for a few times more, as any output that is not there yet; then the same, and it says why.
    for _, output in ipairs { "[null]", "[17]", "17", "true", '[{"url":null}]', '[{"url":5}]',
      '["file:///etc/passwd"]' } do
      local body = DONE:format(output)
      local task = polled({ body }, { after = body })
      local err = fails(task, "wait", "protocol")
      assert.equal("no_output", err.code)
      if output:find "^%[" then assert.matches("1 of 1 outputs are no http(s) URL", err.message, 1, true) end
    end
    local log, lines = logger()
    local task = polled({ DONE:format '[null,"https://x.example/a.mp4",5]' }, { logger = log })
    assert.same({ "https://x.example/a.mp4" }, assert(task:wait()).output)
    assert.same({ "warning: task t1: 2 of 3 outputs are no http(s) URL" }, lines)
  end)

  it("failure text 1 MB -> cut to 4 KB", function()
    local body = ('{"id":"t1","status":"FAILED","failureCode":"BAD","failure":"%s"}'):format(("x"):rep(1000000))
    local task = polled { body }
    local err = fails(task, "wait", "task_failed")
    assert.equal("BAD", err.code)
    assert.is_true(#task.failure <= 4096 and #task.failure > 4000)
    assert.is_true(#err.message <= 4096 and #tostring(err) < 5000)
  end)

  it("failure contains the API key echoed -> redacted", function()
    local key = mocked.KEY
    for _, spelled in ipairs { key, "Bearer " .. key, key .. "x", "https://x.example/a?key=" .. key, key:sub(1, 20) } do
      local body = ('{"id":"t1","status":"FAILED","failureCode":"%s","failure":"bad %s!"}'):format(spelled, spelled)
      local log, lines = logger()
      local task = polled({ body }, { logger = log })
      local err = fails(task, "wait", "task_failed")
      local refused = select(2, submit({ status = 400, body = ('{"error":"bad %s"}'):format(spelled) },
        { logger = log }))
      assert.equal("invalid_request", refused.kind)
      for _, text in ipairs { task.failure, task.failure_code, tostring(err), err.message, err.code, refused.message,
        refused.body, tostring(refused), table.concat(lines, "\n") } do
        assert.is_nil(text:find(key:sub(1, 12), 1, true), text)
      end
      assert.matches("bad ", task.failure, 1, true)
    end
  end)

  it("\\u0000 inside id/url -> refused", function()
    unknown [[{"id":"t\u00001"}]]
    unknown [[{"id":"\u0000"}]]
    local body = DONE:format [==[["https://x.example/a\u0000.mp4"]]==]
    local task = polled({ body }, { after = body })
    assert.equal("no_output", fails(task, "wait", "protocol").code)
    assert.is_nil(task.output)
  end)

  it('code:"success" and code:200 and HTTP 200 with code:500 -> adapter decides; business error != success', function()
    for _, provider in ipairs { "gateway", "cometapi", "qimu" } do
      local at = { provider = provider }
      for _, code in ipairs { '"success"', "200", '"ok"', "0" } do
        local body = ('{"code":%s,"message":"","data":{"task_id":"t-9"}}'):format(code)
        if provider == "qimu" and code ~= "0" then -- these words are not its own: nobody knows what they mean
          unknown(body, "t-9", at)
        else
          local task, err = submit(body, at)
          assert.equal("t-9", task and task.id, tostring(err))
        end
      end
      unknown('{"code":500,"message":"system busy","data":null}', nil, at)
      unknown('{"code":500,"message":"system busy","data":{"task_id":"t-9"}}', "t-9", at)
      unknown('{"code":"success","data":{}}', nil, at)
      local refused = select(2, submit('{"code":400,"message":"invalid image","data":null}', at))
      assert.equal("invalid_request", refused.kind)
      assert.equal("yes", refused.sent)
      local poor = select(2, submit('{"code":402,"message":"quota","data":null}', at))
      assert.equal("insufficient_credits", poor.kind)
    end
    unknown '{"code":500,"message":"system busy"}' -- at Runway's own, which has no envelopes
    unknown '{"code":200,"message":"success"}'
  end)

  it("task_not_exist right after submit -> pending for 90 s grace, then not_found", function()
    for _, provider in ipairs { "gateway", "cometapi" } do
      local none = { status = 400, json = { code = "task_not_exist", message = "task_not_exist" } }
      local client, m = mocked.client(function(request)
        return request.paid and { json = { id = answered.ID } } or none
      end, { provider = provider, base_url = mocked.base_url(provider) })
      local task = assert(client:generate { prompt_text = "a cat", prompt_image = "https://x.test/a.png",
        ratio = "1280:720" })
      local began = m.requests[1].time
      local err = fails(task, "wait", "not_found", { on_progress = function(t) assert.equal("PENDING", t.status) end })
      assert.equal("not_found", err.code)
      local took = m.requests[#m.requests].time - began
      assert.is_true(took >= 90 and took < 125)
      -- it comes to be, in the grace
      local late, asked = polled({ none, none, none, none }, { provider = provider,
        after = '{"task_id":"t1","status":"SUCCESS","result_url":"https://x.example/a.mp4"}' })
      assert.equal("SUCCEEDED", assert(late:wait()).status)
      assert.equal(5, asked())
    end
  end)

  it("createdAt missing/garbage -> ignored", function()
    for _, created in ipairs { '"x":1', '"createdAt":"yesterday"', '"createdAt":"2026-13-45T99:99:99Z"',
      '"createdAt":{}',
      '"createdAt":-5', '"createdAt":1e300', '"createdAt":null', '"createdAt":"' .. ("9"):rep(100000) .. '"' } do
      local task = seen(RUNNING .. "," .. created)
      assert.equal("RUNNING", task.status)
      assert.is_nil(task.created_at)
      assert.is_nil(assert(submit('{"id":"t1",' .. created .. "}")).created_at)
    end
  end)
end)
