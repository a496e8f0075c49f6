-- Two clips: one from a text, one from a picture on disk.
--
--   lua5.4 examples/first_clip.lua [directory]        offline, free; or:
--   RUNWAY_PROVIDER=cometapi COMETAPI_KEY=… lua5.4 examples/first_clip.lua
--
-- Where runway is not installed, first make, and in its directory:
--   export LUA_PATH="$PWD/lua/?.lua;$PWD/lua/?/init.lua;;" LUA_CPATH="$PWD/build/?.so;;"

local runway = require "runway"
local progress = require "runway.progress"

io.stdout:setvbuf "line"
local provider = os.getenv "RUNWAY_PROVIDER"
if provider == "" then provider = nil end

-- Without an account: a server inside this program that answers like each provider.
local sandbox = not provider and assert(require("runway.sandbox").start { seconds = 3 })

local function account(name)
  if not sandbox then return assert(runway.client { provider = provider }) end
  return assert(runway.client { provider = name, api_key = "sk-none-needed", base_url = sandbox.base_url,
    poll_interval = 0.5 })
end

-- What each provider calls its models, and what those want to know.
local from_text = {
  cometapi = { model = "gen4", ratio = "16:9", duration = 10, style = "cinematic", options = {
    motion_vector = { x = 0, y = 0.3999999999999999, z = 0, r = -6, bg_x_pan = 0, bg_y_pan = 0 },
  } },
  runwayml = { model = "gen4.5", ratio = "1280:720", duration = 5 },
  chatgptsb = { model = "gen3a", duration = 5 },
  qimu = { model = "gen3a_turbo", ratio = "16:9", duration = 5 },
}
local from_picture = {
  runwayml = { model = "gen4_turbo", ratio = "1280:720", duration = 5 },
  cometapi = { model = "gen4_turbo", ratio = "1280:720", duration = 5 },
  gateway = { model = "gen4_turbo", ratio = "1280:720", duration = 5 },
  chatgptsb = { model = "gen3a_turbo", duration = 5 },
}

-- Submits, waits, downloads. What fails ends the program; its message holds the task's id, with which
-- `runway task ID -o FILE` (or client:task(id) in a script) goes on.
local function make(client, params, label, path)
  params.output = { path = path, overwrite = sandbox and true } -- cannot be written: told before it is paid for
  local task = assert(client:generate(params))
  print(label .. ": task " .. task.id .. " at " .. client.provider)
  assert(progress.wait(task, { label = label, timeout = 1800 }))
  return assert(progress.download(task, nil, { label = label .. ", file", overwrite = sandbox and true })).path
end

local directory = arg[1] or "out"
assert(os.execute("mkdir -p '" .. directory:gsub("'", "'\\''") .. "'"))
-- A real clip is never written over: its name has the time in it.
local prefix = directory .. "/" .. (sandbox and "" or os.date "%Y%m%d-%H%M%S-")
local here = arg[0]:match "^(.*)/" or "."
local files = {}

if not sandbox then print("This makes real clips at " .. provider .. " and spends credits.") end

local params = from_text[provider or "cometapi"]
if params then
  params.prompt_text = "a cat"
  files[#files + 1] = make(account "cometapi", params, "from text", prefix .. "from_text.mp4")
end

params = from_picture[provider or "runwayml"]
if params then
  params.prompt_text = "slow dolly in, the beam sweeps over the sea"
  params.prompt_image = runway.file(here .. "/lighthouse.png")
  files[#files + 1] = make(account "runwayml", params, "from a picture", prefix .. "from_picture.mp4")
end

if sandbox then sandbox:close() end
for _, path in ipairs(files) do print(path) end
if #files == 0 then error("no example for the provider " .. provider, 0) end
