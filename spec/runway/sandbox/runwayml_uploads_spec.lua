local calls = require "spec.runway.sandbox.calls"
local files = require "runway.sandbox.files"

describe("an upload", function()
  local BYTES = files.bytes "image" .. ("\0"):rep(600)

  local function form(parts)
    local out = {}
    for _, part in ipairs(parts) do
      local head = ('--XYZ\r\nContent-Disposition: form-data; name="%s"'):format(part[1])
      if part.filename then
        head = head .. ('; filename="%s"\r\nContent-Type: image/png'):format(part.filename)
      end
      out[#out + 1] = head .. "\r\n\r\n" .. part[2] .. "\r\n"
    end
    return table.concat(out) .. "--XYZ--\r\n"
  end

  -- ticket, and how to post its form: the ticket's fields, then `last`, with `headers`
  local function ticket(app)
    local made = calls.send(app, "official", "POST", "/v1/uploads",
      { filename = "a.png", type = "ephemeral" }).json
    local function post(last, headers, first)
      local parts = { first }
      for name, value in pairs(made.fields) do parts[#parts + 1] = { name, value } end
      for _, part in ipairs(last) do parts[#parts + 1] = part end
      local all = { ["content-type"] = "multipart/form-data; boundary=XYZ" }
      for name, value in pairs(headers or {}) do all[name] = value end
      return calls.send(app, nil, "POST", made.uploadUrl:sub(#calls.BASE + 1), form(parts), 0, all)
    end
    return made, post
  end
  local FILE = { "file", BYTES, filename = "a.png" }

  it("of the official API makes its runway:// URI good, once the file is there", function()
    local app = calls.app()
    local made, post = ticket(app)
    local body = calls.body(calls.official, { promptImage = made.runwayUri })
    local function use(now)
      return calls.send(app, "official", "POST", "/v1/image_to_video", body, now)
    end
    assert.matches("nothing was uploaded", use(0).body)
    assert.equal(204, post({ { "metadata", "{}" }, FILE }).status)
    assert.equal(200, use(1).status)
    assert.matches("has expired", use(86400).body)
  end)

  it("of the official API wants all fields, then the file, and no key", function()
    local app = calls.app()
    local _, post = ticket(app)
    local early = post({}, nil, FILE)
    assert.equal(400, early.status)
    assert.matches("comes last", early.body)
    assert.equal(400, post({}).status)
    assert.equal(400, post({ { "file", "tiny", filename = "a.png" } }).status)
    assert.equal(400, post({ { "file", BYTES } }).status)
    assert.equal(403, post({ { "policy", "forged" }, FILE }).status)
    local keyed = post({ FILE }, { authorization = "Bearer key-1" })
    assert.equal(400, keyed.status)
    assert.matches("API key", keyed.body)
    assert.equal(400, post({ FILE }, { ["content-type"] = "application/octet-stream" }).status)
    assert.equal(204, post({ FILE }).status)
    assert.equal(403, calls.send(app, nil, "POST", "/uploads/none", "").status)
  end)

  it("of the official API names a media file", function()
    local app = calls.app()
    for _, body in ipairs { { filename = "a", type = "ephemeral" }, { filename = "a.txt",
      type = "ephemeral" }, { filename = "a.png", type = "for ever" }, { filename = "a.png" } } do
      assert.equal(400, calls.send(app, "official", "POST", "/v1/uploads", body).status)
    end
  end)

  it("of the web shape goes in three steps, and gives a URL that can be used", function()
    local app = calls.app()
    local function post(path, body) return calls.send(app, "bearer", "POST", path, body) end
    local new = { filename = "a.png", numberOfParts = 1, type = "DATASET_PREVIEW" }
    local made = post("/runway/uploads", new).json
    local done = "/runway/uploads/" .. made.id .. "/complete"
    local function put(headers, target)
      target = target or made.uploadUrls[1]:sub(#calls.BASE + 1)
      return calls.send(app, nil, "PUT", target, BYTES, 0,
        headers)
    end
    local part = { PartNumber = 1, ETag = "x" }
    assert.matches("nothing was uploaded", post(done, { parts = { part } }).body)
    local kind = made.uploadHeaders
    assert.equal(403, put({ ["content-type"] = "text/plain" }).status)
    assert.equal(403, put({ ["content-type"] = "image/png" }, "/uploads/" .. made.id).status)
    assert.equal(400, put({ ["content-type"] = "image/png", authorization = "Bearer k" }).status)
    local sent = put({ ["content-type"] = kind["Content-Type"] })
    assert.equal(200, sent.status)
    assert.matches("ETag is not", post(done, { parts = { part } }).body)
    part.ETag = sent.headers.etag:gsub('"', "")
    local url = post(done, { parts = { part } }).json.url
    local file = calls.fetch(app, url)
    assert.same({ "image/png", #BYTES }, { file.headers["content-type"], #file.body })
    local body = calls.body(calls.chatgptsb, { ["options.init_image"] = url })
    assert.equal(200, post("/runway/tasks", body).status)
    assert.equal(404, post("/runway/uploads/none/complete", { parts = { part } }).status)
    new.numberOfParts = 2
    assert.equal(400, post("/runway/uploads", new).status)
  end)
end)
