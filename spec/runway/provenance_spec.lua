-- The receipt beside a film: what it was made from, and nothing that must stay hidden.

local core = require "runway.core"
local json = require "runway.json"
local mocked = require "spec.support.mocked"
local runway = require "runway"
local scratch = require "spec.support.scratch"

local clip, task_is = mocked.clip, mocked.task

local FILM = "GET https://cdn.example/clip.mp4"
local PNG = "\137PNG\r\n\26\n" .. ("\0\1\2\3 a picture"):rep(40)

describe("a receipt", function()
  local here

  before_each(function() here = scratch.new() end)
  after_each(function()
    mocked.close()
    here:remove()
  end)

  -- A finished task of these params.
  local function finished(params)
    local list = {
      { method = "POST", json = { id = "t1", estimatedCost = { credits = 25 } } },
      task_is("SUCCEEDED", { output = { "https://cdn.example/clip.mp4?_jwt=SECRET" } }),
      { FILM, body = "a film", headers = { ["content-type"] = "video/mp4" } },
    }
    local client, m = mocked.client(list)
    return assert(assert(client:generate(params)):wait()), m
  end

  local function receipt() return json.decode(here:content "a.mp4.json") end

  it("says what was made from what", function()
    local before = os.time()
    local task = finished(clip { seed = 42 })
    local file = assert(task:download(here:path "a.mp4", { receipt = true }))
    assert.equal(here:path "a.mp4.json", file.receipt)
    local r = receipt()
    assert.same({ core.version, "runwayml", "t1", "text_to_video", 1 },
      { r.runway, r.provider, r.task_id, r.kind, r.output })
    assert.same({ prompt_text = "a cat", model = "gen4.5", ratio = "1280:720", duration = 5, seed = 42 }, r.params)
    assert.same({ name = "a.mp4", bytes = 6, sha256 = core.sha256 "a film", content_type = "video/mp4" }, r.file)
    assert.equal(25, r.estimated_cost)
    assert.equal(1767225600, r.created_at)
    assert.is_true(r.downloaded_at >= before and r.downloaded_at <= os.time())
  end)

  it("is not there unless it is asked for", function()
    local file = assert(finished(clip()):download(here:path "a.mp4"))
    assert.is_nil(file.receipt)
    assert.is_nil(here:content "a.mp4.json")
  end)

  it("holds a local file as its name, its size and its SHA-256, as it was when it was sent", function()
    local path = here:write("start.png", PNG)
    local task = finished(clip { model = "gen4_turbo", prompt_image = runway.file(path) })
    here:write("start.png", PNG .. "something else")
    assert(task:download(here:path "a.mp4", { receipt = true }))
    local said = receipt().params.prompt_image[1].uri
    assert.same({ file = "start.png", size = #PNG, sha256 = core.sha256(PNG) }, said)
    assert.is_nil(here:content "a.mp4.json":find(here.directory, 1, true))
  end)

  it("holds neither key, nor query, nor the bytes of a data URI", function()
    for image, shown in pairs {
      ["https://me:pass@pictures.example/a.png?sig=SIGNED"] = "https://pictures.example/a.png?[query] [sha256 ",
      ["data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5C"
        .. "YII="] = "data:image/png [sha256 ",
    } do
      local task = finished(clip { model = "gen4_turbo", prompt_text = "my key is " .. mocked.KEY, prompt_image = image,
        extra = { webhook = "https://hook.example/?token=TOKEN" } })
      assert(task:download(here:path "a.mp4", { receipt = true, overwrite = true }))
      local all = here:content "a.mp4.json"
      for _, secret in ipairs { mocked.KEY, "SIGNED", "SECRET", "TOKEN", "iVBOR", "me:pass" } do
        assert.is_nil(all:find(secret, 1, true), secret)
      end
      assert.equal(1, (receipt().params.prompt_image[1].uri:find(shown, 1, true)))
      assert.equal(1, (receipt().extra.webhook:find("https://hook.example/?[query]", 1, true)))
      mocked.close()
    end
  end)

  it("of a task that was attached to tells what is known", function()
    local client = mocked.client { task_is "SUCCEEDED", { FILM, body = "a film" } }
    local task = assert(client:get "t1")
    assert(task:download(here:path "a.mp4", { receipt = true }))
    assert.equal("t1", receipt().task_id)
    assert.is_nil(receipt().params)
  end)

  it("that cannot be written is told before the film is fetched", function()
    here:write("a.mp4.json", "precious")
    local task, m = finished(clip())
    local _, err = task:download(here:path "a.mp4", { receipt = true })
    assert.same({ "io", "exists" }, { err.kind, err.code })
    assert.matches("a.mp4.json", err.message, 1, true)
    assert.equal("precious", here:content "a.mp4.json")
    assert.is_nil(here:content "a.mp4")
    assert.equal(2, #m.requests)
    assert.is_nil(err.message:find("overwrite", 1, true))
  end)

  it("is not written over a file that is none, also with overwrite, which is about the film", function()
    local path = here:path "a.mp4"
    for _, foreign in ipairs { "precious", "[]", '{"file":{}}' } do
      here:write("a.mp4", "old")
      here:write("a.mp4.json", foreign)
      local _, err = finished(clip()):download(path, { receipt = true, overwrite = true })
      assert.same({ "io", "exists" }, { err.kind, err.code })
      assert.same({ "old", foreign }, { here:content "a.mp4", here:content "a.mp4.json" })
      mocked.close()
    end
    here:write("a.mp4.json", json.encode { provider = "qimu", task_id = "other", output = 2, file = { bytes = 3 } })
    assert(finished(clip()):download(path, { receipt = true, overwrite = true }))
    assert.equal("t1", receipt().task_id)
  end)

  it("of this very output is written anew with its film; another's, or another output's, is not", function()
    local task = finished(clip())
    local path = here:path "a.mp4"
    assert(task:download(path, { receipt = true }))
    local ours = here:content "a.mp4.json"
    os.remove(path)
    assert(finished(clip()):download(path, { receipt = true }))
    assert.equal(core.sha256 "a film", receipt().file.sha256)
    for _, other in ipairs {
      ours:gsub('"task_id":"t1"', '"task_id":"t2"'), ours:gsub('"output":1', '"output":2'),
      ours:gsub('"file":{[^}]*}', '"file":1'),
      ours:gsub('"provider":"runwayml"', '"provider":"qimu"'),
      '"a note"', "[]", "", (" "):rep(1048577),
    } do
      assert.not_equal(ours, other)
      here:write("a.mp4.json", other)
      os.remove(path)
      local _, err = finished(clip()):download(path, { receipt = true })
      assert.same({ "io", "exists" }, { err.kind, err.code })
      assert.equal(other, here:content "a.mp4.json")
      assert.is_nil(here:content "a.mp4")
    end
  end)

  it("that could not be written after all leaves the film, and says so", function()
    local task = finished(clip())
    local path = here:path "a.mp4"
    local file, err = task:download(path, { receipt = true, on_progress = function()
      os.execute(("mkdir -p '%s.json'"):format(path))
    end })
    assert.is_nil(file)
    assert.equal("io", err.kind)
    assert.equal(path, err.files[1].path)
    assert.equal(core.sha256 "a film", err.files[1].sha256)
    assert.equal("a film", here:content "a.mp4")
  end)

  it("is there for every output", function()
    local client = mocked.client { mocked.SUBMIT,
      task_is("SUCCEEDED", { output = { "https://cdn.example/1.mp4", "https://cdn.example/2.mp4" } }),
      { "GET https://cdn.example/1.mp4", body = "one" }, { "GET https://cdn.example/2.mp4", body = "two" } }
    local task = assert(assert(client:generate(clip())):wait())
    local files = assert(task:download_all(here.directory, { receipt = true }))
    assert.equal(2, json.decode(here:content "t1-2.mp4.json").output)
    assert.equal(here:path "t1-2.mp4.json", files[2].receipt)
  end)
end)
