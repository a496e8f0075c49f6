-- The contact sheet as a file: what it says of each shot, that nothing in it is markup but ours, and that neither it
-- nor ffmpeg ends a night. What a browser makes of it: spec/browser.

local child = require "spec.support.child"
local core = require "runway.core"
local errors = require "runway.errors"
local journal = require "runway.journal"
local page = require "runway.sheet.page"
local program = require "runway.program"
local runway = require "runway"
local scheduler = require "runway.scheduler"
local scratch = require "spec.support.scratch"
local sheet = require "runway.sheet"
local transport = require "runway.transport"

describe("the contact sheet", function()
  local files, warnings, kept

  before_each(function()
    files, warnings = scratch.new(), {}
    kept = sheet.new(files.directory, { warn = function(said) warnings[#warnings + 1] = said end,
      redact = function(said) return errors.redact(said, "a-secret-key-of-mine") end })
  end)
  after_each(function() files:remove() end)

  local function shot(more)
    local one = { row = 1, line = 2, key = "one", kind = "text_to_video", provider = "runwayml", state = "queued",
      output = "one.mp4", params = { prompt_text = "a lighthouse", model = "gen4.5", ratio = "1280:720", duration = 5,
      seed = 7 }, attempt = 1 }
    for name, v in pairs(more or {}) do one[name] = v end
    return one
  end

  local function done(more)
    local one = shot { state = "done", task_id = "t-1", path = files:path "one.mp4",
      receipt = files:path "one.mp4.json", credits = 25, submitted_at = 1000, ended_at = 1075 }
    for name, v in pairs(more or {}) do one[name] = v end
    return one
  end

  local function written(shots, more)
    local sums = { shots = shots, counts = {}, credits = 25, halted = {} }
    for name, v in pairs(more or {}) do sums[name] = v end
    kept:write(shots, sums)
    return files:content "index.html"
  end

  local function has(said, html)
    assert(html:find(said, 1, true), ("%q is not in the page"):format(said))
  end
  local function has_not(said, html)
    assert(not html:find(said, 1, true), ("%q is in the page"):format(said))
  end

  it("says all that is known of a shot, with links to its file and its receipt", function()
    local html = written { done { attempt = 2 } }
    for _, said in ipairs { "one</h2>", '<span class="state">done</span>', "a lighthouse", "<dd>gen4.5</dd>",
      "<dd>1280:720</dd>", "<dd>5 s</dd>", "<dd>7</dd>", "<dd>25 credits</dd>", "<dd>1:15</dd>",
      'datetime="1970-01-01T00:17:55Z"', "<dt>Attempt</dt><dd>2</dd>", "<code>t-1</code>", '<a href="./one.mp4"',
      '<a href="./one.mp4.json"' } do
      has(said, html)
    end
    assert.same({}, warnings)
  end)

  it("says how each stands, with what is to be paid and the provider's words", function()
    local html = written { shot { estimate = { credits = 60 } },
      shot { key = "two", state = "submitted", progress = 0.42 },
      shot { key = "three", state = "failed", error = errors.new { kind = "task_failed", message = "it is not allowed",
        code = "SAFETY.INPUT" } }, shot { key = "four", state = "unknown" }, shot { key = "five", left_out = true } }
    for _, said in ipairs { "about 60 credits", "under way, 42 %", "it is not allowed</span> <code>SAFETY.INPUT</code>",
      '<span class="state">unknown</span>', '<span class="state">left out</span>', 'data-state="failed"' } do
      has(said, html)
    end
    has_not("<a class=\"stage\"", html)
  end)

  it("has the sums at its top, and why nothing more was submitted", function()
    local html = written({ done(), shot() }, { budget = 100, halted = { runwayml = { until_time = 86400,
      error = errors.new { kind = "rate_limited", message = "no more today" } } } })
    has("<dt>Shots</dt><dd>2</dd>", html)
    has("<dt>Done</dt><dd>1</dd>", html)
    has("<dt>Waiting</dt><dd>1</dd>", html)
    has("<dd>25 <small>of 100 credits</small></dd>", html)
    has("Nothing more was submitted to runwayml", html)
    has("no more today", html)
  end)

  it("shows what a run left out as it stands, and holds its cost in the sums", function()
    local left = { left_out = true }
    local html = written({ done(), done { left_out = true, key = "two" },
      shot { left_out = true, key = "three", state = "failed", error = errors.new { kind = "task_failed",
        message = "it is not allowed" } },
      shot { left_out = true, key = "four", state = "unknown", credits = 60 },
      shot { left_out = true, key = "five", state = "submitted", credits = 60 }, shot(left) })
    for _, state in ipairs { "Failed", "Unknown", "Under way", "Left out" } do
      has(("<dt>%s</dt><dd>1</dd>"):format(state), html)
    end
    has("it is not allowed", html)
    has("<dd>170 <small>credits</small></dd>", html)
  end)

  it("shows pictures as pictures and sounds as sounds", function()
    local html = written { done { kind = "text_to_image", path = files:path "a.png", receipt = nil },
      done { kind = "text_to_speech", path = files:path "b.mp3" } }
    has('<img src="./a.png" alt="" loading="lazy"', html)
    has('<audio controls preload="none" src="./b.mp3"', html)
  end)

  it("links to files of any name, and to none that lies elsewhere", function()
    local odd = "a#b?c%20\"d'<e>&\195\164\255 f.mp4"
    local html = written { done { path = files:path(odd) }, done { path = "/elsewhere/two.mp4", receipt = nil } }
    has('href="./a%23b%3Fc%2520%22d%27%3Ce%3E%26%C3%A4%FF%20f.mp4"', html)
    has("<span>/elsewhere/two.mp4</span>", html)
  end)

  it("takes no text for markup, whoever it is of", function()
    local evil = "</script><script>alert(1)</script><img src=x onerror=alert(1)>\"'&amp;\0\27"
      .. "\226\128\168\226\128\174"
    local function of(name, said) return shot { [name] = said, state = "failed" } end
    local shots = { of("key", evil), of("provider", evil), of("task_id", evil), of("model", evil),
      of("params", { prompt_text = evil, model = evil, ratio = evil, duration = evil, seed = evil }),
      of("error", { message = evil .. "\255", code = evil }),
      done { key = evil, path = files:path "x.mp4", receipt = files:path "x.mp4.json" },
      done { key = evil, kind = "text_to_speech" } }
    local html = written(shots, { halted = { [evil] = { error = { message = evil } } } })
    local clean = written({}, {})
    -- what is not text is what it is without them, but for the shots' own elements
    has_not("<script>alert", html)
    has_not("<img src=x", html)
    has_not("onerror=alert(1)>", html)
    for _, bytes in ipairs { "\0", "\27", "\226\128\174", "\255" } do has_not(bytes, html) end
    local function count(of_html, pattern) return select(2, of_html:gsub(pattern, "")) end
    assert.equal(count(clean, "<script"), count(html, "<script"))
    assert.equal(count(clean, "</script"), count(html, "</script"))
    assert.equal(0, count(html, "<img"))
  end)

  it("holds no key, no query of a URL and no data URI, and no text without end", function()
    local html = written { shot { error = errors.new { kind = "server",
      message = "see https://cdn.example/a.mp4?sig=SIGNED with a-secret-key-of-mine" }, params = {
      prompt_text = ("like data:image/png;base64,AAAABYTES and a-secret-key-of-mine, ") .. ("long "):rep(1e5) } } }
    for _, hidden in ipairs { "SIGNED", "a-secret-key", "AAAABYTES" } do has_not(hidden, html) end
    assert.is_true(#html < 40000)
    for _, at in ipairs { 4000, 16000 } do    -- nor half of one, where a text is cut
      has_not("a-secret", written { shot { params = { prompt_text = ("x"):rep(at - 10) .. "a-secret-key-of-mine" } } })
    end
  end)

  it("is called as its directory is, where that has a name", function()
    local function title(directory)
      return page.make({}, { credits = 0, halted = {} }, { directory = directory, now = 0 }):match "<h1[^>]*>(.-)</h1>"
    end
    assert.equal("night &lt;1&gt;", title "out/night <1>")
    for _, nameless in ipairs { ".", "..", "/" } do assert.equal("Shots", title(nameless)) end
  end)

  it("lets nothing run but what is ours, and nothing come from elsewhere", function()
    local html = written { done() }
    has("default-src 'none'; script-src 'sha256-", html)
    local function sum_of(element)
      local content = html:match("<" .. element .. ">(.-)</" .. element .. ">")
      local pipe = assert(io.popen(("printf %%s %s | openssl dgst -sha256 -binary | openssl base64"):format(
        child.quote(content))))
      local said = pipe:read "l"
      pipe:close()
      return "'sha256-" .. said .. "'"
    end
    has("script-src " .. sum_of "script" .. ";", html)
    has("style-src " .. sum_of "style" .. ";", html)
    assert.is_nil(html:find "https?://")
    assert.is_nil(html:find(' style="', 1, true))
  end)

  it("is written whole, over what was there of ours", function()
    written { shot() }
    has("two</h2>", written { shot { key = "two" } })
    has_not("one</h2>", files:content "index.html")
    local pipe = io.popen("ls -A '" .. files.directory .. "'")
    assert.equal("index.html\n", pipe:read "a")
    pipe:close()
  end)

  it("leaves another's page as it is, and warns", function()
    files:write("index.html", "<!DOCTYPE html><title>my site</title>")
    assert.equal("<!DOCTYPE html><title>my site</title>", written { shot() })
    assert.matches("index%.html is not of runway's making", warnings[1])
  end)

  it("is a warning where it cannot be written", function()
    assert(core.make_directory(files:path "index.html"))
    kept:write({ shot() }, { credits = 0, halted = {} })
    assert.matches("the page was not written: ", warnings[1])
  end)

  it("lets others have their turns while a long one is made", function()
    local turns, shots, write = 0, {}, transport.write
    for i = 1, 3000 do shots[i] = done { key = "shot-" .. i, row = i } end
    runway.run(function()
      local over = false
      scheduler.spawn(function()
        while not over do
          turns = turns + 1
          scheduler.sleep(0)
        end
      end)
      finally(function() transport.write = write end)
      function transport.write(...)
        over = true                           -- it is made: what comes now is another's doing
        return write(...)
      end
      written(shots)
    end)
    assert.is_true(turns > 1, turns)
  end)

  describe("has stills", function()
    local old_path

    before_each(function() old_path = program.find end)
    after_each(function() program.find = old_path end)

    -- In the place of ffmpeg: a program of a few words, whose last argument is where the still is to go.
    local function ffmpeg(script)
      local path = files:write("fake-ffmpeg", "#!/bin/sh\nfor to; do :; done\nto=${to#file:}\n" .. script)
      assert(os.execute("chmod +x '" .. path .. "'"))
      function program.find() return path end
    end

    it("of its films, each taken once and found again", function()
      ffmpeg("echo once >>'" .. files:path "runs" .. "'; echo jpeg >\"$to\"")
      local one = done()
      one.still = kept:still(one)
      assert.matches("^stills/%x+%.jpg$", one.still)
      has('<img src="./' .. one.still .. '"', written { one })
      assert.equal(one.still, kept:still(done()))
      kept = sheet.new(files.directory, kept)
      has(one.still, written { done { left_out = true } })
      assert.equal("once\n", files:content "runs")
      assert.is_nil(kept:still(done { kind = "text_to_image" }))
      assert.is_nil(kept:still(shot { state = "failed" }))
    end)

    it("whatever ffmpeg leaves behind when it fails", function()
      ffmpeg "echo half >\"$to\"; exit 1"
      assert.is_nil(kept:still(done()))
      ffmpeg "exit 0"
      assert.is_nil(kept:still(done()))
      ffmpeg ": >\"$to\""
      assert.is_nil(kept:still(done()))
      local pipe = io.popen("ls -A '" .. files:path "stills" .. "'")
      assert.equal("", pipe:read "a")
      pipe:close()
      has('<a class="stage" href="./one.mp4"', written { done() })
      assert.same({}, warnings)
    end)

    it("but none by a worker that was told to end: they would hold it up, a second each", function()
      ffmpeg("echo once >>'" .. files:path "runs" .. "'; echo jpeg >\"$to\"")
      local latest = journal.latest
      finally(function() journal.latest = latest end)
      function journal.latest()
        return { { key = "one", state = "done", kind = "text_to_video", provider = "runwayml", task_id = "t-1",
          path = files:write("one.mp4", "a film"), request = {} } }, 1
      end
      local function finished(hurries)
        local keeps = sheet.of_journal(files.directory, { secrets = {}, log = error, blame = error })
        if hurries then keeps:hurry() end
        keeps:finish()
        return files:content "index.html"
      end
      has('<a class="stage" href="./one.mp4"', finished(true))
      assert.is_nil(files:content "runs")
      has("stills/", finished(false))
      assert.equal("once\n", files:content "runs")
      has("stills/", finished(true))            -- it is there
    end)

    it("not where there is no ffmpeg", function()
      function program.find() return nil end
      assert.is_nil(kept:still(done()))
      assert.is_nil(files:content "stills")
    end)

    it("until ffmpeg hangs, once", function()
      local run, runs = program.run, 0
      function program.run()
        runs = runs + 1
        return nil, errors.new { kind = "timeout", message = "it took too long" }
      end
      finally(function() program.run = run end)
      ffmpeg "exit 0"
      assert.is_nil(kept:still(done()))
      assert.is_nil(kept:still(done { task_id = "t-2" }))
      assert.equal(1, runs)
      assert.equal(1, #warnings)
    end)
  end)

end)
