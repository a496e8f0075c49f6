--- Resellers that answer at /runwayml/v1 in the official form: an unnamed gateway many publish, and
-- CometAPI. The two share their paths, so one sandbox speaks for one of them at a time: option
-- `relay` says whose page is obeyed, `shape` how queries are answered (see shapes.lua).

local assets = require "runway.sandbox.assets"
local reply = require "runway.sandbox.reply"
local schema = require "runway.sandbox.runwayml_schema"
local shapes = require "runway.sandbox.shapes"
local tasks = require "runway.sandbox.tasks"
local validate = require "runway.sandbox.validate"

local open, text, int, one_of = validate.open, validate.text, validate.int, validate.one_of

local gateway = {
  name = "a reseller's gateway, or CometAPI's official form", family = "relay",
  prefix = "/runwayml/", auth = "bearer", problem = shapes.problem "new_api_error",
}

local VERSIONS = { ["2024-11-06"] = true, ["2024-09-13"] = true }

local IMAGE = validate.asset("image", 5242880)
local VIDEO = validate.asset("video", 16777216)
local PLACED = open("uri", { uri = IMAGE, position = one_of "first last" })
local PROMPT_IMAGE = validate.either(IMAGE, validate.list(PLACED, 1, 2))

-- The gateway's page: any "W:H", 5 or 10 seconds.
local gateway_image = open("promptImage ratio", {
  promptImage = PROMPT_IMAGE, ratio = text(nil, nil, "^%d+:%d+$"), seed = int(0, 4294967295),
  promptText = text(nil, 1000), duration = one_of { 5, 10 }, watermark = validate.flag(),
})

-- CometAPI's page, which is written for gen3a_turbo.
local comet_image = open("promptImage", {
  promptImage = PROMPT_IMAGE, seed = int(0, 999999999), promptText = text(nil, 512),
  watermark = validate.flag(), duration = one_of { 5, 10 },
  ratio = one_of("1280:720 720:1280 1104:832 832:1104 960:960 1584:672 1280:768 768:1280 " ..
    "16:9 9:16"),
})

-- Models the official API has dropped and resellers still name.
local aleph = open("videoUri promptText", {
  videoUri = VIDEO, promptText = text(1, 1000), seed = int(0, 4294967295),
  ratio = one_of("1280:720 720:1280 1104:832 960:960 832:1104 1584:672 848:480 640:480"),
  references = validate.list(open("type uri", { type = one_of "image", uri = IMAGE })),
})
local OLD = {
  video_to_video = { gen4_aleph = aleph },
  video_upscale = { upscale_v1 = open("videoUri", { videoUri = VIDEO }) },
}
local OWN = {
  gateway = { image_to_video = { gen4_turbo = gateway_image, gen3a_turbo = gateway_image } },
  cometapi = { image_to_video = { gen3a_turbo = comet_image } },
}

-- Kinds CometAPI's pages list; of the gateway only image_to_video is documented, others pass.
local COMET_KINDS = {
  image_to_video = true, video_to_video = true, text_to_image = true, video_upscale = true,
  character_performance = true, sound_effect = true, text_to_speech = true,
}

local function body_schema(relay, kind)
  local branches = {}
  local sources = { schema.kinds[kind].branches, OLD[kind] or {}, OWN[relay][kind] or {} }
  for _, source in ipairs(sources) do
    for model, branch in pairs(source) do branches[model] = branch end
  end
  return validate.by("model", branches)
end

function gateway.before(c)
  local version = c.request.headers["x-runway-version"]
  if version and not VERSIONS[version] then
    return c.problem("bad_request", "X-Runway-Version " .. version .. " is not a known version")
  elseif not version and c.app.relay == "cometapi" and c.request.method == "POST" then
    return c.problem("bad_request", "the X-Runway-Version header is required")
  end
  return nil
end

--- Says the first thing that does not fit, as these relays do; nil when all is well.
---@return table|nil response
function gateway.refuse(c, issues)
  local issue = issues[1]
  if not issue then return nil end
  return c.problem("bad_request", validate.where(issue) .. ": " .. issue.message)
end

local function submit(kind)
  return function(c)
    local relay, input = c.app.relay, c.json
    if relay == "cometapi" and not COMET_KINDS[kind] then
      return nil, c.problem("not_found", "404 Not Found")
    end
    local function asset(_, uri)
      local scheme = uri:match("^[A-Za-z]+")
      if scheme == "data" then return assets.data_uri(uri) end
      if scheme == "runway" then return "Invalid asset: this service has no uploads." end
      return assets.url(uri, c.base_url)
    end
    local refusal = gateway.refuse(c, validate.check(body_schema(relay, kind), input, asset))
    if refusal then return nil, refusal end
    if relay == "cometapi" and kind == "text_to_image" and not (input.referenceImages or {})[1] then
      return nil, reply.json(400, shapes.task_error("reference_images_empty"))
    end
    return {
      id = shapes.new_id(c.app.shape or "official", c.app.chance), family = "relay", kind = kind,
      input = input, prompt = input.promptText, outputs = { tasks.MEDIA[kind] or "video" },
    }
  end
end

function gateway.accepted(c, task)
  local shape = c.app.shape
  if shape == "kling" or shape == "luma" then
    return reply.json(200, shapes[shape](c, task, { status = "PENDING" }))
  end
  return reply.json(200, { id = task.id })
end

function gateway.show(c, task, view)
  local shape = c.app.shape
  if shape == "flat" or shape == "duomi" then shape = nil end -- forms of /runway/feed only
  return reply.json(200, shapes[shape or "official"](c, task, view))
end

gateway.routes = {
  { "GET", "/runwayml/v1/tasks/{id}", query = function(c) return c.path.id end },
}
for kind in pairs(schema.kinds) do
  table.insert(gateway.routes, { "POST", "/runwayml/v1/" .. kind, submit = submit(kind) })
end

return gateway
