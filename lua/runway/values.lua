-- The values a caller may hand over: what has a place in a JSON body, how it is copied, and how a
-- message shows it.
--
-- Problems are `{ misuse=true, field=, message= }`, for a wrong type is the caller's bug; but for a
-- text that is not UTF-8, which is refused.

local files = require "runway.files"
local text = require "runway.text"

local floor, huge = math.floor, math.huge

local MAX_DEPTH = 64        -- levels of nesting in one parameter; real bodies need four
local EXACT = 2^53          -- up to here every JSON reader holds an integer exactly

local values = {}

values.is_file = files.is_file
values.show_number = text.number

---The caller's bug, to be raised at his line.
---@param field string|nil  the parameter's name
---@param message string    a format, with its arguments after it
function values.misuse(field, message, ...)
  return { misuse = true, field = field, message = message:format(...) }
end

---A value that the API is known to refuse.
---@param field string|nil
---@param message string  a format, with its arguments after it
function values.refused(field, message, ...)
  return { kind = "invalid_request", field = field, message = message:format(...) }
end

local misuse = values.misuse

-- runway.json where it is there; without it there are no nulls and no marked arrays to know.
local function json()
  local ok, module = pcall(require, "runway.json")
  return ok and type(module) == "table" and module or nil
end

---Whether `v` is the value that is sent as JSON null (`runway.null`).
---@param v any
---@return boolean
function values.is_null(v)
  local what = type(v)
  if what ~= "userdata" and what ~= "table" then return false end
  local module = json()
  return module ~= nil and rawequal(v, module.null)
end

---A caller's value for a message: short, on one line, and never the bytes of a data URI nor the
---query of a URL, for either may hold what must not reach a log.
---@param v any
---@return string
function values.show(v)
  if type(v) == "string" then return text.quote(v) end
  if type(v) == "number" then return text.number(v) end
  if values.is_file(v) then return "a file" end
  if v == nil or type(v) == "boolean" then return tostring(v) end
  return values.is_null(v) and "null" or "a " .. type(v)
end

---The table marked as a list, so that it is sent as [] when it is empty.
---@param t table
---@return table
function values.as_list(t)
  local module = json()
  return module and module.array and module.array(t) or t
end

---The same number, as an integer when it is a whole one that every JSON reader holds exactly.
---@param n number
---@return number
function values.whole(n)
  if math.type and math.type(n) == "float" and n % 1 == 0 and n >= -EXACT and n <= EXACT then
    return floor(n)
  end
  return n
end

---nil when a text is valid UTF-8, else the problem with the byte's offset. It is no misuse: texts
---come out of files, and one bad line must not stop a batch.
---@param field string
---@param v string
function values.check_text(field, v)
  local at = text.bad_byte(v)
  return at and values.refused(field, "%s is not valid UTF-8 (at byte %d)", field, at) or nil
end

---The same for a string used as an address: a NUL would end it early in C.
---@param field string
---@param v string
function values.check_address(field, v)
  local at = v:find("\0", 1, true)
  if at then return misuse(field, "%s holds a NUL (at byte %d)", field, at) end
  return values.check_text(field, v)
end

---------------------------------------------------------------------------------------------------
-- Deep copy of what passes through

local copy_value

---"list" for a sequence 1..n, "object" for names only (and for an empty table); a problem for
---anything between.
---@param field string
---@param t table
---@return "list"|"object"|nil
---@return table|nil problem
function values.shape(field, t)
  local count, strings = 0, 0
  for k in next, t do
    if type(k) == "string" then
      strings = strings + 1
    elseif type(k) == "number" and k >= 1 and k % 1 == 0 then
      count = count + 1
    else
      return nil, misuse(field, "%s has a key of type %s; only names and 1..n have a place in JSON",
        field, type(k))
    end
  end
  if strings > 0 and count > 0 then
    return nil, misuse(field, "%s mixes names and list entries", field)
  end
  for i = 1, count do
    if rawget(t, i) == nil then
      return nil, misuse(field, "%s is a list with holes: entry %d is nil", field, i)
    end
  end
  return count > 0 and "list" or "object"
end

local function copy_table(field, t, path, depth)
  if path[t] then return nil, misuse(field, "%s contains itself", field) end
  if depth > MAX_DEPTH then
    return nil, misuse(field, "%s is nested deeper than %d levels", field, MAX_DEPTH)
  end
  local form, problem = values.shape(field, t)
  if not form then return nil, problem end
  path[t] = true
  local copy = {}
  for k, v in next, t do
    local name
    if form == "list" then
      name = ("%s[%d]"):format(field, k)
    else
      problem = values.check_text("a key of " .. field, k)
      if problem then return nil, problem end
      name = field .. "." .. k
    end
    copy[k], problem = copy_value(name, v, path, depth + 1)
    if problem then return nil, problem end
  end
  path[t] = nil
  local module = json()
  if module and module.is_array and module.is_array(t) then return values.as_list(copy) end
  return copy
end

function copy_value(field, v, path, depth)
  local kind = type(v)
  if kind == "string" then
    local problem = values.check_text(field, v)
    if problem then return nil, problem end
    return v
  elseif kind == "number" then
    if v ~= v or v == huge or v == -huge then
      return nil, misuse(field, "%s must be a finite number", field)
    end
    return values.whole(v)
  elseif kind == "boolean" or values.is_null(v) or values.is_file(v) then
    return v
  elseif kind == "table" then
    return copy_table(field, v, path or {}, depth or 1)
  end
  return nil, misuse(field, "%s is a %s, which has no place in JSON", field, kind)
end

---A copy that shares nothing with the caller's value but file objects, whole floats made integers.
---Whatever has no place in JSON (functions, cycles, NaN, lists with holes, ...) is a problem.
---@param field string  the name for messages
---@param v any
---@return any copy
---@return table|nil problem
function values.copy(field, v)
  return copy_value(field, v)
end

return values
