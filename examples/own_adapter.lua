-- An adapter of one's own, for "reelhouse", a reseller that does not exist. An adapter is a table of pure
-- functions: params become a request, an answer becomes a task's fields. It sends nothing and remembers nothing,
-- so tables can test it: docs/adapters.md. Offline, as in first_clip.lua:  lua5.4 examples/own_adapter.lua

local fields = require "runway.fields"    -- readers of what servers send; they take anything and never raise
local params = require "runway.params"    -- spellings: params.ratio_words "1280:720" is "16:9"

local WORDS = { QUEUED = "PENDING", WORKING = "RUNNING", DONE = "SUCCEEDED", BROKEN = "FAILED", STOPPED = "CANCELLED" }

local reelhouse = {
  name = "reelhouse", base_url = "https://api.reelhouse.example", env = { api_key = "REELHOUSE_API_KEY" },
  poll_interval = 5, missing_grace = 10,  -- seconds: between two queries; in which a 404 means "not yet"
  kinds = { "image_to_video", "text_to_video" },                -- sorted
  media = { image = 5000000 },            -- longest data URI in characters; a longer file is refused by name
}                                         -- no `sign`: then the key goes out as "Authorization: Bearer KEY"

function reelhouse.submit(kind, given)    -- given: checked and normalised, never to be changed
  local body, images = {}, given.prompt_image or {}             -- images: { { uri =, position = }, … }
  if given.prompt_video then return nil, { field = "prompt_video", message = "reelhouse takes no video" } end
  if #images > 1 then return nil, { field = "prompt_image", message = "reelhouse takes one image" } end
  for name, v in pairs(given) do body[name] = v end             -- what is not known here passes through
  for _, name in ipairs { "kind", "key", "format", "prompt_text", "prompt_image", "ratio", "duration",
    "callback_url" } do body[name] = nil end
  body.prompt, body.image, body.webhook = given.prompt_text, images[1] and images[1].uri, given.callback_url
  body.size, body.seconds = params.ratio_words(given.ratio or "16:9"), given.duration or 5
  return { method = "POST", path = "/v2/jobs/" .. kind, json = body }
end

function reelhouse.accepted(answer)       -- nil: unreadable, so nobody knows whether the job was made
  local id = fields.id((answer.json or {}).job)
  return id and { id = id }
end

function reelhouse.query(ref) return { method = "GET", path = "/v2/jobs/" .. fields.escape(ref.id) } end

function reelhouse.cancel(ref) return { method = "DELETE", path = "/v2/jobs/" .. fields.escape(ref.id) } end

function reelhouse.task(answer, ref)      -- an unknown word is no status: the task goes on
  local job = answer.json or {}
  if answer.status == 404 then return { missing = true } elseif job.job == nil then return nil end
  local status = fields.status(job.state, WORDS)
  return { id = ref.id, status = status, word = fields.line(job.state, 64), progress = fields.progress(job.done),
    output = status == "SUCCEEDED" and fields.urls(job.files) or nil, failure = fields.text(job.reason) }
end

function reelhouse.problem(answer)        -- what an error says; its kind follows from the HTTP status
  local message = fields.line((answer.json or {}).error)
  return message and { message = message, kind = message:find "balance" and "insufficient_credits" or nil }
end

if arg and tostring(arg[0]):find "own_adapter" then             -- run, not required: a show without network
  local runway = require "runway"         -- a real client needs no transport: the key comes from the environment
  local client = assert(runway.client { provider = reelhouse, api_key = "secret", transport = runway.mock {
    { "POST /v2/jobs/text_to_video", json = { job = 7 } }, { "GET /v2/jobs/7", json = { job = 7, state = "working" } },
    { "GET /v2/jobs/7", json = { job = 7, state = "done", files = { "https://files.reelhouse.example/7.mp4" } } } } })
  local task = assert(client:generate { prompt = "a cat", ratio = "1280:720" })
  print(assert(task:wait()), task.output[1])
end

return reelhouse
