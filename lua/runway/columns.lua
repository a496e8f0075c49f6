-- columns.lua: how wide a text is on a terminal, whose columns are not its bytes: an accent above a letter has
-- none, a Chinese letter two.
--
-- What terminals do not agree on is counted rather too wide than too narrow: a line too long breaks, one too
-- short does not.

local columns = {}

-- From, to: no column of their own (marks above letters, joiners, what chooses a form).
local NONE = {
  0x300, 0x36F, 0x483, 0x489, 0x591, 0x5BD, 0x610, 0x61A, 0x64B, 0x65F, 0x6D6, 0x6DC, 0x900, 0x902, 0x93C, 0x93C,
  0x941, 0x948, 0x94D, 0x94D, 0xE31, 0xE31, 0xE34, 0xE3A, 0xE47, 0xE4E, 0x1AB0, 0x1AFF, 0x1DC0, 0x1DFF,
  0x200B, 0x200F, 0x202A, 0x202E, 0x2060, 0x2064, 0x20D0, 0x20FF, 0x302A, 0x302D, 0x3099, 0x309A, 0xFE00, 0xFE0F,
  0xFE20, 0xFE2F, 0xFEFF, 0xFEFF, 0xE0100, 0xE01EF,
}

-- Two: East Asian letters, pictures.
local TWO = {
  0x1100, 0x115F, 0x231A, 0x231B, 0x2329, 0x232A, 0x23E9, 0x23F3, 0x25FD, 0x25FE, 0x2600, 0x27BF, 0x2B1B, 0x2B1C,
  0x2B50, 0x2B55, 0x2E80, 0x303E, 0x3041, 0x4DBF, 0x4E00, 0xA4CF, 0xA960, 0xA97F, 0xAC00, 0xD7A3, 0xF900, 0xFAFF,
  0xFE10, 0xFE19, 0xFE30, 0xFE6F, 0xFF00, 0xFF60, 0xFFE0, 0xFFE6, 0x16FE0, 0x18DFF, 0x1AFF0, 0x1B2FF,
  0x1F004, 0x1F004, 0x1F0CF, 0x1F0CF, 0x1F18E, 0x1F19A, 0x1F1E6, 0x1F64F, 0x1F680, 0x1F6FF, 0x1F7E0, 0x1F7F0,
  0x1F900, 0x1FAFF, 0x20000, 0x3FFFD,
}

-- Does a code point lie in one of the ranges?
local function is_in(ranges, point)
  for i = 1, #ranges, 2 do
    if point < ranges[i] then return false end
    if point <= ranges[i + 1] then return true end
  end
  return false
end

-- One character, as UTF-8 has it.
local CHARACTER = "[%z\1-\127\194-\244][\128-\191]*"

local function point_of(character)
  local first = character:byte()
  local point = first < 128 and first or first < 224 and first - 192 or first < 240 and first - 224 or first - 240
  for at = 2, #character do point = point * 64 + character:byte(at) - 128 end
  return point
end

local function width_of(character)
  if #character == 1 then return 1 end
  local point = point_of(character)
  return is_in(NONE, point) and 0 or is_in(TWO, point) and 2 or 1
end

---A text on one line: control characters become spaces, what is no UTF-8 a question mark.
---@param s string
---@return string
function columns.clean(s)
  local text = require "runway.text"
  s = s:gsub("[%z\1-\31\127]", " ")
  local bad = text.bad_byte(s)
  while bad do
    s = s:sub(1, bad - 1) .. "?" .. s:sub(bad + 1)
    bad = text.bad_byte(s)
  end
  return s
end

---How many columns a text takes.
---@param s string   clean
---@return integer
function columns.of(s)
  if not s:find "[\128-\255]" then return #s end
  local width = 0
  for character in s:gmatch(CHARACTER) do width = width + width_of(character) end
  return width
end

---The beginning of a text that takes so many columns at most; no character is cut.
---@param s string    clean
---@param most integer
---@return string
function columns.cut(s, most)
  local width, last = 0, 0
  for at, character in s:gmatch("()(" .. CHARACTER .. ")") do
    width = width + width_of(character)
    if width > most then break end
    last = at + #character - 1
  end
  return s:sub(1, last)
end

return columns
