-- `runway completion`: the script by which a shell completes the command; argparse makes it.

local exits = require "runway.cli.exits"
local parser = require "runway.cli.parser"

local command = {}

local SHELLS = "bash zsh fish"

-- What argparse leaves out, or says twice: of an argument it offers no choices to bash and fish, bash gets each
-- command's --help beside that of all, and neither bash nor zsh completes the value in --name=value.
local mended = {}

-- bash parts words at = and @, too: --image=FILE, --prompt @FILE, --param NAME=@FILE.
local JOINED = [[
    local sign="$prev" back=2
    case "$cur" in
        "=" | "@" | "=@") sign="$cur" cur="" back=1 ;;
    esac
    case "$sign" in
        "=" | "@") prev="${COMP_WORDS[COMP_CWORD-back]}" ;;
        "=@") prev="${COMP_WORDS[COMP_CWORD-back-1]}" ;;
    esac
]]

-- A name of a file may have a space in it.
local FILES = [[compopt -o filenames 2>/dev/null; local IFS=$'\n'; COMPREPLY=($(compgen -f -- "$cur"))]]

function mended.bash(script)
  script = script:gsub('    opts="[^\n]*\n', function(line) return JOINED .. line end, 1)
  script = script:gsub('opts="%$opts %-h %-%-help', 'opts="$opts')
  script = script:gsub('COMPREPLY=%(%$%(compgen %-f %-%- "%$cur"%)%)', FILES)
  return (script:gsub('(    case "%$cmd" in\n)', ([[%%1        'completion')
            COMPREPLY=($(compgen -W "%s" -- "$cur"))
            ;;
]]):format(SHELLS), 1))
end

function mended.fish(script)
  return script .. ("complete -c runway -n '__fish_runway_seen_command completion' -xa '%s'\n"):format(SHELLS)
end

function mended.zsh(script)
  return (script:gsub('("%*?%-%-[%w-]+)(%[[^\n]-%]: :)', "%1=%2")
    :gsub('{(%-%a),(%-%-[%w-]+)}("%[[^\n]-%]: :)', "{%1,%2=}%3"))
end

--- The script for one shell.
---@param shell "bash"|"zsh"|"fish"
---@return string
function command.script(shell)
  local root = parser.new(require "argparse", { completes = true })
  return mended[shell](root["get_" .. shell .. "_complete"](root))
end

---@param args table
---@param world table
---@return integer exit_code
function command.completion(args, world)
  world.stdout:write(command.script(args.shell))
  return exits.OK
end

return command
