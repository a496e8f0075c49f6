-- A chain: a picture from a text, a clip from that picture, the clip made anew in the rain; several such at once.
--
--   lua5.4 examples/chain.lua [directory]             offline, free; with RUNWAYML_API_SECRET: real, spends credits
--
-- Each step has a key: run again after whatever ended it, the program goes on where it was, and pays for nothing twice.
-- Where runway is not installed, see examples/first_clip.lua.

local runway = require "runway"

local directory = arg[1] or "out"
assert(os.execute("mkdir -p '" .. directory:gsub("'", "'\\''") .. "'"))
io.stdout:setvbuf "line"

-- Without an account: a server inside this program that answers like the real one; it remembers nothing.
local is_real = (os.getenv "RUNWAYML_API_SECRET" or "") ~= ""
local sandbox = not is_real and assert(require("runway.sandbox").start { seconds = 1 })
local client = assert(runway.client(is_real and { provider = "runwayml", journal = directory .. "/chain.db" }
  or { provider = "runwayml", api_key = "none-needed", base_url = sandbox.base_url, poll_interval = 0.2 }))

-- One step: its file, which an earlier run may have left.
local function made(name, params)
  params.key = is_real and name or nil
  params.output = { path = directory .. "/" .. name, overwrite = not is_real }
  local task = assert(client:generate(params))
  assert(task:wait())
  local file = assert(task:download())
  print(file.path)
  return runway.file(file.path)
end

-- What one step made is what the next one takes.
local function chain(name, prompt)
  local picture = made(name .. ".png", { kind = "text_to_image", model = "gen4_image", ratio = "1280:720",
    prompt_text = prompt })
  local clip = made(name .. ".mp4", { model = "gen4_turbo", ratio = "1280:720", duration = 5,
    prompt_text = "slow dolly in", prompt_image = picture })
  made(name .. "-edited.mp4", { kind = "video_to_video", model = "aleph2", prompt_text = "as if it rained",
    prompt_video = clip })
  return true
end

local chains = {}
for i, prompt in ipairs { "a lighthouse in fog", "a harbour at dawn", "gulls over a pier" } do
  chains[i] = function() return chain("chain-" .. i, prompt) end
end

local _, failures = runway.all(chains, 2)         -- two of them at once
for i, err in pairs(failures or {}) do print("chain " .. i, err) end
if sandbox then sandbox:close() end
if failures then os.exit(1) end
