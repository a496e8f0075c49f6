-- What a listener sends: whole answers, and answers with a fault.

local core = require "runway.core"
local lfs = require "lfs"
local listening = require "spec.support.listening"

local connect, listen, take = listening.connect, listening.listen, listening.take
local eventually = listening.eventually

describe("a listener", function()
  after_each(listening.close_all)

  describe("answers", function()
    it("with status, headers and body", function()
      local l = listen()
      local client = connect(l):request("GET", "/")
      assert.is_true(l:respond(take(l).id, {
        status = 201, body = "a\0b", headers = { ["X-Name"] = "value", ["Retry-After"] = 7 },
      }))
      local answer = client:answer()
      assert.equal(201, answer.status)
      assert.equal("a\0b", answer.body)
      assert.equal("value", answer.headers["x-name"])
      assert.equal("7", answer.headers["retry-after"])
    end)

    it("a HEAD request with the headers only", function()
      local l = listen()
      local client = connect(l):request("HEAD", "/")
      l:respond(take(l).id, { body = "12345" })
      assert.equal("5", client:answer(true).headers["content-length"])
      client:request("GET", "/next") -- a stray body would stand in its way
      l:respond(take(l).id, { body = "next" })
      assert.equal("next", client:answer().body)
    end)

    it("several requests on a connection that is kept alive", function()
      local l = listen()
      local client = connect(l)
      for i = 1, 3 do
        client:request("POST", "/" .. i, nil, ("x"):rep(i))
        local request = take(l)
        assert.equal("/" .. i, request.path)
        assert.equal(i, #request.body)
        l:respond(request.id, { body = "answer " .. i })
        assert.equal("answer " .. i, client:answer().body)
      end
    end)

    it("pipelined requests one after the other", function()
      local l = listen()
      local get = "GET /%d HTTP/1.1\r\nHost: test\r\n\r\n"
      local client = connect(l):send(get:format(1) .. get:format(2) .. get:format(3))
      for i = 1, 3 do
        local request = take(l)
        assert.equal("/" .. i, request.path)
        assert.is_nil(l:take())
        l:respond(request.id, { body = tostring(i) })
        assert.equal(tostring(i), client:answer().body)
      end
    end)

    it("many connections at once, in any order, each its own", function()
      local l = listen()
      local clients, requests = {}, {}
      for i = 1, 60 do clients[i] = connect(l):request("GET", "/" .. i) end
      for i = 1, 60 do requests[i] = take(l) end
      for i = 60, 1, -1 do
        l:respond(requests[i].id, { body = "for " .. requests[i].path })
      end
      for i = 1, 60 do assert.equal("for /" .. i, clients[i]:answer().body) end
    end)

    it("with a file from the disk", function()
      local path = os.tmpname()
      local content = ("clip\0\255"):rep(50000)
      local f = assert(io.open(path, "wb"))
      f:write(content)
      f:close()
      local l = listen()
      local client = connect(l):request("GET", "/clip.mp4")
      assert.is_true(l:respond(take(l).id, {
        file = path, headers = { ["Content-Type"] = "video/mp4" },
      }))
      os.remove(path)
      local answer = client:answer()
      assert.equal("video/mp4", answer.headers["content-type"])
      assert.is_true(answer.body == content)
    end)

    it("says which file it cannot read, and lets the request wait", function()
      local l = listen()
      local client = connect(l):request("GET", "/")
      local id = take(l).id
      local done, message = l:respond(id, { file = "/nowhere/clip.mp4" })
      assert.is_nil(done)
      assert.equal("cannot read /nowhere/clip.mp4: No such file or directory", message)
      assert.same({ nil, "cannot read /: it is not a plain file", n = 2 },
        table.pack(l:respond(id, { file = "/" })))
      assert.is_true(l:respond(id, { status = 404 }))
      assert.equal(404, client:answer().status)
    end)

    it("once: a second answer, or one to no one, does no harm", function()
      local l = listen()
      local client = connect(l):request("GET", "/")
      local id = take(l).id
      assert.is_false(l:respond(id + 512, { body = "a later request, not come yet" }))
      assert.is_false(l:respond(0, {}))
      assert.is_false(l:respond(-1, {}))
      assert.is_true(l:respond(id, { body = "first" }))
      assert.is_false(l:respond(id, { body = "second" }))
      assert.equal("first", client:answer().body)
      assert.is_false(l:respond(id, { body = "third" }))
    end)

    it("a client that has left without a fuss", function()
      local l = listen()
      local leaver = connect(l):request("GET", "/gone")
      leaver:close()
      local other = connect(l):request("GET", "/here")
      for _ = 1, 2 do
        local request = take(l)
        assert.is_true(l:respond(request.id, { body = ("x"):rep(100000) .. request.path }))
      end
      assert.equal("/here", other:answer().body:sub(-5))
    end)
  end)

  describe("plays a fault:", function()
    it("drop closes without a byte", function()
      local l = listen()
      local client = connect(l):request("POST", "/", nil, "paid")
      l:respond(take(l).id, { fault = "drop", body = "never sent" })
      assert.equal("", client:rest())
    end)

    it("truncate announces the whole body and sends half", function()
      local path = os.tmpname()
      local f = assert(io.open(path, "wb"))
      f:write(("0123456789"):rep(10000))
      f:close()
      local l = listen()
      for _, response in ipairs { { body = ("0123456789"):rep(10000) }, { file = path } } do
        response.fault = "truncate"
        local client = connect(l):request("GET", "/")
        l:respond(take(l).id, response)
        local head, body = client:rest():match("^(.-)\r\n\r\n(.*)$")
        assert.truthy(head:find("\nContent-Length: 100000", 1, true))
        assert.is_true(body == ("0123456789"):rep(5000))
      end
      os.remove(path)
    end)

    it("stall sends nothing, until close", function()
      local l = listen()
      local client = connect(l):request("GET", "/")
      l:respond(take(l).id, { fault = "stall" })
      local other = connect(l):request("GET", "/")
      l:respond(take(l).id, { body = "others are served" })
      assert.equal("others are served", other:answer().body)
      assert.is_true(client:silent())
      l:close()
      assert.equal("", client:rest())
    end)

    it("stall lets go of a client that leaves", function()
      if not lfs.attributes("/proc/self/fd") then return pending("needs /proc") end
      local function descriptors()
        local n = 0
        for _ in lfs.dir("/proc/self/fd") do n = n + 1 end
        return n
      end
      local l = listen()
      local before = descriptors()
      local client = connect(l):request("GET", "/")
      l:respond(take(l).id, { fault = "stall" })
      assert.is_true(descriptors() >= before + 2)
      client:close()
      eventually("its connection to be closed", function() return descriptors() == before end)
    end)

    it("slow dribbles the body, and holds up no one else", function()
      local l = listen()
      local client = connect(l):request("GET", "/")
      local begun = core.now()
      l:respond(take(l).id, { fault = "slow", body = "0123456789", chunk = 3, every = 0.05 })
      local other = connect(l):request("GET", "/")
      l:respond(take(l).id, { body = "meanwhile" })
      assert.equal("meanwhile", other:answer().body)
      assert.equal("0123456789", client:answer().body)
      assert.is_true(core.now() - begun > 0.14) -- four pieces, three waits of 0.05
      client:request("GET", "/") -- whole, so the connection is still good
      l:respond(take(l).id, { body = "again" })
      assert.equal("again", client:answer().body)
    end)

    it("slow can be cut by close at any moment", function()
      local l = listen()
      local client = connect(l):request("GET", "/")
      l:respond(take(l).id, { fault = "slow", body = "0123456789", every = 3600 })
      eventually("the first byte", function() client:pump() return client.got:find("\r\n\r\n0") end)
      l:close()
      assert.equal("0", client:rest():match("\r\n\r\n(.*)$"))
    end)

    it("garbage sends the body as it is", function()
      local l = listen()
      local client = connect(l):request("GET", "/")
      l:respond(take(l).id, { fault = "garbage", body = "SSH-2.0-nothing\0\r\n" })
      assert.equal("SSH-2.0-nothing\0\r\n", client:rest())
    end)
  end)
end)
