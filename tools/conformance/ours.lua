-- Our half of the conformance check: reads one question a line (JSON) and writes one answer a line.
--
--   { ask = "models" }  -> { kind = { model, … }, … }: those that params.lua has
--   { ask = "catalogue" } -> { kind = { model = { fields = { name, … }, removed = since when } } }
--   { ask = "submit", kind, model, set, [field, [value]] }
--                       -> request, with warnings = { … } | { problem =, field =, misuse = }
--       `set` is "minimal" or "full"; `field` (the API's name) is given another value, or none
--   { ask = "query"|"cancel"|"credits"|"upload", id, kind }  -> request
--   { ask = "read", of = "accepted"|"task"|"balance"|"problem", answer, kind }
--                       -> { fields = what the adapter reads in the answer }
--   { ask = "sandbox", request, now, scenario } -> { status, headers, body }
--
-- A request is { method, path, headers, body = the JSON text }.

local adapter = require "runway.providers.runwayml"
local json = require "runway.json"
local catalogue = require "runway.providers.runwayml_models"
local order = require "runway.order"
local sandbox = require "runway.sandbox"

local here = arg[0]:match("^(.*)/[^/]*$") or "."
local known = dofile(here .. "/params.lua")

local KEY = "key_conformance"
local SECONDS = 10  -- how long a task of the sandbox takes, on the clock of the questions
local START = 1790000000  -- where that clock begins: the first second of 1970 is read as no time

local app = sandbox.app { seconds = SECONDS, seed = 1, base_url = "https://sandbox.example.com" }

local function snake(name)
  return (name:gsub("%u", function(c) return "_" .. c:lower() end))
end

-- What the client puts on the wire for a request that an adapter made.
local function on_the_wire(request)
  local headers = {}
  for name, value in pairs(adapter.sign(KEY)) do headers[name:lower()] = value end
  local body
  if request.json then
    headers["content-type"] = "application/json"
    body = assert(json.encode(request.json))
  end
  return { method = request.method, path = request.path, headers = headers, body = body }
end

local function refusal(problem)
  if type(problem) ~= "table" then return { problem = problem or "refused without a word" } end
  return { problem = problem.message, field = problem.field, misuse = problem.misuse or false }
end

local answers = {}

function answers.models()
  local kinds = {}
  for kind, models in pairs(known) do
    kinds[kind] = json.array {}
    for model in pairs(models) do table.insert(kinds[kind], model) end
  end
  return kinds
end

function answers.catalogue()
  local kinds = {}
  for kind, by_model in pairs(catalogue) do
    kinds[kind] = {}
    for model, rules in pairs(by_model) do
      local fields = json.array {}
      for field, rule in pairs(rules) do
        if field ~= "needs" and type(rule) == "table" then table.insert(fields, field) end
      end
      kinds[kind][model] = { fields = fields, removed = rules.removed }
    end
  end
  return kinds
end

-- What of a session reads an order; what it logs are warnings too.
local function reader(warnings)
  return { adapter = adapter, log = function(_, _, message) table.insert(warnings, message) end }
end

function answers.submit(q)
  local raw, sets = { model = q.model }, known[q.kind] and known[q.kind][q.model]
  if not sets then return refusal "params.lua has no such model" end
  for name, value in pairs(sets[q.set]) do raw[name] = value end
  if q.field then
    local value = q.value
    -- in a script an empty list is {}, as is an empty table
    if type(value) == "table" and next(value) == nil then value = {} end
    raw[snake(q.field)] = value
  end
  local warnings = json.array {}
  local given, problem = order.read(reader(warnings), raw)
  if not given then return refusal(problem) end
  local request
  request, problem = adapter.submit(q.kind, given.params)
  if not request then return refusal(problem) end
  for _, warning in ipairs(request.warnings or {}) do table.insert(warnings, warning) end
  local wire = on_the_wire(request)
  wire.warnings = #warnings > 0 and warnings or nil
  return wire
end

local function of_task(ask)
  return function(q) return on_the_wire(adapter[ask] { id = q.id, kind = q.kind }) end
end
answers.query, answers.cancel = of_task "query", of_task "cancel"

function answers.credits() return on_the_wire(adapter.credits()) end

function answers.upload()
  local file = { name = "a.png", type = "image/png", size = 1024, path = "a.png" }
  return on_the_wire(assert(adapter.upload(file, {})).request)
end

function answers.read(q)
  local answer = q.answer
  answer.json = json.decode(answer.body)
  return { fields = adapter[q.of](answer, q.of == "accepted" and q.kind or { kind = q.kind }) }
end

function answers.sandbox(q)
  assert(app:choose(q.scenario))
  local response = app:handle(q.request, START + (q.now or 0))
  return { status = response.status, headers = response.headers, body = response.body }
end

for line in io.lines() do
  local question = assert(json.decode(line))
  io.write(assert(json.encode(answers[question.ask](question))), "\n")
  io.flush()
end
