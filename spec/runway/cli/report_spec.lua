-- What the command says of an error, by itself; that it says it where an error comes is in init_spec.lua.

local errors = require "runway.errors"
local report = require "runway.cli.report"

local function said(args, err)
  local lines = {}
  local stderr = {}
  function stderr.write(_, ...) lines[#lines + 1] = table.concat { ... } end
  local code = report.failure({ stderr = stderr }, args, err)
  return table.concat(lines), code
end

local function failure(message, more)
  local e = { kind = "network", message = message, provider = "cometapi", task_id = "t1" }
  for name, v in pairs(more or {}) do e[name] = v end
  return errors.new(e)
end

describe("runway.cli.report", function()
  it("says how what an error advises is had in the command", function()
    for advice, here in pairs {
      ["see allow_http"] = "--allow-http", ["see allow_private and allow_http"] = "--allow-http or --allow-private",
      ["give a ca_file"] = "--ca-file FILE",
      ["(extra = { duraton = … } sends it all the same)"] = "--extra NAME=VALUE",
      ["name it in the client's option prices"] = "--price MODEL=CREDITS",
      ["is larger than max_bytes (10)"] = "--max-bytes N",
      ["or runway.file(path)"] = "the path of the file, as --image FILE or --param NAME=@FILE",
    } do
      local text = said({}, failure(advice))
      assert.truthy(text:find("\nrunway: here that is " .. here .. "\n", 1, true), text)
    end
  end)

  it("says it in its sentence, where there is a place for it", function()
    for advice, here in pairs {
      ["set X or give api_key = …"] = "set X", ["give base_url = …"] = "give --base-url URL",
      ["or set allow_http = true"] = "or give --allow-http",
    } do
      assert.equal("runway: network: " .. here .. " (cometapi, task t1)\n", (said({}, failure(advice))))
    end
  end)

  it("says of what is not set up that nothing was sent, unless something was", function()
    local function code_of(more) return select(2, said({}, failure("the adapter mine made nothing in query", more))) end
    assert.equal(2, code_of { kind = "config", sent = "no" })
    assert.equal(1, code_of { kind = "config", sent = "yes" })
  end)

  it("names the option of a param that was refused", function()
    for field, option in pairs {
      duration = "--duration", ratio = "--ratio", model = "--model", ["prompt_image[2].uri"] = "--image",
      prompt_text = "--prompt", seed = "--seed", kind = "--kind", voice = "--param voice=VALUE",
      ["options.seconds"] = "--param options.seconds=VALUE",
    } do
      for _, sent in ipairs { "no", "yes" } do -- whoever says it, we or the API
        local text = said({ command = "generate" }, errors.new { kind = "invalid_request", sent = sent, field = field,
          message = "mine does not take it" })
        assert.matches("\nrunway: here that is " .. option .. "\n", text, 1, true)
      end
    end
  end)

  it("guesses no option from the words of a message", function()
    for _, message in ipairs { "mine has no such kind of ratio", "the model is resting", "the decorations" } do
      local err = errors.new { kind = "invalid_request", sent = "no", message = message }
      assert.is_nil(said({ command = "generate" }, err):find("here that is", 1, true))
    end
  end)

  it("names the option that is meant, the key that was refused, and what would remember a submit", function()
    local text = said({ command = "generate", key = "a" }, errors.new { kind = "invalid_request", sent = "no",
      code = "key_conflict", message = "prompt_text was x and is y. Nothing was submitted; give the new request a key "
      .. "of its own" })
    assert.matches("runway: here that is --key KEY\n", text, 1, true)
    text = said({}, failure("no", { kind = "authentication", http_status = 401, task_id = nil }))
    assert.matches("; runway doctor --provider cometapi looks at it\n", text, 1, true)
    local refused = errors.new { kind = "authentication", http_status = 401, provider = "mine", message = "no" }
    assert.matches("; runway doctor --provider './my own.lua' looks at it\n",
      said({ provider = "./my own.lua" }, refused), 1, true)
    local lost = failure("lost", { kind = "unknown_submit" })
    assert.matches("with --journal FILE and --key KEY", said({ command = "generate" }, lost), 1, true)
    assert.is_nil(said({ command = "generate", journal = "j" }, lost):find("--key KEY", 1, true))
  end)

  it("advises in a list what a list has, and over a file that is there what writes over it", function()
    local err = errors.new { kind = "invalid_request", sent = "no", message = 'to be cropped; fit "pad" keeps all' }
    assert.matches("runway: here that is --fit pad\n", said({ command = "generate" }, err), 1, true)
    assert.matches("here that is a column fit of the list\n", said({ command = "estimate", file = "l.csv" }, err), 1,
      true)
    err = errors.new { kind = "invalid_request", sent = "no", message = "overwrite is no parameter; did you mean "
      .. "output = { path =, overwrite = true }? (extra = { overwrite = … } sends it all the same)" }
    assert.equal("runway: invalid_request: overwrite is no parameter; did you mean --overwrite?\n",
      said({ command = "generate" }, err))
  end)

  it("adds nothing to what needs nothing, or was given", function()
    assert.is_nil(said({}, failure "connection refused"):find("here that is", 1, true))
    assert.is_nil(said({ allow_http = true }, failure "or set allow_http"):find("here that is", 1, true))
  end)

  it("goes on with a command that does not lead here again", function()
    local text = said({ output = "o.mp4", provider = "cometapi" }, failure "or set allow_http")
    assert.truthy(text:find("to go on: runway task t1 --provider cometapi --allow-http -o o.mp4\n", 1, true), text)
    text = said({ output = "o.mp4", overwrite = true, max_bytes = 5, ca_file = "a b.pem", proxy = "http://p:1",
      pins = { { name = "h:443", address = "::1" } } }, failure "x")
    assert.truthy(text:find("runway task t1 --ca-file 'a b.pem' --proxy http://p:1 --resolve 'h:443=::1' --overwrite "
      .. "--max-bytes 5 -o o.mp4\n", 1, true), text)
  end)

  it("goes on without the limit that was too small, and with another where there was none", function()
    local too_large = failure "a.mp4 is larger than max_bytes (10)"
    local text = said({ output = "o.mp4", max_bytes = 10 }, too_large)
    assert.truthy(text:find("to go on: runway task t1 -o o.mp4\n", 1, true), text)
    text = said({ output = "o.mp4" }, too_large)
    assert.truthy(text:find("to go on: runway task t1 --max-bytes N -o o.mp4\n", 1, true), text)
  end)

  it("goes on with a list by the same command", function()
    for _, name in ipairs { "batch", "work" } do
      local text = said({ command = name, output = "dir" }, failure "interrupted")
      assert.truthy(text:find("to go on: run the same command again\n", 1, true), text)
    end
  end)

  it("tells a value that begins with - as it is taken", function()
    local text = said({ output = "-a.mp4", ca_file = "-c.pem", kind = "-k" }, failure "x")
    assert.truthy(text:find("to go on: runway task t1 --kind=-k --ca-file=-c.pem -o-a.mp4\n", 1, true), text)
    text = said({ output = "-" }, failure "x")
    assert.truthy(text:find("runway task t1 -o -\n", 1, true), text)
    assert.equal("runway journal settle --journal=-j.db --task-id ID -- -shot (instead of --task-id ID: --resubmit "
      .. "when there is none, or --failed WHY)", report.settling { key = "-shot", journal = "-j.db" })
  end)

  it("shows no proxy with a password, and takes no id for an option", function()
    local text = said({ wait = true, proxy = "http://u:secret@p:1" }, failure("x", { task_id = "-t1" }))
    assert.is_nil(text:find("secret", 1, true))
    assert.truthy(text:find("to go on: runway task --wait -- -t1\n", 1, true), text)
  end)

  it("promises nothing of what has failed", function()
    assert.is_nil(said({ wait = true }, failure("x", { kind = "task_failed" })):find("to go on", 1, true))
    local missing_file = failure("x", { kind = "not_found", code = "output" })
    assert.truthy(said({ wait = true }, missing_file):find("to go on", 1, true))
    assert.equal(2, select(2, said({}, failure("x", { kind = "config", task_id = nil }))))
  end)
end)
