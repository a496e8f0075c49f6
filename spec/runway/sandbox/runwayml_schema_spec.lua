local calls = require "spec.runway.sandbox.calls"
local json = require "runway.json"
local schema = require "runway.sandbox.runwayml_schema"

local IMAGE, CLIP, SOUND = "https://a.example/1.png", "https://a.example/1.mp4",
"https://a.example/1.mp3"
local NODE = "0b6c2f6e-9d41-4d5a-8a37-2f1f4c3b7e55"
local WORKFLOW = "workflows/5e1f0c8a-3b7d-4c12-9f04-6a2b8d7c9e10"

-- path, body, where the first issue lies (nil: accepted)
local BODIES = {
  { "video_upscale", { model = "magnific_video_upscaler_creative", videoUri = CLIP,
    fpsBoost = "yes" }, "fpsBoost" },
  { "video_upscale", { model = "magnific_video_upscaler_creative", videoUri = CLIP,
    creativity = 101 }, "creativity" },
  { "video_to_video", { model = "aleph2", videoUri = CLIP, keyframes = {
    { uri = IMAGE, seconds = 0 }, { uri = IMAGE, at = 1 } } } },
  { "video_to_video", { model = "aleph2", videoUri = CLIP, keyframes = {
    { uri = IMAGE, at = 1.5 } } }, "keyframes.0.at" },
  { "video_to_video", { model = "aleph2", videoUri = CLIP, keyframes = json.array {} },
    "keyframes" },
  { "video_to_video", { model = "aleph2", videoUri = CLIP, keyframes = { { uri = IMAGE, seconds = 1,
    range = { start_seconds = 0, end_seconds = 0 } } } }, "keyframes.0.range.end_seconds" },
  { "video_to_video", { model = "aleph2", videoUri = CLIP, other = 1 }, "" },
  { "image_to_video", { model = "hailuo3", promptText = "a", promptImage = { { uri = IMAGE } } } },
  { "image_to_video", { model = "veo3.1", promptImage = IMAGE, ratio = "1280:720", duration = 5 },
    "duration" },
  { "image_to_video", { model = "seedance2", promptImage = { { uri = IMAGE } } } },
  { "image_to_video", { model = "seedance2", promptImage = IMAGE, referenceAudio = {
    { type = "audio", uri = SOUND }, { type = "video", uri = CLIP } } }, "referenceAudio.1.type" },
  { "text_to_image", { model = "gen4_image_turbo", promptText = "a", ratio = "720:720" },
    "referenceImages" },
  { "text_to_image", { model = "gen4_image", promptText = "a", ratio = "720:720",
    referenceImages = { { uri = IMAGE, tag = "Bad" } } }, "referenceImages.0.tag" },
  { "character_performance", { model = "act_two", character = { type = "sound", uri = SOUND },
    reference = { type = "video", uri = CLIP } }, "character.type" },
  { "character_performance", { model = "act_two", character = IMAGE,
    reference = { type = "video", uri = CLIP } }, "character" },
  { "text_to_speech", { model = "eleven_v3", promptText = "a", speed = 0.7,
    voice = { type = "runway-preset", presetId = "Nobody" } }, "voice.presetId" },
  { "sound_effect", { model = "eleven_text_to_sound_v2", promptText = "a", duration = 0.4 },
    "duration" },
  { "sound_effect", { model = "eleven_text_to_sound_v2", promptText = "a", duration = 0.5 } },
  { "video_to_hdr", { model = "ruby", videoUri = CLIP, outputFormat = "hdr_exr_sequence" } },
  { "video_to_hdr", { model = "ruby", videoUri = CLIP, outputFormat = "mp4" }, "outputFormat" },
  { "video_upscale", { model = "enhance_frame_rate", videoUri = CLIP, targetFramerate = "59_94" } },
  { "video_upscale", { model = "enhance_frame_rate", videoUri = CLIP }, "targetFramerate" },
  { "text_to_video", { model = "seedance2_5", promptText = "a", duration = "auto", seed = 1,
    ratio = "1920:1080" } },
  { "text_to_video", { model = "seedance2_5", promptText = "a", duration = "long" }, "duration" },
  { "text_to_video", { model = "veo3.1", promptText = "a", ratio = "1280:720", other = 1 }, "" },
  { "text_to_video", { model = "wan3", promptText = "a", ratio = "auto_720p" } },
  { "text_to_image", { model = "seedream5_lite", promptText = "a", ratio = "2000:2000" } },
  { "text_to_image", { model = "seedream5_lite", promptText = "a", ratio = "1000:1000" }, "ratio" },
  { "text_to_image", { model = "gpt_image_2_5_flare", promptText = "a", ratio = "auto",
    background = "transparent" }, "background" },
  { "video_to_video", { model = "aleph2", videoUri = "data:video/mp4;base64," .. ("A"):rep(5242860) },
    "videoUri" },
  { "recipes/multi_shot_video", { version = "2026-06", mode = "custom", shots = {
    { prompt = "one", duration = 1 }, { prompt = "two", duration = 1 } } }, "shots" },
  { "recipes/product_ad", { version = "2025-01", productImages = { { uri = IMAGE } } }, "version" },
  { "generate/image", { configId = "Mine", input = { promptText = "a" } }, "configId" },
  { "generate/image", { configId = "mine", input = { promptText = "a", x = 1 } }, "input" },
  { WORKFLOW, { nodeOutputs = { [NODE] = { image = { type = "image", uri = IMAGE } } } } },
  { WORKFLOW, { nodeOutputs = { [NODE] = { image = { type = "image", uri = 5 } } } },
    "nodeOutputs." .. NODE .. ".image.uri" },
  { WORKFLOW, { nodeOutputs = { mine = { a = { type = "primitive", value = 1 } } } },
    "nodeOutputs.mine" },
  { WORKFLOW, { nodeOutputs = { [NODE] = { a = { type = "primitive", value = json.array {} } } } },
    "nodeOutputs." .. NODE .. ".a.value" },
  { WORKFLOW, { nodeOutputs = json.array { 1 } }, "nodeOutputs" },
}

describe("the official schema", function()
  for i, case in ipairs(BODIES) do
    local path, body, where = case[1], case[2], case[3]
    it(("%d. %s %s"):format(i, where and "finds fault with" or "accepts",
      path .. " " .. (where or "")), function()
      local answer = calls.send(calls.app(), "official", "POST", "/v1/" .. path, body)
      if where then
        assert.equal(400, answer.status)
        assert.equal(where, table.concat(answer.json.issues[1].path, "."))
      else
        assert.equal(200, answer.status, answer.body)
      end
    end)
  end

  it("knows each model by name when it is asked for one it does not have", function()
    local answer = calls.send(calls.app(), "official", "POST", "/v1/image_upscale", { model = "x" })
    assert.matches("known: magnific_precision_upscaler_v2", answer.body, 1, true)
  end)
end)

-- Against the document itself, when it is at hand: OPENAPI=path ----------------------------------

local OPENAPI = os.getenv "OPENAPI"

-- Both sides in one form: { what it is, limits, parts }.
local ours, theirs = {}, {}

local function sorted(list)
  local words = {}
  for i, item in ipairs(list) do words[i] = tostring(item):gsub("%.0$", "") end
  table.sort(words)
  return words
end

local function our_form(part, told_by, value)
  return ours[part.check](part, told_by, value)
end

function ours.any() return { "any" } end
function ours.flag() return { "flag" } end
function ours.text(p) return { "text", min = (p.min or 0) > 0 and p.min or nil, max = p.max } end
function ours.int(p) return { "int", min = p.min, max = p.max } end
function ours.number(p) return { "number", min = p.min, max = p.max } end
function ours.one_of(p) return { "one of", values = sorted(p.values) } end
function ours.asset(p) return { p.media } end   -- as long as it may be: see below
function ours.sizes(p) return our_form(p.named) end
function ours.list(p) return { "list", min = p.min, max = p.max, item = our_form(p.item) } end

function ours.either(p)
  local form = { "either" }
  for i, branch in ipairs(p.branches) do form[i + 1] = our_form(branch) end
  return form
end

function ours.by(p)
  local form = { "by " .. p.field, branches = {} }
  for value, branch in pairs(p.branches) do
    form.branches[value] = our_form(branch, p.field, value)
  end
  return form
end

function ours.object(p, told_by, value)
  local form = { p.closed and "closed" or "open", required = {}, fields = {} }
  for _, name in ipairs(p.required) do form.required[name] = true end
  for name, field in pairs(p.fields) do form.fields[name] = our_form(field) end
  if told_by then
    form.required[told_by], form.fields[told_by] = true, { "one of", values = { value } }
  end
  return form
end

local function their_form(part)
  if part.anyOf and part.anyOf[3] and (part.anyOf[3].pattern or ""):find("^%^data:") then
    return { part.anyOf[3].pattern:match("data:(%a+)") }
  elseif part.const ~= nil then
    return { "one of", values = sorted { part.const } }
  elseif part.enum then
    return { "one of", values = sorted(part.enum) }
  elseif part.oneOf then
    return theirs.oneOf(part)
  elseif part.anyOf then
    local form = { "either" }
    for i, branch in ipairs(part.anyOf) do form[i + 1] = their_form(branch) end
    return form
  end
  return theirs[part.type or "any"](part)
end

function theirs.any() return { "any" } end
function theirs.boolean() return { "flag" } end
function theirs.string(p)
  local id = p.pattern and p.pattern:match("{0,(%d+)}%$$") -- the router's config names
  local min = (p.minLength or 0) > 0 and p.minLength or nil
  return { "text", min = id and 1 or min, max = id and tonumber(id) + 1 or p.maxLength }
end
function theirs.number(p) return { "number", min = p.minimum, max = p.maximum } end
function theirs.integer(p)
  local above = p.exclusiveMinimum and p.exclusiveMinimum + 1
  return { "int", min = p.minimum or above, max = p.maximum }
end
function theirs.array(p)
  return { "list", min = p.minItems, max = p.maxItems, item = their_form(p.items) }
end

function theirs.oneOf(p)
  local field = p.discriminator and p.discriminator.propertyName
  for _, name in ipairs { "model", "mode", "type" } do
    local first = p.oneOf[1].properties[name]
    if not field and first and first.const then field = name end
  end
  local form = { "by " .. field, branches = {} }
  for _, branch in ipairs(p.oneOf) do
    form.branches[branch.properties[field].const] = their_form(branch)
  end
  return form
end

function theirs.object(p)
  local closed = p.additionalProperties == false
  local form = { closed and "closed" or "open", required = {}, fields = {} }
  for _, name in ipairs(p.required or {}) do form.required[name] = true end
  for name, field in pairs(p.properties) do form.fields[name] = their_form(field) end
  return form
end

-- What the document says and we do not; nil: nothing. What is younger than the document, and open where we
-- are closed, is ours; how long a data URI may be is held against the document by make conformance.
local lacks

local function lacks_some(theirs_of, ours_of, where)
  for name, form in pairs(theirs_of) do
    local missing = not ours_of[name] and where .. "." .. name or lacks(form, ours_of[name], where .. "." .. name)
    if missing then return missing end
  end
  return nil
end

local function lacks_word(values, known, where)
  local has = {}
  for _, word in ipairs(known) do has[word] = true end
  for _, word in ipairs(values) do
    if not has[word] then return where .. ": " .. word end
  end
  return nil
end

function lacks(form, our, where)
  if our[1] == "either" and form[1] ~= "either" then
    for i = 2, #our do
      if not lacks(form, our[i], where) then return nil end
    end
    return where
  end
  if form[1] ~= our[1] and not (form[1] == "open" and our[1] == "closed") then
    return ("%s is %s, not %s"):format(where, form[1], our[1])
  end
  for i = 2, #form do
    local missing = not our[i] and where or lacks(form[i], our[i], where)
    if missing then return missing end
  end
  for _, limit in ipairs { "min", "max" } do
    if form[limit] ~= our[limit] then return ("%s: %s %s"):format(where, limit, tostring(form[limit])) end
  end
  for name in pairs(form.required or {}) do
    if not our.required[name] then return where .. " requires " .. name end
  end
  return form.values and lacks_word(form.values, our.values, where) or form.item and lacks(form.item, our.item, where)
    or lacks_some(form.fields or form.branches or {}, our.fields or our.branches or {}, where)
end

if OPENAPI then
  describe("the OpenAPI document", function()
    local file = assert(io.open(OPENAPI, "rb"))
    local document = assert(json.decode(file:read("*a")))
    file:close()

    for prefix, group in pairs {
      ["/v1/"] = schema.kinds, ["/v1/recipes/"] = schema.recipes,
      ["/v1/generate/"] = schema.generate,
      ["/v1/upl"] = { oads = schema.upload },
    } do
      for name, part in pairs(group) do
        it("says nothing that is not known here of " .. prefix .. name, function()
          local operation = document.paths[prefix .. name]
          if not operation then return assert.equal("video_to_hdr", name) end  -- younger than the document
          local content = operation.post.requestBody.content
          assert.is_nil(lacks(their_form(content["application/json"].schema), our_form(part), name))
        end)
      end
    end
  end)
end
