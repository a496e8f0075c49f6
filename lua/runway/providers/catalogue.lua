-- What models take, as data that people and programs can read: an adapter's `models`. Made of the rules and limits
-- that its requests are checked by, so that there is one list and not two.
--
-- A catalogue is kind -> model -> { ratios = {…}, durations = {…}, duration_min =, duration_max =, duration_auto =,
-- price =, removed = }. A field that is absent is not known to be limited, or not taken at all.

local catalogue = {}

local function copy(list)
  local made = {}
  for i, v in ipairs(list) do made[i] = v end
  return made
end

-- What a rule says of seconds, by its form.
local seconds = {}

function seconds.one_of(facts, rule)
  facts.durations, facts.duration_min, facts.duration_max = copy(rule.allowed), rule.allowed[1], rule.allowed[1]
  for _, v in ipairs(rule.allowed) do
    facts.duration_min = math.min(facts.duration_min, v)
    facts.duration_max = math.max(facts.duration_max, v)
  end
end

function seconds.number(facts, rule) facts.duration_min, facts.duration_max = rule.min, rule.max end

function seconds.whole(facts, rule)
  seconds.number(facts, rule)
  facts.durations = {}
  for v = rule.min, rule.max do facts.durations[#facts.durations + 1] = v end
end

function seconds.positive() end

function seconds.or_word(facts, rule)
  seconds[rule.rule.form](facts, rule.rule)
  facts.duration_auto = rule.allowed[1] == "auto" or nil
end

---The catalogue of models whose advice is in rules.
---@param kinds table<string, table>  kind -> model -> its rules
---@param price_of fun(model: string): runway.ModelPrice|nil
---@return table<string, table>
function catalogue.of_rules(kinds, price_of)
  local all = {}
  for kind, models in pairs(kinds) do
    all[kind] = {}
    for model, rules in pairs(models) do
      local facts = { removed = rules.removed, price = price_of(model) }
      if rules.ratio and rules.ratio.allowed then facts.ratios = copy(rules.ratio.allowed) end
      if rules.duration then seconds[rules.duration.form](facts, rules.duration) end
      all[kind][model] = facts
    end
  end
  return all
end

---Adds to a catalogue what a reseller's page says of a kind.
---@param all table<string, table>
---@param kind string
---@param limits table   see reseller_request.refusal
---@param more? table    beside them, facts of each of the models
---@return table<string, table> all
function catalogue.add(all, kind, limits, more)
  all[kind] = all[kind] or {}
  for _, model in ipairs(limits.models or {}) do
    local facts = all[kind][model] or {}
    if limits.ratios then facts.ratios = copy(limits.ratios) end
    if limits.durations then seconds.one_of(facts, { allowed = limits.durations }) end
    for name, v in pairs(more or {}) do facts[name] = v end
    all[kind][model] = facts
  end
  return all
end

return catalogue
