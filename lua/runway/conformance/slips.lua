-- Slips in a list of cases, for which no adapter is to blame: what is no case, what says something that has no meaning
-- there, and what expects nothing, for that would pass.

local contract = require "runway.contract"
local options = require "runway.options"
local shape = require "runway.conformance.shape"
local text = require "runway.text"
local values = require "runway.values"

local slips = {}

-- What a case is about, in the order in which they are told: the parts that may stand beside it, and what it may
-- expect. Without the latter, nothing is what is expected of it.
local REQUEST, READ = { "request", "refused" }, { "fields", "tells", "unreadable" }
local SUBJECTS = {
  { "submit", { "kind" }, REQUEST }, { "accepted", { "kind", "status", "headers", "body" }, READ },
  { "query", {}, REQUEST }, { "task", { "ref", "status", "headers", "body" }, READ }, { "cancel", {}, REQUEST },
  { "credits", {}, REQUEST }, { "balance", { "value", "status", "headers", "body" } },
  { "limits", { "value", "status", "headers", "body" } },
  { "upload", { "answers" }, { "request", "uri", "refused" } }, { "callback", { "headers" }, READ },
  { "problem", { "tells", "status", "headers", "body" } }, { "retryable_failure", { "value" } },
  { "price", { "kind", "value" } }, { "sign", { "value" } },
}

local WAYS, BESIDE, EXPECTS = {}, {}, {}
for i, subject in ipairs(SUBJECTS) do
  WAYS[i] = subject[1]
  BESIDE[subject[1]], EXPECTS[subject[1]] = subject[2], subject[3]
end

-- Those of the names under which a case says something.
local function said_in(case, names)
  local found = {}
  for _, name in ipairs(names) do
    if case[name] or name == "refused" and case[name] == false then found[#found + 1] = name end
  end
  return found
end

---------------------------------------------------------------------------------------------------
-- What a case is made of

local function is_body(v) return type(v) == "table" or v == false, "table or false" end

-- What each part of a case must be, as runway.options has it.
local PARTS = {
  submit = "table", query = "table", cancel = "table", credits = "boolean", upload = "table", answers = "table",
  accepted = is_body, task = is_body, callback = is_body, balance = is_body, limits = is_body,
  problem = is_body, retryable_failure = "string", price = "table", sign = "string",
  name = "string", kind = "string", request = "table", refused = "boolean|string", status = "integer",
  headers = "table", ref = "table", fields = "table", tells = "boolean|string|table", unreadable = "boolean",
  value = "any", uri = "string", body = "string",
}

local NAMES = shape.names_of(PARTS)

local REF = { id = "string", kind = "string", format = "string" }

-- And what the tables among them hold, where that is known.
local INNER = {
  fields = shape.FIELDS, request = shape.REQUEST, price = shape.REQUEST, tells = shape.PROBLEM,
  query = REF, cancel = REF, ref = REF,
  upload = { path = "string", name = "string", type = "string", size = "number" },
}

-- What its parts are and hold.
local function unfit(case)
  local complaint = shape.unknown_name(case, PARTS, "a case")
  if complaint then return complaint end
  for _, part in ipairs(NAMES) do
    local it, what = case[part], "case." .. part
    local expected = it ~= nil and options.unmet(it, PARTS[part])
    if expected then return ("%s must be %s, got %s"):format(what, expected, type(it)) end
    complaint = INNER[part] and type(it) == "table" and (shape.unknown_name(it, INNER[part], what)
      or shape.wrong_type(it, INNER[part], what))
    if complaint then return complaint end
  end
  for i, answer in next, case.answers or {} do
    if type(answer) ~= "table" then return ("case.answers[%s] must be a table"):format(tostring(i)) end
  end
  return nil
end

-- What no adapter could give.
local function impossible(case)
  local kind = case.tells
  if type(kind) == "table" then kind = kind.kind end
  if type(kind) == "string" and not contract.KINDS[kind] then
    return ("case.tells expects the kind %q, and there is no such; it must be %s"):format(kind,
      contract.EXPECTED_OF_A_PROBLEM.kind)
  end
  local status = case.fields and case.fields.status
  if status and not contract.STATUSES[status] then
    return ("case.fields.status expects %q; it must be %s"):format(status, contract.EXPECTED.status)
  end
  return nil
end

---------------------------------------------------------------------------------------------------

---What keeps it from being a case, or what it is about.
---@param case any
---@return string|nil slip
---@return string|nil way      the name of what it is about
function slips.look(case)
  if type(case) ~= "table" then return "a case must be a table" end
  local wrong = unfit(case) or impossible(case)
  if wrong then return wrong end
  local subject
  for _, one in ipairs(SUBJECTS) do
    if case[one[1]] ~= nil then
      if subject then return ("a case is about one thing, and this one about %s and %s"):format(subject, one[1]) end
      subject = one[1]
    end
  end
  if not subject then return "a case has one of: " .. table.concat(WAYS, ", ") end
  if case.credits == false then return "case.credits must be true" end
  return nil, subject
end

---What a case says that has no meaning there, or does not say though it must.
---@param case runway.Case
---@param way string   what it is about
---@return string|nil slip
function slips.vague(case, way)
  local beside, expects = BESIDE[way], EXPECTS[way]
  local has = { name = true, [way] = true }
  for _, list in ipairs { beside, expects or {} } do
    for _, name in ipairs(list) do has[name] = true end
  end
  for _, name in ipairs(NAMES) do
    if case[name] ~= nil and not has[name] then return ("case.%s says nothing beside %s"):format(name, way) end
  end
  local found = expects and said_in(case, expects) or {}
  if found[2] then return ("a case expects one thing, and this one %s and %s"):format(found[1], found[2]) end
  if expects and not found[1] then return "the case expects nothing: give it " .. text.either(expects) end
  return nil
end

---The places of a list's cases, in order; told is what keeps some of them from being cases.
---@param list table
---@param say fun(subject: string, complaint: string, where?: string)
---@return integer[]
function slips.places_of(list, say)
  local places = {}
  for index in next, list do
    if type(index) == "number" and index >= 1 and index % 1 == 0 then
      places[#places + 1] = index
    else
      say("cases", "cases must be a list, of which each has a number", "the entry " .. values.show(index))
    end
  end
  table.sort(places)
  for i, index in ipairs(places) do
    if i ~= index then
      say("cases", ("cases must be a list without holes, and entry %d is nil"):format(i))
      break
    end
  end
  return places
end

return slips
