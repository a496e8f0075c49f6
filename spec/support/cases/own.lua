-- examples/own_adapter.lua.

local CLIP = "https://files.reelhouse.example/7.mp4"
local IMAGE = "https://x.test/a.png"

local function job(state, more)
  local json = { job = 7, state = state }
  for name, v in pairs(more or {}) do json[name] = v end
  return json
end

return {
  { submit = { prompt = "a cat", ratio = "1280:720", style = "noir", callback_url = "https://x.test/hook" },
    request = { method = "POST", path = "/v2/jobs/text_to_video",
      json = { prompt = "a cat", size = "16:9", seconds = 5, style = "noir", webhook = "https://x.test/hook" } } },
  { submit = { image = IMAGE, model = "reel-2", duration = 8 },
    request = { method = "POST", path = "/v2/jobs/image_to_video",
      json = { image = IMAGE, size = "16:9", seconds = 8, model = "reel-2" } } },
  { submit = { kind = "image_to_video", image = { IMAGE, IMAGE } }, refused = "prompt_image" },

  { accepted = { job = 7 }, fields = { id = "7" } },
  { accepted = { error = "busy" }, unreadable = true },

  { query = { id = "7" }, request = { method = "GET", path = "/v2/jobs/7" } },
  { cancel = { id = "7" }, request = { method = "DELETE", path = "/v2/jobs/7" } },

  { task = job "queued", ref = { id = "7" }, fields = { id = "7", status = "PENDING" } },
  { task = job("working", { done = 0.5 }), ref = { id = "7" },
    fields = { id = "7", status = "RUNNING", progress = 0.5 } },
  { task = job("done", { files = { CLIP } }), ref = { id = "7" },
    fields = { id = "7", status = "SUCCEEDED", output = { CLIP } } },
  { task = job("broken", { reason = "no" }), ref = { id = "7" },
    fields = { id = "7", status = "FAILED", failure = "no" } },
  { task = {}, status = 404, fields = { missing = true } },

  { problem = { error = "your balance is empty" }, status = 400, tells = "insufficient_credits" },
  { problem = {}, status = 500 },
}
