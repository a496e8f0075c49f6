-- fingerprint.lua: the sum of a request as it may be kept (description.lua makes that): enough to tell whether
-- another is the same, and what differs.

local core = require "runway.core"
local json = require "runway.json"
local text = require "runway.text"
local values = require "runway.values"

local fingerprint = {}

local MOST_TOLD = 4                           -- differences in one message
local SHOWN = 40                              -- bytes of a text in one

-- Every part that is no table of parts: where it stands -> { same = what counts, shown = for people }.
local function flatten(v, where, parts)
  if type(v) ~= "table" or values.is_null(v) then
    parts[where] = { same = assert(json.encode(v)), shown = v }
  elseif v.file and type(v.last_frame_of) == "string" then -- taken anew it is the same, whatever its bytes
    parts[where] = { same = "last frame of " .. v.last_frame_of, file = v }
  elseif v.sha256 and v.file then             -- under another name it is the same file
    parts[where] = { same = "file " .. v.sha256, file = v }
  elseif next(v) == nil then
    parts[where] = { same = assert(json.encode(v)), shown = v }
  else
    for name, value in next, v do
      flatten(value, type(name) == "number" and ("%s[%d]"):format(where, name)
        or where == "" and name or where .. "." .. name, parts)
    end
  end
  return parts
end

local function parts_of(description)
  local parts = flatten(description.params, "", {})
  parts[""] = nil                             -- no params at all
  parts.kind = { same = description.kind, shown = description.kind }
  if description.fit then parts.fit = { same = description.fit, shown = description.fit } end
  if description.extra then flatten(description.extra, "extra", parts) end
  return parts
end

local function sorted(...)
  local names = {}
  for _, parts in ipairs { ... } do
    for name in next, parts do
      if not names[name] then names[#names + 1], names[name] = name, true end
    end
  end
  table.sort(names, text.before)
  return names
end

--- The sum of a description: two requests that make the same have the same.
---@param description runway.Description
---@return string
function fingerprint.of(description)
  local parts, lines = parts_of(description), {}
  for i, name in ipairs(sorted(parts)) do lines[i] = ("%d:%s=%s\n"):format(#name, name, parts[name].same) end
  return core.sha256(table.concat(lines))
end

-- Two long texts are shown from where they part.
local function shown(part, other)
  if not part then return "absent" end
  local file = part.file
  if file and file.last_frame_of then return "the last frame of " .. values.show(file.last_frame_of) end
  if file then return ("the file %s (%d bytes, sha256 %s…)"):format(file.file, file.size, file.sha256:sub(1, 12)) end
  local v, w = part.shown, other and other.shown
  if type(v) ~= "string" or type(w) ~= "string" or v:sub(1, SHOWN) ~= w:sub(1, SHOWN) then return values.show(v) end
  local at = SHOWN
  while v:byte(at) and v:byte(at) == w:byte(at) do at = at + 1 end
  local from = at - 16
  while from > 1 and (v:byte(from) or 0) >= 128 and v:byte(from) < 192 do from = from - 1 end
  return ('"…%s'):format(values.show(v:sub(from)):sub(2))
end

--- What differs, in words; nil when nothing does.
---@param old runway.Description
---@param new runway.Description
---@return string|nil
function fingerprint.difference(old, new)
  local was, is, told, more = parts_of(old), parts_of(new), {}, 0
  for _, name in ipairs(sorted(was, is)) do
    local a, b = was[name], is[name]
    if not (a and b and a.same == b.same) then
      if #told < MOST_TOLD then
        told[#told + 1] = ("%s was %s and is %s"):format(text.line(name, 80) or "", shown(a, b), shown(b, a))
      else
        more = more + 1
      end
    end
  end
  if #told == 0 then return nil end
  return table.concat(told, "; ") .. (more > 0 and ("; and %d more"):format(more) or "")
end

return fingerprint
