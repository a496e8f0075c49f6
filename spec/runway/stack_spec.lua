-- The whole stack: client, policy, C core, real sockets, the sandbox at the other end.

local base64 = require "spec.support.base64"
local json = require "runway.json"
local runway = require "runway"
local sandbox = require "runway.sandbox"
local scratch = require "spec.support.scratch"

local PNG = "\137PNG\r\n\26\n" .. ("\0\1\2\3 not much of a picture, but its bytes begin like one"):rep(40)

local directory

local content = scratch.read

local function write(name, bytes)
  local path = directory .. "/" .. name
  local file = assert(io.open(path, "wb"))
  file:write(bytes)
  file:close()
  return path
end

describe("the whole stack", function()
  local server

  local function client(provider, more)
    local options = { provider = provider, api_key = "sk-0123456789abcdef", base_url = server.base_url,
      poll_interval = 0.01 }
    for name, value in pairs(more or {}) do options[name] = value end
    return assert(runway.client(options))
  end

  -- The requests the sandbox got whose path matches.
  local function got(method, pattern)
    local list = {}
    for _, request in ipairs(server.requests) do
      if request.method == method and request.path:find(pattern) then list[#list + 1] = request end
    end
    return list
  end

  before_each(function()
    directory = os.tmpname()
    os.remove(directory)
    assert(os.execute("mkdir '" .. directory .. "'"))
    server = assert(sandbox.start { seconds = 0.05 })
  end)

  after_each(function()
    server:close()
    os.execute("rm -rf '" .. directory .. "'")
  end)

  local function fetch(task, name)
    local path = directory .. "/" .. (name or "clip.mp4")
    local file = assert(task:download(path))
    assert.equal(path, file.path)
    local bytes = content(path)
    assert.equal(file.bytes, #bytes)
    assert.is_nil(content(path .. ".part"))
    return bytes
  end

  describe("makes a clip", function()
    local VIDEO = {
      runwayml = { model = "gen4.5", ratio = "1280:720", duration = 5 },
      cometapi = { ratio = "16:9", duration = 10 },
      chatgptsb = { model = "gen3a", duration = 5 },
      qimu = { model = "gen3a_turbo", ratio = "16:9", duration = 5 },
    }
    local IMAGE = {
      runwayml = { model = "gen4_turbo", ratio = "1280:720", duration = 5 },
      cometapi = { ratio = "1280:720", duration = 5 },
      chatgptsb = { model = "gen3a_turbo", duration = 5 },
      qimu = { model = "gen3a_turbo", ratio = "16:9", duration = 5 },
      gateway = { model = "gen4_turbo", ratio = "1280:720", duration = 5 },
    }

    local function make(provider, params)
      local seen = {}
      local task = assert(client(provider):generate(params))
      assert.equal("PENDING", task.status)
      assert(task:wait { timeout = 20, on_progress = function(t) seen[t.status] = true end })
      assert.equal("SUCCEEDED", task.status)
      assert.is_true(seen.SUCCEEDED)
      assert.equal("ftyp", fetch(task):sub(5, 8))
      return task
    end

    for provider, params in pairs(VIDEO) do
      it("from text at " .. provider, function()
        params.prompt_text = "a lighthouse in fog"
        make(provider, params)
      end)
    end

    for provider, params in pairs(IMAGE) do
      it("from an image at " .. provider, function()
        params.prompt_text = "waves roll in"
        params.prompt_image = "https://example.com/first.png"
        make(provider, params)
      end)
    end

    it("that is a film players accept, with a few seconds of moving picture", function()
      local task = make("cometapi", { prompt_text = "a cat", ratio = "16:9" })
      assert.truthy(task.output[1]:find("^http"))
      local probe = io.popen("ffprobe -v error -select_streams v:0 -show_entries "
        .. "stream=codec_type,nb_frames:format=duration -of default=nw=1 '" .. directory .. "/clip.mp4' 2>&1")
      local said = probe:read "a"
      assert.is_true(probe:close(), said)
      assert.truthy(said:find "codec_type=video")
      assert.is_true(tonumber(said:match "duration=([%d.]+)") >= 2)
      assert.is_true(tonumber(said:match "nb_frames=(%d+)") >= 20)
    end)
  end)

  describe("sends what the documents show:", function()
    it("the request of CometAPI's document, number for number", function()
      assert(client("cometapi"):generate {
        callback_url = "http://baidu.com", ratio = "16:9", prompt_text = "a cat", style = "cinematic",
        model = "gen4", duration = 10,
        options = { motion_vector = { x = 0, y = 0.3999999999999999, z = 0, r = -6, bg_x_pan = 0, bg_y_pan = 0 } },
      })
      local request = got("POST", "^/runway/pro/generate$")[1]
      assert.equal('{"callback_url":"http://baidu.com","model":"gen4","options":{"motion_vector":'
        .. '{"bg_x_pan":0,"bg_y_pan":0,"r":-6,"x":0,"y":0.3999999999999999,"z":0},"seconds":10},'
        .. '"prompt":"a cat","ratio":"16:9","style":"cinematic"}', request.body)
      assert.equal("Bearer sk-0123456789abcdef", request.headers.authorization)
      assert.equal("2024-11-06", request.headers["x-runway-version"])
      assert.equal("application/json", request.headers["content-type"])
    end)

    it("the official gen4_turbo request with a picture from disk", function()
      local path = write("first.png", PNG)
      assert(client("runwayml"):image_to_video {
        model = "gen4_turbo", prompt_text = "slow dolly in", prompt_image = runway.file(path),
        ratio = "1280:720", duration = 5, seed = 4294967295,
      })
      local request = got("POST", "^/v1/image_to_video$")[1]
      local body = assert(json.decode(request.body))
      assert.same({
        model = "gen4_turbo", promptText = "slow dolly in", ratio = "1280:720", duration = 5,
        seed = 4294967295, promptImage = "data:image/png;base64," .. base64(PNG),
      }, body)
      assert.equal("integer", math.type(body.duration))
      assert.equal("2024-11-06", request.headers["x-runway-version"])
    end)
  end)

  describe("never pays twice:", function()
    for _, scenario in ipairs { "drop", "truncate", "empty", "html", "server_error", "garbage" } do
      it("after " .. scenario .. " there was one submit, and the error says what is known", function()
        local task, err = client("runwayml", { timeout = 10 }):generate {
          model = "gen4.5", prompt_text = "sandbox:" .. scenario, ratio = "1280:720", duration = 5,
        }
        assert.is_nil(task)
        assert.equal("unknown_submit", err.kind)
        assert.equal("yes", err.sent)
        assert.is_false(err.retryable)
        assert.equal(1, err.attempts)
        assert.equal(1, #got("POST", "^/v1/text_to_video$"))
      end)
    end

    it("an answer that never comes is given up in time", function()
      local task, err = client("runwayml", { timeout = 0.3 }):generate {
        model = "gen4.5", prompt_text = "sandbox:hang", ratio = "1280:720", duration = 5,
      }
      assert.is_nil(task)
      assert.equal("unknown_submit", err.kind)
      assert.equal(1, #got("POST", "^/v1/text_to_video$"))
    end)

    for _, scenario in ipairs { "rate_limit", "unavailable" } do
      it("what " .. scenario .. " refused is submitted again", function()
        server:close()
        server = assert(sandbox.start { seconds = 0.05, retry_after = 0 })
        local task = assert(client("runwayml"):generate {
          model = "gen4.5", prompt_text = "sandbox:" .. scenario, ratio = "1280:720", duration = 5,
        })
        assert(task:wait { timeout = 20 })
        assert.equal(2, #got("POST", "^/v1/text_to_video$"))
        assert.equal(1, #server.tasks)
      end)
    end
  end)

  describe("keeps a task through trouble:", function()
    local function made(scenario, provider)
      return assert(client(provider or "runwayml", { max_retries = 1 }):generate {
        prompt_text = "sandbox:" .. scenario, ratio = "1280:720", duration = 5,
        model = provider ~= "cometapi" and "gen4.5" or nil,
      })
    end

    it("queries that fail are asked again", function()
      assert(made("poll_error"):wait { timeout = 20 })
      assert.equal(1, #got("POST", "^/v1/text_to_video$"))
    end)

    it("a failed task says why", function()
      local task = made "fail_safety"
      local done, err = task:wait { timeout = 20 }
      assert.is_nil(done)
      assert.equal("task_failed", err.kind)
      assert.equal("SAFETY.INPUT.TEXT", err.code)
      assert.equal(task.failure_code, err.code)
      assert.equal(task, err.task)
      assert.is_false(err.retryable)
    end)

    it("a task that CometAPI does not know yet is waited for", function()
      assert(made("task_not_exist", "cometapi"):wait { timeout = 20 })
    end)

    it("a status that no one knows counts as still running", function()
      assert(made("unknown_status"):wait { timeout = 20 })
    end)

    it("a wait that is over leaves the task to be waited for again, or attached by its id", function()
      local task = made "stall"
      local done, err = task:wait { timeout = 0.2 }
      assert.is_nil(done)
      assert.equal("timeout", err.kind)
      assert.equal(task.id, err.task_id)
      assert.equal("yes", err.sent)
      local again = assert(client("runwayml"):get(task.id))
      assert.equal("RUNNING", again.status)
      assert(again:cancel())
      assert.equal("CANCELLED", again.status)
      assert.is_true(client("runwayml"):cancel(task.id))
    end)
  end)

  describe("puts the file on disk:", function()
    local function finished(scenario)
      local task = assert(client("runwayml"):generate {
        model = "gen4.5", prompt_text = "sandbox:" .. scenario, ratio = "1280:720", duration = 5,
      })
      return assert(task:wait { timeout = 20 })
    end

    it("never sends the key to an output host", function()
      fetch(finished "success")
      for _, request in ipairs(got("GET", "^/files/")) do
        assert.is_nil(request.headers.authorization)
        assert.is_nil(request.headers["x-runway-version"])
      end
      assert.equal(1, #got("GET", "^/files/"))
    end)

    it("asks for a new URL when the old one has expired", function()
      assert.equal("ftyp", fetch(finished "expire"):sub(5, 8))
    end)

    it("goes on when a download breaks off", function()
      assert.equal("ftyp", fetch(finished "cut"):sub(5, 8))
      assert.equal(2, #got("GET", "^/files/"))
    end)

    it("never writes over a file unless told to", function()
      local task = finished "success"
      local path = write("clip.mp4", "precious")
      local file, err = task:download(path)
      assert.is_nil(file)
      assert.equal("io", err.kind)
      assert.equal(task, err.task)
      assert.equal("precious", content(path))
      assert.equal(0, #got("GET", "^/files/"))
      assert(task:download(path, { overwrite = true }))
      assert.not_equal("precious", content(path))
    end)

    it("stops at max_bytes and leaves nothing behind", function()
      local path = directory .. "/clip.mp4"
      local file, err = finished("success"):download(path, { max_bytes = 1000 })
      assert.is_nil(file)
      assert.equal("limit", err.kind)
      assert.is_nil(content(path))
      assert.is_nil(content(path .. ".part"))
    end)

    it("fetches every output under names of its own", function()
      local task = finished "success"
      local files = assert(task:download_all(directory))
      assert.equal(#task.output, #files)
      assert.equal(directory .. "/" .. task.id .. "-1.mp4", files[1].path)
    end)
  end)

  it("runs many tasks side by side with the code that runs one", function()
    local account = client "runwayml"
    local function shot(number)
      local task = assert(account:generate {
        model = "gen4.5", prompt_text = "shot " .. number, ratio = "1280:720", duration = 5,
      })
      assert(task:wait { timeout = 30 })
      return #fetch(task, number .. ".mp4")
    end
    local sizes = runway.run(function()
      local jobs = {}
      for number = 1, 40 do jobs[number] = runway.spawn(shot, number) end
      return (runway.all(jobs))
    end)
    assert.equal(40, #sizes)
    assert.equal(40, #got("POST", "^/v1/text_to_video$"))
    local seen = {}
    for number = 1, 40 do seen[#content(directory .. "/" .. number .. ".mp4")] = true end
    assert.is_nil(seen[0])
  end)

  it("is driven by step alone, as a game drives it", function()
    local account = client "cometapi"
    local job = runway.spawn(function()
      return assert(account:generate { prompt_text = "a cat" }):wait { timeout = 20 }
    end)
    local frames = 0
    while not job:done() do
      runway.step(0)
      frames = frames + 1
      assert.is_true(frames < 1e8)
    end
    assert.equal("SUCCEEDED", job:join().status)
  end)

  it("tells the credits, uploads files, and reaches every other endpoint", function()
    local account = client "runwayml"
    local credits, detail = account:credits()
    assert.equal("number", type(credits))
    assert.equal(credits, detail.creditBalance)
    local uri = assert(account:upload(write("first.png", PNG .. PNG)))
    assert.truthy(uri:find "^runway://")
    local upload = got("POST", "upload")
    assert.is_nil(upload[#upload].headers.authorization)
    local answer = assert(account:request { path = "/v1/organization" })
    assert.equal(200, answer.status)
    assert.equal(credits, answer.json.creditBalance)
    local none, err = account:request { path = "/v1/no/such/thing" }
    assert.is_nil(none)
    assert.equal("not_found", err.kind)
  end)
end)
