-- What the command's exit codes mean: the one table, shown by --help, the man page and the README.

local errors = require "runway.errors"

local exits = {
  OK = 0, FAILED = 1, MISUSE = 2, BUDGET = 3, UNKNOWN = 4, RUNNING = 5, INTERRUPTED = 130,
}

exits.list = {
  { exits.OK, "what was asked for is there" },
  { exits.FAILED, "it could not be had or written, the API refused it, or the task failed or was cancelled" },
  { exits.MISUSE, "the command was wrong, or something is not set up (a missing key); nothing was sent" },
  { exits.BUDGET, "the budget is reached: what is left of the list was not submitted" },
  { exits.UNKNOWN, "a paid request left and its answer was lost: the task may exist, and is not submitted again" },
  { exits.RUNNING, "the task still runs: the --timeout is over, and it goes on at the provider" },
  { exits.INTERRUPTED, "Ctrl-C" },
}

local OF_KIND = { config = exits.MISUSE, unknown_submit = exits.UNKNOWN }

-- Refusals by what is there, and not by how the command was written.
local BY_WHAT_IS_THERE = { not_unknown = true, task_taken = true }

--- Was it refused here, for what the command says, before there was a request or a task?
---@param err any
---@return boolean
function exits.is_refusal(err)
  return errors.is(err) and err.kind == "invalid_request" and err.sent == "no" and not err.http_status
    and not err.task_id and not BY_WHAT_IS_THERE[err.code]
end

--- The exit code of a failure. That a task still runs is known by those who waited for it.
---@param err any
---@return integer
function exits.of(err)
  if exits.is_refusal(err) then return exits.MISUSE end
  if not errors.is(err) or err.kind == "config" and err.sent == "yes" then return exits.FAILED end
  return OF_KIND[err.kind] or exits.FAILED
end

--- The table as lines of text, the last of a help.
---@param codes? integer[]   that a command has, beside Ctrl-C's; default: all
---@return string
function exits.told(codes)
  local lines, wanted = { "Exit codes:" }, { [exits.INTERRUPTED] = true }
  for _, code in ipairs(codes or {}) do wanted[code] = true end
  for _, row in ipairs(exits.list) do
    if not codes or wanted[row[1]] then lines[#lines + 1] = ("  %-4d %s"):format(row[1], row[2]) end
  end
  return table.concat(lines, "\n")
end

return exits
