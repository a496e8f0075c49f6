-- Whether an answer names a task, in whatever form; a wrong id is worse than none.

local effort = require "spec.support.effort"
local ids = require "runway.ids"
local json = require "runway.json"

-- The id in a text; where the text is JSON, also that the decoded form says the same.
local function in_text(text)
  local id, sure = ids.in_answer { body = text }
  local decoded = json.decode(text)
  if type(decoded) == "table" then
    local from_json, also = ids.in_answer { body = text, json = decoded }
    assert.equal(id, from_json, text)
    assert.equal(sure, also, text)
  end
  return id, sure
end

local LONG = ("eyJ-._"):rep(200) .. "==/+"

describe("runway.ids finds", function()
  for text, id in pairs {
    ['{"id":"t1"}'] = "t1", ['{"task_id":"t1"}'] = "t1", ['{"taskId":"t1"}'] = "t1", ['{"taskID":17}'] = "17",
    ['{"id":1234567}'] = "1234567", ['{"id":"9007199254740993"}'] = "9007199254740993",
    ['{"id":"task:v1.a-b_c"}'] = "task:v1.a-b_c",
    ['{"id":"' .. LONG .. '"}'] = LONG, ['{"task":{"id":"t1"}}'] = "t1", ['{"data":{"taskId":"t1"}}'] = "t1",
    ['{"data":"736a6f88-bd29-4b1e-b110-37132a5325ac"}'] = "736a6f88-bd29-4b1e-b110-37132a5325ac",
    ['{"code":200,"message":"","data":["736a6f88"]}'] = false,
    ['{"data":[{"id":"t1"}]}'] = "t1", ['[{"id":"t1"}]'] = "t1", ['{"result":{"output":{"task_id":"t1"}}}'] = "t1",
    ['{"id":"t1","error":"overloaded"}'] = "t1", ['{"error":{"message":"x"},"task_id":"t1"}'] = "t1",
    ['{"a":{"b":{"task_id":"inner"}},"task_id":"outer"}'] = "outer", ['{"id":"t1","data":{"id":"inner"}}'] = "t1",
    ['{"code":0,"id":"req_1","data":{"id":"t1"}}'] = "t1", ['{"id":7,"data":{"task_id":"t1"}}'] = "t1",
    ['{"user":{"id":"user_77"},"task":{"id":"t1"}}'] = "t1",
    ['{"Id":"t1"}'] = "t1", ['{"_id":"t1"}'] = "t1", ['{"Data":{"ID":"t1"}}'] = "t1",
    ['{"User":{"Id":"user_77"}}'] = false,
    ['{"TASK-ID":"t1"}'] = "t1", ['{"Code":0,"Id":"req_1","Data":{"Id":"t1"}}'] = "t1",
    ['{"id":123.0}'] = "123", ['{"task_id":1.23e5}'] = "123000", ['{"data":{"id":5.00}}'] = "5",
    ['{"id":12345678901234567890.0}'] = "12345678901234567890",
    ['{"task_ids":["t1"]}'] = "t1", ['{"data":{"taskIds":[17]}}'] = "17", ['{"task_ids":["t1","t2"]}'] = false,
    ['{"id":0,"data":{"task_id":"t1"}}'] = "t1", ['{"task_id":0,"id":"t1"}'] = "t1", ['{"task_id":"null"}'] = false,
    ['{"task_id":0.0}'] = false, ['{"id":-1}'] = false, ['{"id":"undefined"}'] = false,
    ['{"error":{"task":{"id":"t1"}}}'] = "t1", ['{"id":"r1","error":{"message":"x","job":{"id":"t1"}}}'] = "r1",
    ['{"id":"r1","message":"x","error":{"id":"e1","job":{"id":"t1"}}}'] = "t1",
    ['{"error":{"id":"e1","task":"9f3c2a71"}}'] = "9f3c2a71", ['{"error":{"user":{"task":{"id":"u1"}}}}'] = false,
    ['{"error":"x","metadata":{"id":"m1","task_id":"t1"}}'] = "t1", ['{"trace":{"id":"tr1"}}'] = false,
    ['{"trace":{"task_id":"t1"},"user":{"task_id":"old"}}'] = "t1",
    ['{"id":1.5e0}'] = false, ['{"id":1e300}'] = false,
  } do
    it(text:sub(1, 60), function() assert.equal(id or nil, (in_text(text))) end)
  end

  it("nothing in what is somebody else's, or is a word", function()
    for _, text in ipairs {
      '{"user":{"id":"user_77"}}', '{"user_id":"user_77"}', '{"error":{"id":"e1","message":"no"}}',
      '{"request_id":"r1"}',
      '{"request":{"id":"r1","task_id":"old"}}', '{"object":"user","id":"user_77"}',
      '{"data":{"type":"error","id":"e1"}}',
      '{"data":{"owner":{"id":"o1"}}}', '{"data":"ok"}', '{"data":"success"}', '{"data":"2026-11-03T10:00:00Z"}',
      '{"data":"please wait 30 seconds"}', '{"data":"user_77"}',
      '{"data":"req-1a2b3c4d"}', '{"id":"user_77"}', '{"id":"req-8f3c1111","error":"slow down"}',
      '{"data":{"id":"err_1"}}',
      '{"data":"ERR_42900"}', '{"data":"session-1a2b3c"}', '{"object":"model","id":"m1"}', '{"data":"error1015x"}',
      '{"data":"https://x.test/1234567"}', '{"data":200}', '{"message":"user_77"}',
      '{"id":""}', '{"id":".."}', '{"id":1.5}', '{"id":true}', '{"model":{"id":"gen4"}}', "{}", "[]", '"t1"', "77",
    } do
      assert.is_nil((in_text(text)), text)
    end
    for _, v in ipairs { 5, true, "x", {} } do assert.is_nil((ids.in_answer(v))) end
    assert.is_nil((ids.in_answer(nil)))
    assert.is_nil((ids.in_text(nil)))
  end)

  it("nothing under a name that is too long to be a task's", function()
    assert.equal("t1", (ids.in_json { ["task" .. ("_"):rep(58) .. "id"] = "t1" }))
    assert.is_nil((ids.in_json { ["task" .. ("_"):rep(59) .. "id"] = "t1" }))
  end)

  it("what a name says for certain, and says so", function()
    assert.is_true(select(2, in_text '{"data":{"task_id":"t1"}}'))
    assert.is_false(select(2, in_text '{"data":{"id":"t1"}}'))
  end)

  describe("in broken text", function()
    for text, id in pairs {
      ['{"user":{"id":"user_77"},"task":{"id":"task_real"},"eta":NaN}'] = "task_real",
      ['{"id":1234567,"eta":NaN}'] = "1234567", ['{"id":"task:v1.abc","eta":NaN}'] = "task:v1.abc",
      ['{"id":"t-PAID-1","createdAt":"2026-'] = "t-PAID-1", ['{"id":"t-PA'] = false, ['{"id":123'] = false,
      ["{'id': 'abc', 'x': None}"] = "abc", ['{id: "abc"}'] = "abc", ['\239\187\191{"id":"abc"}'] = "abc",
      ['data: {"id":"abc"}\n\ndata: [DONE]'] = "abc", [')]}\',\n{"id":"abc"}'] = "abc", ['{"id":"abc" "x":1}'] = "abc",
      ['{"say":"\\"id\\":\\"no\\"","id":"yes",}'] = "yes", ['{"id":"a\\/b\\u0041",}'] = "a/bA",
      ['{"code":200,"data":"736a6f88-bd29","x":NaN}'] = "736a6f88-bd29",
      ['<br /><b>Warning</b>: x<br />{"data":{"task_id":"t5"}}'] = "t5", ['{"id":"t1"}}}]'] = "t1",
      ['<html><script>{"id":"u1"}</script>'] = false, ['{"user":{"id":"user_77"},"eta":NaN}'] = false,
      ['the task 1234567 was made'] = false, ["id=abc"] = false, [""] = false,
    } do
      it(text:sub(1, 60), function() assert.equal(id or nil, (in_text(text))) end)
    end
  end)

  local function wide(s, big)
    return (big and "\254\255" or "\255\254") .. s:gsub(".", big and "\0%0" or "%0\0")
  end

  for _, text in ipairs { '"9f3c2a71-77aa"', "9f3c2a71-77aa", " 9f3c2a71-77aa\r\n", '\239\187\191"9f3c2a71-77aa"',
    wide "9f3c2a71-77aa", wide('"9f3c2a71-77aa"', true), "9f3c2a71-77aa\0\0" } do
    it(("in a text that is nothing else: %q"):format(text:sub(1, 20)), function()
      assert.equal("9f3c2a71-77aa", (ids.in_answer { status = 200, body = text }))
      assert.is_nil((ids.in_answer { status = 429, body = text }))
    end)
  end

  it("and in one that was cut only where it has its end", function()
    local whole, cut = '"9f3c2a71-77aa"', { status = 200, cut = true }
    cut.body = whole
    assert.equal("9f3c2a71-77aa", (ids.in_answer(cut)))
    for n = 1, #whole - 1 do
      cut.body = whole:sub(1, n)
      assert.is_nil((ids.in_answer(cut)))
      cut.body = whole:sub(2, n)
      assert.is_nil((ids.in_answer(cut)))
    end
  end)

  it("none in a text that is another's, a word, a sentence, or a page", function()
    for _, text in ipairs { "user_77", '"user_77"', '"request-1a2b3c"', "nginx/1.18.0", "v1.2.3", "ok", '"ok"',
      "success", "error code: 1015", "task 123 456",
      '"9f3c2a71', "ERR_42900", "<b>9f3c2a71</b>", ("9"):rep(10000), "OK 200",
      "https://x.test/9f3c2a71", "2026-11-03T10:00:00Z", '"a" "b1c2d3"' } do
      assert.is_nil((ids.in_answer { status = 200, body = text }), text)
    end
  end)

  it("in the address of what was made, where the answer holds nothing else", function()
    local function at(location, status, body)
      return (ids.in_answer { status = status or 202, body = body or "", headers = { location = location } })
    end
    assert.equal("9f3c2a71-77aa", at "/v1/tasks/9f3c2a71-77aa")
    assert.equal("9f3c2a71-77aa", at("https://x.test/v1/tasks/9f3c2a71-77aa/?a=b", 303))
    for _, status in ipairs { 301, 302 } do assert.equal("9f3c2a71-77aa", at("/v1/tasks/9f3c2a71-77aa", status)) end
    assert.equal("t1", at("/v1/tasks/9f3c2a71-77aa", 200, '{"id":"t1"}'))
    for _, location in ipairs { "/v1/tasks/", "/login", "/tasks/user_77", "/tasks/9f3c2a71-77aa/cancel", "/tasks/9f/x",
      ("/tasks/9f3c2a71"):rep(1000) } do
      assert.is_nil(at(location), location)
    end
    for _, status in ipairs { 307, 429, 503 } do assert.is_nil(at("/v1/tasks/9f3c2a71-77aa", status)) end
  end)

  it("in text of two bytes a character", function()
    for _, big in ipairs { true, false } do
      assert.equal("t-1", (ids.in_text(wide('{"id":"t-1","x":NaN}', big))))
      assert.equal("t-1", (ids.in_text(wide('{"id":"t-1","x":NaN}', big):sub(3))))
    end
  end)

  it("looks into JSON that an envelope holds as a string, and takes none for an id", function()
    assert.equal("abc-123-task", (ids.in_json { code = 200, data = '{"task_id":"abc-123-task"}' }))
    assert.is_nil((ids.in_json { code = 200, data = '{"user_id":"u-123"}' }))
    assert.is_nil((ids.in_json { code = 200, data = '["a1b2c3d4"' }))
    assert.equal("736a6f88-bd29", (ids.in_json { code = 200, data = "736a6f88-bd29" }))
  end)

  it("takes no longer for an answer that was made to take long", function()
    for _, unit in ipairs { "{", "[", '"', '{"', '{"a":', '":', "1", "'", "\\", '{"id":{', "}", "a:", ",", " ",
      '{"x":1},',
      '"a":1,', "\\u0041" } do
      effort.assert_linear(250000, function(size) ids.in_text("{" .. unit:rep(size)) end)
    end
    effort.assert_linear(50000, function(size)
      local keys, list, deep = {}, {}, {}
      for i = 1, size do keys["k" .. i], list[i] = 1, { i } end
      for _ = 1, size // 30 do deep = { data = deep } end
      for _, v in ipairs { keys, list, { data = list }, deep } do ids.in_json(v) end
    end)
  end)
end)
