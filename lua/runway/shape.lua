-- shape.lua: the shape of a picture held against the ratio of the film that begins with it. Pure.
--
-- Runway crops what does not fit from its middle, and says no word of it.

local shape = {}

-- Less than this part of a picture is lost to the rounding of sizes, or seen by no one.
local TOLERANCE = 0.01

---@class runway.Measured     what is known of a picture (a runway.File that was looked at)
---@field width? integer      as it is looked at
---@field height? integer

--- Width to height of a ratio such as "1280:720" or "16:9"; nil: it is none.
---@param ratio any
---@return number|nil width
---@return number|nil height
function shape.of(ratio)
  local width, height = tostring(ratio):match "^(%d+):(%d+)$"
  width, height = tonumber(width), tonumber(height)
  if not width or width == 0 or height == 0 then return nil end
  return width, height
end

--- What of a picture is left when it is cropped to a ratio; nil where all of it is, but for what no one sees, or
--- where one of them is not known.
---@param picture runway.Measured
---@param ratio any
---@return integer|nil width
---@return integer|nil height
function shape.cropped(picture, ratio)
  local wide, high = shape.of(ratio)
  local width, height = picture.width, picture.height
  if not wide or not width then return nil end
  local left = width * high / (height * wide) -- of its height where it is too high
  if left > 1 then left = 1 / left end
  if left > 1 - TOLERANCE then return nil end
  if width * high > height * wide then return math.max(1, math.floor(width * left + 0.5)), height end
  return width, math.max(1, math.floor(height * left + 0.5))
end

-- The pictures that a film begins or ends with. Several that have no place in it are references, and whole.
local function frames(given)
  local list, found = given.prompt_image, {}
  if type(list) ~= "table" then return found end
  for _, entry in ipairs(list) do
    if #list == 1 or entry.position ~= nil then found[#found + 1] = entry end
  end
  return found
end
shape.frames = frames

--- What a provider will crop, in words.
---@param given runway.Params   with its files looked at
---@return string[]
function shape.warnings(given)
  local told = {}
  for _, entry in ipairs(frames(given)) do
    local picture = entry.uri
    local width, height = nil, nil
    if type(picture) == "table" then width, height = shape.cropped(picture, given.ratio) end
    if width then
      local percent = 100 * width / picture.width * height / picture.height
      told[#told + 1] = ("prompt_image: %s is %d x %d; to the ratio %s it will be cropped, and only %d x %d are left "
        .. '(%.0f %% of it); fit "pad" keeps all of it'):format(picture.path, picture.width, picture.height,
        given.ratio, width, height, percent)
    end
  end
  return told
end

return shape
