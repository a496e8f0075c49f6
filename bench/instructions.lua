-- instructions.lua: holds the user instructions of a task to the figure that is committed (`make check`).
--
--   instructions.lua BUILD      where server and floor lie; SET=yes in the environment: writes the figure anew
--
-- Instructions do not wobble as times do: two runs differ by less than one in a hundred. What is held is how many times
-- the floor's they are, counted in the same run: a change to the server, or to the processor that valgrind plays, moves
-- both. Another Lua, libcurl or libc moves one of the two more than the other, and is no fault of ours; so the file
-- names those that it was counted with, and where others are, nothing is held: exit code 77.

local core = require "runway.core"
local interpreter = require "spec.support.interpreter"
local support = require "bench.support"
local work = require "bench.work"

local FILE = "bench/instructions.txt"
local MOST = 0.05                             -- of the figure, by which it may differ

local HEAD = [[
# User instructions of a task (clips.lua), as a multiple of the floor's (floor.c), and with what they were counted.
# A commit that changes them by more than 5 % sets them anew: SET=yes make check ONLY=instructions
]]

local machine = ("%s, libcurl %s, %s, %s"):format(support.said(interpreter .. " -v 2>&1"):match "^%S+ [%d.]+",
  (core.libcurl()), support.said "getconf GNU_LIBC_VERSION 2>/dev/null || uname -s", support.said "uname -m")

local ratio, with
if os.getenv "SET" ~= "yes" then
  local file = assert(io.open(FILE))
  local line = file:read "a":match "[^\n]*\n$"
  file:close()
  ratio, with = line:match "^(%S+) (.-)\n"
  if with ~= machine then
    print(("the figure is of %s; here is %s"):format(with, machine))
    os.exit(77)
  end
end

local begun = work.begin(arg[1])
local floor, ours = begun:instructions "floor", begun:instructions "runway"
begun:finish()

local found = ours / floor
print(("%.2f times the floor's: %.0f instructions for a task, where libcurl alone takes %.0f")
  :format(found, ours, floor))
if not ratio then
  local file = assert(io.open(FILE, "w"))
  file:write(HEAD, ("%.2f %s\n"):format(found, machine))
  file:close()
elseif math.abs(found / ratio - 1) > MOST then
  print(("%s has %s, from which that differs by more than %.0f %%: where it is to be so, set it anew, as the file says")
    :format(FILE, ratio, MOST * 100))
  os.exit(1)
end
