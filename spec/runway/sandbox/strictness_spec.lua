local calls = require "spec.runway.sandbox.calls"

local NONE = calls.NONE
local LONG = ("x"):rep(1001)

-- Changes to each API's example: { what, changes, the words of the refusal (nil: it is accepted) }.
local OFFICIAL = {
  { "without a model", { model = NONE }, '"path":["model"]' },
  { "with a model that is gone", { model = "gen3a_turbo" }, "no matching discriminator" },
  { "without promptImage", { promptImage = NONE }, "received undefined" },
  { "with a number for a text", { promptText = 3 }, "expected string, received number" },
  { "with an empty promptText", { promptText = "" }, ">=1 characters" },
  { "with 1000 characters", { promptText = LONG:sub(2) } },
  { "with 1001 characters", { promptText = LONG }, "<=1000 characters" },
  { "with 500 emoji, two units each", { promptText = ("\240\159\152\128"):rep(500) } },
  { "with 501 emoji", { promptText = ("\240\159\152\128"):rep(501) }, "<=1000 characters" },
  { "with a ratio that is none", { ratio = "16:9" }, "expected one of \\\"1280:720\\\"|" },
  { "with 11 seconds", { duration = 11 }, "expected number to be <=10" },
  { "with 5.5 seconds", { duration = 5.5 }, "expected int, received number" },
  { "with 5.0 seconds", { duration = 5.0 } },
  { "with seconds as a text", { duration = "5" }, "expected int, received string" },
  { "with a seed that is too large", { seed = 4294967296 }, "<=4294967295" },
  { "with an unknown name, where the document allows it", { watermark = true } },
  { "with an unknown name, where it does not",
    { contentModeration = { publicFigureThreshold = "low", x = 1 } },
    "Unrecognized key: \\\"x\\\"" },
  { "with a list of one placed image",
    { promptImage = { { uri = calls.PNG, position = "first" } } } },
  { "with an image without its place", { promptImage = { { uri = calls.PNG } } },
    '"path":["promptImage",0,"position"]' },
  { "with a last image, for a model without",
    { promptImage = { { uri = calls.PNG, position = "last" } } },
    'expected one of \\"first\\"' },
  { "with two images", { promptImage = {
    { uri = calls.PNG, position = "first" }, { uri = calls.PNG, position = "first" },
  } }, "<=1 items" },
  { "with an http URL", { promptImage = "http://a.example/1.png" }, "must be HTTPS" },
  { "with an address for a host", { promptImage = "https://10.1.2.3/1.png" }, "not an IP address" },
  { "with an IPv6 address for a host", { promptImage = "https://[::1]/1.png" },
    "not an IP address" },
  { "with a URL that is too long", { promptImage = "https://a.example/" .. ("x"):rep(2048) },
    "<=2048 characters" },
  { "with a path of this machine", { promptImage = "/tmp/1.png" }, "expected an https:// URL" },
  { "with a video for an image", { promptImage = "data:video/mp4;base64,AAAA" },
    "data:image/...;base64 data URI" },
  { "with a data URI that is not base64", { promptImage = "data:image/png;base64,%89PNG" },
    "is not base64" },
  { "with a data URI without base64", { promptImage = "data:image/png,abcdefgh" },
    "be base64 encoded" },
  { "with a PNG announced as a JPEG", { promptImage = calls.PNG:gsub("png", "jpeg", 1) },
    "the bytes are not image/jpeg" },
  { "with a GIF", { promptImage = "data:image/gif;base64,R0lGODlhAQABAAAAACw=" },
    "image/gif is not supported" },
  { "with an empty data URI", { promptImage = "data:image/png;base64," }, "the data URI is empty" },
  { "with a data URI over 5 MiB", { promptImage = calls.PNG .. ("A"):rep(5242880) },
    "<=5242880 characters" },
  { "with a runway:// URI from nowhere", { promptImage = "runway://abcdefgh" }, "not issued here" },
}

local COMET = {
  { "without callback_url", { callback_url = NONE }, '"code":"callback_url_empty"' },
  { "with an empty callback_url", { callback_url = "" }, '"code":"callback_url_empty"' },
  { "with one that is no URL", { callback_url = "me" }, "callback_url: expected an http" },
  { "with one that can never resolve", { callback_url = "https://callback.invalid/" } },
  { "without options", { options = NONE }, "options: Invalid input" },
  { "without seconds", { ["options.seconds"] = NONE }, "options.seconds" },
  { "without motion_vector", { ["options.motion_vector"] = NONE }, "options.motion_vector" },
  { "with a word in motion_vector", { ["options.motion_vector.x"] = "left" }, "motion_vector.x" },
  { "with a ratio in pixels", { ratio = "1280:720" }, "ratio: Invalid option" },
  { "without a prompt", { prompt = NONE }, "prompt: " },
  { "with an image and its ratio in pixels",
    { image = "https://a.example/1.png", ratio = "1280:720" } },
  { "with an image and 7 seconds", { image = "https://a.example/1.png", ratio = "1280:720",
    ["options.seconds"] = 7 }, "options.seconds" },
  { "with an image as data", { image = calls.PNG, ratio = "1280:720" }, "image: expected an http" },
}

local GATEWAY = {
  { "with any W:H", { ratio = "1:2" } },
  { "with a ratio that is none", { ratio = "wide" }, "ratio: Invalid string" },
  { "without a ratio", { ratio = NONE }, "ratio: " },
  { "with 10 seconds, a seed and a watermark", { duration = 10, seed = 1, watermark = false } },
  { "with 6 seconds", { duration = 6 }, "duration: Invalid option: expected one of 5|10" },
  { "with 1001 characters", { promptText = LONG }, "<=1000 characters" },
  { "with gen3a_turbo", { model = "gen3a_turbo" } },
  { "with another model", { model = "sora" }, "model: " },
  { "with an image that is none", { promptImage = "data:image/png;base64,AAAA" },
    "are not image/png" },
}

local QIMU = {
  { "without taskType", { taskType = NONE }, "taskType" },
  { "with an unknown taskType", { taskType = "gen9" }, "taskType Invalid option" },
  { "without ratio", { ratio = NONE }, "ratio" },
  { "with a ratio in pixels", { ratio = "1280:720" }, "ratio Invalid option" },
  { "without seconds", { seconds = NONE }, "seconds" },
  { "with 7 seconds", { seconds = 7 }, "seconds Invalid option" },
  { "without images and callback", { images = NONE, callbackUrl = NONE } },
  { "with an image without its URL", { images = { { frameIndex = 0 } } }, "images.0.image" },
  { "with a frame 2", { images = { { frameIndex = 2, image = "http://a.b" } } },
    "images.0.frameIndex" },
  { "with an image as data", { images = { { image = calls.PNG } } },
    "images.0.image is not a URL" },
  { "with 2001 characters", { textPrompt = ("x"):rep(2001) }, "<=2000 characters" },
  { "with a callbackUrl that is none", { callbackUrl = "me" }, "callbackUrl is not a URL" },
}

local WEB = {
  { "without options", { options = NONE }, "options: " },
  { "with an unknown taskType", { taskType = "gen9" }, "taskType: " },
  { "without init_image, for gen3a_turbo", { ["options.init_image"] = NONE },
    "init_image is required" },
  { "without init_image, for gen3", { ["options.init_image"] = NONE, taskType = "europa" } },
  { "with an empty optional text", { ["options.name"] = "" }, "options.name: Too small" },
  { "with 6 seconds", { ["options.seconds"] = 6 }, "options.seconds" },
  { "with an image as data", { ["options.init_image"] = calls.PNG }, "init_image is not a URL" },
  { "with gen2 and no gen2Options", { taskType = "gen2" }, "options.gen2Options" },
  { "with gen2 and its options", { taskType = "gen2", options = { gen2Options = {
    mode = "gen2", seed = 1, text_prompt = "a", motion_score = 22 } } } },
  { "with gen2 and an image that is no URL", { taskType = "gen2", options = { gen2Options = {
    image_prompt = "me" } } }, "image_prompt is not a URL" },
  { "extending a task that is not there", { ["options.extended_from_task_id"] = "x" },
    "no such task" },
  { "with a notify_hook that is no URL", { notify_hook = "me" }, "notify_hook is not a URL" },
}

local RULES = {
  official = OFFICIAL, cometapi = COMET, gateway = GATEWAY, qimu = QIMU, chatgptsb = WEB,
}

describe("a submit", function()
  for _, name in ipairs(calls.names) do
    local api = calls[name]
    for _, rule in ipairs(RULES[name]) do
      local what, changes, words = rule[1], rule[2], rule[3]
      it(("to %s %s %s"):format(name, what, words and "is refused" or "is accepted"), function()
        local app = calls.app()
        local answer = calls.send(app, api.sign, "POST", api.submit[1], calls.body(api, changes))
        if words then
          assert.equal(name == "qimu" and 200 or 400, answer.status)
          assert.matches(words, answer.body, 1, true)
          assert.equal(0, #app.tasks)
          if name == "qimu" then
            assert.same({ 400, false }, { answer.json.code, answer.json.success })
          end
        else
          assert.equal(200, answer.status, answer.body)
          assert.string(api.id(answer.json))
        end
      end)
    end
  end

  it("to the official API with null for a value is refused", function()
    local body = '{"model":"gen4.5","promptText":"say \\"seed\\": null","ratio":"1280:720",' ..
      '"duration":5,"seed" : null}'
    local answer = calls.send(calls.app(), "official", "POST", "/v1/text_to_video", body, 0,
      { ["content-type"] = "application/json" })
    assert.equal(400, answer.status)
    local issue = { code = "invalid_type", path = { "seed" },
      message = "Invalid input: received null" }
    assert.same({ issue }, answer.json.issues)
  end)

  it("is refused unless its body is announced as JSON", function()
    for _, name in ipairs(calls.names) do
      local api = calls[name]
      local answer = calls.send(calls.app(), api.sign, "POST", api.submit[1], calls.body(api), 0,
        { ["content-type"] = "text/plain" })
      assert.matches("Content-Type", answer.body, 1, true)
    end
  end)

  it("tells the official API's issues whole", function()
    local answer = calls.send(calls.app(), "official", "POST", "/v1/text_to_video",
      { model = "gen4.5", promptText = 1, ratio = "1:1", duration = 1 })
    assert.equal("Validation of body failed", answer.json.error)
    assert.equal("https://docs.dev.runwayml.com/api", answer.json.docUrl)
    local codes = {}
    for i, issue in ipairs(answer.json.issues) do codes[i] = issue.path[1] .. " " .. issue.code end
    assert.same({ "duration too_small", "promptText invalid_type", "ratio invalid_value" }, codes)
  end)
end)

describe("CometAPI's other operations", function()
  local function post(path, body, options, headers)
    return calls.send(calls.app(options), "bearer", "POST", path, body, 0, headers)
  end
  local HOOK = "https://callback.invalid/"

  it("want what their pages want", function()
    local video, image = "https://a.example/1.mp4", "https://a.example/1.png"
    local cases = {
      { "video2video", { callback_url = HOOK, video = video, prompt = "a", model = "gen4" }, 200 },
      { "video2video", { callback_url = HOOK, prompt = "a" }, 400 },
      { "video2video", { callback_url = HOOK, video = video,
        options = { seconds = 5, structure_transformation = 1.5 } }, 400 },
      { "act_one", { callback_url = HOOK, video = video, image = image }, 200 },
      { "act_one", { callback_url = HOOK, video = video }, 400 },
      { "act_one", { video = video, image = image }, 400 },
    }
    for _, case in ipairs(cases) do
      assert.equal(case[3], post("/runway/pro/" .. case[1], case[2]).status)
    end
    assert.equal(400, post("/runway/feed", {}).status)
  end)

  it("in the official form want the version header on POST, not on GET", function()
    local body = calls.body(calls.gateway, { ratio = "1280:720", duration = 5 })
    local comet = { relay = "cometapi" }
    local path = "/runwayml/v1/image_to_video"
    local bare = post(path, body, comet)
    assert.matches("X-Runway-Version header is required", bare.body, 1, true)
    local good = { ["x-runway-version"] = "2024-11-06" }
    assert.equal(200, post(path, body, comet, good).status)
    assert.equal(400, post(path, body, comet, { ["x-runway-version"] = "1999-01-01" }).status)
    assert.equal(200, post(path, body).status)
    body.model, body.seed = "gen3a_turbo", 1000000000
    assert.matches("seed: Too big", post(path, body, comet, good).body, 1, true)
    assert.equal(200, post(path, body).status)
    local upscale = { model = "upscale_v1", videoUri = "https://a.example/1.mp4" }
    assert.equal(200, post("/runwayml/v1/video_upscale", upscale, comet, good).status)
    local image = { model = "gen4_image", promptText = "a", ratio = "720:720" }
    local empty = post("/runwayml/v1/text_to_image", image, comet, good)
    assert.same({ 400, "reference_images_empty" }, { empty.status, empty.json.code })
    assert.equal(404, post("/runwayml/v1/text_to_video", {}, comet, good).status)
  end)
end)

describe("a key", function()
  local PATHS = {
    official = { "GET", "/v1/organization" }, gateway = { "GET", "/runwayml/v1/tasks/x" },
    cometapi = { "POST", "/runway/feed", { task_id = "x" } },
    qimu = { "GET", "/uniapp-service/api/runway/getTask?taskId=1" },
    chatgptsb = { "GET", "/runway/tasks/x" },
  }
  local SHAPES = {
    official = function(body) return type(body.error) end,
    gateway = function(body) return type(body.error.message) end,
    cometapi = function(body) return body.error.type == "comet_api_error" and "string" end,
    qimu = function(body) return body.code == 401 and body.success == false and "string" end,
    chatgptsb = function(body) return type(body.error.message) end,
  }

  for _, name in ipairs(calls.names) do
    it("is wanted by " .. name .. ", in its own form, and the right one", function()
      local path, right = PATHS[name], name == "qimu" and "secret" or "Bearer secret"
      local app = calls.app { api_key = "secret" }
      local function ask(value)
        return calls.send(app, nil, path[1], path[2], path[3], 0,
          { authorization = value, ["x-runway-version"] = "2024-11-06" })
      end
      local wrong = { false, "", name == "qimu" and "Bearer secret" or "secret", "Bearer wrong",
        "Basic secret", "wrong" }
      for _, value in ipairs(wrong) do
        local answer = ask(value)
        assert.equal(401, answer.status, tostring(value))
        assert.equal("string", SHAPES[name](answer.json))
        assert.string(answer.headers["x-request-id"])
        assert.is_nil(answer.body:find("secret", 1, true))
      end
      assert.not_equal(401, ask(right).status)
    end)
  end

  it("of any value will do when the sandbox was given none", function()
    local app = calls.app()
    local function ask(value)
      return calls.send(app, nil, "GET", "/v1/organization", nil, 0,
        { authorization = value, ["x-runway-version"] = "2024-11-06" }).status
    end
    assert.same({ 200, 401, 401 }, { ask "Bearer anything", ask "Bearer ", ask "Bearer a b" })
  end)
end)

describe("a request", function()
  it("to the official API must carry the version", function()
    local app = calls.app()
    for _, version in ipairs { false, "2024-09-13", "2025-01-01" } do
      local answer = calls.send(app, "official", "GET", "/v1/organization", nil, 0,
        { ["x-runway-version"] = version })
      assert.equal(400, answer.status)
      assert.matches("X-Runway-Version", answer.json.error, 1, true)
    end
  end)

  it("to nowhere gets each API's own answer", function()
    local app = calls.app()
    local function ask(method, path) return calls.send(app, nil, method, path) end
    assert.same({ 404, { error = "Not found" } },
      { ask("GET", "/v1/nothing").status, ask("GET", "/v1/nothing").json })
    assert.equal(405, ask("PUT", "/v1/text_to_video").status)
    assert.same({ 404, "text/html; charset=utf-8" }, { ask("DELETE", "/runwayml/v1/tasks/x").status,
      ask("GET", "/runwayml/x").headers["content-type"] })
    assert.equal(404, ask("GET", "/runway/none").status)
    assert.equal(404, ask("GET", "/uniapp-service/api/runway/none").json.code)
    assert.equal(404, ask("GET", "/elsewhere").status)
  end)
end)

describe("the example of a provider's own page", function()
  it("is accepted as it stands", function()
    local page = "https://d2jqrm6oza8nb6.cloudfront.net/previews/7e8c546f.jpeg?_jwt=eyJ.e30.x"
    local examples = {
      { "gateway", "/runwayml/v1/image_to_video", {
        promptImage = "https://www.bt.cn/bbs/template/qiao/style/image/btlogo.png",
        ratio = "1280:768",
        model = "gen4_turbo", promptText = "cat dance", watermark = false, duration = 5 } },
      { "chatgptsb", "/runway/tasks", { taskType = "gen2", internal = false, options = {
        name = "Gen-2 1919715046", exploreMode = false, assetGroupName = "Generative Video",
        gen2Options = {
          mode = "gen2", seed = 1919715046, interpolate = true, upscale = false, watermark = true,
          motion_score = 22, use_motion_score = true, use_motion_vectors = false,
          text_prompt = "The wind blows hair up.", image_prompt = page, init_image = page,
        } } } },
      { "cometapi", calls.cometapi.submit[1], calls.cometapi.submit[2] },
      { "qimu", calls.qimu.submit[1], calls.qimu.submit[2] },
    }
    for _, example in ipairs(examples) do
      local api = calls[example[1]]
      local answer = calls.send(calls.app(), api.sign, "POST", example[2], example[3])
      assert.equal(200, answer.status, answer.body)
      assert.string(api.id(answer.json))
    end
  end)
end)
