--- CometAPI's compatibility form: /runway/pro/* makes tasks, POST /runway/feed tells of them. Which
-- of its four answers the feed gives is option `shape`: "wrapped" (default), "flat", "duomi" or
-- "official". Its other form, /runwayml/v1/*, is in gateway.lua; ids are known to both.

local assets = require "runway.sandbox.assets"
local gateway = require "runway.sandbox.gateway"
local json = require "runway.json"
local reply = require "runway.sandbox.reply"
local shapes = require "runway.sandbox.shapes"
local validate = require "runway.sandbox.validate"

local open, text, int, one_of = validate.open, validate.text, validate.int, validate.one_of
local number, flag = validate.number, validate.flag

local cometapi = {
  name = "CometAPI", family = "relay", prefix = "/runway/pro/", auth = "bearer",
}

local relay_problem = shapes.problem "comet_api_error"

function cometapi.problem(what, detail)
  if what == "credits" then -- a business failure: HTTP 200, told by `code` and in words
    local words = "余额不足: insufficient balance"
    return 200, { code = 403, msg = words, data = json.null, exec_time = 0.01 }
  end
  return relay_problem(what, detail)
end

local TEXT = text()
local MOTION = open("", {
  x = number(), y = number(), z = number(), r = number(), bg_x_pan = number(), bg_y_pan = number(),
})

local text_to_video = open("options prompt", {
  prompt = text(1), ratio = one_of "16:9 9:16 1:1", style = TEXT, model = TEXT,
  options = open("seconds motion_vector", { seconds = int(1, 10), motion_vector = MOTION }),
})

local image_to_video = open("image", {
  prompt = TEXT, style = TEXT, model = TEXT, image = TEXT, last_image = TEXT,
  ratio = one_of "1280:720 720:1280",
  options = open("", {
    seconds = one_of { 5, 10 }, motion_vector = MOTION, image_as_end_frame = flag(), flip = flag(),
  }),
})

local video_to_video = open("video", {
  video = TEXT, prompt = TEXT, model = TEXT,
  options = open("seconds", {
    seconds = int(1), structure_transformation = number(0, 1), flip = flag(),
  }),
})

local act_one = open("video image", { video = TEXT, image = TEXT })

-- Fields that must hold a URL the service can fetch: it takes no data URIs.
local URLS = { "callback_url", "image", "last_image", "video" }

local function submit(pick)
  return function(c)
    local input = c.json
    if (input.callback_url or "") == "" then
      return nil, reply.json(400, shapes.task_error("callback_url_empty"))
    end
    local kind, body_schema = pick(input)
    local refusal = gateway.refuse(c, validate.check(body_schema, input))
    if refusal then return nil, refusal end
    for _, name in ipairs(URLS) do
      if input[name] ~= nil and not assets.is_url(input[name]) then
        return nil, c.problem("bad_request", name .. ": expected an http or https URL")
      end
    end
    return {
      id = shapes.new_id("wrapped", c.app.chance), family = "relay", kind = kind, input = input,
      prompt = input.prompt, outputs = { "video" },
    }
  end
end

function cometapi.accepted(c, task)
  local data = { task_id = task.id }
  if c.app.shape == "duomi" then
    return reply.json(200, { code = 200, msg = "成功", data = data, exec_time = 0.67 })
  end
  return reply.json(200, { code = 200, message = "", msg = "success", data = data })
end

cometapi.hook = "callback_url"

-- The task without its envelope, in the older form whatever the queries have.
function cometapi.posted(c, task, view) return shapes.duomi(c, task, view).data end

local FEED = { duomi = true, flat = true, official = true, quirk = true }

function cometapi.show(c, task, view)
  local shape = FEED[c.app.shape] and c.app.shape or "wrapped"
  return reply.json(200, shapes[shape](c, task, view))
end

local function feed(c)
  local id = c.json.task_id
  if type(id) ~= "string" or id == "" then
    return nil, c.problem("bad_request", "task_id: expected a string")
  end
  return id
end

cometapi.routes = {
  { "POST", "/runway/pro/generate", submit = submit(function(input)
    if input.image ~= nil then return "image_to_video", image_to_video end
    return "text_to_video", text_to_video
  end) },
  { "POST", "/runway/pro/video2video", submit = submit(function()
    return "video_to_video", video_to_video
  end) },
  { "POST", "/runway/pro/act_one", submit = submit(function() return "act_one", act_one end) },
  { "POST", "/runway/feed", query = feed },
}

return cometapi
