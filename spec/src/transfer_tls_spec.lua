-- Whom a request is willing to talk to. A handshake that fails comes before the gate: the request
-- was not sent, and the server has seen none.

local child = require "spec.support.child"
local core = require "runway.core"
local exchange = require "spec.support.exchange"
local rawserver = require "spec.support.rawserver"

describe("over TLS", function()
  local server

  setup(function() server = rawserver.start { tls = true } end)
  teardown(function() server:stop() end)

  local function post(listener, options)
    local request = { method = "POST", url = server:url("/ok?" .. listener, listener), gate = true,
                      body = "{}", ca_file = server.ca_file }
    for name, value in pairs(options or {}) do request[name] = value end
    return exchange.run(request)
  end

  local function assert_distrusted(listener, options)
    local before = #server:seen("?" .. listener)
    local result = post(listener, options)
    assert.is_table(result.error, listener .. " was trusted")
    assert.equal("network", result.error.kind)
    assert.equal("tls", result.error.code)
    assert.is_false(result.sent)
    assert.is_nil(result.status)
    assert.equal(before, #server:seen("?" .. listener))
    return result.error
  end

  it("talks to a server whose certificate holds", function()
    local result = post "good"
    assert.is_nil(result.error)
    assert.equal(200, result.status)
    assert.is_true(result.sent)
    assert.equal(1, #server:seen "?good")
  end)

  for listener, what in pairs {
    wrong_host = "for another host",
    expired = "that has expired",
    self_signed = "of its own making",
  } do
    it("does not talk to one with a certificate " .. what, function()
      assert.is_true(assert_distrusted(listener).permanent)
    end)
  end

  it("trusts no authority it was not told of", function()
    -- Without ca_file the system's authorities count, and they have not heard of ours.
    local request = { method = "POST", url = server:url("/ok?system", "good"), gate = true }
    for _ = 1, 2 do
      local result = exchange.run(request)
      assert.equal("tls", result.error.code)
      assert.is_false(result.sent)
    end
    assert.equal(0, #server:seen "?system")
  end)

  it("does not lend a connection to a request that trusts less", function()
    local url = server:url("/ok?lent", "good")
    assert.equal(200, exchange.run({ url = url, ca_file = server.ca_file }).status)
    local result = exchange.run { url = url }
    assert.equal("tls", result.error.code)
    assert.equal(1, #server:seen "?lent")
  end)

  describe("with authorities of the environment", function()
    local PROGRAM = [[
      local url, ca, proxy = ...
      local core = require "runway.core"
      core.start { method = "GET", url = url, ca_file = ca ~= "" and ca or nil, proxy = proxy, allow_http = true }
      local id, result
      repeat core.wait(15) id, result = core.take() until id
      print(result.status or result.error.code)
    ]]
    local hashed

    setup(function()
      hashed = server.directory .. "/hashed"
      assert(os.execute(("mkdir '%s' && cp '%s' '%s' && openssl rehash '%s'")
        :format(hashed, server.ca_file, hashed, hashed)))
    end)

    local function ask(environment, ca, url, proxy)
      return (child.run(PROGRAM, { before = environment,
        arguments = { url or server:url("/ok", "good"), ca or "", proxy } }))
    end

    it("trusts those that SSL_CERT_FILE, SSL_CERT_DIR and CURL_CA_BUNDLE name, as curl does", function()
      local file = server.ca_file
      assert.equal("200", ask(("SSL_CERT_FILE='%s'"):format(file)))
      assert.equal("200", ask(("SSL_CERT_DIR='%s'"):format(hashed)))
      assert.equal("200", ask(("SSL_CERT_DIR='/nowhere:%s'"):format(hashed)))
      assert.equal("200", ask(("SSL_CERT_DIR='%s' SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt"):format(hashed)))
      assert.equal("200", ask(("SSL_CERT_DIR=/nowhere SSL_CERT_FILE='%s'"):format(file)))
      assert.equal("200", ask(("CURL_CA_BUNDLE='%s' SSL_CERT_FILE=/nowhere"):format(file)))
      assert.equal("tls", ask(("CURL_CA_BUNDLE=/nowhere SSL_CERT_FILE='%s'"):format(file)))
      assert.equal("tls", ask "SSL_CERT_DIR=/nowhere")
    end)

    -- Those of ours, in each form.
    local function ours()
      return { ("SSL_CERT_FILE='%s'"):format(server.ca_file), ("SSL_CERT_DIR='%s'"):format(hashed) }
    end

    it("trusts a proxy by them too", function()
      for _, environment in ipairs(ours()) do
        assert.equal("200", ask(environment, "", "http://api.example/ok", server:url("", "good")))
      end
    end)

    it("trusts others alone when it is told of them", function()
      for _, environment in ipairs(ours()) do
        assert.equal("tls", ask(environment, "/etc/hostname"))
      end
    end)
  end)

  it("waits for a descriptor for the authorities' file, and calls no one a liar", function()
    -- Two are needed: for the connection, and for the file.
    local output = child.run([[
      local url, ca = ...
      local core = require "runway.core"
      local function ask(request)
        local id, result
        core.start(request)
        repeat core.wait(15) id, result = core.take() until id
        return result
      end
      ask { method = "GET", url = "http://127.0.0.1:1/" }
      local taken = {}
      repeat taken[#taken + 1] = io.open "/dev/null" until #taken > 0 and not io.open "/dev/null"
      for left = 0, 3 do
        local result = ask { method = "GET", url = url, ca_file = ca }
        print(left, result.status or result.error.code, result.error and result.error.permanent)
        table.remove(taken):close()
      end
    ]], { before = "ulimit -n 60;", arguments = { server:url("/ok?few", "good"), server.ca_file } })
    assert.equal("0\tdescriptors\tfalse\n1\tdescriptors\tfalse\n2\t200\tnil\n3\t200\tnil", output)
    assert.equal(2, #server:seen "?few")
  end)

  it("says so when the authorities' file is not there", function()
    local result = post("good", { ca_file = "/nowhere/ca.pem" })
    assert.is_table(result.error)
    assert.is_false(result.sent)
    assert.is_nil(result.status)
  end)

  it("checks the name that was asked for, wherever it was pinned", function()
    local port = server.ports.good
    local function ask(name)
      return exchange.run {
        method = "POST", url = ("https://%s:%d/ok?pinned"):format(name, port), gate = true,
        ca_file = server.ca_file, resolve = { [name .. ":" .. port] = "127.0.0.1" },
      }
    end
    assert.equal(200, ask("api.example").status)
    assert.equal("tls", ask("elsewhere.example").error.code)
    assert.equal(("api.example:%d"):format(port), server:seen("?pinned")[1].headers.host)
    assert.equal(1, #server:seen "?pinned")
  end)

  it("does not fall back to speaking plainly, nor to an old protocol", function()
    local url = server:url("/ok?plain"):gsub("^http:", "https:")
    local result = post("good", { url = url })
    assert.equal("tls", result.error.code)
    assert.is_false(result.sent)
    assert.equal(0, #server:seen "?plain")

    assert.is_true(assert_distrusted("old").permanent) -- nor tries again
  end)

  it("keeps the connection for the next request, but not for a paid one", function()
    local url = server:url("/ok?kept", "good")
    for _, gate in ipairs { false, false, true } do
      exchange.run { method = "POST", url = url, gate = gate, ca_file = server.ca_file }
    end
    local seen = server:seen "?kept"
    assert.equal(3, #seen)
    assert.equal(seen[1].connection, seen[2].connection)
    assert.not_equal(seen[1].connection, seen[3].connection)
  end)

  it("meets the same trap on a connection that dies, and escapes it", function()
    local url = server:url("/close-idle-reuse?tls", "good")
    exchange.run { url = url, ca_file = server.ca_file }
    local result = post("good", { url = url })
    assert.equal(200, result.status)
    assert.equal(2, #server:seen "/close-idle-reuse?tls")
  end)

  it("takes no file for whole that ends in silence, its length never told", function()
    local dying = rawserver.start { tls = true }
    local path = os.tmpname()
    local function fetch(url)
      return exchange.run { url = url, ca_file = server.ca_file, save = { path = path, overwrite = true } }
    end
    local cut = exchange.run { url = dying:url("/die-in-film", "good"), ca_file = dying.ca_file,
      save = { path = path, overwrite = true } }
    dying:stop()
    dying = rawserver.start { tls = true }
    local told = exchange.run { url = dying:url("/die-behind-film", "good"), ca_file = dying.ca_file,
      save = { path = path, overwrite = true } }
    local whole = fetch(server:url("/http10", "good"))
    dying:stop()
    os.remove(path)
    assert.equal("network", cut.error.kind)
    assert.equal("closed", cut.error.code)
    assert.matches("5000 bytes", cut.error.message)
    assert.is_nil(told.error)                   -- by its last chunk
    assert.equal(5000, told.bytes)
    assert.is_nil(whole.error)                  -- the same, ended as TLS wants it
    assert.equal(#"until the end", whole.bytes)
  end)

  it("goes on with a file where the connection was cut, whether its length was told or not", function()
    for name, how in pairs { told = {}, untold = { chunked = 1 } } do
      server:film(name, { size = 9000, steps = { "cut:5000", "endless:2000" }, chunked = how.chunked })
      local path, results = os.tmpname(), {}
      for i = 1, 3 do
        results[i] = exchange.run { url = server:url("/film/" .. name, "good"), ca_file = server.ca_file,
          save = { path = path, overwrite = true, source = "abc" } }
      end
      local file = assert(io.open(path, "rb"))
      local bytes = file:read "a"
      file:close()
      os.remove(path)
      if results[1].kept == nil then return pending "no extended attributes here" end
      assert.same({ "closed", 5000 }, { results[1].error.code, results[1].kept })
      assert.same({ "closed", 7000 - 1024 }, { results[2].error.code, results[2].kept })
      assert.is_nil(results[3].error)
      assert.equal(core.sha256(bytes), results[3].sha256)
      assert.is_true(bytes == rawserver.film_bytes(1, 9000))
    end
  end)

  it("takes up a server's session over a connection that is new, on whichever handle", function()
    -- Where authorities are named, each exchange has a handle of its own. The server says of itself what it did.
    local pipe = assert(io.popen(("cd '%s'; echo $$; exec openssl s_server -accept 127.0.0.1:0 -www "
      .. "-alpn http/1.1 -cert good.pem -key good.key 2>&1"):format(server.directory)))
    local pid, told, port = pipe:read "l", {}
    repeat port = assert(pipe:read "l", "openssl s_server did not start"):match "ACCEPT .*:(%d+)" until port
    for i = 1, 3 do
      local result = exchange.run { url = ("https://localhost:%s/"):format(port), ca_file = server.ca_file }
      told[i] = result.body:match "\n(%a+), TLSv"
    end
    os.execute("kill " .. pid)
    pipe:close()
    assert.same({ "New", "Reused", "Reused" }, told)
  end)
end)
