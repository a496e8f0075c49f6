-- Shots that begin where others end, made over a mock that gives real films.

local footage = require "spec.support.footage"
local json = require "runway.json"
local mocked = require "spec.support.mocked"
local runway = require "runway"
local scratch = require "spec.support.scratch"

local seen = footage.it(it, pending)

local HEADER = "key,prompt_text,model,ratio,duration,prompt_image\n"

describe("a shot that begins where another ends", function()
  local files, client, m, posts, fails, films

  setup(function()
    films = {}
    if footage.missing then return end
    local made = scratch.new()
    for n = 1, 3 do films[n] = scratch.read(footage.make(made:path "film.mp4", { frames = 3 * n })) end
    made:remove()
  end)

  -- Each prompt's film has three frames more than the one before it.
  local function provider(options)
    posts = {}
    local function submit(request)
      local prompt = request.json.promptText
      posts[#posts + 1] = prompt
      return { json = { id = prompt } }
    end
    local function query(request)
      local id = request.path:match "[^/]+$"
      if fails[id] then return { json = { id = id, status = "FAILED", failure = fails[id] } } end
      return { json = { id = id, status = "SUCCEEDED", output = { "https://cdn.example/" .. id } } }
    end
    local function film(request) return { body = films[request.url:byte(-1) - 96] or "\0\0\0\24ftypmp42 none" } end
    return mocked.client({ any_order = true,
      { method = "POST", path = "^/v1/.*_to_video$", times = math.huge, answer = submit },
      { method = "GET", path = "^/v1/tasks/", times = math.huge, answer = query },
      { method = "GET", path = function(_, request) return request.url:find "^https://cdn" ~= nil end,
        times = math.huge, answer = film },
    }, options)
  end

  local function list(...)
    local lines = {}
    for i, words in ipairs { ... } do
      local key, image = words:match "^(%w+)<?(.*)$"
      lines[i] = ("%s,%s,gen4.5,1280:720,5,%s"):format(key, key, image)
    end
    return files:write("shots.csv", HEADER .. table.concat(lines, "\n"))
  end

  local function run(where, more)
    client, m = provider()
    local options = { directory = files:path "out", sheet = function() end }
    for name, v in pairs(more or {}) do options[name] = v end
    return runway.batch(client, where, options)
  end

  local function states(result)
    local words = {}
    for i, shot in ipairs(result.shots) do words[i] = shot.state end
    return table.concat(words, " ")
  end

  before_each(function() files, fails = scratch.new(), {} end)
  after_each(function()
    mocked.close()
    files:remove()
  end)

  for jobs = 1, 3 do
    seen(("waits for it, and is sent with its last frame (jobs = %d)"):format(jobs), function()
      local result = assert(run(list("c<last:b", "b<last:a", "a"), { jobs = jobs }))
      assert.equal("done done done", states(result))
      assert.equal(0, result.exit_code)
      assert.same({ "a", "b", "c" }, posts)
      assert.same({ "b" }, result.shots[1].after)
      local greys = footage.greys(files:path "out/a.mp4.last.png")
      assert.is_true(math.abs(greys[1] - 50) <= 2)
      local sent = {}
      for _, request in ipairs(m.requests) do
        if request.method == "POST" then sent[request.json.promptText] = request.json.promptImage end
      end
      assert.is_nil(sent.a)
      assert.same({ file = files:path "out/a.mp4.last.png" }, sent.b)
      assert.same({ file = files:path "out/b.mp4.last.png" }, sent.c)
      local receipt = assert(json.decode(files:content "out/b.mp4.json"))
      local picture = receipt.params.prompt_image[1].uri
      assert.same({ "a.mp4.last.png", "a" }, { picture.file, picture.last_frame_of })
      assert.equal(64, #picture.sha256)
    end)
  end

  seen("waits for it where it failed and is made anew, too", function()
    fails.b = "no"
    assert.equal("failed done", states(assert(run(list("b<last:a", "a")))))
    fails = {}
    os.remove(files:path "out/a.mp4")         -- is fetched first
    os.remove(files:path "out/a.mp4.last.png")
    local result = assert(run(list("b<last:a", "a"), { jobs = 1, retry_failed = true }))
    assert.same({ "done done", 0, { "b" } }, { states(result), result.exit_code, posts })
  end)

  seen("is not said to be bought while what it begins with has failed and is not made anew", function()
    local shots = list("c<last:b", "b<last:a", "a", "d")
    fails.a = "no"
    assert(run(shots))
    local result = assert(run(shots))
    assert.same({ 0, 0 }, { result.plan.new, result.plan.credits })
    fails = {}
    assert.equal(3, assert(run(shots, { retry_failed = true })).plan.new)
    assert.equal(2, assert(run(list("f<last:e", "e", "d"), { only = { "f", "e" } })).plan.new)
    assert.equal(0, assert(run(list("h<last:g", "g", "d"), { only = { "h" } })).plan.new) -- g is left out
  end)

  seen("is made once, whatever became of the frame since", function()
    assert(run(list("a", "b<last:a")))
    assert.equal(0, assert(run(list("a", "b<last:a"))).exit_code)
    assert.same({}, posts)
    files:write("out/a.mp4.last.png", "another one")
    assert.equal(0, assert(run(list("a", "b<last:a"))).exit_code)
    os.remove(files:path "out/a.mp4.last.png")
    os.remove(files:path "out/b.mp4")
    assert.equal(0, assert(run(list("a", "b<last:a"))).exit_code)
    assert.truthy(files:content "out/b.mp4")
    assert.same({}, posts)
    local result = assert(run(list("a", "c", "b<last:c")))
    assert.equal("key_conflict", result.shots[3].error.code)
    assert.matches('was the last frame of "a" and is the last frame of "c"', result.shots[3].error.message)
  end)

  seen("is gone on with where it was begun, and waits for no one", function()
    assert(run(list("a", "b<last:a"), { timeout = 0.001 }))
    local result = assert(run(list("a", "b<last:a"), { timeout = 900 }))
    assert.equal("done done", states(result))
  end)

  seen("stays queued where the other failed, is told why, and is made when that is there", function()
    fails.a = "it was too dark"
    local result = assert(run(list("a", "b<last:a", "c<last:b", "d"), { jobs = 1 }))
    assert.equal("failed queued queued done", states(result))
    assert.equal(1, result.exit_code)
    assert.same({ "a", "d" }, posts)
    local err = result.shots[2].error
    assert.same({ "cancelled", "waits", "no" }, { err.kind, err.code, err.sent })
    assert.matches('"b" begins where "a" ends, and that failed %(.*it was too dark', err.message)
    assert.equal('"c" begins where "b" ends, which waits for "a", and that failed (the provider could not make it: it '
      .. 'was too dark). Nothing was submitted; run the list again with retry_failed, which makes "a" anew',
      result.shots[3].error.message)
    result = assert(run(list("a", "b<last:a", "c<last:b", "e<last:c"), { retry_failed = true }))
    assert.equal('"e" begins where "c" ends, which waits for "a", and that failed (the provider could not make it: it '
      .. 'was too dark). Nothing was submitted; run the list again when that is there', result.shots[4].error.message)
    assert.equal("queued", states(assert(run(list("a", "b<last:a", "c<last:b", "d")))):match "%w+ (%w+)")
    fails = {}
    result = assert(run(list("a", "b<last:a", "c<last:b", "d"), { retry_failed = true }))
    assert.equal("done done done done", states(result))
    assert.same({ "a", "b", "c" }, posts)
    assert.equal(0, result.exit_code)
    assert.is_nil(result.shots[2].error)
  end)

  seen("stays queued where the other is left out, and goes on where that is there", function()
    local result = assert(run(list("a", "b<last:a"), { only = { "b" } }))
    assert.equal("queued queued", states(result))
    assert.matches("that is left out", result.shots[2].error.message)
    assert.same({ 1, 0 }, { result.exit_code, #posts })
    assert(run(list("a", "b<last:a"), { only = { "a" } }))
    assert.equal("done done", states(assert(run(list("a", "b<last:a"), { only = { "b" } }))))
  end)

  seen("finds the film of one that is left out where the directory was moved", function()
    assert(run(list "a"))
    assert(os.rename(files:path "out", files:path "moved"))
    local result = assert(run(list("a", "b<last:a"), { only = { "b" }, directory = files:path "moved" }))
    assert.equal("done done", states(result))
    assert.same({ "b" }, posts)
  end)

  seen("stays queued where no frame can be had", function()
    local result = assert(run(list("z", "b<last:z"))) -- the mock's film is none
    assert.equal("done queued", states(result))
    assert.matches("its last frame cannot be had: .*z.mp4: ffprobe failed", result.shots[2].error.message)
    assert.same({ "z" }, posts)
  end)

  seen("has the frame of a film that was made again", function()
    os.execute("mkdir -p " .. files:path "out")
    files:write("out/a.mp4.last.png", "of another night")
    assert.equal("done done", states(assert(run(list("a", "b<last:a")))))
    assert.equal(1, #footage.greys(files:path "out/a.mp4.last.png"))
  end)

  seen("has the film's own frame, whatever lies in its place by the next run", function()
    assert(run(list "a"))
    files:write("out/a.mp4.last.png", "someone's")
    assert.equal("done done", states(assert(run(list("a", "b<last:a")))))
    assert.equal(1, #footage.greys(files:path "out/a.mp4.last.png"))
  end)

  seen("may have it at any place that its model has", function()
    local shots = { mocked.clip { key = "a", prompt_text = "a" }, mocked.clip { key = "b", prompt_text = "b",
      model = "veo3.1", duration = 8, prompt_image = { { uri = "last:a", position = "first" },
      { uri = "https://host.example/end.png", position = "last" } } } }
    assert.equal("done done", states(assert(run(shots))))
    local body
    for _, request in ipairs(m.requests) do
      if request.method == "POST" and request.json.promptText == "b" then body = request.json end
    end
    assert.same({ "first", "last" }, { body.promptImage[1].position, body.promptImage[2].position })
    assert.same({ file = files:path "out/a.mp4.last.png" }, body.promptImage[1].uri)
  end)

  describe("is checked with the list:", function()
    local function refused(...)
      local result, err = run(...)
      assert.is_nil(result)
      assert.equal("bad_list", err.code)
      assert.equal(0, #m.requests)
      assert.is_nil(files:content "out/runway.db")
      return err.faults[1].line .. " " .. err.faults[1].column .. " " .. err.faults[1].message
    end

    seen("keys and circles", function()
      assert.matches("^3 prompt_image last:x: no shot", refused(list("a", "b<last:x")))
      assert.matches("^2 prompt_image .*wait for each other", refused(list("a<last:b", "b<last:a")))
      assert.matches("^2 prompt_image .*ends itself", refused(list("a<last:a")))
    end)

    seen("what makes no film", function()
      assert.matches("^2 prompt_image last:a: that shot makes no film %(text_to_image%)", refused {
        { key = "a", prompt_text = "a", kind = "text_to_image", model = "gen4_image", ratio = "1280:720" },
        mocked.clip { key = "b", prompt_image = "last:a" },
      })
    end)

    seen("what its provider does not take in the place of a picture", function()
      assert.matches("^2 duration ", refused { mocked.clip { key = "a" },
        mocked.clip { key = "b", prompt_image = "last:a", duration = 77 } })
    end)

    it("a machine without ffmpeg", function()
      local ffmpeg = require "runway.ffmpeg"
      local missing = ffmpeg.missing
      ffmpeg.missing = function(what) return { message = what .. " needs ffmpeg" } end
      finally(function() ffmpeg.missing = missing end)
      assert.matches("^3 prompt_image what begins with last: needs ffmpeg", refused(list("a", "b<last:a")))
    end)

    seen("no worker has the film that it begins with", function()
      for _, only in ipairs { { "b" }, { "a", "b" } } do
        local result, err = run(list("a", "b<last:a"), { enqueue = true, only = only })
        assert.same({ nil, "bad_list", 0 }, { result, err.code, #m.requests })
        assert.matches("line 3 %(b%), prompt_image: .*last:a", err.message)
      end
      local result = assert(run(list("a", "b<last:a"), { enqueue = true, only = { "a" } }))
      assert.same({ 1, 0 }, { result.counts.queued, #m.requests })
    end)

    seen("a file that is another's frame", function()
      local shots = { mocked.clip { key = "a" }, mocked.clip { key = "b", output = "A.mp4.last.png" } }
      assert.matches("^2 output the file", refused(shots))
    end)

    seen("and the requests can be seen before", function()
      local result = assert(run(list("b<last:a", "a"), { dry_run = true }))
      assert.equal(files:path "out/a.mp4.last.png", result.shots[1].request.json.promptImage.path)
      assert.equal(0, #m.requests)
    end)
  end)
end)
