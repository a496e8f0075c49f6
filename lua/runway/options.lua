-- Options: the check of a public function's table of them, and the name that was probably meant.

local text = require "runway.text"

local floor, huge, concat = math.floor, math.huge, table.concat

local options = {}

-- Edits from a to b: one character put in, left out, changed, or swapped with its neighbor.
local function distance(a, b)
  local before, above = nil, {}
  for j = 0, #b do above[j] = j end
  for i = 1, #a do
    local row = { [0] = i }
    for j = 1, #b do
      local change = a:byte(i) == b:byte(j) and 0 or 1
      local least = math.min(above[j] + 1, row[j - 1] + 1, above[j - 1] + change)
      if before and a:byte(i) == b:byte(j - 1) and a:byte(i - 1) == b:byte(j) then
        least = math.min(least, before[j - 2] + 1)
      end
      row[j] = least
    end
    before, above = above, row
  end
  return above[#b]
end

-- Without the letters that stand there twice: what a finger that stays on its key leaves as it was.
local function squeezed(name)
  local last
  return (text.lower(name):gsub(".", function(letter)
    if letter == last then return "" end
    last = letter
  end))
end

---The name that was probably meant, for "did you mean"; nil when none is near.
---@param name string
---@param names string[]
---@param most? integer  edits that it may be away; default: a third of its length
---@return string|nil
function options.nearest(name, names, most)
  if type(name) ~= "string" or #name > 64 then return nil end
  local best, least = nil, (most or math.max(1, floor(#name / 3))) + 1
  for _, candidate in ipairs(names) do
    local edits = distance(text.lower(name), text.lower(candidate))
    local nearer = edits < least
    if edits == least and best then           -- a letter is sooner doubled or left out than mistaken for another
      local only, other = squeezed(candidate) == squeezed(name), squeezed(best) == squeezed(name)
      nearer = only and not other
        or only == other and (#candidate > #best or #candidate == #best and candidate < best)
    end
    if nearer then
      best, least = candidate, edits
    end
  end
  return best
end

-- A name of this length or more may be two edits away from what was meant.
local LONG = 8

---The known name that a name is a slip of: one edit away, two when it is long. A name of one or two
---letters is no slip.
---@param name string
---@param names string[]
---@return string|nil
function options.slip(name, names)
  return #name > 2 and options.nearest(name, names, #name >= LONG and 2 or 1) or nil
end

---------------------------------------------------------------------------------------------------
-- Options of the public functions

local function is_a(v, expected)
  local t = type(v)
  if t == "number" and v ~= v then return false end
  if expected == "any" or t == expected then return true end
  return expected == "integer" and t == "number" and v % 1 == 0 and v < huge and v > -huge
end

---What a value should be and is not; nil when it will do.
---@param v any
---@param rule string|fun(v: any): boolean, string?, string?   as `check` takes it
---@return string|nil expected
---@return string|nil got   where the rule tells more than the type
function options.unmet(v, rule)
  if type(rule) == "function" then
    local ok, expected, got = rule(v)
    if ok then return nil end
    return expected or "another value", got
  end
  if is_a(v, rule) then return nil end        -- as a rule it names one type
  for expected in rule:gmatch("[^|]+") do
    if is_a(v, expected) then return nil end
  end
  return (rule:gsub("|", " or "))
end

---Checks the options table of a public function; an unknown name or a wrong type raises at the
---caller's line, with the nearest known name. Called as `check(options, SPEC, "client")`.
---@param given table|nil  nil counts as no options
---@param spec table<string, string|fun(v:any):boolean,string?,string?>  name -> "number", "string|table",
---  "integer", "any", or a function that returns true, or false, what was expected and, where it is no secret, what
---  was given
---@param what string   the function's name, for the message
---@param level integer|nil  as the calling function would give it to `error`; default 2, its caller
---@return table given
function options.check(given, spec, what, level)
  level = (level or 2) + 1
  if given == nil then return {} end
  if type(given) ~= "table" then
    error(("%s: options must be a table, got %s"):format(what, type(given)), level)
  end
  if given == package.loaded.runway then
    error(("%s is called with a dot: runway.%s { … }"):format(what, what), level)
  end
  for name, v in next, given do
    local rule = spec[name]
    if rule == nil then
      local known = {}
      for k in next, spec do known[#known + 1] = k end
      table.sort(known)
      local near = options.nearest(name, known)
      error(("%s: unknown option %s (%s)"):format(what,
        type(name) == "string" and text.quote(name) or "[" .. tostring(name) .. "]",
        near and "did you mean " .. near .. "?" or "known: " .. concat(known, ", ")), level)
    end
    local expected, got = options.unmet(v, rule)
    if expected then
      error(("%s: option %s must be %s, got %s"):format(what, name, expected, got
        or type(v) == "number" and text.number(v) or v == "" and '""' or type(v)), level)
    end
  end
  return given
end

---What is counted: how many, which one. Below 2^31, as C counts.
---@param v any
---@return boolean
---@return string expected
function options.count(v)
  return type(v) == "number" and v >= 1 and v % 1 == 0 and v < 2 ^ 31, "a whole number, 1 or more"
end

---Bytes, at most: of a file there may be more than 2^31.
---@param v any
---@return boolean
---@return string expected
function options.bytes(v)
  return type(v) == "number" and v >= 1 and v % 1 == 0 and v < huge, "a whole number, 1 or more"
end

---@param v any
---@return boolean
---@return string expected
function options.positive(v)
  return type(v) == "number" and v > 0 and v < huge, "a positive number"
end

---@param v any
---@return boolean
---@return string expected
function options.directory(v)
  return type(v) == "string" and v ~= "" and not v:find("%z"), "the path of a directory"
end

---Raises at the line that called a method with a dot: `task.wait()` for `task:wait()`. To be called by the check
---that the method begins with.
---@param what string   what it is a method of
function options.without_self(what)
  local called = debug and debug.getinfo and debug.getinfo(3, "n")
  local name = called and called.name and called.name:match("^[A-Za-z_]+$") or "method"
  error(("a method of a %s was called without it: use %s:%s(…)"):format(what, what, name), 4)
end

return options
