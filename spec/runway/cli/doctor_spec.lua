-- What stands in the way, told a line each: nothing is paid for, and no key is shown.

local command = require "spec.support.command"
local core = require "runway.core"
local doctor = require "runway.cli.doctor"
local journal = require "runway.journal"
local json = require "runway.json"
local mocked = require "spec.support.mocked"
local network = require "runway.cli.doctor_network"
local rawserver = require "spec.support.rawserver"
local runway = require "runway"
local sandbox = require "runway.sandbox"
local scratch = require "spec.support.scratch"

local ROOT = { "GET /", status = 404, json = { error = "nothing here" } }
local BALANCE = { "GET /v1/organization", json = { creditBalance = 1234 } }

describe("runway doctor", function()
  local here, environment

  before_each(function()
    here = scratch.new()
    environment = { RUNWAYML_API_SECRET = mocked.KEY, PATH = os.getenv "PATH" }
    command.setup(environment)
  end)
  after_each(function()
    command.teardown()
    here:remove()
  end)

  -- Its checks by their names, and the exit code; no line has the key in it.
  local function look(words, list, more)
    local argv = { "doctor", "--json", "-o", here.directory }
    for _, word in ipairs(words or {}) do argv[#argv + 1] = word end
    local code, out, err, m = command.run(argv, list, more)
    assert.is_nil(out:find(mocked.KEY, 1, true))
    assert.equal("", err)
    local checks, names = {}, {}
    for line in out:gmatch "[^\n]+" do
      local one = assert(json.decode(line))
      checks[one.check], names[#names + 1] = one, one.check
      if one.state == "fail" then assert.is_string(one.advice, one.check) end
    end
    for i, check in ipairs(doctor.checks) do assert.equal(check[1], names[i]) end
    return checks, code, m
  end

  local function states(checks, ...)
    local list = {}
    for i, name in ipairs { ... } do list[i] = checks[name].state end
    return table.concat(list, " ")
  end

  it("finds all well, a line each, with one request without the key and one with it", function()
    local code, out, err, m = command.run({ "doctor", "-o", here.directory }, { ROOT, BALANCE })
    assert.equal(0, code)
    assert.equal("", err)
    local lines = 0
    for line in out:gmatch "[^\n]+" do
      lines = lines + 1
      local may_warn = line:find "^warn  clock " or line:find "^warn  ffmpeg " or line:find "^warn  output "
      assert.truthy(line:find "^ok    %l+ +[^ ]" or may_warn, line)
    end
    assert.equal(#doctor.checks, lines)
    assert.matches("\nok    key       found in RUNWAYML_API_SECRET\n", out, 1, true)
    assert.matches("\nok    account   the key is taken, 1234 credits are left\n", out, 1, true)
    assert.is_nil(out:find(mocked.KEY, 1, true))
    assert.is_nil(m.requests[1].headers.authorization)
    assert.equal("Bearer " .. mocked.KEY, m.requests[2].headers.authorization)
    for _, request in ipairs(m.requests) do assert.is_false(request.paid) end
  end)

  it("tells what the account may run at once", function()
    local checks = look({}, { ROOT, { "GET /v1/organization", json = { creditBalance = 5, tier = { models = {
      m1 = { maxConcurrentGenerations = 3, maxDailyGenerations = 500 } } } } } })
    assert.equal("the key is taken, 5 credits are left; of each model 3 at once, 500 a day", checks.account.message)
    assert.same({ m1 = { concurrent = 3, daily = 500 } }, checks.account.detail.limits)
  end)

  it("tells programs the same, with numbers", function()
    local checks, code = look({}, { ROOT, BALANCE })
    assert.equal(0, code)
    assert.same({ 1234, nil }, { checks.account.detail.credits, checks.account.detail.limits })
    assert.equal(404, checks.reach.detail.http_status)
    assert.equal("number", type(checks.reach.detail.seconds))
    assert.equal("https://api.dev.runwayml.com", checks.address.detail.base_url)
    assert.equal("integer", math.type(checks.output.detail.free))
    assert.same({ core.version, _VERSION:match "[%d.]+$", (core.libcurl()) }, { checks.versions.detail.runway,
      checks.versions.detail.lua, checks.versions.detail.libcurl })
    assert.matches("^3", checks.versions.detail.sqlite)
    if pcall(require, "runway.postgresql") then assert.matches("^%d+", checks.versions.detail.libpq) end
    assert.matches("^%d+", checks.versions.detail.libmicrohttpd)
  end)

  describe("where a module in C is missing,", function()
    local cpath, taken

    local function without(...)
      for _, name in ipairs { ... } do
        name = "runway." .. name
        taken[name] = { package.loaded[name], package.preload[name] }
        package.loaded[name], package.preload[name] = nil, nil
      end
    end

    before_each(function()
      cpath, taken = package.cpath, {}
      package.cpath = "/nowhere/?.so"
    end)
    after_each(function()
      package.cpath = cpath
      for name, had in pairs(taken) do package.loaded[name], package.preload[name] = had[1], had[2] end
    end)

    it("names its library, and warns of SQLite alone: a build may leave out what it does not need", function()
      without("postgresql", "listener")
      local seen = look({}, { ROOT, BALANCE }).versions
      assert.equal("ok", seen.state)
      assert.matches("SQLite 3[^;]*; no libpq, no libmicrohttpd$", seen.message)
      assert.is_nil(seen.detail.libmicrohttpd)
      without "sqlite"
      seen = look({}, { ROOT, BALANCE }).versions
      assert.equal("warn", seen.state)
      assert.matches("; no SQLite, no libpq, no libmicrohttpd$", seen.message)
      assert.matches("^A journal in a file needs the module runway.sqlite %(luarocks install", seen.advice)
    end)

    it("warns of one that is there and does not load, with why", function()
      without "listener"
      os.execute(("mkdir '%s'"):format(here:path "runway"))
      here:write("runway/listener.so", "no module")
      package.cpath = here:path "?.so"
      local seen = look({}, { ROOT, BALANCE }).versions
      assert.equal("warn", seen.state)
      assert.matches("runway.listener .*listener%.so", seen.advice)
    end)

    it("says of a journal that is not there that it cannot be made", function()
      without "sqlite"
      local checks, code = look({ "--journal", here:path "new.db" }, { ROOT, BALANCE })
      assert.same({ 1, "fail" }, { code, checks.journal.state })
      assert.matches("is not there, and cannot be made: it needs the module runway.sqlite ", checks.journal.message, 1,
        true)
      assert.is_nil(here:content "new.db")
    end)
  end)

  it("says of the address which variable seems to be meant for it, and is not read", function()
    environment.RUNWAY_BASE_URL = "http://127.0.0.1:1"
    local checks = look({}, { ROOT, BALANCE })
    assert.equal("warn", checks.address.state)
    assert.matches("RUNWAY_BASE_URL is set and is not read: the name here is RUNWAYML_BASE_URL", checks.address.message,
      1, true)
    assert.equal("ok", look({ "--base-url", "https://mine.example" }, { ROOT, BALANCE }).address.state)
  end)

  it("says how an address is given to the command", function()
    environment.RUNWAY_GATEWAY_API_KEY = mocked.KEY
    local checks = look({ "--provider", "gateway" }, {})
    assert.matches("give --base-url URL or set RUNWAY_GATEWAY_BASE_URL", checks.address.message, 1, true)
    assert.equal("Its own pages name it.", checks.address.advice)
  end)

  describe("says of the key", function()
    it("that there is none, and what was meant for one; asks for nothing with it", function()
      environment.RUNWAYML_API_SECRET, environment.RUNWAY_API_KEY = nil, mocked.KEY
      local checks, code, m = look({}, { ROOT })
      assert.equal(1, code)
      assert.equal("fail ok skip", states(checks, "key", "reach", "account"))
      assert.matches("RUNWAY_API_KEY is set, but the name here is RUNWAYML_API_SECRET", checks.key.message, 1, true)
      assert.is_nil(checks.key.message:find("api_key", 1, true))
      assert.equal("A key is made on the provider's own pages.", checks.key.advice)
      assert.is_nil(m.requests[1].headers.authorization)
    end)

    it("that it stands in a file, or in quotes", function()
      environment.RUNWAYML_API_SECRET = nil
      environment.RUNWAYML_API_SECRET_FILE = here:write("key", mocked.KEY .. "\n")
      assert.equal("found in the file that RUNWAYML_API_SECRET_FILE names", look({}, { ROOT, BALANCE }).key.message)
      here:write("key", "'" .. mocked.KEY .. "'")
      assert.matches("stands in quotes", look({}, { ROOT }).key.message, 1, true)
      assert.equal("Mend it there.", look({}, { ROOT }).key.advice)
    end)

    it("that it is refused, or that nothing is left", function()
      local checks, code = look({}, { ROOT, { "GET /v1/organization", status = 401, json = { error = "no "
        .. mocked.KEY } } })
      assert.equal(1, code)
      assert.matches("the key was refused: no [key]", checks.account.message, 1, true)
      checks, code = look({}, { ROOT, { "GET /v1/organization", json = { creditBalance = 0 } } })
      assert.same({ 0, "warn" }, { code, checks.account.state })
      checks, code = look({}, { ROOT, { "GET /v1/organization", status = 503, json = {} } })
      assert.same({ 1, "fail" }, { code, checks.account.state })
    end)
  end)

  for name, adapter in pairs(runway.providers) do
    it("looks whether the key is taken at " .. name .. ", for nothing", function()
      local server = assert(sandbox.start { api_key = "the-right-key" })
      environment[adapter.env.api_key] = "the-right-key"
      local words = { "--provider", name, "--base-url", server.base_url }
      local checks, code = look(words)
      assert.same({ 0, "ok" }, { code, checks.account.state }, checks.account.message)
      assert.equal(adapter.credits ~= nil, checks.account.detail.credits ~= nil)
      environment[adapter.env.api_key] = "the-wrong-key"
      checks, code = look(words)
      assert.same({ 1, "fail" }, { code, checks.account.state }, checks.account.message)
      assert.matches("refused", checks.account.message, 1, true)
      assert.matches("; the key is that of " .. adapter.env.api_key, checks.account.message, 1, true)
      assert.equal(0, #server.tasks)
      server:close()
    end)
  end

  it("says that a key is unchecked where nothing can be asked, or no one answers that", function()
    local source = [[return { name = "reelhouse", base_url = "https://reelhouse.example",
      env = { api_key = "RUNWAYML_API_SECRET" }, kinds = { "text_to_video" }, submit = function() end,
      accepted = function() end, query = function() %s end, task = function(answer) return answer.json end }]]
    local file = here:write("mine.lua", source:format "")
    local checks, code = look({ "--provider", file }, { ROOT })
    assert.same({ 1, "fail" }, { code, checks.account.state })
    assert.matches("made nothing in query", checks.account.message, 1, true)
    assert.matches("Mend the adapter", checks.account.advice, 1, true)
    here:write("mine.lua", source:format "return nil, 'it has none'")
    checks, code = look({ "--provider", file }, { ROOT })
    assert.same({ 0, "warn" }, { code, checks.account.state })
    assert.matches("the key is unchecked", checks.account.message, 1, true)
    here:write("mine.lua", source:format "return { path = '/task' }")
    checks = look({ "--provider", file }, { ROOT, { "GET /task", status = 500, json = {} } })
    assert.equal("warn", checks.account.state)
    assert.matches("the key is unchecked", checks.account.message, 1, true)
    checks = look({ "--provider", file }, { ROOT, { "GET /task", status = 404, json = { error = "no task" } } })
    assert.equal("ok", checks.account.state)
    checks = look({ "--provider", file }, { ROOT, { "GET /task", status = 403, json = { error = "no" } } })
    assert.equal("fail", checks.account.state)
  end)

  it("says what can be said against an adapter of the user's own without its author's cases", function()
    local checks = look({ "--provider", "examples/own_adapter.lua" }, { ROOT })
    assert.equal("ok", checks.provider.state)
    assert.equal("reelhouse (--provider examples/own_adapter.lua)", checks.provider.message)
    for wrong, said in pairs { ["query = function() return '/tasks/1' end"] = "query: the request must be a table",
      ["cancel = function() return { path = '/x', method = 'DELETE', metod = 1 } end"] = "cancel: .*metod",
      ["query = function() error 'torn' end"] = "query: raises" } do
      checks = look({ "--provider", here:write("mine.lua",
        ("local own = dofile 'examples/own_adapter.lua' own.%s return own"):format(wrong)) }, { ROOT })
      assert.equal("warn", checks.provider.state)
      assert.matches(said, checks.provider.message)
    end
    checks = look({ "--provider", here:write("mine.lua", [[
      local own = dofile "examples/own_adapter.lua"
      own.submit = function() end
      return own
    ]]) }, { ROOT })
    assert.same({ "warn",
      ("reelhouse (--provider %s): submit: returns neither a request nor a problem (a kind that it does not have)")
        :format(here:path "mine.lua") }, { checks.provider.state, checks.provider.message })
    assert.matches("runway.conformance", checks.provider.advice, 1, true)
  end)

  describe("says of the network", function()
    it("where nothing answers, what to do: each check by itself", function()
      for code, words in pairs { dns = "online", connect = "firewall", proxy = "the proxy" } do
        local transport = { cancel = function() end }
        function transport:start(_, done)
          require("runway.scheduler").at(0, function()
            done { sent = false, headers = {}, error = { kind = "network", code = code, message = "it failed" } }
          end)
        end
        local checks, exit = look({}, nil, { transport = transport })
        assert.equal(1, exit)
        assert.equal("ok ok ok fail skip skip skip ok", states(checks, "key", "address", "proxy", "reach", "tls",
          "clock", "account", "output"))
        assert.matches(words, checks.reach.advice, 1, true)
        local advised = {}
        for _, name in ipairs { "reach", "tls", "clock", "account" } do
          assert.is_nil(advised[checks[name].advice])
          advised[checks[name].advice] = true
        end
      end
    end)

    it("that it is the proxy that does not answer", function()
      local checks = look { "--base-url", "https://api.example", "--proxy", "http://127.0.0.1:1" }
      assert.equal("ok fail", states(checks, "proxy", "reach"))
      assert.matches("Look at the proxy", checks.reach.advice, 1, true)
    end)

    it("where there is no name server, within seconds", function()
      local before = core.now()
      local checks, code = look { "--base-url", "https://no-such-host.invalid" }
      assert.same({ 1, "fail" }, { code, checks.reach.state })
      assert.is_true(core.now() - before < 60)
    end)

    it("what is wrong with the address, or the provider", function()
      local checks, code, m = look({ "--base-url", "http://relay.example" }, {})
      assert.same({ 1, 0 }, { code, #m.requests })
      assert.equal("fail skip skip skip skip", states(checks, "address", "proxy", "reach", "tls", "account"))
      assert.matches("without TLS", checks.address.message, 1, true)
      checks, code = look({ "--provider", "runwaml" }, {})
      assert.equal(1, code)
      assert.equal("fail skip skip", states(checks, "provider", "key", "address"))
      assert.matches("did you mean runwayml", checks.provider.message, 1, true)
    end)

    it("which proxy is used, without its password, and that it can be none", function()
      local checks = look({ "--proxy", "http://me:canarypass@proxy.example:3128" }, { ROOT, BALANCE })
      assert.same({ "http://proxy.example:3128", "--proxy" }, { checks.proxy.detail.proxy, checks.proxy.detail.from })
      local code
      checks, code = look({ "--proxy", "http://me:canary pass@proxy.example:3128" }, {})
      assert.equal(1, code)
      assert.equal("fail skip", states(checks, "proxy", "reach"))
      assert.is_nil(checks.proxy.message:find("canary", 1, true))
      assert.equal("none", look({ "--proxy", "" }, { ROOT, BALANCE }).proxy.message)
    end)

    it("that the server has trouble", function()
      local checks, code = look({}, { { "GET /", status = 503, body = "" }, BALANCE })
      assert.same({ 0, "warn" }, { code, checks.reach.state })
    end)
  end)

  describe("says of TLS", function()
    local server
    setup(function() server = rawserver.start { tls = true } end)
    teardown(function() server:stop() end)

    it("that it is trusted, and by whom; or why not", function()
      local base = server:url("", "good")
      local checks = look { "--base-url", base, "--ca-file", server.ca_file }
      assert.equal("ok ok", states(checks, "reach", "tls"))
      assert.matches(server.ca_file .. " (--ca-file)", checks.tls.message, 1, true)
      for _, listener in ipairs { "expired", "wrong_host", "self_signed" } do
        local code
        checks, code = look { "--base-url", server:url("", listener), "--ca-file", server.ca_file }
        assert.equal(1, code)
        assert.equal("fail fail", states(checks, "reach", "tls"), listener)
        assert.matches("see tls", checks.reach.advice, 1, true)
        assert.matches("--ca-file", checks.tls.advice, 1, true)
      end
    end)

    it("what is wrong with the file of authorities", function()
      for file, why in pairs {
        [here:path "none.pem"] = "No such file", [here:write("text.pem", "hello\n")] = "no certificate in it",
      } do
        local checks, code = look({ "--ca-file", file }, { ROOT, BALANCE })
        assert.same({ 1, "fail" }, { code, checks.tls.state })
        assert.matches(why, checks.tls.message, 1, true)
      end
      environment.CURL_CA_BUNDLE = here:path "none.pem"
      assert.matches("none.pem (CURL_CA_BUNDLE): No such file", look({}, { ROOT, BALANCE }).tls.message, 1, true)
    end)

    it("that there is none", function()
      local checks = look({ "--base-url", "http://127.0.0.1:1" }, { ROOT, BALANCE })
      assert.same({ "ok", "none, on this machine" }, { checks.tls.state, checks.tls.message })
      checks = look({ "--base-url", "http://relay.example", "--allow-http" }, { ROOT, BALANCE })
      assert.equal("warn", checks.tls.state)
    end)
  end)

  describe("says of the clock", function()
    local function at(seconds, headers)
      headers = headers or {}
      headers.Date = os.date("!%a, %d %b %Y %H:%M:%S GMT", math.floor(core.wall_ms() / 1000) + seconds)
      return look({}, { { "GET /", status = 404, body = "", headers = headers }, BALANCE }).clock
    end

    it("how far it is from the server's", function()
      assert.equal("ok", at(0).state)
      assert.equal("ok", at(-2).state)
      assert.equal("warn", at(30).state)
      assert.matches("s behind the server's", at(30).message, 1, true)
      local ahead = at(-3600)
      assert.equal("fail", ahead.state)
      assert.matches("^%d+ s ahead of the server's", ahead.message)
      assert.is_true(math.abs(ahead.detail.offset - 3600) < 60)
      assert.equal("ok", at(-3600, { Age = "3600" }).state)
    end)

    it("that the server tells none", function()
      assert.equal("warn", look({}, { ROOT, BALANCE }).clock.state)
      for _, date in ipairs { "yesterday", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Foo 1994 08:49:37 GMT" } do
        assert.is_nil(network.seconds_of(date))
      end
      assert.equal(784111777, network.seconds_of "Sun, 06 Nov 1994 08:49:37 GMT")
      assert.equal(951782400, network.seconds_of "Tue, 29 Feb 2000 00:00:00 GMT")
      assert.equal(1709251199, network.seconds_of "Thu, 29 Feb 2024 23:59:59 GMT")
    end)
  end)

  describe("says of the journal", function()
    local where
    before_each(function() where = here:path "shots.db" end)

    local function looked()
      local checks, code = look({ "--journal", where }, { ROOT, BALANCE })
      return checks.journal, code
    end

    it("that it can be made, and makes none", function()
      local seen = looked()
      assert.equal("ok", seen.state)
      assert.matches("can be made", seen.message, 1, true)
      assert.is_nil(scratch.read(where))
      where = here:path "none/shots.db"
      seen = looked()
      assert.equal("fail", seen.state)
    end)

    it("that it is sound and can be written, and how many are unknown", function()
      assert(journal.open(where)):close()
      local seen = looked()
      assert.equal("ok", seen.state, seen.message)
      assert.same({ where, 0, 0 }, { seen.detail.journal, seen.detail.entries, seen.detail.unknown })
      assert.equal("number", type(seen.detail.commit_seconds))
      local store = assert(require("runway.store").open(where))
      assert(store:write { { [[INSERT INTO runway_shots (key, state, provider, base_url, fingerprint, description,
        token, owner, fence, created_at, updated_at)
        VALUES ('a', 'unknown', 'p', 'b', 'f', '{}', 't', 'o', 1, 1, 1)]] } })
      store:close()
      seen = looked()
      assert.same({ "warn", 1, 1 }, { seen.state, seen.detail.entries, seen.detail.unknown })
    end)

    it("that it is damaged, or something else", function()
      assert(journal.open(where)):close()
      local bytes = scratch.read(where)
      here:write("shots.db", bytes:sub(1, 4096) .. ("\255"):rep(#bytes - 4096))
      local seen, code = looked()
      assert.same({ 1, "fail" }, { code, seen.state })
      assert.matches("malformed", seen.message, 1, true)
      where = here:write("notes.db", "dear diary, " .. ("x"):rep(1000))
      assert.equal("fail", looked().state)
      where = here:path "other.db"
      local store = assert(require("runway.store").open(where))
      assert(store:write { { "CREATE TABLE mine (a TEXT)" } })
      store:close()
      seen = looked()
      assert.matches("no runway journal", seen.message, 1, true)
    end)

    it("what is unknown, and how that is seen", function()
      local j = assert(journal.open(where))
      local client = mocked.client({ { "POST /v1/text_to_video", fault = "lost" } }, { journal = j })
      assert.equal("unknown_submit", select(2, client:generate(mocked.clip { key = "a" })).kind)
      mocked.close()
      j:close()
      local seen = looked()
      assert.same({ "warn", 1 }, { seen.state, seen.detail.unknown })
      assert.matches("with runway journal list --journal " .. where .. " --state unknown,", seen.advice, 1, true)
    end)

    it("that it is of another version, and leaves it so", function()
      assert(journal.open(where)):close()
      local store = assert(require("runway.store").open(where))
      local function version(v)
        assert(store:write { { "UPDATE runway_about SET value = $1 WHERE name = 'version'", v } })
        local seen = looked()
        local row = assert(store:read { { "SELECT value FROM runway_about WHERE name = 'version'" } })[1].rows[1]
        assert.equal(v, row.value)
        return seen
      end
      assert.equal("warn", version "1".state)
      assert.matches("newer runway", version "99".message, 1, true)
      store:close()
    end)

    it("that the database cannot be reached, without its password", function()
      local checks, code = look({ "--journal", "postgresql://me:canarypass@127.0.0.1:1/x?connect_timeout=1" },
        { ROOT, BALANCE })
      assert.same({ 1, "fail" }, { code, checks.journal.state })
      assert.is_nil(json.encode(checks.journal):find("canarypass", 1, true))
    end)
  end)

  describe("says of the directory", function()
    local function named(path)
      local code, out = command.run({ "doctor", "--json", "-o", path }, { ROOT, BALANCE })
      for line in out:gmatch "[^\n]+" do
        local one = json.decode(line)
        if one.check == "output" then return one, code end
      end
    end

    it("that it can be written or made, and leaves nothing there", function()
      assert.equal("ok", named(here.directory).state)
      local seen = named(here:path "a/b/c")
      assert.matches("is not there yet, and can be made", seen.message, 1, true)
      assert.same({}, here:names())
    end)

    it("that it is a file", function()
      local seen, code = named(here:write("file", "x"))
      assert.same({ 1, "fail" }, { code, seen.state })
    end)

    it("that no file can be made there, and not that it is missing", function()
      if not core.space "/proc" then return pending "there is no /proc" end
      assert.matches("^/proc: no file can be made there: ", named("/proc").message)
    end)

    it("that it is full, or nearly", function()
      local space = core.space
      for bytes, state in pairs { [1e6] = "fail", [5e8] = "warn", [5e9] = "ok" } do
        core.space = function() return bytes end
        local ok, seen = pcall(named, here.directory)
        core.space = space
        assert(ok, seen)
        assert.same({ state, bytes }, { seen.state, seen.detail.free })
      end
    end)
  end)

  it("says where ffmpeg is missing, does not run, or is but one half", function()
    local function looked() return look({}, { ROOT, BALANCE }).ffmpeg end
    local function install(name, ending)
      os.execute(("chmod +x '%s'"):format(here:write(name, "#!/bin/sh\necho ffmpeg version 7.1 Copyright\n" .. ending)))
    end
    environment.PATH = here.directory
    local found = looked()
    assert.same({ "warn", "it is not there, or does not run" }, { found.state, found.message })
    assert.matches("apt-get install ffmpeg", found.advice, 1, true)
    install("ffmpeg", "")
    assert.equal("its ffprobe is not there", looked().message)
    install("ffprobe", "")
    found = looked()
    assert.same({ "ok", "7.1", "7.1" }, { found.state, found.message, found.detail.version })
    install("ffmpeg", "exit 1")
    assert.equal("warn", looked().state)
  end)
end)
