-- `runway join`, with a real ffmpeg.

local command = require "spec.support.command"
local contents = require "runway.batch.contents"
local footage = require "spec.support.footage"
local json = require "runway.json"
local scratch = require "spec.support.scratch"

local run = command.run
local seen = footage.it(it, pending)

describe("runway join", function()
  local files, film, environment
  before_each(function()
    files = scratch.new()
    film = files:path "film.mp4"
    environment = { PATH = os.getenv "PATH" }
    command.setup(environment)
  end)
  after_each(function()
    command.teardown()
    files:remove()
  end)

  -- A directory with such clips, of so many frames; 0: it is not there.
  local function directory(...)
    local shots = {}
    for i, frames in ipairs { ... } do
      shots[i] = { key = "shot-" .. i, output = i .. ".mp4", kind = "text_to_video" }
      if frames > 0 then footage.make(files:path(i .. ".mp4"), { frames = frames }) end
    end
    shots[#shots + 1] = { key = "still", output = "still.png", kind = "text_to_image" }
    assert(contents.write(files.directory, shots))
    return files.directory
  end

  seen("joins the clips of a directory in the order of its list, and prints the film's path", function()
    local code, out, err = run { "join", directory(3, 5), "-o", film }
    assert.same({ 0, film .. "\n", "" }, { code, out, err })
    assert.equal(8, #footage.greys(film))
  end)

  seen("refuses a name that promises another thing than an MP4", function()
    local list = directory(3)
    for _, ending in ipairs { "mkv", "webm", "WEBM", "gif", "mp3" } do
      local code, out, err = run { "join", list, "-o", files:path("film." .. ending) }
      assert.same({ 2, "" }, { code, out })
      assert.matches("'--output': the film is an MP4, and no ." .. ending, err, 1, true)
    end
    for _, name in ipairs { "a.m4v", "a.cut", "cut.1", "a" } do
      assert.equal(0, (run { "join", list, "-o", files:path(name) }), name)
    end
  end)

  seen("fades, and says so as JSON", function()
    local code, out = run { "join", directory(24, 24), "-o", film, "--fade", "0.5", "--json" }
    assert.equal(0, code)
    local said = json.decode(out)
    assert.same({ film, 2, 36, 1.5, 64, 36 },
      { said.path, said.clips, said.frames, said.seconds, said.width, said.height })
    assert.matches('"missing":%[%]', out)
    assert.matches('"error":null', out)
  end)

  seen("says that a clip is too short for the fade that was asked for", function()
    local code, _, err = run { "join", directory(24, 6, 24), "-o", film, "--fade", "0.5" }
    assert.equal(0, code)
    assert.equal("runway: 2 of 2 cross-fades are shorter than --fade: half of a clip is the most\n", err)
    err = select(3, run { "join", directory(24, 24), "-o", film, "--fade", "0.5", "--overwrite" })
    assert.equal("", err)
  end)

  seen("takes the place of no clip and of nothing that a batch keeps, whatever --overwrite says", function()
    local here = directory(3, 5)
    local clip = files:content "1.mp4"
    files:write("1.mp4.json", "{}")
    files:write("runway.db", "a journal")
    os.execute(("cd '%s' && mkdir stills x && ln -s . x/way && mv 2.mp4 x/ && ln -s x/2.mp4 2.mp4"):format(here))
    for _, to in ipairs { "/1.mp4", "/./x/../1.MP4", "//1.mp4.json", "/runway.db", "/index.html", "/index.html.part",
      "/stills/1.mp4", "/2.mp4.last.png", "/still.png", "/x/../x/way/../1.mp4", "/x/2.mp4" } do
      local code, _, err = run { "join", here, "-o", here .. to, "--overwrite" }
      assert.equal(2, code, to)
      assert.matches("is a clip, the list, or another file of the batch", err)
    end
    assert.same({ clip, "a journal" }, { files:content "1.mp4", files:content "runway.db" })
    assert.equal(0, (run { "join", here, "-o", here .. "/all.mp4" }))
  end)

  seen("takes the place of no list that is given, and of no clip that only it names, by whatever way", function()
    local here, other = directory(3), scratch.new()
    local said = "key,output,prompt_text\na,1.mp4,x\nb,later.mp4,x\n"
    local list = other:write("best.csv", said)
    os.execute(("ln -s '%s' '%s'"):format(here, other:path "way"))
    for _, to in ipairs { list, other:path "./best.csv", other:path "way/1.mp4", other:path "way/later.mp4" } do
      for _, from in ipairs { here, other:path "way" } do
        local code, _, err = run { "join", from, "-o", to, "--overwrite", "--list", list }
        assert.equal(2, code, to)
        assert.matches("is a clip, the list, or another", err)
      end
    end
    assert.equal(said, other:content "best.csv")
    assert.is_nil(files:content "later.mp4")
    other:remove()
  end)

  seen("tells what is missing, and joins the rest", function()
    local code, out, err = run { "join", directory(3, 0, 5, 0), "-o", film, "--json" }
    assert.equal(1, code)
    assert.equal(("runway: missing: shot-2 (%s)\nrunway: missing: shot-4 (%s)\n"):format(files:path "2.mp4",
      files:path "4.mp4"), err)
    assert.same({ "shot-2", "shot-4" }, json.decode(out).missing)
    assert.equal(8, #footage.greys(film))
  end)

  seen("joins files that are named one by one, in that order", function()
    directory(3, 5)
    local one, two = files:path "1.mp4", files:path "2.mp4"
    local code, out, err = run { "join", two, one, two, "-o", film }
    assert.same({ 0, film .. "\n", "" }, { code, out, err })
    assert.equal(13, #footage.greys(film))
    assert.equal(0, (run { "join", one, "-o", film, "--overwrite" }))
    assert.equal(3, #footage.greys(film))
    code, out, err = run { "join", one, files:path "3.mp4", "-o", files:path "x.mp4", "--json" }
    assert.same({ 1, "open" }, { code, json.decode(out).error.code })
    assert.matches("3.mp4: there is no such file", err, 1, true)
    assert.is_nil(files:content "x.mp4")
    local clip = files:content "1.mp4"
    for _, words in ipairs { { one, two, "-o", one }, { one, two, "-o", one .. ".json" }, { one, files.directory },
      { one, two, "--list", one }, { one, "" }, { one, "-o", files:path "runway.db" } } do
      local argv = { "join", "--overwrite" }
      for _, word in ipairs(words) do argv[#argv + 1] = word end
      if not table.concat(words, " "):find "-o" then argv[#argv + 1], argv[#argv + 2] = "-o", film end
      assert.equal(2, (run(argv)), table.concat(words, " "))
    end
    assert.equal(clip, files:content "1.mp4")
  end)

  seen("takes no film of another request than its row has now, and says so", function()
    local where = directory(3, 5)
    assert(contents.write(where, { { key = "a", output = "1.mp4", kind = "text_to_video", older = {} },
      { key = "b", output = "2.mp4", kind = "text_to_video" }, { key = "c", output = "c.mp4", kind = "text_to_video",
      older = {} } }))
    local code, out, err = run { "join", where, "-o", film, "--json" }
    assert.same({ 1, "key_conflict" }, { code, json.decode(out).error.code })
    assert.matches("of another request than the list has now: a (" .. files:path "1.mp4" .. "). Give", err, 1, true)
    assert.is_nil(files:content "film.mp4")
    files:write("1.mp4.json", json.encode { params = { prompt_text = "x", duration = 5, ratio = "16:9" } })
    for row, wanted in pairs { ["x,1.mp4,5"] = 0, [",1.mp4,"] = 0, ["y,1.mp4,5"] = 1, ["x,1.mp4,8"] = 1 } do
      local list = files:write("best.csv", "prompt,output,duration\n" .. row .. "\n")
      assert.equal(wanted, (run { "join", where, "-o", film, "--overwrite", "--list", list }), row)
    end
  end)

  seen("joins those of another list, in its order", function()
    local where = directory(3, 5, 7)
    local list = files:write("best.csv", "key,output,prompt_text\nshot-3,3.mp4,x\n2,,x\nshot-1,1.mp4,x\n")
    local code, _, err = run { "join", where, "-o", film, "--list", list }
    assert.same({ 0, "" }, { code, err })
    local greys = footage.greys(film)
    assert.equal(15, #greys)
    assert.is_true(math.abs(40 + 5 * 6 - greys[7]) <= 3 and math.abs(40 - greys[8]) <= 3)
    code, _, err = run { "join", where, "-o", film, "--overwrite", "--list", files:write("bad.csv", "key\na\na\n") }
    assert.equal(1, code)
    assert.matches("bad.csv: line 3, key: ", err)
    assert.equal(15, #footage.greys(film))
  end)

  seen("leaves a film that is there", function()
    local where = directory(2)
    files:write("film.mp4", "mine")
    local code, _, err = run { "join", where, "-o", film }
    assert.equal(1, code)
    assert.equal(("runway: %s is already there; --overwrite writes over it\n"):format(film), err)
    assert.equal("mine", files:content "film.mp4")
    assert.equal(0, (run { "join", where, "-o", film, "--overwrite" }))
    assert.equal(2, #footage.greys(film))
  end)

  seen("says why there is none", function()
    local code, _, err = run { "join", directory(0), "-o", film }
    assert.equal(1, code)
    assert.matches("has no film yet", err)
    files:write("1.mp4", "no film")
    code, _, err = run { "join", files.directory, "-o", film }
    assert.equal(1, code)
    assert.matches("^runway: io: [^\n]*1.mp4: ffprobe failed: [^\n]*\n$", err)
    code, _, err = run { "join", files:path "nowhere", "-o", film }
    assert.equal(1, code)
    assert.matches("nowhere: what it holds, and in which order, is not known", err)
    code, _, err = run { "join", directory(2), "-o", files:path "no/film.mp4" }
    assert.equal(1, code)
    assert.matches("no/film.mp4", err)
    assert.is_nil(files:content "film.mp4")
  end)

  it("says what to install without ffmpeg", function()
    environment.PATH = files.directory
    local code, _, err = run { "join", files.directory, "-o", film }
    assert.equal(2, code)
    assert.matches("^runway: joining is done by ffmpeg, and there is no program ffmpeg in the PATH: install", err)
  end)

  it("knows what is no command of its own", function()
    for words, message in pairs {
      ["DIR"] = "join needs %-o FILE", ["DIR -o x --cut --fade 1"] = "one of %-%-cut and %-%-fade",
      ["DIR -o x --fade 0"] = "no number above 0", ["-o x"] = "directory",
      ["DIR -o -"] = "the name of a file is wanted",
    } do
      local argv = { "join" }
      for word in words:gmatch "%S+" do argv[#argv + 1] = word end
      local code, _, err = run(argv)
      assert.equal(2, code)
      assert.matches(message, err)
    end
  end)
end)
