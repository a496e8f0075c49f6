-- The one room that calls adapters, with adapters that break in every way: none ends a call by
-- raising, none loses an id, and the error says which function did it.

local adapters = require "spec.support.adapters"
local contract = require "runway.contract"
local mocked = require "spec.support.mocked"
local runway = require "runway"
local scratch = require "spec.support.scratch"

local PNG = "\137PNG\r\n\26\n" .. ("\0"):rep(64)

local function boom() error "a bug in mine" end

describe("runway.adapter", function()
  after_each(mocked.close)

  describe("looks at the table when the client is made:", function()
    local function refused(more, absent)
      local own = adapters.own(more)
      if absent then own[absent] = nil end
      local client, err = runway.client { provider = own, api_key = "k12345" }
      assert.is_nil(client)
      assert.equal("config", err.kind)
      assert.equal("no", err.sent)
      return err.message
    end

    it("a whole one will do, and so does one with all that there is", function()
      assert(runway.client { provider = adapters.own(), api_key = "k12345" })
      for name, built_in in pairs(runway.providers) do assert.is_nil(contract.fault(built_in), name) end
    end)

    for _, field in ipairs { "name", "kinds", "submit", "accepted", "query", "task" } do
      it("one without " .. field .. " is refused", function()
        assert.matches("has no " .. field .. "; it must be a", refused({}, field), 1, true)
      end)
    end

    for field, wrong in pairs {
      name = 5, kinds = "text_to_video", submit = {}, accepted = true, query = "GET", task = 1, base_url = 7,
      env = "KEY", poll_interval = "5", missing_grace = -1, media = 4, sign = "Bearer", kind_of = {}, cancel = true,
      upload = "no", credits = {}, balance = 0, problem = "none", callback = {}, retryable_failure = true,
    } do
      it("one whose " .. field .. " is of a wrong type is refused, and told what it must be", function()
        local message = refused { [field] = wrong }
        assert.matches(field .. " is ", message, 1, true)
        assert.matches("; it must be a", message, 1, true)
      end)
    end

    it("kinds are words, limits are numbers, environment variables are names", function()
      assert.matches("kinds is a table of another form", refused { kinds = { 5 } }, 1, true)
      assert.matches("media is a table of another form", refused { media = { image = "1 MB" } }, 1, true)
      assert.matches("env is a table of another form", refused { env = { api_key = true } }, 1, true)
    end)

    it("and says which place in a table is wrong", function()
      for said, more in pairs {
        ['(with image), where image is the string "1 MB"; it must be a table of class (image, video, audio) and'] =
          { media = { image = "1 MB" } },
        ["where film is the number 5"] = { media = { film = 5 } },
        ['where apikey is the string "X"; it must be a table of names'] = { env = { apikey = "X" } },
        ["where t2v.m1 is the number 5"] = { models = { t2v = { m1 = 5 } } },
        ["where images is a table"] = { formats = { images = { "image/png" } } },
      } do
        assert.matches(said, refused(more), 1, true)
      end
    end)

    it("an address that can be none is told as the adapter's", function()
      assert.matches("the adapter's base_url: the URL does not begin with https", refused { base_url = "mine.example" },
        1, true)
    end)

    it("one that offers nothing is refused", function()
      assert.matches("kinds is an empty table; it must be a list of the kinds", refused { kinds = {} }, 1, true)
    end)

    it("a field that is nearly a known one is told, and nothing that is of the adapter's own", function()
      local heard = {}
      local function client(more)
        assert(runway.client { provider = adapters.own(more), api_key = "k12345",
          logger = function(level, message) heard[#heard + 1] = level .. ": " .. message end })
      end
      client { poll_intervall = 1, helper = boom, words = {}, [1] = "x" }
      assert.same({ 'warning: the adapter mine: "poll_intervall" is no part of an adapter (did you mean '
        .. "poll_interval?)" }, heard)
      client { poll_interval = 1, poll_intervall = 1 } -- one letter: the one that is not read may be the one meant
      assert.equal(heard[1], heard[2])
      client { poll_interval = 1, pol_intervall = 1 }
      assert.equal(2, #heard)
    end)

    it("credits without balance would pay for a request that no one reads", function()
      assert.matches("credits but no balance", refused { credits = function() return { path = "/c" } end }, 1, true)
    end)

    it("limits without credits would never be read", function()
      assert.matches("limits but no credits", refused { limits = function() return {} end }, 1, true)
    end)
  end)

  -- The answers that functions give which were written in a hurry.
  local NONSENSE = { ["true"] = true, ["5"] = 5, ["a text"] = "yes", ["a function"] = print, ["an empty table"] = {} }

  local function client_of(more, list)
    return mocked.client(list or {}, { provider = adapters.own(more) })
  end

  describe("before anything is sent, ", function()
    local cases = {
      sign = function(client) return client:generate { prompt_text = "x" } end,
      kind_of = function(client) return client:generate { prompt_text = "x" } end,
      submit = function(client) return client:generate { prompt_text = "x" } end,
      query = function(client) return client:task("t1"):refresh() end,
      cancel = function(client) return client:cancel "t1" end,
      credits = function(client) return client:credits() end,
    }
    for name, call in pairs(cases) do
      it(name .. " may raise", function()
        local client, m = client_of { [name] = boom, balance = function() return 1 end }
        local made, err = call(client)
        assert.is_nil(made)
        assert.matches("the adapter mine failed in " .. name .. ": .*a bug in mine", err.message)
        assert.equal("config", err.kind)      -- and no prompt that was refused
        m:finish()
      end)

      for what, value in pairs(NONSENSE) do
        -- any word is a kind, if not one that is offered; no headers are headers
        if not (name == "kind_of" and what == "a text" or name == "sign" and what == "an empty table") then
          it(name .. " may give " .. what, function()
            local client, m = client_of { [name] = function() return value end, balance = function() return 1 end }
            local made, err = call(client)
            assert.is_nil(made)
            assert.matches("in " .. name, err.message, 1, true)
            assert.matches("the adapter mine gave", err.message, 1, true)
            assert.is_truthy(err.message:find("; it must be ", 1, true)
              or err.message:find("without a path that", 1, true))
            assert.same({ "config", false }, { err.kind, err.retryable })
            m:finish()
          end)
        end
      end
    end

    for name, call in pairs(cases) do
      if name ~= "sign" and name ~= "kind_of" then
        it(name .. " may return nothing, and is told what it must", function()
          local client, m = client_of { [name] = function() end, balance = function() return 1 end }
          local made, err = call(client)
          assert.is_nil(made)
          assert.equal("config", err.kind)
          assert.matches("the adapter mine made nothing in " .. name .. "; it must return a request, or nil and a "
            .. "problem", err.message, 1, true)
          m:finish()
        end)
      end
    end

    it("a path that would lead to another host is refused, for the key goes along", function()
      local client, m = client_of { submit = function() return { method = "POST", path = ".evil.example/x" } end }
      local _, err = client:generate { prompt_text = "x" }
      assert.matches("path that begins with /", err.message, 1, true)
      m:finish()
    end)

    it("a request with a slip in it is refused: without its body it would be paid for", function()
      for said, request in pairs {
        ['with a field "jsn", which no request has (did you mean json?)'] = { jsn = { a = 1 } },
        ["with two bodies, json and body"] = { json = {}, body = "{}" },
        ["with two bodies, body and form"] = { body = "{}", form = {} },
        ["with two bodies, form and file"] = { form = {}, file = "/f" },
        ["as the json of a request in submit; it must be a table (a text is a body)"] = { json = '{"a":1}' },
        ["as the form of a request in submit; it must be a list of { "] = { form = { file = "/f" } },
        ["as the safe of a request"] = { safe = "yes" },
      } do
        request.method, request.path = "POST", "/jobs"
        local client, m = client_of { submit = function() return request end }
        local _, err = client:generate { prompt_text = "x" }
        assert.matches(said, err.message, 1, true)
        m:finish()
      end
    end)

    it("a submit without a method would ask where it is to make, and is refused", function()
      local client, m = client_of { submit = function() return { path = "/make", json = {} } end }
      local _, err = client:generate { prompt_text = "x" }
      assert.equal("config", err.kind)
      assert.matches("without a method in submit; it must be a POST", err.message, 1, true)
      m:finish()
    end)

    it("a problem may hold anything", function()
      for _, problem in ipairs { 5, true, {}, { message = 7 }, { message = "no", kind = "odd" }, { kind = 5 } } do
        local client, m = client_of { submit = function() return nil, problem end }
        local made, err = client:generate { prompt_text = "x" }
        assert.is_nil(made)
        assert.equal("invalid_request", err.kind)
        assert.matches("in submit", err.message, 1, true)
        m:finish()
      end
    end)
  end)

  describe("media and upload", function()
    local files
    setup(function() files = scratch.new() end)
    teardown(function() files:remove() end)

    local function with_picture(more, list)
      local client, m = client_of(more, list)
      local picture = runway.file(files:write("p.png", PNG))
      local made, err = client:generate { kind = "text_to_video", prompt_text = "x", prompt_image = picture }
      m:finish()
      return made, err
    end

    it("may raise, and nothing is sent", function()
      local _, err = with_picture { media = boom }
      assert.matches("the adapter mine failed in media: .*a bug", err.message)
      _, err = with_picture { upload = boom }
      assert.matches("the adapter mine failed in upload: .*a bug", err.message)
      assert.equal("config", err.kind)
      _, err = with_picture { upload = function() end }
      assert.matches("made nothing in upload; it must return a step ({ request = … } or { uri = … }), or nil and a ",
        err.message, 1, true)
    end)

    it("the uri of an upload that is none is told, with what it must be", function()
      for said, value in pairs {
        ["the number 5"] = 5, ["an empty string"] = "", ["a table of another form (with key)"] = { key = "x" },
        ['the string "f 1"'] = "f\n1",
      } do
        local _, err = with_picture { upload = function() return { uri = value } end }
        assert.matches("the adapter mine gave " .. said .. " as the uri of a step in upload; it must be a string",
          err.message, 1, true)
      end
    end)

    it("a step that is none is told, with what it has", function()
      for said, step in pairs {
        ['gave a step with a field "ur", which no step has (did you mean uri?), in upload'] = { ur = "f-1" },
        ['gave the string "f-1" as a step in upload; it must be { request = … } or { uri = … }'] = "f-1",
        ["gave an empty table as a step in upload; it must be { request = … } or { uri = … }"] = {},
        ["gave a request as a step in upload; it must be { request = … }"] = { method = "PUT", path = "/f" },
        ["gave a step with uri and request in upload; it must be one of them"] = { uri = "f-1", request = {} },
      } do
        local _, err = with_picture { upload = function() return step end }
        assert.matches(said, err.message, 1, true)
      end
    end)

    -- An API that has no hands free for a file says so under 200.
    local function putting(_, answers)
      local last = answers[#answers]
      if not last then return { request = { method = "POST", path = "/files", safe = true } } end
      if last.json.busy then return nil, { message = "mine is busy", retry_after = last.json.busy } end
      if #answers == 1 then return { request = { method = "PUT", path = "/bytes" } } end
      return last.json.file and { uri = last.json.file } or nil, { message = "mine wants another file" }
    end

    it("a step of an upload is made again when its adapter says to come back, as anything else is", function()
      local client, m = client_of({ upload = putting }, {
        { "POST /files", json = { busy = 7 } }, { "POST /files", json = {} },
        { "PUT /bytes", json = { busy = 20 } }, { "PUT /bytes", json = { file = "f-1" } },
      })
      assert.equal("f-1", assert(client:upload(files:write("p.png", PNG))))
      for at, pause in pairs { [2] = 7, [4] = 20 } do
        local took = m.requests[at].time - m.requests[at - 1].time
        assert.is_true(took >= pause and took < pause + 0.2, tostring(took))
      end
      m:finish()
    end)

    it("within the budgets of any other request, and what is refused is told at once", function()
      local client, m = mocked.client({ { "POST /files", json = { busy = 7 }, times = 3 } },
        { provider = adapters.own { upload = putting }, max_retries = 2 })
      local uri, err = client:upload(files:write("p.png", PNG))
      assert.is_nil(uri)
      assert.same({ "rate_limited", true, 7, 3, "mine is busy" },
        { err.kind, err.retryable, err.retry_after, err.attempts, err.message })
      m:finish()
      client, m = client_of({ upload = putting }, { { "POST /files", json = {} }, { "PUT /bytes", json = {} } })
      uri, err = client:upload(files:write("p.png", PNG))
      assert.is_nil(uri)
      assert.same({ "invalid_request", "mine wants another file" }, { err.kind, err.message })
      m:finish()
    end)

    -- What asks, cancels or uploads costs nothing. By POST without `safe` it leaves once all the same.
    for what, call in pairs {
      upload = function(client) return client:upload(files:write("p.png", PNG)) end,
      cancel = function(client) return client:cancel "t1" end,
      query = function(client) return client:get "t1" end,
      credits = function(client) return client:credits() end,
    } do
      it("an answer to a POST of " .. what .. " that is lost is told as what it is: no task was made by it", function()
        local function post(more)
          local function request() return { method = "POST", path = "/ask", json = {}, safe = more } end
          return { query = request, cancel = request, credits = request, balance = function() return 1 end,
            upload = function(_, answers) return answers[1] and { uri = "f-1" } or { request = request() } end }
        end
        for fault, kind in pairs { lost = "network", timeout = "timeout" } do
          local client, m = client_of(post(), { { "POST /ask", fault = fault } })
          local made, err = call(client)
          assert.is_nil(made)
          assert.same({ kind, "yes", 1, true }, { err.kind, err.sent, err.attempts, err.retryable })
          assert.matches("not made again, since its request does not say safe = true", err.message, 1, true)
          assert.is_nil(err.message:find("charged", 1, true))
          assert.is_true(what == "upload" or what == "credits" or err.task_id == "t1")
          m:finish()
        end
        local client, m = client_of(post(), { { "POST /ask", status = 500 } })
        assert.same("server", select(2, call(client)).kind)
        m:finish()
        client, m = client_of(post(), { { "POST /ask", fault = "not_sent" }, { "POST /ask", status = 429 },
          { "POST /ask", json = { status = "RUNNING" } } })
        assert(call(client))                  -- nothing was taken
        m:finish()
        client, m = client_of(post(true), { { "POST /ask", fault = "lost" },
          { "POST /ask", json = { status = "RUNNING" } } })
        assert(call(client))
        m:finish()
      end)
    end

    it("an upload that was not answered leaves nothing to be looked for, in the journal neither", function()
      local path = files:path "j.db"
      local client, m = mocked.client({ { "POST /files", fault = "lost" }, { "POST /files", json = {} },
        { "POST /make", json = { id = "t1" } } }, { journal = path, provider = adapters.own {
          upload = function(_, answers)
            return answers[1] and { uri = "f-1" } or { request = { method = "POST", path = "/files" } }
          end } })
      local shot = { kind = "text_to_video", prompt_text = "x", key = "k",
        prompt_image = runway.file(files:write("p.png", PNG)) }
      local made, err = client:generate(shot)
      assert.is_nil(made)
      assert.same({ "network", nil }, { err.kind, err.task_id })
      assert.same({ spent = 0, reserved = 0 }, assert(client:spent()))
      assert.equal("t1", assert(client:generate(shot)).id)
      client:close()
      m:finish()
    end)

    it("an upload that comes to no end is told, with what it must give", function()
      local client, m = client_of({ upload = function() return { request = { method = "PUT", path = "/bytes" } } end },
        { { "PUT /bytes", json = {}, times = 10 } })
      local uri, err = client:upload(files:write("p.png", PNG))
      assert.is_nil(uri)
      assert.matches("the adapter mine comes to no end in upload: after 10 answers it gave another request; it must "
        .. "give { uri = ", err.message, 1, true)
      m:finish()
    end)

    it("a parameter that is refused is named in the error, whoever refuses it", function()
      local _, err = with_picture { submit = function() return nil, { field = "voice", message = "mine is mute" } end }
      assert.equal("voice", err.field)
      assert.matches("mine is mute (mine, parameter voice)", tostring(err), 1, true)
      _, err = with_picture {}                -- no data URI and no upload
      assert.equal("prompt_image", err.field)
      local client, m = client_of({ problem = function() return { field = "ratio", message = "a bad ratio" } end },
        { { "POST /make", status = 400, json = {} } })
      _, err = client:generate { kind = "text_to_video", prompt_text = "x" }
      assert.same({ "ratio", "yes" }, { err.field, err.sent })
      assert.is_nil(tostring(err):find("parameter", 1, true)) -- its message has it
      _, err = client:generate { kind = "text_to_sound", prompt_text = "x" }
      assert.equal("kind", err.field)
      m:finish()
    end)

    it("may give nonsense, and nothing is sent", function()
      for _, value in pairs { true, 5, "text", print, { image = "much" } } do
        local _, err = with_picture { media = function() return value end }
        assert.matches("as limits in media", err.message, 1, true)
      end
      for _, value in pairs { true, 5, "text", print, {}, { uri = 5 }, { uri = "" }, { request = 5 } } do
        local _, err = with_picture { upload = function() return value end }
        assert.matches("in upload", err.message, 1, true)
      end
    end)
  end)

  describe("after paying, ", function()
    local function pay(more, json, status)
      local client, m = client_of(more, { { "POST /make", status = status, json = json or { id = "t9" } } })
      local task, err = client:generate { prompt_text = "x" }
      m:finish()
      return task, err
    end

    it("accepted may raise: the id is found all the same, and the error says who broke", function()
      local task, err = pay { accepted = boom }
      assert.is_nil(task)
      assert.equal("unknown_submit", err.kind)
      assert.equal("t9", err.task_id)
      assert.equal("t9", err.task.id)
      assert.matches("accepted raised .*a bug in mine", err.message)
    end)

    for what, value in pairs(NONSENSE) do
      it("accepted may give " .. what, function()
        local task, err = pay { accepted = function() return value end }
        assert.is_nil(task)
        assert.equal("unknown_submit", err.kind)
        assert.equal("t9", err.task_id)
        if what ~= "an empty table" then assert.matches("in accepted", err.message, 1, true) end
      end)
    end

    it("an id that is none is not lost", function()
      for _, id in ipairs { {}, true, print, "", 1.5 } do
        local task, err = pay { accepted = function() return { id = id } end }
        assert.is_nil(task)
        assert.equal("t9", err.task_id)
        assert.matches("as id in accepted", err.message, 1, true)
      end
    end)

    it("an odd field beside a good id is left out", function()
      local logged = {}
      local client = mocked.client({ { "POST /make", json = { id = "t9" } } }, {
        provider = adapters.own { accepted = function()
          return { id = "t9", status = 5, next_poll = "soon", output = "a", progress = 0 / 0, cost = {} }
        end },
        logger = function(_, message) logged[#logged + 1] = message end,
      })
      local task = assert(client:generate { prompt_text = "x" })
      assert.equal("PENDING", task.status)
      assert.is_nil(task.cost)
      assert.is_nil(task.output)
      assert.matches("in accepted", table.concat(logged, "\n"), 1, true)
    end)

    it("an odd problem of accepted is told", function()
      for _, problem in ipairs { 5, true, { message = 5 }, { message = true } } do
        local task, err = pay({ accepted = function() return nil, problem end }, { id = "t9" })
        assert.is_nil(task)
        assert.equal("t9", err.task_id)
        assert.matches("problem in accepted", err.message, 1, true)
      end
    end)

    it("problem may raise and give nonsense", function()
      for _, broken in ipairs { boom, function() return true end, function() return 5 end,
        function() return { message = {} } end } do
        local task, err = pay({ problem = broken, accepted = function() return nil end }, { id = "t9" }, 500)
        assert.is_nil(task)
        assert.equal("unknown_submit", err.kind)
        assert.equal("t9", err.task_id)
        assert.matches("problem", err.message, 1, true)
        assert.matches("adapter mine", err.message, 1, true)
      end
    end)

    -- An API that has no hands free says so in words of its own, here under any status.
    local function full(answer)
      local wait = answer.json and answer.json.full
      if wait == nil then return answer.json and answer.json.id and { id = answer.json.id } or nil end
      return nil, { message = "mine is full", retry_after = wait }
    end

    it("what was not taken is submitted again, when its adapter says to come back", function()
      for _, status in ipairs { 200, 202, 400, 403, 409, 500, 503 } do
        local client, m = client_of({ accepted = full }, {
          { "POST /make", status = status, json = { full = 20 } }, { "POST /make", json = { id = "t9" } },
        })
        assert.equal("t9", assert(client:generate { prompt_text = "x" }).id)
        local pause = m.requests[2].time - m.requests[1].time
        assert.is_true(pause >= 20 and pause < 20.2, tostring(pause))
        m:finish()
      end
    end)

    it("within the budgets of any other request", function()
      local client, m = mocked.client({ { "POST /make", status = 200, json = { full = 20 }, times = 3 } },
        { provider = adapters.own { accepted = full }, max_retries = 2 })
      local task, err = client:generate { prompt_text = "x" }
      assert.is_nil(task)
      assert.same({ "rate_limited", true, 20, 3, "mine is full" },
        { err.kind, err.retryable, err.retry_after, err.attempts, err.message })
      m:finish()
      client, m = client_of({ accepted = full }, { { "POST /make", status = 200, json = { full = 7200 } } })
      task, err = client:generate { prompt_text = "x" }
      assert.is_nil(task)
      assert.same({ "rate_limited", 7200, 1 }, { err.kind, err.retry_after, err.attempts })
      m:finish()
    end)

    it("an answer to a submit that is no JSON leaves it unknown, whatever problem says of it without a kind", function()
      local function speaks(more)
        return function(answer)
          if answer.json then return nil end
          local problem = { message = "the answer is no JSON" }
          for name, v in pairs(more or {}) do problem[name] = v end
          return problem
        end
      end
      for _, body in ipairs { '{"order_id":', "<html>busy</html>", "no" } do
        for kind, more in pairs { unknown_submit = false, insufficient_credits = { kind = "insufficient_credits" },
          invalid_request = { refused = true } } do
          local client, m = client_of({ problem = speaks(more or nil) }, { { "POST /make", body = body } })
          local _, err = client:generate { prompt_text = "x" }
          assert.same({ kind, 1 }, { err.kind, #m.requests })
          assert.matches("the answer is no JSON", err.message, 1, true)
        end
        local client = client_of({ accepted = function() return nil, "no such thing" end },
          { { "POST /make", body = body } })
        assert.equal("unknown_submit", select(2, client:generate { prompt_text = "x" }).kind)
      end
    end)

    it("but what names a task was taken, whatever else is said", function()
      local task, err = pay({ accepted = full }, { full = 20, id = "t9" })
      assert.is_nil(task)
      assert.same({ "unknown_submit", "t9" }, { err.kind, err.task_id })
    end)

    it("and a problem with a slip in it is told: without what it says it is another", function()
      for said, problem in pairs {
        ['gave a problem with a field "retry_afer", which no problem has (did you mean retry_after?), in accepted'] =
          { message = "busy", retry_afer = 7 },
        ['"7" as the retry_after of a problem in accepted; it must be a number of seconds, 0 or more'] =
          { message = "busy", retry_after = "7" },
        ['"poor" as the kind of a problem in accepted; it must be one of authentication, cancelled'] =
          { message = "busy", kind = "poor" },
        ['"yes" as the refused of a problem in accepted; it must be true or false'] =
          { message = "busy", refused = "yes" },
      } do
        local _, err = pay({ accepted = function() return nil, problem end }, { busy = true })
        assert.matches("busy (", err.message, 1, true)
        assert.matches(said, err.message, 1, true)
      end
    end)

    it("and a time to come back that is none is told", function()
      for _, nonsense in ipairs { -5, "soon", true } do
        local task, err = pay({ accepted = full }, { full = nonsense })
        assert.is_nil(task)
        assert.equal("invalid_request", err.kind)
        assert.matches("as the retry_after of a problem in accepted; it must be a number of seconds", err.message, 1,
          true)
      end
    end)

    it("is read once for each answer", function()
      local read = 0
      local accepted = function(answer)
        read = read + 1
        return answer.json.fine and { id = answer.json.id } or nil
      end
      local client, m = client_of({ accepted = accepted }, {
        { "POST /make", status = 429, json = { error = "later" } },
        { "POST /make", json = { id = "t1", fine = true } },
      })
      assert(client:generate { prompt_text = "x" })
      m:finish()
      assert.equal(2, read)
      read = 0
      pay({ accepted = accepted }, { id = "t9" }, 503)
      assert.equal(1, read)
    end)
  end)

  describe("a cancel that was answered, ", function()
    local function cancelling(problem, list)
      local cancel = function(ref) return { method = "DELETE", path = "/tasks/" .. ref.id } end
      local client, m = client_of({ cancel = cancel, problem = problem }, list)
      local done, err = client:cancel "t1"
      m:finish()
      return done, err, m
    end

    local function trouble(answer)
      local json = answer.json or {}
      if json.busy then return { message = "mine is busy", retry_after = json.busy } end
      return json.bad and { message = "mine: " .. json.bad, kind = json.kind } or nil
    end

    it("is done where nothing is said against it", function()
      for _, answer in ipairs { { status = 204 }, { body = "ok" }, { json = { state = "going" } }, { status = 404 },
        { json = { bad = "none such", kind = "not_found" } } } do
        answer[1] = "DELETE /tasks/t1"
        assert.is_true(cancelling(trouble, { answer }))
        if answer.json == nil then assert.is_true(cancelling(nil, { answer })) end
      end
    end)

    it("is refused under 200 as under any other status: the task goes on, and is charged", function()
      for kind, json in pairs { server = { bad = "no" }, permission = { bad = "no", kind = "permission" } } do
        local done, err = cancelling(trouble, { { "DELETE /tasks/t1", json = json } })
        assert.is_nil(done)
        assert.same({ kind, "mine: no", "t1", 200 }, { err.kind, err.message, err.task_id, err.http_status })
      end
    end)

    it("is asked for again when its adapter says to come back", function()
      local done, _, m = cancelling(trouble, { { "DELETE /tasks/t1", json = { busy = 7 } }, { "DELETE /tasks/t1" } })
      assert.is_true(done)
      assert.is_true(m.requests[2].time - m.requests[1].time >= 7)
    end)

    it("is not believed where no one can read the answer", function()
      local done, err = cancelling(boom, { { "DELETE /tasks/t1", json = {}, times = 5 } })
      assert.is_nil(done)
      assert.equal("protocol", err.kind)
      assert.matches("problem raised .*a bug in mine", err.message)
    end)
  end)

  describe("while a task is looked at, ", function()
    it("task may raise or give nonsense: the id stays in the error, with who broke", function()
      for _, broken in ipairs { boom, function() return true end, function() return 5 end } do
        local client = client_of({ task = broken }, { { "GET /tasks/t1", json = { id = "t1" }, times = 9 } })
        local task, err = client:task("t1"):refresh()
        assert.is_nil(task)
        assert.equal("t1", err.task_id)
        assert.matches("adapter mine", err.message, 1, true)
        assert.matches("task", err.message, 1, true)
      end
    end)

    it("fields of wrong types are left out", function()
      local client = client_of({ task = function()
        return { status = true, progress = "half", output = { 5 }, failure = {}, created_at = "now" }
      end }, { { "GET /tasks/t1", json = {} } })
      local task = assert(client:task("t1"):refresh())
      assert.equal("PENDING", task.status)
      assert.is_nil(task.output)
      assert.is_nil(task.progress)
    end)

    -- What standard error shows while a function runs, behind what the function returns.
    local function overheard(fn)
      local said, stderr = {}, io.stderr
      io.stderr = { write = function(_, ...) said[#said + 1] = table.concat { ... } end } -- luacheck: ignore 122
      local ok, value, err = pcall(fn)
      io.stderr = stderr -- luacheck: ignore 122
      assert(ok, value)
      return value, err, said
    end

    -- The error that a wait over a few looks at a task ends with, and what standard error shows of it.
    local function told_of(fields, logger, looks, on_progress)
      local own = adapters.own { task = function() return fields() end }
      local client = mocked.client({ { "GET /tasks/t1", json = {}, times = 99 } }, { provider = own, logger = logger })
      local task, err, said = overheard(function()
        return client:task("t1"):wait { timeout = looks and 5 * looks or 12, on_progress = on_progress }
      end)
      assert.is_nil(task)
      return err, said
    end

    local WORDLESS = {
      ["a status that is none of ours"] = { function() return { status = "COMPLETED" } end,
        'mine gave the string "COMPLETED" as status in task; it must be PENDING, THROTTLED, RUNNING, SUCCEEDED' },
      ["a field that no task has"] = { function() return { stauts = "SUCCEEDED" } end,
        'mine gave a field "stauts", which no task has (did you mean status?), in task' },
      ["what is no word on whether there is a task"] = { function() return { missing = "no", status = "RUNNING" } end,
        'mine gave the string "no" as missing in task' },
    }

    for what, case in pairs(WORDLESS) do
      it(what .. " ends no task, is told at once, once, and again when the time is over", function()
        local err, said = told_of(case[1])
        assert.equal("timeout", err.kind)
        assert.matches(case[2], err.message, 1, true)
        assert.equal(1, #said)
        assert.matches(case[2], said[1], 1, true)
      end)
    end

    it("a progress out of range is not shown, and told once, however it goes on", function()
      local count, shares = 29, {}
      local err, said = told_of(function()
        count = count + 1
        return { status = "RUNNING", progress = count }
      end, nil, 9, function(task) shares[#shares + 1] = task.progress or false end)
      assert.is_true(#shares > 5)
      for _, share in ipairs(shares) do assert.is_false(share) end
      assert.equal(1, #said)
      assert.matches("mine gave the number 30 as progress in task; it must be from 0 to 1", said[1], 1, true)
      assert.matches("fields.progress(v, 100)", err.message, 1, true)
    end)

    it("what a reader reads nothing in is told with the reader: its return may be missing", function()
      local client = client_of({ task = function() end, balance = function() end,
        credits = function() return { path = "/credits" } end }, { { json = { id = "t1" }, times = 99 } })
      for reader, call in pairs { task = client.get, balance = client.credits } do
        local nothing, err = call(client, "t1")
        assert.is_nil(nothing)
        assert.equal("protocol", err.kind)
        assert.matches("not in the answer, as " .. reader .. " of the adapter reads it", err.message, 1, true)
        assert.equal("mine", err.provider)
      end
    end)

    it("a logger is told of it once, and standard error is not", function()
      local heard = {}
      local _, said = told_of(WORDLESS["a status that is none of ours"][1], function(level, message)
        if level ~= "debug" then heard[#heard + 1] = message end
      end)
      assert.same({}, said)
      assert.matches("as status in task", heard[1], 1, true)
      assert.equal(1, #heard)
    end)

    it("standard error is told of a few faults, whatever an adapter makes up", function()
      local count = 0
      local _, said = told_of(function()
        count = count + 1
        return { status = "RUNNING", ["field " .. count] = true }
      end, nil, 20)
      assert.is_true(count > 10)
      assert.equal(10, #said)
    end)

    it("what differs in a value alone is one fault, to standard error and to a logger", function()
      local count = 0
      local function counting()
        count = count + 1
        return { status = count % 2 == 0 and "BUSY " .. count or nil, word = count / 2 }
      end
      local _, said = told_of(counting, nil, 20)
      assert.is_true(count > 10)
      assert.equal(2, #said)                  -- with a status, and without
      local heard = {}
      told_of(counting, function(level, message) heard[#heard + 1] = level == "warning" and message or nil end, 20)
      assert.equal(2, #heard)
    end)

    it("every field has its words for what it must be", function()
      for _, pair in ipairs { { contract.TASK, contract.EXPECTED },
        { contract.PROBLEM, contract.EXPECTED_OF_A_PROBLEM }, { contract.REQUEST, contract.EXPECTED_OF_A_REQUEST } } do
        for field in pairs(pair[1]) do assert.is_string(pair[2][field], field) end
        for field in pairs(pair[2]) do assert.is_truthy(pair[1][field], field) end
      end
    end)

    it("a key that is refused is told with where it came from, by whatever adapter", function()
      local function refused(options)
        options.provider = adapters.own { env = { api_key = "MINE_KEY" } }
        local client = mocked.client({ { "POST /make", status = 401, json = {} } }, options)
        local _, err = client:generate { prompt_text = "x" }
        assert.equal("authentication", err.kind)
        return err.message
      end
      assert.matches("; the key is that of the option api_key$", refused { api_key = "k12345" })
      assert.matches("; the key is that of the function api_key$", refused { api_key = function() return "k12345" end })
      local getenv = os.getenv
      os.getenv = function(name) return name == "MINE_KEY" and "k12345" or nil end -- luacheck: ignore 122
      local ok, said = pcall(refused, { api_key = "" })
      os.getenv = getenv -- luacheck: ignore 122
      assert(ok, said)
      assert.matches("; the key is that of MINE_KEY$", said)
    end)

    it("a header that can be none is told with its name, and no key goes with it", function()
      for said, headers in pairs {
        ['the string "X Key" as the name of a header in sign; it must be one or more letters'] = { ["X Key"] = "k" },
        ['as the header "X-Key" in sign; it must be a string on one line'] = { ["X-Key"] = "a\nb" },
        ['true as the header "X-Key" in sign; it must be a string'] = { ["X-Key"] = true },
      } do
        local client, m = client_of { sign = function() return headers end }
        local _, err = client:generate { prompt_text = "x" }
        assert.same({ "config", "no" }, { err.kind, err.sent })
        assert.matches(said, err.message, 1, true)
        m:finish()
      end
    end)

    it("a refusal by a host that gets no key says so", function()
      local own = { submit = function()
        return { method = "POST", url = "https://other.example/make?x=1", json = {} }
      end }
      local client = client_of(own, { { "POST https://other.example/make", status = 401, json = {} } })
      local _, err = client:generate { prompt_text = "x" }
      assert.equal("authentication", err.kind)
      assert.matches("; no key was sent, for https://other.example/make is not of the base URL", err.message, 1, true)
    end)

    it("that there is no such task is told with the provider's own words, if it has any", function()
      local function gone() return { missing = true } end
      for said, own in pairs {
        [""] = { task = gone }, [": deleted on Monday"] = { task = gone,
          problem = function(answer) return { message = answer.json.error, code = "E7" } end },
      } do
        local client = client_of(own, { { "GET /tasks/t1", status = 410, json = { error = "deleted on Monday" } } })
        local task, err = client:get "t1"
        assert.is_nil(task)
        assert.same({ "not_found", "not_found", 410 }, { err.kind, err.code, err.http_status })
        assert.equal("(deleted, or of another account or provider?)" .. said, err.message:match "such task (.*)$")
      end
    end)

    it("an output that is none is the adapter's fault, and asking later will not help", function()
      local err = told_of(function() return { status = "SUCCEEDED", output = "https://x.test/a" } end)
      assert.equal("no_output", err.code)
      assert.is_false(err.retryable)
      assert.matches('gave the string "https://x.test/a" as output in task; it must be a list', err.message, 1, true)
    end)

    it("an id that is a number is told, of a callback as of an answer; what was paid for keeps it", function()
      local FAULT, heard = "the adapter mine gave the number 7 as id in %s; it must be a clean string", {}
      local client = mocked.client({ { "POST /make", json = { id = 7 } } }, {
        provider = adapters.own { callback = function() return { id = 7 } end },
        logger = function(_, message) heard[#heard + 1] = message end,
      })
      assert.equal("7", assert(client:generate { prompt = "a cat" }).id)
      assert.matches(FAULT:format "accepted", table.concat(heard, "\n"), 1, true)
      local hint, err = client:read_callback "{}"
      assert.is_nil(hint)
      assert.matches(FAULT:format "callback", err.message, 1, true)
    end)

    it("a script without a logger sees what was wrong with a submit that went well, and with a single look", function()
      local own = adapters.own { task = function() return { status = "RUNNING", progress = 30 } end }
      local client = mocked.client({ { "POST /make", json = { id = 7 } }, { "GET /tasks/7", json = {}, times = 2 } },
        { provider = own })
      local task, _, said = overheard(function() return client:generate { prompt = "a cat" } end)
      assert.equal("7", task.id)
      assert.equal(1, #said)
      assert.matches("the adapter mine gave the number 7 as id in accepted", said[1], 1, true)
      local _, _, seen = overheard(function() return task:refresh() and task:refresh() end)
      assert.equal(1, #seen)
      assert.matches("mine gave the number 30 as progress in task", seen[1], 1, true)
    end)

    it("retryable_failure may raise: the failure is told, and not as one to try again", function()
      for _, broken in ipairs { boom, function() return "yes" end } do
        local client = client_of({ retryable_failure = broken },
          { { "GET /tasks/t1", json = { status = "FAILED" } } })
        local task, err = client:task("t1"):wait()
        assert.is_nil(task)
        assert.equal("task_failed", err.kind)
        assert.is_false(err.retryable)
      end
    end)

    it("balance may raise and give nonsense", function()
      for _, broken in ipairs { boom, function() return true end, function() return "5" end,
        function() return 0 / 0 end } do
        local client = client_of({ balance = broken, credits = function() return { path = "/credits" } end },
          { { "GET /credits", json = { credits = 5 }, times = 9 } })
        local credits, err = client:credits()
        assert.is_nil(credits)
        assert.matches("balance", err.message, 1, true)
      end
    end)

    it("limits may raise and give nonsense, and the balance is told all the same", function()
      for _, broken in ipairs { boom, function() return true end, function() return { m1 = 5 } end,
        function() return { m1 = { concurent = 5 } } end, function() return { m1 = { daily = 1.5 } } end,
        function() return { m1 = { concurrent = "5" } } end, function() return { { concurrent = 5 } } end } do
        local told = {}
        local own = adapters.own { balance = function() return 5 end, limits = broken,
          credits = function() return { path = "/credits" } end }
        local client = mocked.client({ { "GET /credits", json = {} } }, { provider = own,
          logger = function(_, message) told[#told + 1] = message end })
        local credits, _, limits = client:credits()
        assert.same({ 5, nil }, { credits, limits })
        assert.matches("limits", told[#told], 1, true)
      end
    end)

    it("callback may raise and give nonsense", function()
      for _, broken in ipairs { boom, function() return true end, function() return 5 end,
        function() return { id = {} } end } do
        local client = client_of { callback = broken }
        local hint, err = client:read_callback "{}"
        assert.is_nil(hint)
        assert.matches("callback", err.message, 1, true)
        assert.matches("adapter mine", err.message, 1, true)
      end
    end)
  end)

  it("lets an interrupt through, whichever function it comes in", function()
    local opened
    local function interrupted() if opened then error("here: interrupted!", 0) end end
    for name, call in pairs {
      submit = function(c) return c:generate { prompt_text = "x" } end,
      kind_of = function(c) return c:generate { prompt_text = "x" } end,
      sign = function(c) return c:get "t1" end, query = function(c) return c:get "t1" end,
      cancel = function(c) return c:cancel "t1" end, task = function(c) return c:get "t1" end,
      callback = function(c) return c:read_callback "{}" end,
    } do
      opened = false                          -- a client asks the query for its path when it is made
      local client = client_of({ [name] = interrupted }, { { times = 9, json = {} } })
      opened = true
      local ok, err = pcall(call, client)
      assert.is_false(ok, name)
      assert.matches("interrupted!", tostring(err), 1, true)
    end
  end)

  it("alone calls the functions of an adapter", function()
    local called = {}                         -- function and caller -> true
    local own = adapters.own {
      sign = function(key) return { Authorization = key } end, kind_of = function() return "text_to_video" end,
      cancel = function(ref) return { method = "DELETE", path = "/tasks/" .. ref.id } end,
      upload = function() return { uri = "https://up.test/a" } end, media = function() return { image = 4 } end,
      credits = function() return { path = "/credits" } end, balance = function() return 5 end,
      problem = function() end, callback = function() return { id = "t1", status = "SUCCEEDED" } end,
      retryable_failure = function() return true end,
    }
    for name, fn in pairs(own) do
      if type(fn) == "function" then
        own[name] = function(...)
          local rooms = debug.traceback():gsub("lua/runway/guard%.lua", "")
          called[name .. " by " .. rooms:match "lua/runway/([%w_/]+)%.lua"] = true
          return fn(...)
        end
      end
    end
    local files = scratch.new()
    local client = mocked.client({
      { "POST /make", json = { id = "t1" } }, { "GET /tasks/t1", json = { status = "FAILED" } },
      { "GET /tasks/t9", status = 400, json = {} }, { "DELETE /tasks/t1", json = {} }, { "GET /credits", json = {} },
    }, { provider = own })
    local task = assert(client:generate { prompt_image = runway.file(files:write("a.png", PNG)) })
    files:remove()
    assert.is_nil(task:wait())
    client:get "t9"
    client:cancel "t1"
    client:credits()
    client:read_callback "{}"
    for name, fn in pairs(own) do
      if type(fn) == "function" then assert.is_true(called[name .. " by adapter"], name) end
    end
    for call in pairs(called) do assert.matches(" by adapter$", call) end
  end)

  describe("reads nothing through an adapter's metatables, and keeps the answer for itself:", function()
    local function evil(v) return setmetatable(v, { __index = boom, __pairs = boom, __len = boom, __eq = boom }) end

    local function made(more)
      local client = client_of(more, { { "POST /submit", json = { id = "t-1" }, times = math.huge } })
      local ok, task, err = pcall(client.generate, client, { prompt = "x" })
      assert.is_true(ok, tostring(task))
      return task, err
    end

    local function submit() return { method = "POST", path = "/submit", json = { a = 1 } } end

    for what, accepted in pairs {
      ["fields"] = function(a) return evil { id = a.json.id } end,
      ["a list of outputs"] = function(a) return { id = a.json.id, output = evil { "https://x.test/1.mp4" } } end,
      ["a problem"] = function() return nil, evil { message = "no" } end,
      ["an answer that it emptied"] = function(a)
        local id = a.json.id
        for name in pairs(a) do a[name] = nil end
        return { id = id }
      end,
    } do
      it(what, function()
        local task, err = made { submit = submit, accepted = accepted }
        assert.equal("t-1", task and task.id or err.task_id)
      end)
    end

    for what, more in pairs {
      ["a header's name that is a number"] = { headers = { [5] = "x" } },
      ["a query's name that is a number"] = { query = { a = 1, [5] = "x" } },
      ["a form of numbers"] = { form = { 1, 2 } }, ["a form of nothing"] = { form = { {} } },
      ["a form's file name that is a table"] = { form = { { "f", file = "/x", filename = {} } } },
      ["a file with a NUL"] = { file = "/x\0" },
    } do
      it("and refuses, before anything is sent, " .. what, function()
        local task, err = made { submit = function()
          local request = submit()
          for name, v in pairs(more) do request[name] = v end
          if not more.headers and not more.query then request.json = nil end
          return request
        end }
        assert.is_nil(task)
        assert.equal("no", err.sent)
        assert.matches("in submit", err.message, 1, true)
      end)
    end
  end)
end)
