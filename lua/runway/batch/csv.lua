-- csv.lua: a table as text: RFC 4180, and what spreadsheets make of it. Pure.
--
-- Cells are parted by commas, semicolons or tabs, as the header line has it, or a line "sep=;" before it.
-- A quoted cell may hold all of these, line breaks, and quotes that are doubled. Lines end with LF, CRLF or CR.

local csv = {}

local SEPARATORS = { ",", ";", "\t" }

-- What parts the cells of the first line: what stands there most often outside of quotes.
local function separator_of(content, at)
  local line = content:sub(at, at + 65535):gsub('"[^"]*"', ""):match "^[^\r\n]*"
  local best, most = ",", 0
  for _, candidate in ipairs(SEPARATORS) do
    local _, count = line:gsub(candidate, "")
    if count > most then best, most = candidate, count end
  end
  return best
end

local function breaks_in(s)
  local _, breaks = s:gsub("\r\n?", "\n"):gsub("\n", "")
  return breaks
end

-- A quoted cell whose first quote stands at `at`: its text, and where what follows it begins. nil: it has no end.
local function quoted(content, at)
  local from, doubled = at + 1, false
  while true do
    local close = content:find('"', from, true)
    if not close then return nil end
    if content:byte(close + 1) ~= 34 then
      local cell = content:sub(at + 1, close - 1)
      return doubled and cell:gsub('""', '"') or cell, close + 1
    end
    doubled, from = true, close + 2
  end
end

---@class runway.CsvRow
---@field line integer     where it begins
---@field cells string[]

---@param content string   UTF-8, without a byte order mark
---@return runway.CsvRow[] rows        lines without a word are none
---@return string separator
---@return { line: integer, message: string }|nil fault   where the text stops making sense; `rows` go up to there
function csv.parse(content)
  local at, line, rows = 1, 1, {}
  local separator, after = content:match "^[Ss][Ee][Pp]=([,;\t])\r?\n()"
  if separator then at, line = after, 2 else separator = separator_of(content, 1) end
  local plain = "^[^" .. separator .. "\r\n]*"
  local length = #content
  while at <= length do
    local row, filled = { line = line, cells = {} }, false
    repeat
      local cell, more
      if content:byte(at) == 34 then
        cell, after = quoted(content, at)
        if not cell then
          return rows, separator, { line = line,
            message = "a quoted text begins here that has no end: is the file whole?" }
        end
        line = line + breaks_in(cell)
        if not content:find("^[" .. separator .. "\r\n]", after) and after <= length then
          return rows, separator, { line = line,
            message = 'text stands behind a closing quote; a quote inside a quoted text is doubled: ""' }
        end
      else
        local _, last = content:find(plain, at)
        cell, after = content:sub(at, last), last + 1
      end
      filled = filled or cell:find "[^ \t]" ~= nil
      row.cells[#row.cells + 1] = cell
      more = content:sub(after, after) == separator
      at = more and after + 1 or after
    until not more
    local _, last = content:find("^\r?\n?", at)
    at, line = last + 1, line + 1
    if filled then rows[#rows + 1] = row end
  end
  return rows, separator
end

return csv
