-- From the words of a command line to what they ask for. What the words may be is in runway.cli.commands;
-- argparse reads them.

local commands = require "runway.cli.commands"

local parser = {}

--- The library that reads a command line; nil, message when it is not there.
function parser.load()
  local ok, argparse = require("runway.guard").try(require, "argparse")
  if ok then return argparse end
  return nil, "the runway command needs argparse (Debian: apt-get install lua-argparse; "
    .. "elsewhere: luarocks install argparse), which did not load: " .. require("runway.text").cause(argparse)
end

--------------------------------------------------------------------- made of the data

-- argparse prints help and ends the program by itself; here it is printed where we say, and main returns.
local function answer(world, text)
  world.stdout:write(text, "\n")
  world.answered = true
  error("answered", 0)                        -- leaves the parser
end

-- A reader whose message names its option.
local function reader(name, fn)
  return function(text)
    local value, message = fn(text)
    if value == nil then return nil, ("option '%s': %s"):format(name, message) end
    return value
  end
end

local function add_option(command, option, world)
  local names = option[1]
  if not option.value then return command:flag(names, option[2]) end
  local made = command:option(names, option[2]):argname(option.value)
  if names:find(" ", 1, true) then            -- argparse has a line for each name of an option with a value
    local label = { (names:gsub(" ", ", ")) .. " " .. option.value }
    made._get_label_lines = function() return label end
  end
  local name = names:match "%-%-[^ ]+"
  made:overwrite(false)                       -- said twice: one of them would be paid for, and who knows which
  if option.many then made:args "+":action "concat" end
  if option.list then made:count(option.most and "0-" .. option.most or "*"):target(option.list) end
  if option.read then made:convert(reader(name, option.read)) end
  if option.default then made:default(option.default) end
  if option.choices or option.suggest and world.completes then made:choices(option.choices or option.suggest()) end
  return made
end

local function add_argument(command, argument)
  local made = command:argument(argument[1], argument[2])
  if argument.many then made:args "+" end
  if argument.optional then made:args "?" end
  if argument.choices then made:choices(argument.choices) end
end

local WIDEST, NARROWEST = 100, 40             -- columns of the help
local MARGIN, LITTLE = 28, 8                  -- where what an option does begins

-- Lines of so many columns, as argparse leaves an epilog as it is; what stands beside a row's name stays there.
local function wrapped(text, width)
  local lines = {}
  for line in (text .. "\n"):gmatch "(.-)\n" do
    local row = line:match "^  [^ ]+  +" or ""
    local indent = (" "):rep(#row)
    for word in line:sub(#row + 1):gmatch "[^ ]+" do
      if #row + #word >= width and row ~= indent then
        lines[#lines + 1] = row
        row = indent
      end
      row = row .. (row:find "[^ ]$" and " " or "") .. word
    end
    lines[#lines + 1] = row
  end
  return table.concat(lines, "\n")
end

--- What stands below a command's options.
---@param data table   of runway.cli.commands
---@return string|nil
function parser.more(data)
  return type(data.more) == "function" and data.more() or data.more
end

local function fill(command, data, world, depth)
  command:add_help(false)
  local width = math.max(NARROWEST, math.min(world.columns or WIDEST, WIDEST))
  command:help_max_width(width):usage_max_width(width):help_description_margin(width > 2 * MARGIN and MARGIN or LITTLE)
  command:flag("-h --help", "Show this help."):action(function()
    local more = parser.more(data)
    if more then command:epilog(wrapped(more, width)) end
    answer(world, command:get_help())
  end)
  for _, argument in ipairs(data.takes or {}) do add_argument(command, argument) end
  for _, option in ipairs(data.options or {}) do
    local made = add_option(command, option, world)
    if option[1] == "--version" then made:action(function() answer(world, require("runway")._VERSION) end) end
  end
  if not data.commands then return command end
  command:require_command(depth > 0)
  command:command_target(depth == 0 and "command" or "action")
  for _, one in ipairs(data.commands) do fill(command:command(one[1], one[2]), one, world, depth + 1) end
  return command
end

--- argparse's parser of all of it.
---@param argparse table
---@param world table   help and version are printed on its stdout, with `answered` set and the parser left;
---  `completes`: it is made for a shell to complete by, and reads nothing
function parser.new(argparse, world)
  return fill(argparse(commands[1], commands[2]), commands, world, 0)
end

--------------------------------------------------------------------- the words

-- The command that the words name, its full name, and where its own words begin.
local function command_of(argv)
  local data, name, from = commands, commands[1], 1
  for at, word in ipairs(argv) do
    local found
    for _, one in ipairs(data.commands or {}) do found = found or one[1] == word and one end
    if found then
      data, name, from = found, name .. " " .. word, at + 1
    elseif word:sub(1, 1) ~= "-" then
      break
    end
  end
  return data, name, from
end

-- Options by each of their names.
local function by_name(data)
  local options = { ["-h"] = {}, ["--help"] = {} }
  for _, option in ipairs(data.options or {}) do
    for name in option[1]:gmatch "[^ ]+" do options[name] = option end
  end
  return options
end

-- Is a word that begins with - a value all the same? What has a space in it, or no letter and no second -
-- behind the first, is no option of anyone's; but for that, a slip of an option's name is not taken for a text.
local function is_value(word, options)
  if not word or not word:find "^%-." or options[word:match "^[^=]+"] or options[word:sub(1, 2)] then return false end
  return word:find "^%-[^%-A-Za-z]" ~= nil or word:find "[ \t-\r]" ~= nil
end

-- The words, each value that begins with - joined to its option, so that it is not read as one.
local function joined(argv, options, from)
  local words, at, plain = {}, 1, false
  while at <= #argv do
    local word, following = argv[at], argv[at + 1]
    local option = at >= from and not plain and options[word]
    if option and option.value and is_value(following, options) then
      words[#words + 1] = word .. (word:find "^%-%-" and "=" or "") .. following
      at = at + 1
    else
      plain = plain or word == "--"
      words[#words + 1] = word
    end
    at = at + 1
  end
  return words
end

local FROM_ENVIRONMENT = "the API key comes from the environment, see --help"
local FOR_PEOPLE = "what is for people goes to standard error: 2>/dev/null is quiet"
local ON_THE_WIRE = "RUNWAY_TRACE=1 in the environment tells what goes over the wire"

-- Options that others have, and how that is had here.
local ELSEWHERE = { ["--api-key"] = FROM_ENVIRONMENT, ["--token"] = FROM_ENVIRONMENT, ["--verbose"] = ON_THE_WIRE,
  ["-v"] = ON_THE_WIRE, ["--debug"] = ON_THE_WIRE, ["--quiet"] = FOR_PEOPLE, ["--silent"] = FOR_PEOPLE,
  ["-q"] = FOR_PEOPLE, ["-s"] = FOR_PEOPLE, ["-p"] = "--prompt TEXT" }

-- Does an option make a clip, which is none of what an estimate is asked with?
local function is_generates(name)
  for _, command in ipairs(commands.commands) do
    if command[1] == "generate" then return by_name(command)[name] ~= nil end
  end
  return false
end

-- The one option whose name begins so.
local function begun(word, options)
  local found, many = nil, 0
  for name in pairs(#word > 3 and options or {}) do
    if name:sub(1, #word) == word then found, many = name, many + 1 end
  end
  return many == 1 and ("; did you mean '%s'?"):format(found) or ""
end

-- A message of argparse's as one line, and what helps where a value was taken for an option.
local function told(message, words, options, data)
  message = message:gsub("\n+", " "):gsub("must be used at most 1 time$", "is given twice")
    :gsub("' Did you mean", "'; did you mean")
  if message == "too many arguments" and options["--prompt"] then
    return message .. " (a text is one word in quotes behind its option: --prompt TEXT)"
  end
  if message == "too many arguments" and options["--journal"] and not data.takes then
    return message .. " (a journal is named by --journal JOURNAL)"
  end
  if message:find "^missing argument" then    -- an option that takes several words has taken it, like as not
    for _, word in ipairs(words) do
      local option = options[word]
      if option and option.many then
        return ("%s (%s takes all words behind it: what is none of its own stands before it)"):format(message, word)
      end
    end
  end
  local wanted = message:match "^option '(%-%-?[A-Za-z0-9-]+)' requires an argument"
  local unknown = message:match "^unknown option '([^']+)'"
  if unknown and unknown:find "^%-[^-]$" then message = message:gsub("; did you mean.*", "") end -- all are near
  for at, word in ipairs((wanted or unknown) and words or {}) do
    local option, following = options[word], words[at + 1] or ""
    if option and option.value and following:find "^%-." and (word == wanted or unknown
      and following:sub(1, #unknown) == unknown) then
      return ("%s (a value that begins with - is given as %s=…)"):format(message, option[1]:match "%-%-[^ ]+")
    end
  end
  for _, argument in ipairs(unknown and data.takes or {}) do
    if unknown == "--" .. argument[1] then
      return ("unknown option '%s' (it is a word: %s %s)"):format(unknown, data[1],
        require("runway.text").upper(argument[1]))
    end
  end
  if unknown and not message:find("did you mean", 1, true) then
    message = message .. begun(unknown, options)
  end
  if unknown and ELSEWHERE[unknown] then return ("unknown option '%s' (%s)"):format(unknown, ELSEWHERE[unknown]) end
  if unknown and data[1] == "estimate" and is_generates(unknown) then
    return ("unknown option '%s' (generate has it, and no price depends on it: leave it out)"):format(unknown)
  end
  if unknown and data.takes and not unknown:find "^%-%-" then
    return message .. " (what begins with - and is no option stands behind --)"
  end
  return message
end

-- `help generate`, as many another command has it, for `generate --help`.
local function asking(argv)
  local words = {}
  for at = 2, #argv do words[at - 1] = argv[at] end
  words[#words + 1] = "--help"
  return words
end

--- Reads a command line.
---@param root table      of parser.new
---@param argv string[]
---@return table|nil args   `command`, and all options by their names
---@return string command   the full name of the command that was meant: "runway generate"
---@return string|nil misuse
function parser.read(root, argv)
  if argv[1] == "help" then argv = asking(argv) end
  local data, name, from = command_of(argv)
  local options = by_name(data)
  local words = joined(argv, options, from)
  local ok, args = root:pparse(words)
  if ok then return args, name end
  return nil, name, told(args, words, options, data)
end

return parser
