-- The best of several: one shot with four seeds, of which the best is kept.
--
--   lua5.4 examples/best_of.lua [directory]           offline, free; with RUNWAYML_API_SECRET: real, spends credits
--
-- Where runway is not installed, see examples/first_clip.lua.

local runway = require "runway"

local directory = arg[1] or "out"
assert(os.execute("mkdir -p '" .. directory:gsub("'", "'\\''") .. "'"))

-- Without an account: a server inside this program that answers like the real one. In it one of the four fails.
local is_real = (os.getenv "RUNWAYML_API_SECRET" or "") ~= ""
local submits = 0
local sandbox = not is_real and assert(require("runway.sandbox").start { seconds = 1, scenario = function()
  submits = submits + 1
  return submits == 3 and "fail_safety" or nil
end })
local client = assert(runway.client(is_real and { provider = "runwayml", journal = directory .. "/best.db" }
  or { provider = "runwayml", api_key = "none-needed", base_url = sandbox.base_url, poll_interval = 0.2 }))

-- How good is it? Whatever can be told of a file, by an eye, by a model; here: how much there is in it.
local function score(file) return file.bytes end

local function candidate(seed)
  local path = ("%s/seed-%d.mp4"):format(directory, seed)
  local task = assert(client:generate { key = is_real and "seed-" .. seed or nil, prompt_text = "a door opens",
    seed = seed, model = "gen4.5", ratio = "1280:720", duration = 5,
    output = { path = path, overwrite = not is_real } })
  assert(task:wait())
  return assert(task:download { receipt = true })
end

local tries = {}
for seed = 1, 4 do tries[seed] = function() return candidate(seed) end end
local files, failures = runway.all(tries, 4)

local best
for seed = 1, 4 do
  local file = files[seed]
  print(seed, file and file.path or tostring(failures[seed]))
  if file and (not best or score(file) > score(best)) then best = file end
end
if sandbox then sandbox:close() end
if not best then error("none of them was made", 0) end
print("the best: " .. best.path)
