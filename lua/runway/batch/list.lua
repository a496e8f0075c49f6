-- list.lua: a list of shots, read: CSV, JSON Lines or a Lua table, each row as a shot with its key and its
-- parameters; and every fault of it, with its line and column. Nothing is known here of providers.

local cells = require "runway.batch.cells"
local csv = require "runway.batch.csv"
local errors = require "runway.errors"
local files = require "runway.files"
local json = require "runway.json"
local names = require "runway.names"
local options = require "runway.options"
local params = require "runway.params"
local text = require "runway.text"
local values = require "runway.values"

local list = {}

list.MOST_BYTES = 256 * 1024 * 1024

---@class runway.ListFault
---@field line integer        where the row begins, from 1; of a Lua table: the number of the shot
---@field place string        the same in words: "line 3", of a Lua table "row 3"
---@field key? string         of the row, where the list gives it one
---@field column? string
---@field message string
---@field more? integer      in how many other rows it is as well

---@class runway.Shot
---@field line integer
---@field place string         "line 3", of a Lua table "row 3"
---@field row integer          which shot of the list it is, from 1
---@field key string
---@field named boolean        by the list itself, and not by its number and prompt
---@field kind? string         once it is checked
---@field model? string        likewise
---@field output? string       a file name; until the kind is known: as the list has it
---@field provider? string     as the list has it
---@field params table         as `generate` takes them
---@field after? string[]      the keys of those that it begins with the last frame of
---@field notes? string[]      what is to be known before it is paid for
---@field state? string        how it stands, as a journal's entry (batch/night.lua), with what follows
---@field left_out? boolean    it is none of `only`
---@field attempt? integer
---@field entry? string        its key in the journal
---@field task_id? string
---@field status? runway.Status
---@field progress? number     0..1
---@field path? string         of its file
---@field bytes? integer
---@field sha256? string
---@field credits? number      what it cost, or is said to, with what earlier tasks of its row did
---@field spent? number        by those
---@field estimate? runway.Estimate
---@field error? runway.Error
---@field older? { state: string|nil, task_id: string|nil, path: string|nil }   what its key stands for, which is
---  another request
---@field submitted_at? number Unix seconds
---@field ended_at? number     likewise
---@field receipt? string      the path of its receipt
---@field still? string        of a picture of its film, from the directory of its page
---@field lies_with? string    who has its film, where that is not here

-- What is ours and no parameter.
local OWN = { key = true, output = true, provider = true }
local OWN_NAMES = { "key", "output", "provider" }

-- A column whose name begins so is the writer's own, and looked at by no one.
local NOTE = "^#"

--------------------------------------------------------------------- a file as bytes

--- The bytes of a list.
---@param where string
---@return string|nil
---@return runway.Error|nil err
function list.content(where)
  local file, why = io.open(where, "rb")
  local content
  if file then
    content, why = file:read(list.MOST_BYTES + 1)
    file:close()
    if not content and not why then content = "" end
  end
  if not content then
    why = tostring(why)
    if why:sub(1, #where + 2) == where .. ": " then why = why:sub(#where + 3) end -- of some, as they are opened
    return nil, errors.new { kind = "io", code = "list", sent = "no",
      message = ("cannot read the list: %s: %s"):format(where, why) }
  end
  if #content > list.MOST_BYTES then
    return nil, errors.new { kind = "invalid_request", code = "bad_list", sent = "no",
      message = "the list is too large to be one" }
  end
  return content
end

--------------------------------------------------------------------- bytes as text

local BOM = "^\239\187\191"

-- What a file is that is no text, by its first bytes.
local NO_TEXT = {
  { "^PK\3\4", "it is a workbook (.xlsx, .ods) or another archive; save it as CSV (UTF-8)" },
  { "^\208\207\17\224", "it is an old workbook (.xls); save it as CSV (UTF-8)" },
  { "^%%PDF", "it is a PDF" }, { "^\31\139", "it is packed by gzip; unpack it" },
  { "^{\\rtf", "it is RTF; save it as plain text" },
}

local function line_at(content, at)
  local _, lines = content:sub(1, at):gsub("\n", "")
  return lines + 1
end

-- The bytes as UTF-8; nil, fault.
local function decoded(content)
  for _, no_text in ipairs(NO_TEXT) do
    if content:find(no_text[1]) then return nil, { line = 1, message = "the list is no text: " .. no_text[2] } end
  end
  content = text.narrow(content, list.MOST_BYTES):gsub(BOM, "")
  local zero = content:find "%z"
  if zero then
    return nil, { line = line_at(content, zero), message = "the list is no text: it holds zero bytes" }
  end
  local bad = text.bad_byte(content)
  if not bad then return content end
  return nil, { line = line_at(content, bad),
    message = "the list is not UTF-8 here (at byte " .. text.number(bad) .. " of the file); save it as \"CSV UTF-8\"" }
end

--------------------------------------------------------------------- text as rows

-- A row: { line =, cells = { { column, value }, … } }, values with their types.

local function header_of(row, fault)
  local columns, at = {}, {}
  for i, cell in ipairs(row.cells) do
    local column = text.trim(cell)
    if column ~= "" and at[column] then
      fault(row.line, column, ("the column %s stands there twice"):format(column))
    end
    columns[i], at[column] = column, true
  end
  return columns
end

local function is_empty(cell) return not cell:find "[^ \t\r\n]" end

-- A column as spreadsheets name it: A, B, …, Z, AA.
local function letters(n)
  local name = ""
  while n > 0 do
    local digit = (n - 1) % 26
    name, n = string.char(65 + digit) .. name, (n - 1 - digit) / 26
  end
  return name
end

local SEPARATORS = { [","] = "commas", [";"] = "semicolons", ["\t"] = "tabs" }

local function of_csv(content, opts, fault)
  local parsed, separator, broken = csv.parse(content)
  local rows, columns, head, nameless = {}, nil, nil, {}
  local typing = { directory = opts.directory, comma = separator ~= "," }
  for _, from in ipairs(parsed) do
    if not columns then
      columns, head = header_of(from, fault), from.line
    else
      local row = { line = from.line, head = head, cells = {} }
      if #from.cells < #columns then
        fault(from.line, nil, ("the row has %d cells, and the header %d: is it whole?"):format(#from.cells, #columns))
      end
      for i, cell in ipairs(from.cells) do
        local column = columns[i]
        if not is_empty(cell) and column == "" then
          nameless[i] = nameless[i] or ("column %s has no name in the header, and cells below that, the first in line "
            .. "%d: %s"):format(letters(i), from.line, text.quote(cell))
          fault(from.line, letters(i), nameless[i], head)
        elseif not is_empty(cell) and not column then
          fault(from.line, letters(i), ("the row has a cell in column %s (%s), and the header has %d columns: is a "
            .. "text with %s in it quoted?"):format(letters(i), text.quote(cell), #columns, SEPARATORS[separator]))
        elseif not is_empty(cell) then
          local value, why = cells.read(column, cell, typing)
          if why then fault(from.line, column, why) end
          row.cells[#row.cells + 1] = { column, value }
        end
      end
      rows[#rows + 1] = row
    end
  end
  if broken then fault(broken.line, nil, broken.message) end
  return rows
end

-- Names sorted, so that the same list always has the same faults.
local function row_of_table(line, given, opts, fault)
  local columns, row = {}, { line = line, cells = {} }
  for column in next, given do
    if type(column) == "string" then columns[#columns + 1] = column
    else fault(line, nil, "a shot has names and values, and no list: " .. tostring(column)) end
  end
  table.sort(columns, text.before)
  for _, column in ipairs(columns) do
    row.cells[#row.cells + 1] = { column, cells.given(column, given[column], opts) }
  end
  return row
end

local function of_json_lines(content, opts, fault)
  local rows, line = {}, 0
  for said in content:gmatch "([^\n]*)\n?" do
    line = line + 1
    if not is_empty(said) then
      local value, why = json.decode(said)
      if type(value) == "table" and not json.is_array(value) and not values.is_null(value) then
        rows[#rows + 1] = row_of_table(line, value, opts, fault)
      elseif value == nil then
        fault(line, nil, "the line is no JSON (is it whole?): " .. tostring(why))
      else
        fault(line, nil, "the line is no JSON object { … }")
      end
    end
  end
  return rows
end

local function is_json_lines(content, name)
  local first = content:match "^[ \t-\r]*(.)"
  local ending = text.lower((name or ""):match "%.([A-Za-z]+)$" or "")
  return first == "{" or first == "[" or ending == "jsonl" or ending == "ndjson" or ending == "json"
end

--------------------------------------------------------------------- rows as shots

local function is_word(v) return type(v) == "string" and v ~= "" end

-- The name of a file in the directory, and of nothing else.
local function check_output(v)
  if not is_word(v) then return "output must be the name of a file" end
  return names.fault(v)
end

-- A key may not look as the name of another's second attempt.
local function check_key(v)
  if not is_word(v) then return "key must be a text" end
  if #v > names.LONGEST_KEY then return ("key is longer than %d bytes"):format(names.LONGEST_KEY) end
  if v:find "#%d+$" then return ("the key %s ends as the keys of new attempts do"):format(text.quote(v)) end
  return nil
end

local function check_provider(v)
  return not is_word(v) and "provider must be the name of one" or nil
end

local CHECKS = { output = check_output, key = check_key, provider = check_provider }

-- What a column is probably a slip of, each looked at once.
local function speller()
  local known = {}
  return function(column)
    if known[column] == nil then known[column] = options.slip(column, OWN_NAMES) or false end
    return known[column]
  end
end

local function shot_of(row, number, slip, fault, place)
  local shot = { line = row.line, place = place(row.line), head = row.head, row = number, params = {} }
  for _, cell in ipairs(row.cells) do
    local column, value = cell[1], cell[2]
    if column:find(NOTE) then
      local meant = text.trim(column:sub(2)) -- of a header that is written as a comment
      if OWN[meant] then
        fault(row.line, column, ("the name of a note begins with #, and of this none is read: is it %s?"):format(meant))
      end
    elseif OWN[column] then
      if type(value) == "number" then value = text.number(value) end
      if value ~= nil and not values.is_null(value) then
        local why = CHECKS[column](value)
        if why then fault(row.line, column, why) else shot[column] = value end
      end
    elseif value ~= nil then
      local near = slip(column)
      if near then fault(row.line, column, ("%s is no column; did you mean %s?"):format(column, near), row.head)
      elseif params.put(shot.params, column, value) then
        fault(row.line, column, ("%s and another column name the same parameter"):format(column))
      end
    end
  end
  shot.named = shot.key ~= nil
  shot.key = shot.key or names.key(number, names.prompt(shot.params))
  return shot
end

-- Two shots of one key would be one.
local function check_doubles(shots, fault)
  local seen = {}
  for _, shot in ipairs(shots) do
    local other = seen[shot.key]
    if other then
      fault(shot.line, "key", ("the key %s is that of %s as well"):format(text.quote(shot.key), other.place))
    end
    seen[shot.key] = other or shot
  end
end

-- Faults, and the lines that have one; what is wrong with a whole column is told once. `head`: the line where it stands
-- is that of the header.
local function collector(place)
  local faults, told, lines = {}, {}, {}
  return faults, function(line, column, message, head)
    lines[line] = lines[line] or {}
    lines[line][column or ""] = true
    local again = told[message]
    if again then
      if not head then again.more = (again.more or 0) + 1 end
      return
    end
    local fault = { line = head or line, place = place(head or line), column = column, message = message }
    told[message], faults[#faults + 1] = fault, fault
  end, lines
end

---@param given string|table[]   the bytes of a list, or shots
---@param opts? { name?: string, directory?: string }  what the file is called, and where it lies
---@return runway.Shot[] shots
---@return runway.ListFault[] faults   none: it may be used
---@return fun(line: integer, column: string|nil, message: string, head?: integer) fault   adds another one
---@return table<integer, table<string, true>> lines   those that have one, and in which columns ("": in none)
function list.read(given, opts)
  opts = opts or {}
  local unit = type(given) == "table" and "row" or "line"
  local function place(line) return ("%s %d"):format(unit, line) end
  local faults, fault, lines = collector(place)
  local rows = {}
  if type(given) == "table" then
    for i, shot in ipairs(given) do
      if type(shot) == "table" and not files.is_file(shot) then rows[i] = row_of_table(i, shot, opts, fault)
      else
        fault(i, nil, "a shot must be a table, not " .. type(shot))
        rows[i] = { line = i, cells = {} }
      end
    end
  else
    local content, broken = decoded(given)
    if not content then fault(broken.line, nil, broken.message)
    elseif content:find "^[ \t-\r]*%[" then
      fault(1, nil, "the list is a JSON array; one object a line is wanted, without [ and commas between (JSON Lines)")
    elseif is_json_lines(content, opts.name) then rows = of_json_lines(content, opts, fault)
    else rows = of_csv(content, opts, fault) end
  end
  local shots, slip = {}, speller()
  for i, row in ipairs(rows) do shots[i] = shot_of(row, i, slip, fault, place) end
  if #shots == 0 and #faults == 0 then fault(1, nil, "the list is empty: it has no shots") end
  check_doubles(shots, fault)
  return shots, faults, fault, lines
end

--- A fault of a list, in words.
---@param fault runway.ListFault
---@return string
function list.told(fault)
  return ("%s%s%s: %s%s"):format(fault.place, fault.key and (" (%s)"):format(text.line(fault.key, 60) or "") or "",
    fault.column and ", " .. (text.line(fault.column, 60) or "") or "",
    fault.message, fault.more and (" (and so in %d more)"):format(fault.more) or "")
end

return list
