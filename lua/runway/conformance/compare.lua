-- Copies and comparisons of what goes into an adapter and what comes out of it.

local json = require "runway.json"
local text = require "runway.text"
local values = require "runway.values"

local BRIEF = 20                              -- bytes

local compare = {}

local function is_plain(v) return type(v) == "table" and not values.is_file(v) end

---A deep copy; file objects, nulls and marks of arrays stay what they are.
---@param v any
---@return any
function compare.copy(v)
  if not is_plain(v) then return v end
  local copy = {}
  for k, inner in next, v do copy[k] = compare.copy(inner) end
  return setmetatable(copy, getmetatable(v))
end

local function show(v)
  if not is_plain(v) then return values.show(v) end
  if next(v) == nil then return json.is_array(v) and "[]" or "{}" end
  return v[1] ~= nil and "a list" or "a table"
end

---What stands in the place of another value, as JSON writes it.
---@param v any
---@return string
function compare.brief(v)
  if v == nil then return "nothing" end
  local written = json.encode(v) or show(v)
  return #written > BRIEF and text.cut(written, BRIEF) .. "…" or written
end

local function keys_of(a, b)
  local keys, seen = {}, {}
  for _, t in ipairs { a, b } do
    for k in next, t do
      if not seen[k] then
        seen[k], keys[#keys + 1] = true, k
      end
    end
  end
  table.sort(keys, function(x, y) return tostring(x) < tostring(y) end)
  return keys
end

---@param at string  the path so far
---@param key any
---@return string
function compare.step(at, key)
  if type(key) == "number" then return ("%s[%s]"):format(at, values.show_number(key)) end
  return at == "" and tostring(key) or at .. "." .. tostring(key)
end

---The first difference between two values as JSON sees them, in words; nil when there is none.
---@param expected any
---@param got any
---@param at? string  how the place is called
---@return string|nil
function compare.difference(expected, got, at)
  at = at or ""
  if is_plain(expected) and is_plain(got) then
    for _, key in ipairs(keys_of(expected, got)) do
      local difference = compare.difference(expected[key], got[key], compare.step(at, key))
      if difference then return difference end
    end
    local empty = next(expected) == nil
    if not empty or json.is_array(expected) == json.is_array(got) then return nil end
  elseif expected == got then
    return nil
  elseif values.is_file(expected) and values.is_file(got) and expected.path == got.path then
    return nil
  end
  return ("%s is %s, expected %s"):format(at == "" and "it" or at, show(got), show(expected))
end

---Where two results hold one and the same table, which would let one caller spoil the other's.
---@param one any
---@param other any
---@return string|nil path
function compare.shared(one, other)
  local seen = {}
  local function note(v)
    if not is_plain(v) or seen[v] then return end
    seen[v] = true
    for _, inner in next, v do note(inner) end
  end
  local function find(v, at)
    if not is_plain(v) then return nil end
    if seen[v] then return at == "" and "it" or at end
    for k, inner in next, v do
      local found = find(inner, compare.step(at, k))
      if found then return found end
    end
    return nil
  end
  note(one)
  return find(other, "")
end

---Whether `wanted` stands anywhere in a value: a table as it is, a text also inside another, a
---number also as a text.
---@param v any
---@param wanted any
---@return boolean
function compare.holds(v, wanted)
  if type(v) == "string" then
    local written = type(wanted) == "number" and values.show_number(wanted) or wanted
    return type(written) == "string" and v:find(written, 1, true) ~= nil
  elseif v == wanted or type(v) == "table" and type(wanted) == "table"
    and not compare.difference(wanted, v) then
    return true
  elseif is_plain(v) then
    for _, inner in next, v do
      if compare.holds(inner, wanted) then return true end
    end
  end
  return false
end

return compare
