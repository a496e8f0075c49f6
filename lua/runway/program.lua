-- program.lua: another program (ffmpeg), run beside the loop: found, started without a shell, awaited.

local core = require "runway.core"
local errors = require "runway.errors"
local options = require "runway.options"
local scheduler = require "runway.scheduler"
local text = require "runway.text"
local transport = require "runway.transport"

local program = {}

---@class runway.ProgramResult
---@field code integer      how it ended, as a shell says it: a signal is 128 and its number
---@field stdout string     the end (64 KiB) of what it wrote there
---@field stderr string

local OPTIONS = {
  timeout = function(v) return type(v) == "number" and v > 0 and v <= 1e6, "a positive number of seconds" end,
}

--- Where a program is: in the PATH, but for what stands there as no absolute path; a name with a slash is its own.
---@param name string
---@return string|nil path
function program.find(name)
  if name:find "/" then return core.executable(name) and name or nil end
  for directory in (os.getenv "PATH" or ""):gmatch "[^:]+" do
    local path = directory .. "/" .. name
    if directory:find "^/" and core.executable(path) then return path end
  end
  return nil
end

local function refuse(problem)
  problem.sent = "no"
  return nil, errors.new(problem)
end

local function check(argv)
  if type(argv) ~= "table" or #argv == 0 then error("program.run takes a program and its arguments, as a list", 3) end
  for i, word in ipairs(argv) do
    if type(word) ~= "string" or word:find "%z" or i == 1 and word == "" then
      error("program.run takes words: texts without a zero byte", 3)
    end
  end
end

--- Runs a program and waits for its end: yields in a job, drives the loop elsewhere. Its input is empty. It is
--- killed, with those that it has started itself, when its time is over, when the job is cancelled or Ctrl-C comes,
--- and when the engine closes. At most four run at once; the time of one that waits for them has not begun.
---@param argv string[]     a name (see `find`) or a path, and its arguments
---@param opts { timeout: number }    seconds
---@return runway.ProgramResult|nil
---@return runway.Error|nil err   kind "io", code "no_program": it is not there; "timeout"; never of an exit code
function program.run(argv, opts)
  check(argv)
  opts = options.check(opts, OPTIONS, "program.run", 2)
  if not opts.timeout then error("program.run: timeout is missing", 2) end
  local path = program.find(argv[1])
  if not path then
    local where = argv[1]:find "/" and "" or " in the PATH"
    return refuse { kind = "io", code = "no_program",
      message = ("there is no program %s%s"):format(text.quote(argv[1]), where) }
  end
  local words, w = { path }, scheduler.waiter()
  for i = 2, #argv do words[i] = argv[i] end
  local handle = transport:run(words, opts.timeout, function(result) w:wake(result) end)
  w.abandon = function() transport:cancel(handle) end
  local result = scheduler.park(w)
  if not result.error then return result end
  return refuse { kind = result.error.kind, code = result.error.code, message = result.error.message,
    retryable = not result.error.permanent }
end

return program
