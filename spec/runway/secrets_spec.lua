-- No secret anywhere but in the request to its own origin. Canaries stand for keys, signatures, passwords and
-- pictures; every path on which something fails is gone at every provider, with servers that echo all they
-- know; then they are looked for in all that a program may print, keep or send elsewhere.

local child = require "spec.support.child"
local mocked = require "spec.support.mocked"
local rawserver = require "spec.support.rawserver"
local runway = require "runway"
local scratch = require "spec.support.scratch"

local KEY = "canarykey-4f9d2c7b1a6e8035"
local CANARIES = { KEY, KEY:sub(1, 20), "canarysig", "canarypass", "Y2FuYXJ5" }

local SIGNED = "https://user:canarypass@cdn.example/a.mp4?_jwt=canarysig&Expires=9#canarysig"
local PICTURE = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9"
  .. "awAAAABJRU5ErkJgggY2FuYXJ5Y2FuYXJ5Y2FuYXJ5"
local ECHO = ("bad Bearer %s for %s with %s and %s"):format(KEY, SIGNED, PICTURE, SIGNED:gsub("/", "\\/"))

-- Answers that tell all they know, each in the shape of some API.
local function answers()
  local list = {}
  for _, status in ipairs { 200, 400, 401, 402, 403, 404, 409, 422, 429, 500, 503 } do
    for _, json in ipairs {
      { error = ECHO, docUrl = SIGNED }, { code = ECHO, message = ECHO }, { error = { message = ECHO, code = ECHO } },
      { code = 400, message = ECHO, data = { failure = ECHO } }, { task = { error = ECHO, status = "FAILED" } },
      { id = "t1", status = "FAILED", failure = ECHO, failureCode = ECHO }, { issues = { { message = ECHO } } },
    } do
      list[#list + 1] = { status = status, json = json, headers = { ["x-request-id"] = KEY } }
    end
    list[#list + 1] = { status = status, body = "<html>" .. ECHO .. "</html>" }
    list[#list + 1] = { status = status, body = ECHO, headers = { ["retry-after"] = ECHO } }
  end
  list[#list + 1] = { status = 307, headers = { location = SIGNED }, body = ECHO }
  for _, fault in ipairs { "not_sent", "lost", "timeout" } do list[#list + 1] = { fault = fault } end
  return list
end

-- What is wrong with a text; nil: nothing.
local function leak(text)
  for _, canary in ipairs(CANARIES) do
    if text:find(canary, 1, true) then return canary end
  end
end

-- Every text in a value, a task's answer excepted: that is the caller's, as it came.
local function texts(value, found, seen)
  if type(value) == "string" then
    found[#found + 1] = value
  elseif type(value) == "table" and not seen[value] then
    seen[value] = true
    if getmetatable(value) and getmetatable(value).__tostring then found[#found + 1] = tostring(value) end
    for name, inner in pairs(value) do
      if name ~= "raw" and name ~= "output" then
        texts(name, found, seen)
        texts(inner, found, seen)
      end
    end
  end
  return found
end

local PARAMS = {
  { prompt_text = "a cat", ratio = "1280:720", duration = 5 },
  { prompt_text = "a cat", ratio = "1280:720", duration = 5, model = "gen4.5" },
  { prompt_text = "a cat", prompt_image = SIGNED:gsub("user:canarypass@", ""), ratio = "1280:720", duration = 5 },
  { prompt_text = "a cat", prompt_image = SIGNED, ratio = "1280:720", duration = 5 },
  { prompt_text = "a cat", prompt_image = PICTURE, ratio = "1280:720", duration = 5, model = "gen4_turbo" },
  { prompt_text = "a cat", prompt_image = "data:text/plain;base64,Y2FuYXJ5", ratio = "1280:720" },
  { prompt_text = "a cat", ratio = SIGNED, duration = 5, model = SIGNED },
  { prompt_text = "a cat", ratio = PICTURE, duration = 5, model = PICTURE, prompt_image = ECHO },
  { prompt_text = "a cat", ratio = "1280:720", duration = PICTURE },
  { prompt_text = "a cat", ratio = "1280:720", [SIGNED] = PICTURE },
  { prompt_text = "a cat", ratio = "1280:720", duration = 5, callback_url = SIGNED },
}

local BASES = { gateway = "https://relay.example" }

describe("no secret is in", function()
  local directory, picture

  setup(function()
    directory = scratch.new()
    picture = directory:write("a.png", "\137PNG\r\n\26\n" .. ("\0"):rep(64))
  end)
  teardown(function() directory:remove() end)
  after_each(mocked.close)

  for name in pairs(runway.providers) do
    it("what " .. name .. "'s failures say, whatever is asked and answered", function()
      local said, made = {}, 0
      local function look(what, ...)
        for i = 1, select("#", ...) do
          for _, text in ipairs(texts(select(i, ...), {}, {})) do
            made = made + 1
            local canary = leak(text)
            if canary then said[#said + 1] = ("%s: %s in %s"):format(what, canary, text:sub(1, 200)) end
          end
        end
      end
      for number, entry in ipairs(answers()) do
        local client, m = mocked.client(function() return entry end, {
          provider = name, api_key = KEY, base_url = BASES[name], max_retries = 1,
          logger = function(...) look("log", ...) end, proxy = "http://me:canarypass@proxy.example:8080",
        })
        look("client", client, tostring(client))
        for _, params in ipairs(PARAMS) do
          local ok, task, err = pcall(client.generate, client, params)
          look("generate " .. number, err, not ok and task or nil)
          if ok and task then look("task " .. number, tostring(task), select(2, task:wait { timeout = 60 })) end
        end
        look("get", select(2, client:get "t1"))
        look("wait", select(2, client:task("t1"):wait { timeout = 30 }))
        look("cancel", select(2, client:cancel "t1"))
        look("credits", select(2, client:credits()))
        look("upload", select(2, client:upload(picture)))
        look("request", select(2, client:request { path = "/v1/x", query = { token = "canarysig" } }))
        if entry.json then
          look("callback", select(2, client:read_callback(require("runway.json").encode(entry.json))))
        end
        look("callback", select(2, client:read_callback(ECHO)))
        for _, request in ipairs(m.requests) do
          if request.url:sub(1, #client.base_url) ~= client.base_url then
            for _, text in ipairs(texts({ request.url, request.headers, request.body }, {}, {})) do
              assert.is_nil(text:find(KEY, 1, true), "the key went to " .. request.url)
            end
          end
          assert.is_nil(request.url:find(KEY, 1, true))
          assert.is_nil((request.body or ""):find(KEY, 1, true))
        end
        mocked.close()
      end
      assert.equal("", table.concat(said, "\n", 1, math.min(#said, 5)))
      assert.is_true(made > 1000)
    end)
  end

  it("what a failed download says, nor goes to the output's host", function()
    for _, entry in ipairs(answers()) do
      local said = {}
      local client, m = mocked.client({
        { "GET /v1/tasks/t1", json = { id = "t1", status = "SUCCEEDED",
          output = { "https://cdn.example/a.mp4?_jwt=canarysig" } }, times = math.huge },
        { "GET https://cdn.example/a.mp4", status = entry.status == 200 and 500 or entry.status,
          body = entry.body or ECHO, headers = entry.headers, fault = entry.fault, times = math.huge },
      }, { api_key = KEY, max_retries = 1, logger = function(...) texts({ ... }, said, {}) end })
      local task = assert(client:task("t1"):wait())
      local file, err = task:download(directory:path "never.mp4")
      assert.is_nil(file)
      texts(err, said, {})
      for _, text in ipairs(said) do assert.is_nil(leak(text), text) end
      for _, request in ipairs(m.requests) do
        if request.url:find "^https://cdn" then
          for _, text in ipairs(texts(request.headers, {}, {})) do assert.is_nil(leak(text)) end
        end
      end
      mocked.close()
    end
  end)

  describe("what a program shows over real connections:", function()
    local server

    setup(function() server = rawserver.start() end)
    teardown(function() server:stop() end)

    -- All paths, through a proxy with a password, with a trace, left by exit with a task open.
    local PROGRAM = [[
      local base, proxy = ...
      local runway = require "runway"
      local adapter = {
        name = "own", base_url = base, kinds = { "text_to_video" }, env = { api_key = "OWN_KEY" },
        sign = function(key) return { Authorization = "Bearer " .. key, ["X-Own-Key"] = key, Cookie = "k=" .. key } end,
        submit = function(_, given)
          return { method = "POST", path = given.prompt_text, json = { i = given.prompt_image } }
        end,
        accepted = function(answer) return answer.json and { id = answer.json.id } end,
        query = function(ref) return { path = "/status/500?token=canarysig&id=" .. ref.id } end,
        task = function(answer) return answer.json and { status = answer.json.status } end,
      }
      local client = assert(runway.client { provider = adapter, base_url = base, allow_http = true, proxy = proxy,
        max_retries = 0, timeout = 2, logger = function(_, message) print("log", message) end })
      local function show(value, err)
        print(tostring(value), tostring(err))
        for name, field in pairs(type(err) == "table" and err or {}) do print(name, tostring(field)) end
      end
      for _, path in ipairs { "/status/401?token=canarysig", "/status/500?token=canarysig",
        "/reset-after-request?canarysig", "/echo?canarysig",
        "/redirect?to=http://canarysig:canarypass@x.example/%3Fcanarysig", "/garbage?s=canarysig",
        "/header?value=canarysig", "/hang?canarysig" } do
        show(client:generate { kind = "text_to_video", prompt_text = path,
          prompt_image = PICTURE })
        show(client:request { path = path })
      end
      show(client:generate { kind = "text_to_video", prompt_text = "/busy/200?times=0&token=canarysig" })
      for _, what in ipairs { "cmdline", "comm" } do
        local file = io.open("/proc/self/" .. what)
        print(file and file:read "a":gsub("%z", " "))
      end
      os.exit(0)
    ]]

    for what, through in pairs { ["straight"] = false, ["through a proxy with a password"] = true } do
      it(what, function()
        local base = through and "http://api.example" or server:url ""
        local proxy = through and ("http://me:canarypass@127.0.0.1:%d"):format(server.port) or ""
        -- The program's own arguments are in its command line: what the user writes there he shows himself.
        local code = PROGRAM:gsub("%.%.%.", function() return ("%q, %q"):format(base, proxy) end, 1)
          :gsub("PICTURE", function() return ("%q"):format(PICTURE) end)
        local said = child.run(code, { before = ("RUNWAY_TRACE=1 OWN_KEY=%s"):format(KEY) })
        assert.matches("> POST ", said)         -- there is a trace
        assert.matches("unknown_submit", said)
        assert.matches("task task%-after%-1 %(own, .* is paid for and not lost", said) -- and last words
        local shown = leak(said)
        assert.is_nil(shown, shown and said:match("[^\n]*" .. shown:gsub("%p", "%%%0") .. "[^\n]*"))
        local seen = server:seen "/busy/200"
        assert.equal("Bearer " .. KEY, seen[#seen].headers.authorization)
      end)
    end
  end)
end)
