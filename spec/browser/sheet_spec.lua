-- The contact sheet in a real browser: how it looks, that it can be used with keys alone, that hostile texts are
-- texts, and that it asks for nothing but the files beside it. Its pictures are in the build directory, browser/.

local browser = require "spec.support.browser"
local errors = require "runway.errors"
local journal = require "runway.journal"
local media = require "runway.sandbox.files"
local scratch = require "spec.support.scratch"
local sheet = require "runway.sheet"
local text = require "runway.text"

local EVIL = "</script><script>hacked=1</script></style><img src=x onerror=hacked=2><svg onload=hacked=3>"
  .. "<a href='javascript:hacked=4'>\"' onfocus=hacked=5 autofocus x='&lt;b&gt;&#60;i><!--<plaintext>"
local ODD = "a#b?c%20 \"d' <e>&=+;\195\164\230\151\165.mp4"

local PROMPTS = { "Harbour at dusk, the first lamps come on, slow dolly in", "Gulls over the masts, handheld, 35 mm",
  "Fog rolls in over the breakwater while the lighthouse wakes and its beam begins to sweep over the sea",
  "The great lens turns, prisms of light on the wall", "A wave breaks over the rocks, slow motion" }

local missing = browser.missing()

describe("the contact sheet in a browser", function()
  if missing then
    it("looks and works as it should", function() pending(missing) end)
    return
  end

  local chromium, files, url

  setup(function()
    chromium = browser.start()
    -- its name is odd, too
    files = scratch.new()
    assert(os.execute(("mkdir '%s/a night #1?'"):format(files.directory)))
    files.directory = files.directory .. "/a night #1?"
    url = "file://" .. files.directory:gsub("[^/]+", text.escape)
    files:write("one.mp4", media.bytes "video")
    files:write(ODD, media.bytes "video")
    files:write("picture.png", media.bytes "image")
    files:write("sound.mp3", media.bytes "audio")
  end)
  teardown(function()
    if chromium then chromium:close() end
    files.directory = files.directory:match "^(.*)/"
    files:remove()
  end)

  local function shot(row, more)
    local one = { row = row, line = row + 1, key = ("%02d-shot"):format(row), kind = "text_to_video", attempt = 1,
      provider = "runwayml", state = "done", model = row % 3 == 0 and "gen4_turbo" or "gen4.5",
      params = { prompt_text = PROMPTS[row % #PROMPTS + 1], ratio = "1280:720", duration = 5, seed = 100 + row },
      task_id = ("c8d2b363-0349-4a5e-b65d-%012d"):format(row), path = files:path "one.mp4",
      receipt = files:path "one.mp4.json", credits = 25 + row % 4 * 5, submitted_at = 1.79e9 + 10 * row,
      ended_at = 1.79e9 + 10 * row + 60 + row % 7 }
    for name, v in pairs(more or {}) do one[name] = v end
    return one
  end

  local function failed(row, message, code)
    return shot(row, { state = "failed", path = false, credits = 0,
      error = errors.new { kind = "task_failed", message = message, code = code } })
  end

  -- A night with some of everything.
  local function night()
    local shots = {}
    for row = 1, 9 do shots[row] = shot(row) end
    shots[10] = failed(10, "Text prompt did not pass content moderation.", "SAFETY.INPUT.TEXT")
    shots[11] = shot(11, { kind = "text_to_image", path = files:path "picture.png" })
    shots[12] = shot(12, { kind = "text_to_speech", path = files:path "sound.mp3" })
    shots[13] = shot(13, { state = "submitted", progress = 0.42, ended_at = false, path = false })
    shots[14] = shot(14, { state = "unknown", path = false, error = errors.new { kind = "unknown_submit",
      message = "the request was sent, but no answer came back. The task may exist and may have been charged" } })
    shots[15] = shot(15, { state = "queued", path = false, task_id = false, submitted_at = false, ended_at = false,
      credits = false, estimate = { credits = 60 } })
    shots[16] = shot(16, { path = files:path(ODD), key = "an odd file", receipt = files:path(ODD .. ".json") })
    shots[17] = failed(17, "The generation failed. Please try again.", "INTERNAL.BAD_OUTPUT.CODE01")
    return shots
  end

  local function hostile()
    local shots = {}
    for row, name in ipairs { "key", "provider", "task_id", "model" } do shots[row] = shot(row, { [name] = EVIL }) end
    local params = { prompt_text = EVIL, ratio = EVIL, duration = EVIL, seed = EVIL }
    shots[5] = shot(5, { params = params })
    shots[6] = failed(6, EVIL, EVIL:sub(1, 60))
    shots[7] = shot(7, { params = { prompt_text = ("long"):rep(30000) }, key = ("w"):rep(900) })
    shots[8] = shot(8, { params = { prompt_text = "\226\128\174 turned \226\129\166 \226\128\168 \0 \27[1m \255 "
      .. "\215\169\215\156\215\149\215\157" }, key = "\226\128\174gpm.exe", path = false })
    shots[9] = failed(9, ("A sentence of a server's that goes on. "):rep(100))
    shots[10] = failed(10, "\226\128\174 turned \226\129\166 and \226\129\167 round, \226\128\168 \0 \27[1m")
    return shots
  end

  local function open(shots, look, more)
    local kept = sheet.new(files.directory, { warn = error, redact = errors.redact })
    for _, one in ipairs(shots) do
      for name, v in pairs(one) do one[name] = v or nil end
      one.still = kept:still(one)
    end
    local sums = { credits = 575, budget = 2000, halted = {} }
    for name, v in pairs(more or {}) do sums[name] = v end
    kept:write(shots, sums)
    chromium:open(url .. "/index.html" .. (look and look.hash or ""), look)
  end

  -- Nothing said, raised or forbidden, and nothing asked for but what lies beside it.
  local function is_quiet()
    local troubles, requests = chromium:heard()
    assert.same({}, troubles)
    assert.is_true(#requests > 0)
    for _, asked in ipairs(requests) do      -- the browser's own icons are data
      if asked:sub(1, 5) ~= "data:" then assert.equal(url .. "/", asked:sub(1, #url + 1)) end
    end
  end

  -- Nothing is wider than the page, and no text runs out of its card.
  local function fits()
    assert.same({}, chromium:value [[(() => {
      const wide = document.documentElement.clientWidth;
      const out = Array.from(document.body.querySelectorAll("*")).filter((e) => {
        const r = e.getBoundingClientRect();
        return r.width > 1 && (r.right > wide + 1 || r.left < -1) && !e.matches(".skip");
      }).map((e) => e.outerHTML.slice(0, 80));
      return document.documentElement.scrollWidth > wide ? ["the page", ...out] : out;
    })()]])
  end

  local function shown() return chromium:value
    [[Array.from(document.querySelectorAll(".shot:not([hidden]) h2")).map((e) => e.textContent).join(" ")]] end
  local function count() return chromium:value [[document.querySelector("#count").textContent]] end

  for name, look in pairs {
    desk = { width = 1366, height = 900 }, phone = { width = 390, height = 844 },
    ["desk-dark"] = { width = 1366, height = 900, dark = true }, narrow = { width = 320, height = 640 },
    ["phone-dark"] = { width = 390, height = 844, dark = true }, wide = { width = 2560, height = 1300 },
    paper = { width = 794, height = 1123, paper = true },
  } do
    it("fits the " .. name, function()
      open(night(), look, name == "phone" and { halted = { runwayml = { until_time = 1.79e9,
        error = errors.new { kind = "rate_limited", message = "You have reached the limit of this day." } } } })
      chromium:await [[document.fonts.status === "loaded"]]
      fits()
      chromium:picture("sheet-" .. name, name == "desk" or name == "desk-dark" or name == "paper")
      is_quiet()
    end)
  end

  for name, width in pairs { phone = 360, desk = 1366 } do
    it("shows hostile texts as texts on the " .. name, function()
      open(hostile(), { width = width }, { halted = { [EVIL] = { error = { message = EVIL } } } })
      fits()
      chromium:picture("sheet-hostile-" .. name, true)
      assert.is_nil(chromium:value "window.hacked")
      assert.equal(EVIL, chromium:value [[document.querySelectorAll("h2")[0].textContent]])
      assert.equal(EVIL, chromium:value [[document.querySelectorAll(".prompt")[4].textContent]])
      assert.equal(EVIL, chromium:value [[document.querySelector(".shot:nth-child(6) .trouble span").textContent]])
      assert.equal(10, chromium:value [[document.querySelectorAll("#shots > li").length]])
      assert.same({ "SCRIPT" }, chromium:value [[Array.from(document.body.querySelectorAll("script, style, iframe, "
        + "object, embed, meta, link, plaintext, b b, i, svg a, [onerror], [onload], [onfocus], [autofocus]"))
        .map((e) => e.tagName)]])
      assert.equal(0, chromium:value [[Array.from(document.links).filter((a) => a.protocol !== "file:").length]])
      -- what turns the direction of text, or is no text
      assert.is_false(chromium:value
        [[/[\u0000-\u0008\u000b-\u001f\u202a-\u202e\u2066-\u2069]/.test(document.body.textContent)]])
      is_quiet()
    end)
  end

  it("has links that lead to their files, whatever their names are", function()
    open(night())
    local hrefs = chromium:value [[Array.from(document.querySelectorAll(".shot")[15].querySelectorAll("a"))
      .map((a) => a.search + a.hash + "|" + decodeURIComponent(a.pathname))]]
    assert.same({ "|" .. files:path(ODD), "|" .. files:path(ODD), "|" .. files:path(ODD .. ".json") }, hrefs)
    -- a picture is seen, and so is every still
    chromium:value [[document.querySelectorAll("img").forEach((i) => { i.loading = "eager"; })]]
    chromium:await [[Array.from(document.images).every((i) => i.complete && i.naturalWidth > 0)]]
    assert.is_true(chromium:value [[document.images.length >= 1]])
    is_quiet()
  end)

  it("finds shots by status and by words, and sorts them", function()
    open(night())
    assert.equal("17 shots", count())
    local function choose(state)
      chromium:value(([[document.querySelector('input[value="%s"]').click()]]):format(state))
    end
    local function find(words)
      chromium:value(([[(() => { const f = document.querySelector("input[type=search]"); f.focus(); f.select(); })()]]))
      if words == "" then chromium:press "Escape" else chromium:write(words) end
    end
    choose "failed"
    assert.equal("10-shot 17-shot", shown())
    assert.equal("2 of 17 shots", count())
    find "SAFETY moderation"
    assert.equal("10-shot", shown())
    find "nothing that is there"
    assert.equal("", shown())
    assert.is_false(chromium:value [[document.querySelector("#none").hidden]])
    choose ""
    find "gulls"
    assert.equal("4 of 17 shots", count())
    -- a reload keeps what was chosen
    chromium.events = {}
    chromium:call "Page.reload"
    chromium:wait "Page.loadEventFired"
    assert.equal("4 of 17 shots", count())
    find ""
    chromium:value [[(() => { const s = document.querySelector("select"); s.value = "status";
      s.dispatchEvent(new Event("input", { bubbles: true })); })()]]
    assert.matches("^10%-shot 17%-shot 14%-shot 13%-shot 15%-shot 01%-shot", shown())
    is_quiet()
  end)

  it("is used with keys alone, and every stop is seen", function()
    open(night())
    local function here()
      return chromium:value [[(() => { const e = document.activeElement;
        return e.name || e.getAttribute("aria-label") || e.textContent; })()]]
    end
    local function is_seen()
      assert.is_true(chromium:value [[(() => { const e = document.activeElement;
        const s = getComputedStyle(getComputedStyle(e).opacity === "0" ? e.closest("label") : e);
        return parseFloat(s.outlineWidth) >= 2 && s.outlineStyle !== "none"; })()]], "unseen: " .. here())
    end
    local stops = {}
    for at = 1, 6 do
      chromium:press "Tab"
      stops[at] = here()
      is_seen()
    end
    assert.same({ "To the shots", "state", "text", "order", "Film of 01-shot", "one.mp4" }, stops)
    chromium:value [[document.querySelector("input[name=state]").focus()]]
    chromium:press "ArrowRight"
    assert.equal("done", chromium:value [[document.activeElement.value]])
    assert.matches(" of 17 shots", count())
    is_quiet()
  end)

  it("says what each part of it is", function()
    open(night())
    -- What is not among the things that it says; a browser that has much to do tells of some a moment later.
    local function lacking()
      local said = {}
      for _, node in ipairs(chromium:call("Accessibility.getFullAXTree").nodes) do
        local is_told = node.role and node.name and not node.ignored
        if is_told then said[node.role.value .. ": " .. tostring(node.name.value)] = true end
      end
      for _, wanted in ipairs { "searchbox: Search", "combobox: Sort by", "radio: Failed 2", "search: Shots",
        "list: Shots", "link: Film of 01-shot", "link: Picture of 11-shot", "heading: 01-shot",
        "link: Receipt of 01-shot", "main: " } do
        if not said[wanted] then return wanted end
      end
    end
    local lacks, tries = lacking(), 0
    while lacks and tries < 100 do
      os.execute "sleep 0.1"
      lacks, tries = lacking(), tries + 1
    end
    assert.is_nil(lacks)
    assert.equal("polite", chromium:value [[document.querySelector("#count").getAttribute("aria-live")]])
    assert.equal("en", chromium:value [[document.documentElement.lang]])
  end)

  it("shows what workers have made, and of what lies on another machine where that is", function()
    local function entry(key, more)
      local one = { key = key, state = "done", kind = "text_to_video", provider = "runwayml", task_id = "t-" .. key,
        base_url = "https://api.example", credits = 25, created_at = 1, updated_at = 2, owner = "desk 12",
        request = { kind = "text_to_video", params = { prompt_text = PROMPTS[1], model = "gen4.5" } } }
      for name, v in pairs(more) do one[name] = v end
      return one
    end
    local list = { entry("queued", { state = "queued" }), entry("away", { path = files:path "none.mp4", owner = EVIL }),
      entry("here", { path = files:path "one.mp4" }) }
    local latest = journal.latest
    function journal.latest() return list, #list end
    os.remove(files:path "index.html")
    sheet.of_journal(files.directory, { secrets = {}, log = error, blame = error }):finish()
    journal.latest = latest
    chromium:open(url .. "/index.html", { width = 1366, height = 900 })
    assert.same({ "here", "away", "queued" }, chromium:value
      "Array.from(document.querySelectorAll('.shot h2'), (e) => e.textContent)")
    assert.equal(1, chromium:value "document.querySelectorAll('a.stage[data-play]').length")
    assert.equal(files:path "none.mp4" .. " (of " .. EVIL .. ")", chromium:value
      "document.querySelectorAll('.shot')[1].querySelector('.files').textContent")
    assert.is_nil(chromium:value "window.hacked")
    fits()
    is_quiet()
  end)

  it("plays a film while it is pointed at or focused, and one at a time", function()
    open(night())
    local function films() return chromium:value [[document.querySelectorAll("video").length]] end
    assert.equal(0, films())
    chromium:point ".shot:nth-child(2) .stage"
    chromium:await [[document.querySelector(".shot:nth-child(2) video")?.currentTime > 0]]
    assert.is_true(chromium:value [[document.querySelector("video").muted]])
    chromium:point ".shot:nth-child(16) .stage"
    chromium:await [[document.querySelector(".shot:nth-child(16) video")?.currentTime > 0]]
    assert.equal(1, films())
    chromium:point(nil)
    chromium:await [[!document.querySelector("video")]]
    chromium:value [[document.querySelector(".shot:nth-child(3) .stage").focus()]]
    chromium:await [[document.querySelector(".shot:nth-child(3) video")?.currentTime > 0]]
    chromium:press "Tab"
    chromium:await [[!document.querySelector("video")]]
    is_quiet()
    open(night(), { still = true })
    chromium:value [[document.querySelector(".shot:nth-child(3) .stage").focus()]]
    chromium:point ".shot:nth-child(2) .stage"
    assert.equal(0, films())
  end)

  it("shows a thousand shots, of which only those in sight are fetched and laid out", function()
    local shots = {}
    for row = 1, 1000 do
      shots[row] = shot(row, { kind = "text_to_image", path = files:path(("%d.png"):format(row)) })
      assert(os.execute(("ln '%s' '%s'"):format(files:path "picture.png", shots[row].path)))
    end
    open(shots)
    chromium:await [[document.images[0].complete]]
    assert.equal("1000 shots", count())
    assert.equal("auto", chromium:value [[getComputedStyle(document.querySelector(".shot")).contentVisibility]])
    local _, requests = chromium:heard()
    assert.is_true(#requests > 1 and #requests < 300, #requests .. " requests")
    chromium:value [[document.querySelector("input[type=search]").focus()]]
    chromium:write "999-shot"
    assert.equal("999-shot", shown())
    chromium:await [[document.querySelector(".shot:not([hidden]) img").naturalWidth > 0]]
    is_quiet()
  end)

  it("shows all shots and their links where no script runs", function()
    chromium:call("Emulation.setScriptExecutionDisabled", { value = true })
    finally(function() chromium:call("Emulation.setScriptExecutionDisabled", { value = false }) end)
    open(night())
    local root = chromium:call("DOM.getDocument", { depth = 1 }).root.nodeId
    local function number(selector)
      return #chromium:call("DOM.querySelectorAll", { nodeId = root, selector = selector }).nodeIds
    end
    assert.equal(17, number ".shot:not([hidden])")
    assert.equal(1, number ".tools[hidden]")
    assert.is_true(number "a.stage[href]" > 10)
  end)
end)
