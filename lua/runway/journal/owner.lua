-- owner.lua: which process holds a lease, and whether it can still be there.
--
-- A lease runs out by time. Where the owner was on this machine and its process is gone, no one need wait
-- for that: so a script that was killed and is run again goes on at once. Taking a live owner for a dead one
-- would cost no money: the entry is `unknown` until the owner writes the id that it got.

local text = require "runway.text"

local owner = {}

local NUMBER, HOST, BOOT = "/proc/%s/stat", "/proc/sys/kernel/hostname", "/proc/sys/kernel/random/boot_id"

local function line_of(path)
  local file = io and io.open and io.open(path, "rb")
  local line = file and file:read "*l"
  if file then file:close() end
  return line
end

-- Number and start of a process; nil where there is none, or no way to know. One that has ended and is not
-- yet taken note of by its parent ("Z") is none.
local function process(number)
  local line = line_of(NUMBER:format(number))
  local id, rest = (line or ""):match "^(%d+) %(.*%) (.*)$"
  if not id or rest:find "^[ZXx]" then return nil end
  local at, start = 2, nil                    -- its third field comes first in `rest`
  for word in rest:gmatch "[^ ]+" do
    at = at + 1
    if at == 22 then start = word end
  end
  return id, start
end

local function machine()
  local host, boot = line_of(HOST), line_of(BOOT)
  return host and boot and (text.line(host, 100) or "") .. " " .. boot
end

--- This process, in a word that no other has.
---@return string
function owner.me()
  local where, id, start = machine(), process "self"
  if not (where and id and start) then return "unknown" end
  return ("%s %s %s"):format(where, id, start)
end

--- Was that owner on this machine, and is no more?
---@param who string
---@return boolean
function owner.is_gone(who)
  local where, id, start = who:match "^(.*) (%d+) (%d+)$"
  if not where or where ~= machine() then return false end
  local _, started = process(id)
  return started ~= start and process "self" ~= nil
end

--- An owner as people see it: "host 1234"; nil: no one, or it cannot be told.
---@param who string
---@return string|nil
function owner.shown(who)
  local host, id = who:match "^(.*) [^ ]+ (%d+) %d+$"
  return host and ("%s %s"):format(host, id)
end

return owner
