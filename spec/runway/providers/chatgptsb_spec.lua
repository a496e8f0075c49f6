local asked = require "spec.support.asked"
local chatgptsb = require "runway.providers.chatgptsb"
local hostile = require "spec.support.hostile"

local IMAGE, VIDEO = "https://x.test/a.png?_jwt=eyJh", "https://x.test/c.mp4"
local CLIP = "https://dnznrvs05pmza.cloudfront.net/clip.mp4?_jwt=eyJh"

local function file(path)
  return setmetatable({ path = path }, { __name = "runway.file" })
end

local function submit(raw) return asked.submit(chatgptsb, raw) end

local function sent(raw) return asked.json(chatgptsb, "/runway/tasks", raw) end
local function refused(raw, field, words) asked.refused(chatgptsb, raw, field, words) end

local function read(json, status)
  return chatgptsb.task({ status = status or 200, headers = {}, json = json }, { id = "fc4a68aa" })
end

local function accepted(json)
  return chatgptsb.accepted { status = 200, headers = {}, json = json }
end

-- The document's example answer, with the state and whatever else a case needs.
local function answer(status, changes)
  local task = {
    id = "fc4a68aa-4280-42cb-b55c-e1d9a64960e0", name = "Gen-2 1675247627, An older man",
    createdAt = "2024-07-26T16:40:43.864Z", updatedAt = "2024-07-26T16:40:43.894Z",
    taskType = "gen2", options = { name = "Gen-2 1675247627", seconds = 4,
      gen2Options = { seed = 1 } },
    status = status, estimatedTimeToStartSeconds = 2.526315789473684, artifacts = {},
  }
  for k, v in pairs(changes or {}) do task[k] = v end
  return { task = task }
end

local function artifact(url)
  return { id = "a", createdAt = "2024-07-26T16:41:43.864Z", taskId = "fc4a", filename = "x.mp4",
    url = url, fileSize = "1048576", isDirectory = false, previewUrls = { IMAGE },
    metadata = { frameRate = 24, duration = 4, dimensions = { 1280, 768 } } }
end

describe("chatgptsb", function()
  it("says who it is, and that it takes no data URIs and has no cancel", function()
    assert.equal("https://api.chatgptsb.com", chatgptsb.base_url)
    assert.equal("CHATGPTSB_API_KEY", chatgptsb.env.api_key)
    assert.same({ Authorization = "Bearer sk-xxxx" }, chatgptsb.sign("sk-xxxx"))
    assert.is_nil(chatgptsb.cancel)
    assert.same({}, chatgptsb.media)
    assert.same({ "extend", "image_to_video", "text_to_video", "video_to_video" }, chatgptsb.kinds)
  end)

  describe("asks", function()
    local SEED = {
      taskType = "gen2", internal = false,
      options = {
        name = "Gen-2 1919715046",
        gen2Options = {
          mode = "gen2", seed = 1919715046, interpolate = true, upscale = false, watermark = true,
          motion_score = 22, use_motion_score = true, use_motion_vectors = false,
          text_prompt = "The wind blows hair up.", image_prompt = IMAGE, init_image = IMAGE,
        },
        exploreMode = false, assetGroupName = "Generative Video",
      },
    }

    it("for the document's example, field by field", function()
      local json = sent {
        prompt_text = "The wind blows hair up.", prompt_image = IMAGE, model = "gen2",
        seed = 1919715046,
      }
      assert.same(SEED, json)
      assert.equal("integer", math.type(json.options.gen2Options.seed))
    end)

    it("for it with every field said flat, or in its place", function()
      assert.same(SEED, sent {
        prompt_text = "The wind blows hair up.", prompt_image = IMAGE, model = "gen2",
        seed = 1919715046, name = "Gen-2 1919715046", internal = false, interpolate = true,
        upscale = false, watermark = true, motion_score = 22, use_motion_score = true,
        use_motion_vectors = false, explore_mode = false, asset_group_name = "Generative Video",
      })
      assert.same(SEED, sent {
        prompt_text = "The wind blows hair up.", prompt_image = IMAGE, seed = 1919715046,
        options = {
          name = "Gen-2 1919715046", exploreMode = false, assetGroupName = "Generative Video",
          gen2Options = { interpolate = true, motion_score = 22, watermark = true },
        },
      })
      local json = sent { prompt = "a", motion_score = 5, watermark = false, explore_mode = true,
        as_team_id = 17, options = { gen2Options = { upscale = true } }, new_knob = 1 }
      assert.equal(5, json.options.gen2Options.motion_score)
      assert.is_false(json.options.gen2Options.watermark)
      assert.is_true(json.options.gen2Options.upscale)
      assert.is_true(json.options.exploreMode)
      assert.equal(17, json.asTeamId)
      assert.equal(1, json.new_knob)
    end)

    it("for the callback and the duration where the API has them", function()
      local json = sent { prompt = "a", callback_url = "https://x.test/cb", duration = 4 }
      assert.equal("https://x.test/cb", json.notify_hook)
      assert.equal(4, json.options.seconds)
      assert.is_nil(sent { prompt = "a" }.notify_hook)
      assert.is_nil(sent { prompt = "a" }.options.seconds)
    end)

    it("without the fields that are empty", function()
      local gen2 = sent { image = IMAGE, prompt = "" }.options.gen2Options
      assert.is_nil(gen2.text_prompt)
      gen2 = sent { prompt = "a" }.options.gen2Options
      assert.is_nil(gen2.init_image)
      assert.is_nil(gen2.image_prompt)
      assert.is_nil(gen2.seed)
    end)

    it("for gen3a as europa, with its size", function()
      assert.same({
        taskType = "europa", internal = false,
        options = {
          name = "Gen-3 Alpha 7", seconds = 10, text_prompt = "fog", seed = 7, exploreMode = false,
          watermark = false, enhance_prompt = true, width = 1280, height = 768,
          assetGroupName = "Generative Video",
        },
      }, sent { prompt = "fog", model = "gen3a", seed = 7, duration = 10 })
      local options = sent { prompt = "fog", model = "gen3a", ratio = "9:16" }.options
      assert.same({ 768, 1280 }, { options.width, options.height })
      options = sent { prompt = "fog", model = "gen3a", ratio = "1024:576" }.options
      assert.same({ 1024, 576 }, { options.width, options.height })
      options = sent { image = IMAGE, model = "gen3a" }.options
      assert.equal(IMAGE, options.init_image)
      assert.equal("720p", options.resolution)
      assert.is_nil(options.text_prompt)
    end)

    it("for gen3a_turbo from an image, as first frame or last", function()
      assert.same({
        taskType = "gen3a_turbo", internal = false,
        options = {
          name = "Gen-3 Alpha Turbo", seconds = 5, text_prompt = "run", exploreMode = false,
          watermark = false, enhance_prompt = true, init_image = IMAGE, resolution = "720p",
          image_as_end_frame = false, assetGroupName = "Generative Video",
        },
      }, sent { prompt = "run", image = IMAGE, model = "gen3a_turbo", ratio = "16:9" })
      local options = sent { image = { { uri = IMAGE, position = "last" } }, model = "gen3a_turbo",
        ratio = "720:1280" }.options
      assert.is_true(options.image_as_end_frame)
      assert.is_true(options.flip)
      assert.is_nil(options.width)
    end)

    it("to extend a clip", function()
      local json = sent { extended_from_task_id = "7748161e", video = VIDEO, prompt = "go on",
        duration = 5 }
      assert.equal("europa", json.taskType)
      assert.equal("7748161e", json.options.extended_from_task_id)
      assert.equal(VIDEO, json.options.init_video)
      assert.equal(5, json.options.seconds)
      assert.is_nil(json.options.video_prompt)
      assert.equal(VIDEO, sent { kind = "extend", model = "gen2", video = VIDEO }
        .options.gen2Options.init_video)
      refused({ kind = "extend", video = VIDEO }, "extended_from_task_id", "extended_from_task_id")
      refused({ extended_from_task_id = "7748161e" }, "prompt_video", "needs prompt_video")
    end)

    it("to redraw a video", function()
      for _, model in ipairs { "gen3a", "gen3a_turbo" } do
        local json = sent { video = VIDEO, prompt = "in oil", model = model, ratio = "16:9" }
        assert.equal(model == "gen3a" and "europa" or model, json.taskType)
        local o = json.options
        assert.same({ VIDEO, 0.3, 1280, 768 },
          { o.video_prompt, o.structure_transformation, o.width, o.height })
      end
      assert.equal("europa", sent { video = VIDEO }.taskType)
      assert.equal(0.8, sent { video = VIDEO, structure_transformation = 0.8 }
        .options.structure_transformation)
      refused({ video = VIDEO, model = "gen2" }, "model", "not gen2")
    end)

    it("with an unknown model and whatever goes with it", function()
      local json = sent { prompt = "a", model = "gen9", duration = 7,
        options = { deep_key = { 1 } } }
      assert.equal("gen9", json.taskType)
      assert.equal(7, json.options.seconds)
      assert.same({ 1 }, json.options.deep_key)
    end)

    it("with a warning for a value that its list does not have", function()
      local request = assert(submit { prompt = "a", model = "gen3a", duration = 7 })
      assert.equal(7, request.json.options.seconds)
      assert.same({ "gen3a: duration 7 is not among those known (5 or 10); it goes to the API as it is" },
        request.warnings)
    end)

    it("only when nothing given is known to be refused", function()
      refused({ prompt = "a", model = "gen3a_turbo" }, "prompt_image", "needs an image")
      refused({ prompt = "a", duration = 0 }, "duration", "more than 0")
      refused({ prompt = "a", duration = "auto" }, "duration", 'not "auto"')
      refused({ prompt = "a", model = "gen2", duration = "auto" }, "duration", 'not "auto"')
      refused({ prompt = "a", ratio = "wide" }, "ratio", '"wide"')
      refused({ image = IMAGE, model = "gen3a_turbo", ratio = "960:960" }, "ratio", "gen3a_turbo")
      refused({ image = { IMAGE, IMAGE } }, "prompt_image", "one image")
      refused({ image = { { uri = IMAGE, position = "last" } } }, "prompt_image", "not a last")
      refused({ kind = "text_to_video" }, "prompt_text", "needs prompt_text")
      refused({ kind = "image_to_video" }, "prompt_image", "needs prompt_image")
      refused({ kind = "text_to_image", prompt = "a" }, "kind", "chatgptsb has no text_to_image")
      refused({ image = "data:image/png;base64,AAAA" }, "prompt_image", "runway.file")
      refused({ video = "data:video/mp4;base64,AAAA" }, "prompt_video", "runway.file")
      local _, problem = submit { prompt = "a", model = "gen3a", duration = 5,
        options = { seconds = 10 } }
      assert.equal("duration", problem.field)
    end)

    it("with files left in their place, for they are uploaded first", function()
      local picture = file "/tmp/a.png"
      assert.equal(picture, sent { image = picture }.options.gen2Options.init_image)
    end)

    it("how a task stands", function()
      assert.same({ method = "GET", path = "/runway/tasks/fc4a68aa" },
        chatgptsb.query { id = "fc4a68aa" })
    end)
  end)

  describe("reads a submit answer", function()
    it("as the document prints it", function()
      assert.same({ id = "fc4a68aa-4280-42cb-b55c-e1d9a64960e0", status = "PENDING",
        word = "PENDING" },
        accepted(answer("PENDING")))
    end)

    it("as unreadable without an id, and as a refusal with an error", function()
      for _, json in ipairs { {}, { task = {} }, { task = "x" }, answer("PENDING", { id = "" }),
        { 1 } } do
        local fields, problem = accepted(json)
        assert.is_nil(fields)
        assert.is_nil(problem)
      end
      local fields, problem = accepted { error = "bad image" }
      assert.is_nil(fields)
      assert.same({ message = "bad image", kind = "invalid_request" }, problem)
      fields, problem = chatgptsb.accepted { status = 429, headers = {}, json = { error = "wait" } }
      assert.is_nil(fields)
      assert.same({ message = "wait" }, problem)
      fields, problem = accepted { error = { message = "用户额度不足" } }
      assert.is_nil(fields)
      assert.equal("insufficient_credits", problem.kind)
    end)
  end)

  describe("reads a task", function()
    it("that waits, with the guess of its start as a hint for the next query", function()
      assert.same({ id = "fc4a68aa", status = "PENDING", word = "PENDING", created_at = 1722012043,
        next_poll = 2.526315789473684 }, read(answer("PENDING")))
      assert.equal("THROTTLED", read(answer("THROTTLED")).status)
      for _, v in ipairs { -1, 0 / 0, "soon", {}, 0 } do
        assert.is_nil(read(answer("PENDING", { estimatedTimeToStartSeconds = v })).next_poll)
      end
      assert.equal(300, read(answer("PENDING", { estimatedTimeToStartSeconds = 1e308 })).next_poll)
    end)

    it("that runs, with progress as a string, a number or nothing", function()
      for v, progress in pairs { ["0.37"] = 0.37, ["1"] = 1, [0.5] = 0.5, ["37%"] = 0.37 } do
        assert.equal(progress, read(answer("RUNNING", { progressRatio = v })).progress)
      end
      local fields = read(answer("RUNNING"))
      assert.is_nil(fields.progress)
      assert.is_nil(fields.next_poll)
    end)

    it("that succeeded, with artifacts as objects or as strings", function()
      assert.same({ CLIP }, read(answer("SUCCEEDED", { artifacts = { artifact(CLIP) } })).output)
      assert.same({ CLIP }, read(answer("SUCCEEDED", { artifacts = { CLIP } })).output)
      local empty = read(answer("SUCCEEDED"))
      assert.equal("SUCCEEDED", empty.status)
      assert.is_nil(empty.output)
      assert.is_nil(read(answer("RUNNING", { artifacts = { CLIP } })).output)
    end)

    it("that failed, with its error in each of its forms", function()
      local function failure(changes)
        local fields = read(answer("FAILED", changes))
        assert.equal("FAILED", fields.status)
        return { fields.failure, fields.failure_code }
      end
      assert.same({ "moderated", "SAFETY.INPUT.TEXT" },
        failure { error = { errorMessage = "moderated",
        reason = "SAFETY.INPUT.TEXT", message = "m", moderation_category = "x",
          tally_asimov = true } })
      assert.same({ "m" }, failure { error = { message = "m" } })
      assert.same({ "told" , "INTERNAL" }, failure { error = { reason = "INTERNAL" },
        progressText = "told" })
      assert.same({ "went wrong" }, failure { error = "went wrong" })
      assert.same({ "INTERNAL.BAD_OUTPUT.CODE01", "INTERNAL.BAD_OUTPUT.CODE01" },
        failure { error = "INTERNAL.BAD_OUTPUT.CODE01" })
      assert.same({ "told" }, failure { progressText = "told" })
      assert.same({}, failure {})
    end)

    it("that is not there as missing", function()
      assert.same({ id = "fc4a68aa", missing = true }, read({ error = "Not found" }, 404))
    end)

    it("never out of an error or of nothing", function()
      local fields, problem = read { code = 500, message = "busy", data = answer("SUCCEEDED") }
      assert.is_nil(fields)
      assert.equal("server", problem.kind)
      assert.is_nil((read {}))
      assert.is_nil((read { task = "SUCCEEDED" }))
      assert.is_nil((chatgptsb.task({ status = 200, body = "<html>" }, { id = "t" })))
      fields, problem = read({ error = { message = "no key" } }, 401)
      assert.is_nil(fields)
      assert.equal("no key", problem.message)
    end)

    it("and survives every hostile answer", function()
      local count = hostile.check(chatgptsb, {
        running = { answer("PENDING"), answer("RUNNING", { progressRatio = "0.37" }) },
        succeeded = { answer("SUCCEEDED", { artifacts = { artifact(CLIP) } }) },
        failed = { answer("FAILED", { error = { reason = "X", errorMessage = "no" } }) },
      })
      assert.is_true(count > 1000)
    end)
  end)

  it("reads a callback, which is the answer body", function()
    assert.same({ id = "fc4a68aa-4280-42cb-b55c-e1d9a64960e0", status = "SUCCEEDED",
      word = "SUCCEEDED" }, chatgptsb.callback(answer("SUCCEEDED")))
    assert.is_nil(chatgptsb.callback { task = {} })
    assert.is_nil(chatgptsb.callback "x")
  end)

  describe("uploads a file", function()
    local picture = { name = "lighthouse.png", type = "image/png", size = 1024,
      path = "/tmp/l.png" }
    local created = { status = 200, headers = {}, json = { id = "u/1",
      uploadUrls = { "https://s3.test/put?sig=1" },
        uploadHeaders = { ["Content-Type"] = "image/png" } } }
    local put = { status = 200, headers = { etag = '"ca3b00c3"' }, body = "" }

    it("in three steps: create, PUT, complete", function()
      assert.same({ request = { method = "POST", path = "/runway/uploads", safe = true,
        json = { filename = "lighthouse.png", numberOfParts = 1, type = "DATASET_PREVIEW" } } },
        chatgptsb.upload(picture, {}))
      assert.same({ request = { method = "PUT", url = "https://s3.test/put?sig=1", safe = true,
        file = "/tmp/l.png", headers = { ["Content-Type"] = "image/png" } } },
        chatgptsb.upload(picture, { created }))
      assert.same({ request = { method = "POST", path = "/runway/uploads/u%2F1/complete",
        safe = true,
        json = { parts = { { PartNumber = 1, ETag = "ca3b00c3" } } } } },
        chatgptsb.upload(picture, { created, put }))
      assert.same({ uri = IMAGE }, chatgptsb.upload(picture,
        { created, put, { status = 200, headers = {}, json = { url = IMAGE } } }))
    end)

    it("and says what an answer lacks", function()
      local function lacks(words, answers)
        local step, problem = chatgptsb.upload(picture, answers)
        assert.is_nil(step)
        assert.equal("protocol", problem.kind)
        assert.matches(words, problem.message, 1, true)
      end
      for _, json in ipairs(hostile.values()) do
        lacks("an upload URL", { { status = 200, headers = {}, json = json } })
        lacks("the file's URL", { created, put, { status = 200, headers = {}, json = json } })
      end
      lacks("an upload URL", { { status = 200, json = { id = "u",
        uploadUrls = { "file:///etc" } } } })
      lacks("an id", { { status = 200, json = { uploadUrls = { "https://s3.test/" } } }, put })
      lacks("an ETag", { created, { status = 200, headers = {} } })
      lacks("an ETag", { created, { status = 200 } })
    end)

    it("under a type of its own when the server names none that is one", function()
      for _, named in ipairs { { 1 }, "", "image/" .. ("x"):rep(130) } do
        local bare = { status = 200, headers = {}, json = { id = "u", uploadUrls = { "https://s3.test/" },
          uploadHeaders = { ["Content-Type"] = named, Authorization = "evil" } } }
        assert.same({ ["Content-Type"] = "image/png" }, chatgptsb.upload(picture, { bare }).request.headers)
      end
    end)
  end)
end)
