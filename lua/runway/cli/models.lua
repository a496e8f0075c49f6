-- `runway models`: what each known model takes and costs, as the adapters' catalogues say. Nothing is asked of anyone.

local exits = require "runway.cli.exits"
local named = require "runway.provider"
local report = require "runway.cli.report"
local text = require "runway.text"

local command = {}

local function sorted(map)
  local names = {}
  for name in pairs(map) do names[#names + 1] = name end
  table.sort(names, text.before)
  return names
end

-- The adapters that are asked for, by name: one, or those that are built in with the user's own. nil, err.
local function adapters_of(args)
  local all = {}
  if not args.provider then
    for name, adapter in pairs(require "runway.providers") do all[name] = adapter end
    if not named.by_environment() then return all end
  end
  local adapter, err = named.named(args.provider)
  if not adapter then return nil, err end
  all[adapter.name] = adapter
  return all
end

local function has_prices(catalogue)
  for _, models in pairs(catalogue) do
    for _, facts in pairs(models) do
      if facts.price then return true end
    end
  end
  return false
end

-- A row for each model; for a kind of which none is known, one without a model.
local function rows_of(adapters, args)
  local rows = {}
  for _, provider in ipairs(sorted(adapters)) do
    local adapter = adapters[provider]
    local kinds, catalogue = {}, adapter.models or {}
    for _, kind in ipairs(adapter.kinds) do kinds[kind] = true end
    for kind in pairs(catalogue) do kinds[kind] = true end
    local priced = has_prices(catalogue)
    for _, kind in ipairs(sorted(kinds)) do
      local models = catalogue[kind] or {}
      local names = sorted(models)
      if #names == 0 then names[1] = false end
      for _, model in ipairs(names) do
        if (not args.model or model == args.model) and (not args.kind or kind == args.kind) then
          rows[#rows + 1] = { provider = provider, kind = kind, model = model, facts = models[model] or {},
            reckons = adapter.price ~= nil and not priced }
        end
      end
    end
  end
  return rows
end

-- "4,6,8 s", "2-10 s", "4-15 s, auto"
local function seconds_of(facts)
  local words = {}
  local least, most, list = facts.duration_min, facts.duration_max, facts.durations
  local closed = least and most and (not list or #list == most - least + 1)
  if closed and least < most then
    words[1] = text.number(least) .. "-" .. text.number(most)
  else
    for i, v in ipairs(list or {}) do words[i] = text.number(v) end
  end
  local said = #words > 0 and table.concat(words, ",") .. " s" or nil
  if facts.duration_auto then said = (said and said .. ", " or "") .. "auto" end
  return said or "-"
end

-- What a price is by, with the number of them that it is for.
local UNITS = { second = " a second", item = " an item", input_second = " for %d s of input",
  character = " for %d characters" }

local EXTRAS = { { "image", "pictures" }, { "input", "input" }, { "formats", "formats" } }

-- "20-68 credits a second, at least 80, more for input (2026-10)"; what it depends on is told to programs alone.
local function price_of(row)
  local price = row.facts.price
  if not price then return row.reckons and "by the request" or "no price known" end
  local most = text.number(price.credits)
  local said = (price.low < price.credits and text.number(price.low) .. "-" .. most or most)
    .. (price.credits == 1 and " credit" or " credits")
    .. (UNITS[price.per] or " by " .. price.per):format(price.count or 1)
  if price.least then said = said .. ", at least " .. text.number(price.least) end
  local more = {}
  for _, extra in ipairs(EXTRAS) do more[#more + 1] = price[extra[1]] and extra[2] or nil end
  if #more > 0 then said = said .. ", more for " .. table.concat(more, ", ") end
  return ("%s (%s)"):format(said, (price.basis:gsub("^table ", "")))
end

-- As it stands in the catalogue, all names there.
local function price_object(price, known)
  if not price then return known(nil) end
  return { basis = price.basis, per = price.per, count = price.count or 1, low = price.low, credits = price.credits,
    by = known(price.by), least = known(price.least), image = known(price.image), input = known(price.input),
    formats = price.formats == true }
end

local function as_object(row)
  local json = require "runway.json"
  local null, facts = json.null, row.facts
  local function list(v) return v and json.array(v) or null end
  local function known(v) if v == nil then return null end return v end
  return {
    provider = row.provider, kind = row.kind, model = row.model or null, ratios = list(facts.ratios),
    durations = list(facts.durations), duration_min = known(facts.duration_min),
    duration_max = known(facts.duration_max), duration_auto = facts.duration_auto == true,
    removed = known(facts.removed), price = price_object(facts.price, known),
  }
end

local function cells_of(row)
  local facts = row.facts
  local last = facts.ratios and table.concat(facts.ratios, " ") or "-"
  if facts.removed then last = last .. "  (gone from Runway's own API since " .. facts.removed .. ")" end
  return { row.provider, row.kind, row.model or "-", seconds_of(facts), price_of(row), last }
end

local HEADER = { "PROVIDER", "KIND", "MODEL", "SECONDS", "CREDITS", "RATIOS" }

local function print_table(rows, world)
  local lines = {}
  for i, row in ipairs(rows) do lines[i] = cells_of(row) end
  report.columns(world, HEADER, lines)
end

-- What is wrong with a kind that none of the adapters has.
local function unknown_kind(adapters, kind)
  local kinds = {}
  for _, adapter in pairs(adapters) do
    for _, name in ipairs(adapter.kinds) do kinds[name] = true end
    for name in pairs(adapter.models or {}) do kinds[name] = true end
  end
  if not kind or kinds[kind] then return nil end
  local names = sorted(kinds)
  local near = require("runway.options").nearest(kind, names)
  return ("option '--kind': there is no kind %s; %s"):format(text.quote(kind),
    near and "did you mean " .. near .. "?" or "known: " .. table.concat(names, ", "))
end

---@param args table
---@param world table
---@return integer|nil exit_code
---@return string|nil misuse
function command.models(args, world)
  local adapters, err = adapters_of(args)
  if not adapters then return report.failure(world, args, err) end
  local unknown = unknown_kind(adapters, args.kind)
  if unknown then return nil, unknown end
  local rows = rows_of(adapters, args)
  if #rows == 0 then
    return report.failure(world, args, ("no model here is known as %s; one that is not may be newer than this list")
      :format(text.quote(args.model or args.kind or args.provider)),
      { kind = "not_found" })
  end
  if not args.json then
    print_table(rows, world)
    return exits.OK
  end
  for _, row in ipairs(rows) do report.line(world, as_object(row)) end
  return exits.OK
end

return command
