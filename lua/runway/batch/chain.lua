-- chain.lua: shots that begin where others end: "last:KEY" in the place of a picture stands for the last frame of the
-- film of that shot. Pure.

local files = require "runway.files"
local names = require "runway.names"
local options = require "runway.options"
local shape = require "runway.shape"
local text = require "runway.text"

local chain = {}

-- Where it may stand.
local PICTURES = { "prompt_image", "image", "promptImage" }

local FRAME_BYTES = 2 * 1024 * 1024           -- of a frame that is not there yet, about
local MOST_TOLD = 10                          -- keys in one message

local function key_in(v)
  local key = type(v) == "string" and v:match "^last:(.*)$"
  return key and text.trim(key) or nil
end

-- A picture, or list of pictures, in which `fn` was asked for each "last:KEY"; the same value when there is none.
local function replaced(v, fn)
  local key = key_in(v)
  if key then return fn(key) end
  if type(v) ~= "table" or files.is_file(v) then return v end
  local copy
  for name, inner in next, v do
    local new = replaced(inner, fn)
    if not rawequal(new, inner) then
      if not copy then
        copy = {}
        for old_name, old in next, v do copy[old_name] = old end
      end
      copy[name] = new
    end
  end
  return copy or v
end

--- The keys of the shots that one begins with, each once, and the column in which they stand.
---@param params table
---@return string[] keys
---@return string|nil column
function chain.keys(params)
  local keys, seen, column = {}, {}, nil
  for _, name in ipairs(PICTURES) do
    replaced(params[name], function(key)
      column = column or name
      if not seen[key] then keys[#keys + 1], seen[key] = key, true end
      return nil
    end)
  end
  return keys, column
end

---@param shots runway.Shot[]
---@return table<string, runway.Shot>
function chain.by_key(shots)
  local by_key = {}
  for _, shot in ipairs(shots) do by_key[shot.key] = by_key[shot.key] or shot end
  return by_key
end

--- The shots in such an order that each comes after those that it begins with.
---@param shots runway.Shot[]
---@return runway.Shot[]
---@return string[]|nil circle   the keys of some that wait for each other, if there are such
function chain.in_order(shots)
  local by_key, begun, line, circle = chain.by_key(shots), {}, {}, nil
  for _, shot in ipairs(shots) do
    local way, at = {}, {}                    -- no recursion: a chain may be as long as the list
    local function go(to) begun[to], way[#way + 1], at[to] = true, to, #way + 1 end
    if not begun[shot] then go(shot) end
    while #way > 0 do
      local last, first = way[#way], nil
      for _, key in ipairs(last.after or {}) do
        local other = by_key[key]
        if other and not begun[other] then first = first or other
        elseif other and at[other] and other ~= last and not circle then
          circle = {}
          for i = at[other], #way do circle[#circle + 1] = way[i].key end
        end
      end
      if first then
        go(first)
      else
        line[#line + 1], way[#way], at[last] = last, nil, nil
      end
    end
  end
  return line, circle
end

--- Fills in what each shot comes `after`, and says what is wrong with that.
---@param shots runway.Shot[]
---@param missing string|nil    why no frame can be taken here
---@param fault fun(line: integer, column: string|nil, message: string)
---@return runway.Shot[] line   each comes after those that it begins with
function chain.read(shots, missing, fault)
  local by_key, keys = chain.by_key(shots), {}
  for i, shot in ipairs(shots) do keys[i] = shot.key end
  for _, shot in ipairs(shots) do
    local after, column = chain.keys(shot.params)
    shot.after = #after > 0 and after or nil
    if column and missing then fault(shot.line, column, missing) end
    for _, key in ipairs(after) do
      if key == shot.key then
        fault(shot.line, column, ("the shot %s cannot begin where it ends itself"):format(text.quote(key)))
      elseif not by_key[key] then
        local near = options.nearest(key, keys)
        fault(shot.line, column, ("last:%s: no shot of the list has this key%s"):format(key,
          near and (" (did you mean %s?)"):format(near) or ""))
      end
    end
  end
  local line, circle = chain.in_order(shots)
  if circle then
    local shot = by_key[circle[1]]
    for i, key in ipairs(circle) do circle[i] = text.quote(key) end
    fault(shot.line, select(2, chain.keys(shot.params)), ("the shots %s wait for each other: one of them must begin "
      .. "otherwise"):format(table.concat(circle, ", ", 1, math.min(#circle, MOST_TOLD))))
  end
  return line
end

--- Why a shot has no last frame; nil: it has one. Its kind must be known.
---@param shot runway.Shot
---@return string|nil
function chain.fault(shot)
  if names.media(shot.kind) == "video" then return nil end
  return ("last:%s: that shot makes no film (%s)"):format(shot.key, shot.kind)
end

--- The picture that stands for the last frame of a shot. It is known by the shot, and not by its bytes: made anew it
--- is the same.
---@param shot runway.Shot      its output is known
---@param directory string
---@return runway.File
function chain.picture(shot, directory)
  local file = files.make(directory .. "/" .. names.frame(shot.output))
  file.last_frame_of = shot.key
  return file
end

--- The same before there is any: as large as it will be, about.
---@param shot runway.Shot
---@param directory string
---@return runway.File
function chain.promised(shot, directory)
  local width, height = shape.of(shot.params.ratio)
  return files.known(directory .. "/" .. names.frame(shot.output), { size = FRAME_BYTES, type = "image/png",
    class = "image", width = width, height = height })
end

--- A shot's parameters with pictures in the places of "last:KEY".
---@param shot runway.Shot
---@param picture fun(key: string): runway.File
---@return table params     the same table when there is none
function chain.params(shot, picture)
  if not shot.after then return shot.params end
  local params = {}
  for name, v in next, shot.params do params[name] = v end
  for _, name in ipairs(PICTURES) do params[name] = replaced(params[name], picture) end
  return params
end

return chain
