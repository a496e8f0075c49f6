-- qimu: the example request and the example answer of its page, and what follows from its schema.

-- The example answer, with the state and whatever else a case needs.
local function answer(code, changes)
  local task = {
    callbackUrl = "http://baidu.com", createdTime = "2024-12-07 12:01:36", error = "string",
    id = "123456",
    images = { { createdTime = "2024-12-07 12:01:36", frameIndex = 0, imageActual = "string",
      imageOrg = "string", modifiedTime = "2024-12-07 12:01:36", taskId = "123456" } },
    modifiedTime = "2024-12-07 12:01:36", ratio = "16:9", seconds = 10, taskStatusCode = code,
    taskType = "gen3a_turbo", textPrompt = "fly", videoUrl = "http://baidu.com",
  }
  for name, v in pairs(changes or {}) do task[name] = v end
  return { code = 0, message = "执行成功", result = task, success = true, timestamp = 0 }
end

local PATH = "/uniapp-service/api/runway/add"

return {
  { name = "the page's example", submit = { prompt_text = "string", prompt_image = "http://baidu.com",
      model = "gen3a_turbo", ratio = "16:9", duration = 10, callback_url = "http://baidu.com" },
    request = { method = "POST", path = PATH, json = {
      callbackUrl = "http://baidu.com",
      images = { { frameIndex = 0, image = "http://baidu.com" } },
      ratio = "16:9", seconds = 10, taskType = "gen3a_turbo", textPrompt = "string",
    } } },
  { submit = { prompt = "fly", ratio = "720:1280" },
    request = { method = "POST", path = PATH,
      json = { taskType = "gen3a", ratio = "9:16", seconds = 5, textPrompt = "fly" } } },
  { submit = { prompt = "fly", ratio = "16:9", duration = -7 }, refused = "duration" },
  { submit = { prompt = "fly", ratio = "16:9", seed = 1 }, refused = "seed" },

  { name = "the page's example", accepted = answer(0), fields = { id = "123456", status = "PENDING" } },
  { accepted = { code = 1001, message = "参数错误", success = false },
    tells = { kind = "invalid_request", message = "参数错误", code = "1001" } },
  { accepted = { code = 0, success = true }, unreadable = true },
  { accepted = false, unreadable = true },

  { query = { id = "123456" }, request = {
    method = "GET", path = "/uniapp-service/api/runway/getTask", query = { taskId = "123456" } } },

  { task = answer(0), ref = { id = "123456" }, fields = { id = "123456", status = "PENDING" } },
  { task = answer(1), ref = { id = "123456" }, fields = { id = "123456", status = "PENDING" } },
  { task = answer(2), ref = { id = "123456" }, fields = { id = "123456", status = "RUNNING" } },
  { task = answer(3), ref = { id = "123456" },
    fields = { id = "123456", status = "SUCCEEDED", output = { "http://baidu.com" } } },
  { task = answer(4), ref = { id = "123456" },
    fields = { id = "123456", status = "FAILED", failure = "string" } },
  { task = answer(5), ref = { id = "123456" }, fields = { id = "123456" } },
  { task = { code = 404, message = "记录不存在" }, status = 404, ref = { id = "123456" },
    fields = { id = "123456", missing = true } },
  { task = { code = 500, message = "系统异常" }, tells = "server" },

  { callback = answer(3), fields = { id = "123456", status = "SUCCEEDED" } },
  { callback = answer(2).result, fields = { id = "123456", status = "RUNNING" } },
  { callback = { hello = "world" }, unreadable = true },

  { problem = { code = 401, message = "没有权限" }, status = 401, tells = { message = "没有权限" } },
  { problem = { code = 1002, message = "余额不足" }, tells = "insufficient_credits" },
  { retryable_failure = "SAFETY.INPUT.TEXT", value = false },
}
