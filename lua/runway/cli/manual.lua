-- The manual page runway(1), made of the command line as data, so that it says what the command does.

local commands = require "runway.cli.commands"
local exits = require "runway.cli.exits"
local text = require "runway.text"

local manual = {}

-- A text as roff takes it: nothing in it is a request or an escape; `…` in backquotes is bold.
local function roff(s)
  s = s:gsub("\\", "\\e"):gsub("%-", "\\-"):gsub("`([^`]+)`", "\\fB%1\\fR"):gsub("'", "\\(aq"):gsub("…", "...")
  return (s:gsub("^%.", "\\&."))
end

-- Paragraphs; rows of two spaces and a name become a list.
local function paragraphs(add, s)
  local is_list = false
  for line in (s .. "\n"):gmatch "(.-)\n" do
    local name, rest = line:match "^  ([^ ]+)  +(.*)$"
    if name then
      add(".TP 18")
      add("\\fB" .. roff(name) .. "\\fR")
      add(roff(rest))
    elseif line == "" or is_list then
      add(".PP")
    end
    if not name and line ~= "" then add(roff(line)) end
    is_list = name ~= nil
  end
end

local function option(add, one)
  local names = {}
  for name in one[1]:gmatch "[^ ]+" do
    names[#names + 1] = "\\fB" .. roff(name) .. "\\fR" .. (one.value and " \\fI" .. roff(one.value) .. "\\fR" or "")
  end
  add(".TP")
  add(table.concat(names, ", "))
  local about = one[2]
  if one.choices then about = about .. " One of " .. table.concat(one.choices, ", ") .. "." end
  if one.default then about = about .. (" (default: %s)"):format(one.default) end
  add(roff(about))
end

local function synopsis(name, data)
  local words = { "\\fB" .. name .. "\\fR" }
  if data.commands then words[#words + 1] = "\\fICOMMAND\\fR" end
  for _, one in ipairs(data.takes or {}) do
    local shown = "\\fI" .. text.upper(one[1]) .. "\\fR" .. (one.many and "..." or "")
    words[#words + 1] = one.optional and "[" .. shown .. "]" or shown
  end
  if #(data.options or {}) > 0 then words[#words + 1] = "[\\fIOPTION\\fR]..." end
  return table.concat(words, " ")
end

-- What stands below a command, without what has a section of its own.
local function more_of(data)
  local more = type(data.more) == "function" and data.more() or data.more
  if not more then return nil end
  local at, last = more:find(commands.keys, 1, true)
  if at then more = more:sub(1, at - 1) .. more:sub(last + 1) end
  more = more:gsub("Exit codes:\n.*", "")
  more = more:gsub("\n+$", "")
  return more ~= "" and more or nil
end

local function command(add, name, data)
  add(".SS " .. synopsis(name, data))
  add(roff(data[2]))
  for _, one in ipairs(data.takes or {}) do
    if one.choices then add(roff(("%s: one of %s."):format(text.upper(one[1]), table.concat(one.choices, ", ")))) end
  end
  for _, one in ipairs(data.options or {}) do option(add, one) end
  local more = more_of(data)
  if more then
    add(".PP")
    paragraphs(add, more)
  end
  for _, one in ipairs(data.commands or {}) do command(add, name .. " " .. one[1], one) end
end

local EXAMPLES = {
  { "A clip from a text:", 'runway generate --prompt "a lighthouse in fog" --model gen4.5 --ratio 1280:720 '
    .. "--duration 5 -o lighthouse.mp4" },
  { "From a picture, the text from a file, to another program:", "runway generate --prompt @scene.txt --image "
    .. "first.png --model gen4_turbo --ratio 1280:720 -o - | ffplay -" },
  { "A script that may be run again, and pays once:", "runway generate --journal shots.db --key shot-1 --prompt "
    .. '"a dog" --model gen4.5 --ratio 1280:720 --duration 5 -o dog.mp4' },
  { "Without an account:", "runway sandbox --verbose" },
}

--- The page.
---@param version string
---@return string
function manual.page(version)
  local lines = {}
  local function add(line) lines[#lines + 1] = line end
  add(('.TH RUNWAY 1 "" "runway %s" "User Commands"'):format(version))
  add(".nh")                                  -- what is copied is not parted at the end of a line
  add ".SH NAME"
  add(roff "runway - make video with Runway's models, at whichever provider holds your account")
  add ".SH SYNOPSIS"
  add(synopsis("runway", commands))
  add ".SH DESCRIPTION"
  add(roff(commands[2]))
  add(roff("Standard output holds the result alone; progress and what went wrong go to standard error. "
    .. "`runway COMMAND --help` shows one command."))
  add ".PP"
  add(roff(commands.keys))
  add ".SH COMMANDS"
  for _, one in ipairs(commands.commands) do command(add, "runway " .. one[1], one) end
  add ".SH EXIT STATUS"
  for _, row in ipairs(exits.list) do
    add ".TP"
    add(("\\fB%d\\fR"):format(row[1]))
    add(roff(row[2]))
  end
  add ".SH ENVIRONMENT"
  for _, row in ipairs(commands.environment) do
    add ".TP"
    add("\\fB" .. roff(row[1]) .. "\\fR")
    add(roff(row[2]))
  end
  add ".SH EXAMPLES"
  for _, example in ipairs(EXAMPLES) do
    add ".PP"
    add(roff(example[1]))
    add ".PP"
    add ".nf"
    add("    " .. roff(example[2]))
    add ".fi"
  end
  return table.concat(lines, "\n") .. "\n"
end

return manual
