-- Facts of Runway's own API, version 2024-11-06: what its adapter, the resellers that offer its routes,
-- and those that pass its answers on, all go by.

local fields = require "runway.fields"
local text = require "runway.text"

local official = {}

official.VERSION = "2024-11-06"

-- Longest data URI of each class in characters (films and sounds: since 2026-08-31), and how long the other
-- addresses may be. Of resellers, which have no upload to turn to, the older limits are known.
official.DATA_URI = { image = 5242880, video = 5242880, audio = 5242880 }
official.RELAYED_DATA_URI = { image = 5242880, video = 16777216, audio = 16777216 }
official.SHORTEST_URI, official.LONGEST_URL, official.LONGEST_UPLOAD = 13, 2048, 5000

-- What pictures, films and sounds may be (docs.dev.runwayml.com, assets/inputs: "must use one of"; GIF
-- is said not to be). Ogg sounds are not on that page, and nowhere said to be refused.
official.FORMATS = {
  image = { "image/jpeg", "image/png", "image/webp" },
  video = { "video/mp4", "video/quicktime", "video/webm", "video/x-matroska", "video/3gpp", "video/ogg",
    "video/x-msvideo", "video/x-flv", "video/mpeg" },
  audio = { "audio/mpeg", "audio/wav", "audio/flac", "audio/mp4", "audio/aac", "audio/ogg" },
}

-- An upload: bytes of the file, and characters of its name, which has an extension.
official.UPLOAD = { smallest = 512, largest = 200 * 1024 * 1024, shortest_name = 3, longest_name = 255 }

-- Models that are gone from Runway's API, and since when; requests for them fail there.
local GONE = { gen3a_turbo = "2026-07-30", gen4_aleph = "2026-07-30", upscale_v1 = "2026-01", veo3 = "2026-07" }

local MAX_ISSUES = 5                      -- of a refusal's list of issues, told in the message
local MAX_CODE = 200                      -- bytes of a failure code

---@param api_key string
---@return table<string,string> headers
function official.sign(api_key)
  return { Authorization = "Bearer " .. api_key, ["X-Runway-Version"] = official.VERSION }
end

---Since when a model is gone from Runway's API: a day or a month; nil: it is not known to be.
---@param model any
---@return string|nil
function official.gone(model) return GONE[model] end

---What a request at a reseller has to be warned of: whether it still serves a model that Runway itself has
---given up, none of them says.
---@param who string    the reseller
---@param model any
---@param warnings string[]  gets it
function official.warn_at(who, model, warnings)
  local gone = GONE[model]
  if not gone then return end
  warnings[#warnings + 1] = ("%s is gone from Runway's own API since %s; whether %s still has it is not known")
    :format(model, gone, who)
end

---The names of all fields that models are known to take, and others.
---@param kinds table<string, table>  kind -> model -> its rules
---@param more string[]|nil
---@return table<string, boolean>
function official.names(kinds, more)
  local names = {}
  for _, models in pairs(kinds) do
    for _, rules in pairs(models) do
      for field in pairs(rules) do names[field] = true end
    end
  end
  names.needs, names.removed = nil, nil       -- what is said of a model, and no field of it
  for _, name in ipairs(more or {}) do names[name] = true end
  return names
end

---------------------------------------------------------------------------------------------------
-- Failures

-- By the longest prefix of whole words (docs.dev.runwayml.com, errors/task-failures).
local RETRYABLE = {
  ["SAFETY"] = false,
  ["INPUT_PREPROCESSING.SAFETY"] = false,
  ["INPUT_PREPROCESSING.INTERNAL"] = true,
  ["INTERNAL"] = true,          -- with INTERNAL.BAD_OUTPUT.*, of which few succeed
  ["ASSET.INVALID"] = false,
  ["THIRD_PARTY.UNAVAILABLE"] = true,
}

---Whether the same request, submitted anew, would have a chance; nil for a code that is not Runway's.
---@param failure_code any
---@return boolean|nil
function official.retryable_failure(failure_code)
  if type(failure_code) ~= "string" or #failure_code > MAX_CODE then return nil end
  local code = text.upper(failure_code)
  while code do
    if RETRYABLE[code] ~= nil then return RETRYABLE[code] end
    code = code:match("^(.+)%.[^.]*$")
  end
  return nil
end

-- Words by which those that pass Runway's answers on tell the end of a task, UPPERCASE; no page of Runway's has them.
official.ENDS = {
  SUCCESS = "SUCCEEDED", SUCCEED = "SUCCEEDED", COMPLETED = "SUCCEEDED", COMPLETE = "SUCCEEDED", DONE = "SUCCEEDED",
  FINISHED = "SUCCEEDED", FINISH = "SUCCEEDED", SUCCESSFUL = "SUCCEEDED",
  FAILURE = "FAILED", FAIL = "FAILED", ERROR = "FAILED", ERRORED = "FAILED", REJECTED = "FAILED", EXPIRED = "FAILED",
  ABORTED = "FAILED", TERMINATED = "FAILED", REFUSED = "FAILED", UNSUCCESSFUL = "FAILED",
  TIMEOUT = "FAILED", TIMED_OUT = "FAILED", CANCELED = "CANCELLED", CANCEL = "CANCELLED",
}

---------------------------------------------------------------------------------------------------
-- An empty account, which Runway and its resellers tell in words, under whatever status or code

local SAID = { "enough credits", "insufficient credit", "out of credits", "token_quota_failed",
  "余额不足", "额度不足", "积分不足", "点数不足", "配额不足", "欠费" }

-- Runway's, unless it goes on to say that a failure cost nothing.
local NO_CREDITS = "no credits"
local COST_NOTHING = { " were", " have", " will", " are charged", " charged", " deducted", " used" }

local PURSE = { "quota", "balance", "credit", "fund" }

-- Words that make it so in this order, with nothing but letters and spaces between them.
local ORDERS = {}
for _, purse in ipairs(PURSE) do
  for _, order in ipairs { { "insufficient", purse }, { "not", "enough", purse }, { purse, "not enough" },
    { purse, "insufficient" } } do
    ORDERS[#ORDERS + 1] = order
  end
end

-- Do the words stand in a text in their order? The first place of each will do, so each byte is
-- looked at once.
local function in_order(s, words)
  local from = 1
  for _, word in ipairs(words) do
    local _, last = s:find(word, from, true)
    if not last then return false end
    from = last + 1
  end
  return true
end

local function has_none(s)
  local _, last = s:find(NO_CREDITS, 1, true)
  if not last then return false end
  for _, word in ipairs(COST_NOTHING) do
    if s:sub(last + 1, last + #word) == word then return false end
  end
  return true
end

---Whether a text says that the account has no credits left.
---@param said string|nil
---@return boolean
function official.says_empty_account(said)
  said = text.lower(said or "")
  for _, words in ipairs(SAID) do
    if said:find(words, 1, true) then return true end
  end
  if has_none(said) then return true end
  for phrase in said:gmatch("[a-z_ ]+") do
    for _, words in ipairs(#phrase > 8 and ORDERS or {}) do
      if in_order(phrase, words) then return true end
    end
  end
  return false
end

---------------------------------------------------------------------------------------------------
-- Refusals: { error =, issues = { { path = { "promptImage", 0, "uri" }, message = }, … } }

-- { "promptImage", 1, "uri" } -> promptImage[2].uri, counted from 1 as Lua does.
local function issue_path(path)
  if type(path) ~= "table" then return fields.line(path, 100) end
  local said = ""
  for i = 1, math.min(#path, 8) do
    local step = path[i]
    if type(step) == "number" then
      said = ("%s[%s]"):format(said, text.number(step + 1))
    elseif type(step) == "string" then
      said = (said == "" and "" or said .. ".") .. text.cut(step, 100)
    end
  end
  return fields.line(said, 100)
end

---What a refusal says of each bad field: "duration: Too big; ratio: …".
---@param list any  the answer's `issues`
---@return string|nil
function official.issues(list)
  local texts = {}
  for i = 1, type(list) == "table" and #list or 0 do
    local issue = type(list[i]) == "table" and list[i] or {}
    local message = fields.line(issue.message, 200) or fields.line(issue.code, 100)
    if message then
      if #texts == MAX_ISSUES then
        texts[#texts + 1] = ("and %d more"):format(#list - i + 1)
        break
      end
      local path = issue_path(issue.path)
      texts[#texts + 1] = (path and path .. ": " or "") .. message
    end
  end
  return #texts > 0 and table.concat(texts, "; ") or nil
end

---A message with the issues after it.
---@param message string
---@param issues string|nil
---@return string
function official.with_issues(message, issues)
  if not issues then return message end
  local last = #message
  while last > 0 and message:find("^[.: \t-\r]", last) do last = last - 1 end
  return ("%s (%s)"):format(message:sub(1, last), issues)
end

---------------------------------------------------------------------------------------------------
-- Images in a body

---Images as references: { type=, uri=, … }; a type that an image brings along stays.
---@param list table[]
---@param class string|nil
---@return table[]
function official.references(list, class)
  local copies = {}
  for i, entry in ipairs(list) do
    copies[i] = { type = class }
    for name, v in pairs(entry) do copies[i][name] = v end
  end
  return copies
end

---Images as frames: copies, in which the positions that were left out are filled in. One first frame
---and nothing else is its address alone.
---@param list table[]             { uri=, position=, … }
---@param positions string[]|nil   to fill in, in this order; nil: none
---@param keep boolean|nil         a position that was given makes a difference, so it stays
---@return string|table[]
function official.frames(list, positions, keep)
  local filled, taken = official.references(list, nil), {}
  for _, entry in ipairs(filled) do
    if entry.position then taken[entry.position] = true end
  end
  for _, entry in ipairs(filled) do
    for _, position in ipairs(entry.position == nil and positions or {}) do
      if not taken[position] then
        entry.position, taken[position] = position, true
        break
      end
    end
  end
  local only = #filled == 1 and filled[1]
  if not only then return filled end
  for name in pairs(only) do
    if name ~= "uri" and name ~= "position" then return filled end
  end
  if only.position == nil or (only.position == "first" and not keep) then return only.uri end
  return filled
end

return official
