-- Ten thousand faulted submits over real sockets (spec/support/faulted_submits.lua): none arrives twice, none
-- is told of wrongly. The servers are new for each thousand.

local chance = require "spec.support.chance"
local faulted = require "spec.support.faulted_submits"
local rawserver = require "spec.support.rawserver"
local scratch = require "spec.support.scratch"

local AT_ONCE = 250
local H2_EVERY, H2_SHOTS = 4, 25              -- rounds; one submit after the other, and so fewer

local asked = chance.asked(10000)
local bad, done, h2, round = 0, 0, 0, 0

local function tell(complaints, seed)
  for _, what in ipairs(complaints) do
    bad = bad + 1
    print(("SEED=%d: %s"):format(seed, what))
  end
end

print(("SEED=%d"):format(asked.seed))
do
  local server, directory = rawserver.start(), scratch.new()
  for name, posts in pairs(faulted.plain(server, directory.directory)) do
    print(("plain libcurl, %s: %d POSTs"):format(name:match "^[^?]*", posts))
    if posts < 2 then tell({ "so this proves nothing" }, asked.seed) end
  end
  server:stop()
  directory:remove()
end
while not asked.over(done) and bad < 20 do
  local seed = asked.seed + round
  local random = chance.of(seed)
  local server = rawserver.start { tls = true, lifetime = 600 }
  local shots = {}
  for i = 1, AT_ONCE do shots[i] = faulted.shot(faulted.rows[random(#faulted.rows)], random) end
  tell(faulted.fire(server, shots), seed)
  server:stop()
  done = done + AT_ONCE
  if round % H2_EVERY == 0 then
    tell((faulted.fire_h2(H2_SHOTS, random)), seed)
    done, h2 = done + H2_SHOTS, h2 + H2_SHOTS
  end
  round = round + 1
end
print(("%d faulted submits, %d of them by HTTP/2, %d wrong"):format(done, h2, bad))
os.exit(bad == 0)
