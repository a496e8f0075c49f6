-- What resellers say when something is wrong, and whether it is a refusal: in which words and codes,
-- and what they leave open.

local fields = require "runway.fields"
local ids = require "runway.ids"
local official = require "runway.providers.official"
local text = require "runway.text"

local reseller_trouble = {}

-- Codes that say of themselves that nothing was accepted, even under HTTP 500.
local REFUSALS = {
  invalid_request = true, callback_url_empty = true, reference_images_empty = true,
  model_not_found = true,
}

local BY_NUMBER = {
  [401] = "authentication", [402] = "insufficient_credits", [403] = "permission",
  [404] = "not_found", [408] = "server", [429] = "rate_limited",
}

---@param status integer|nil  nil: of a callback
---@return boolean
function reseller_trouble.is_ok(status) return status == nil or (status >= 200 and status < 300) end

-- How a submit's answer says, beside a code no one knows, that all is well …
local WELL = { "success", "ok", "succeed", "created", "accepted", "submitted", "queued", "成功", "已提交" }

-- … that the task is under way, which is no refusal either …
local UNDER_WAY = { "processing", "being processed", "in progress", "is running", "generating", "being generated",
  "started", "in queue", "in the queue", "been received", "was received", "request received", "task received",
  "处理中", "生成中", "进行中", "排队中", "受理", "已收到" }

-- … that nobody knows what became of it …
local UNSURE = { "timeout", "timed out", "time out", "busy", "internal", "upstream", "unavailable", "try again",
  "retry", "later", "server", "system", "unknown error", "unexpected", "超时", "繁忙", "系统", "稍后", "服务",
  "未知错误", "未知异常" }

-- … or that it was refused. What says none of these leaves open whether there is a task to pay for.
local REFUSING = { "invalid", "fail", "refus", "reject", "denied", "forbid", "unauthor", "illegal", "missing",
  "support", "exceed", "too ", "cannot", "can't", "empty", "wrong", "sensitive", "moderation", "violat", "blocked",
  "banned", "失败", "无效", "非法", "违规", "缺少", "不能", "不支持", "不存在", "不合法", "拒绝", "禁止", "敏感", "超过",
  "为空" }

-- Some refuse only where a code or an `error` beside them says that something is wrong.
local HINTING = { "bad", "error", "not ", "no ", "must", "require", "limit", "unknown", "错误", "参数" }

-- What says that nothing is wrong with the words for it.
local NOTHING_WRONG = { "no errors?", "no problems?", "no failures?", "without errors?", "errors?: none",
  "errors?: null", "errors?: 0", "not bad", "contact support", "contact our support", "customer support",
  "support team", "无错误", "没有错误" }

-- Before a word for "well" these take it back: "was not created", "too many queued", "only png is accepted",
-- "error while processing", "another task is running" (in which there is a "not").
local TAKING_BACK = { "not", "n't", "no ", "fail", "many", "max", "only", "must", "limit", "already", "error",
  "problem", "while", "when", "未", "不", "失败", "无法" }
local BEFORE = 16                             -- bytes in which they are looked for

local function says_one_of(said, words)
  for _, word in ipairs(words) do
    if said:find(word, 1, true) then return true end
  end
  return false
end

-- Does a text in small letters have one of these, as words of their own and not taken back?
local function affirms(said, words)
  for _, word in ipairs(words) do
    local at, last = said:find(word, 1, true)
    while at do
      local own = not said:find("^[a-z]", at - 1) or at == 1 or word:byte() > 127
      if word == "ok" and said:find("^[a-z]", last + 1) then own = false end
      if own and not says_one_of(said:sub(math.max(1, at - BEFORE), at - 1), TAKING_BACK) then return true end
      at, last = said:find(word, last + 1, true)
    end
  end
  return false
end

---An envelope's code as a word of at most 64 bytes.
---@param v any
---@return string|nil
function reseller_trouble.code_of(v)
  local code = type(v) ~= "boolean" and fields.line(v, 64)
  return code or nil
end

-- Codes of envelopes that mean success: 0 (Kling), 200 (duomi), "success" (New-API), and their like.
local SUCCESS = { success = true, succeed = true, succeeded = true, ok = true, ["0"] = true, ["200"] = true }

---Whether an envelope's `code` means success.
---@param code any
---@return boolean
function reseller_trouble.is_success(code)
  local word = reseller_trouble.code_of(code)
  word = word and text.lower(word)
  return SUCCESS[word or ""] == true
end

---Does an envelope whose code no one knows say in words that all is well?
---@param json table
---@return boolean
function reseller_trouble.says_well(json)
  if json.success == false or json.error ~= nil then return false end
  local said = text.lower(fields.line(json.message, 64) or fields.line(json.msg, 64) or "")
  return affirms(said, WELL) and not says_one_of(said, REFUSING) and not says_one_of(said, HINTING)
    and not says_one_of(said, UNSURE)
end

---The kind of error that an HTTP-like number inside an envelope stands for.
---@param code string|nil
---@return string|nil kind
function reseller_trouble.kind_of_number(code)
  local number = tonumber(code)
  if not number then return nil end
  if BY_NUMBER[number] then return BY_NUMBER[number] end
  if number >= 500 and number < 600 then return "server" end
  return number >= 400 and number < 500 and "invalid_request" or nil
end

---What an answer says, taken for an error; nil when it says nothing.
---@param answer table
---@return table|nil problem
function reseller_trouble.told(answer)
  local json = answer.json
  if type(json) ~= "table" then return nil end
  local e = type(json.error) == "table" and json.error or json
  local code = reseller_trouble.code_of(e.code) or reseller_trouble.code_of(json.code)
  local message = fields.line(e.message) or fields.line(e.msg) or fields.line(json.error)
    or fields.line(json.message) or fields.line(json.msg) or code
  if not message then return nil end
  local problem = { message = official.with_issues(message, official.issues(json.issues)), code = code }
  problem.id = ids.in_json(json)
  local status = answer.status or 200
  if official.says_empty_account(message .. " " .. (code or "")) then
    problem.kind, problem.refused = "insufficient_credits", true
  elseif code == "task_not_exist" then
    problem.kind = "not_found"
  elseif REFUSALS[code] and (reseller_trouble.is_ok(status) or status >= 500) then
    problem.kind, problem.refused = "invalid_request", true
  elseif reseller_trouble.is_ok(status) then
    problem.kind = reseller_trouble.kind_of_number(code)
  end
  return problem
end

---Does what a 2xx says tell for certain that nothing was taken? What says beside it that all is well, or
---that the task is under way ("submitted, do not send it again"), does not.
---@param problem table
---@param bare? boolean  nothing but words says that something is wrong
---@return boolean
function reseller_trouble.refuses(problem, bare)
  if problem.refused then return true end
  if problem.kind then return problem.kind ~= "server" and problem.kind ~= "protocol" end
  local said = text.lower(problem.message)
  for _, words in ipairs(NOTHING_WRONG) do said = said:gsub(words, "") end
  if says_one_of(said, UNSURE) or affirms(said, WELL) or affirms(said, UNDER_WAY) then return false end
  return says_one_of(said, REFUSING) or not bare and says_one_of(said, HINTING)
end

-- Is there anything beside the words that says that something is wrong?
local WRONG = { error = true, fail = true, failed = true, failure = true, rejected = true, denied = true }
local function is_bare(json)
  local word = fields.line(json.status, 64) or fields.line(json.state, 64)
  return (json.code == nil or reseller_trouble.is_success(json.code)) and json.success ~= false and json.ok ~= false
    and json.error == nil and not WRONG[text.lower(word or "")]
end

---What an answer that is no success says: `{error={message,code}}`, `{error="…"}`,
---`{code,message,data}` and `{code,msg}` alike. Under a 2xx only words that are known to refuse, or to
---tell of trouble, are a problem: `{message="ok"}` is none.
---@param answer table  { status=, json= }
---@return table|nil problem  with `id` where the error names a task
function reseller_trouble.problem(answer)
  local problem = reseller_trouble.told(answer)
  if not problem or not reseller_trouble.is_ok(answer.status) then return problem end
  if reseller_trouble.refuses(problem, is_bare(answer.json)) then return problem end
  if problem.kind or says_one_of(text.lower(problem.message), UNSURE) then
    problem.kind = problem.kind or "server"
    return problem
  end
  return nil
end

return reseller_trouble
