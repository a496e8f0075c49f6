-- The command line of `runway` as data: its commands, and what each takes. The parser, the help, the man
-- page and the completions are made of it.
--
-- A command: { name, about, more = text below, takes = { argument… }, options = { option… }, commands }.
-- An option: { "-o --output", "about", value = "FILE" (nil: a flag), read = text -> value, list = the name
-- under which all of many stand, most =, choices =, default =, suggest = function that lists what a shell may
-- offer }. An argument: { "id", "about", many = true }.

local exits = require "runway.cli.exits"
local read = require "runway.cli.read"

local KEYS = "The API key comes from the environment, never from an option (others on the machine see options with "
  .. "ps): RUNWAYML_API_SECRET, COMETAPI_KEY, CHATGPTSB_API_KEY, QIMU_API_KEY, RUNWAY_GATEWAY_API_KEY; or from the "
  .. "file that the same name with _FILE behind it names."

-- What a shell offers: of what is known here, and any other is taken as well.
local suggest = {}

local function sorted(set)
  local list = {}
  for name in pairs(set) do list[#list + 1] = name end
  table.sort(list, require("runway.text").before)
  return list
end

function suggest.providers() return sorted(require "runway.providers") end

function suggest.kinds()
  local kinds = {}
  for _, adapter in pairs(require "runway.providers") do
    for _, kind in ipairs(adapter.kinds) do kinds[kind] = true end
  end
  return sorted(kinds)
end

function suggest.models()
  local names = {}
  for _, adapter in pairs(require "runway.providers") do
    for _, models in pairs(adapter.models or {}) do
      for model, facts in pairs(models) do names[model] = names[model] or not facts.removed or nil end
    end
  end
  return sorted(names)
end

function suggest.ratios()
  local ratios = {}
  for _, adapter in pairs(require "runway.providers") do
    for _, models in pairs(adapter.models or {}) do
      for _, facts in pairs(models) do
        for _, ratio in ipairs(not facts.removed and facts.ratios or {}) do ratios[ratio] = true end
      end
    end
  end
  return sorted(ratios)
end

function suggest.scenarios()
  local names = {}
  for i, scenario in ipairs(require("runway.sandbox").scenarios()) do names[i] = scenario.name end
  return names
end

local JSON = { "--json", "Print one JSON object a line, failures too; numbers as numbers, times as Unix seconds." }
local KIND = { "--kind", "What it makes, where a provider asks by kind.", value = "KIND", suggest = suggest.kinds }

-- One list out of several.
local function together(...)
  local all = {}
  for _, list in ipairs { ... } do
    for _, one in ipairs(list) do all[#all + 1] = one end
  end
  return all
end

local PROVIDER = { "--provider", "Whose account: runwayml, cometapi, chatgptsb, qimu or gateway; or an adapter of "
  .. "your own: its file (./mine.lua) or its module's name (default: $RUNWAY_PROVIDER, else runwayml).",
  value = "PROVIDER", suggest = suggest.providers }

local ACCOUNT = {
  PROVIDER,
  { "--base-url", "Another address of the API, such as a sandbox's (runwayml: also $RUNWAYML_BASE_URL).",
    value = "URL" },
  { "--proxy", "A proxy (default: the environment's https_proxy; a password is best left there).", value = "URL" },
  { "--ca-file", "A PEM file of authorities to trust (default: $CURL_CA_BUNDLE, $SSL_CERT_FILE and $SSL_CERT_DIR, "
    .. "else the system's).", value = "FILE" },
  { "--allow-http", "Take http addresses too (without TLS), of the API and of results." },
  { "--allow-private", "Take results from addresses in a private network too." },
  { "--resolve", "HOST:PORT=ADDRESS: connect there instead.", value = "PIN", read = read.pin, list = "pins" },
}

local POLLING = { "--poll-interval", "Seconds between two queries (default: as often as the provider allows).",
  value = "SECONDS", read = read.positive }

local WAITING = {
  POLLING,
  { "--timeout", "Seconds to wait for the task (default: an hour from when it has left the provider's queue, a day in "
    .. "all); it goes on without us.", value = "SECONDS",
    read = read.positive },
}

local FILE = {
  { "-o --output", "The file to write; - is standard output.", value = "FILE" },
  { "--overwrite", "Write over a file that is there; with -o -, to a terminal, too." },
  { "--max-bytes", "Give up on a file that is larger: bytes, or 500K, 20M, 2G (default 4G).", value = "N",
    read = read.bytes },
}

-- What a clip is made of.
local PARAMS = {
  { "--prompt", "What is to be seen; @FILE reads it from a file, - from standard input; @@ is a text's first @.",
    value = "TEXT" },
  { "--image", "A picture to begin with: a file or a URL; given twice: the first and the last.", value = "FILE",
    list = "image", most = 2 },
  { "--video", "A film to work on: a file or a URL.", value = "FILE" },
  { "--model", "The provider's name of a model; `runway models` lists those known.", value = "NAME",
    suggest = suggest.models },
  { "--ratio", "1280:720, 16:9, ...", value = "RATIO", suggest = suggest.ratios },
  { "--fit", "Bring pictures on disk to the ratio here (ffmpeg): crop them, or pad them with black. Without it "
    .. "Runway crops.", value = "HOW", choices = { "crop", "pad" } },
  { "--duration", "Seconds of film; auto where a model decides itself.", value = "SECONDS", read = read.duration },
  { "--seed", "A whole number; the same one gives much the same clip.", value = "N", read = read.whole },
  { "--kind", "text_to_video, image_to_video, ... (default: what the inputs say).", value = "KIND",
    suggest = suggest.kinds },
  { "--param", "NAME=VALUE: any other parameter; the value as JSON, as text, or as @FILE.", value = "PARAM",
    read = read.parameter, list = "params" },
  { "--extra", "NAME=VALUE: like --param, but looked at by no one: for a name that seems a slip.",
    value = "PARAM", read = read.parameter, list = "extras" },
}

local NAMES = "A NAME with points leads into tables and lists: --param references.1.uri=@cat.png. A VALUE is JSON "
  .. "where it is JSON, @FILE is a file on disk, @@ a text's first @; any other is text. In a prompt @FILE is what the "
  .. "file says, - what standard input says."

local generate = {
  "generate", "Make a clip: submit, wait, download. Spends credits.",
  more = "Prints the path of the file. The task's id is printed (on standard error) as soon as it is known; if "
    .. "anything fails after that, `runway task ID -o FILE` goes on. A FILE that is there already is 1, before "
    .. "anything is paid for; with --journal and --key it is 0 where it is the very film of that key.\n\n"
    .. NAMES .. "\n\n" .. KEYS .. "\n\n" .. exits.told { 0, 1, 2, 4, 5 },
  options = together(PARAMS, FILE, WAITING, {
    { "--journal", "Remember the task in this journal: a file, or postgresql://….", value = "JOURNAL" },
    { "--key", "With a journal: what this clip is known by. The same key never submits twice; run again, it goes on.",
      value = "KEY" },
    JSON,
  }, ACCOUNT),
}

local LIST = "A list is CSV, as spreadsheets write it, or JSON Lines: one shot a row, columns named as parameters "
  .. "(prompt_text, prompt_image, model, ratio, duration, options.seconds), and key (default: number and prompt), "
  .. "output (default: KEY.mp4) and provider; a column whose name begins with # is a note of yours. Files are found "
  .. "beside the list. All of it is checked first: each fault is told with its line and column."

-- What a batch and a worker share.
local JOBS = { "--jobs", "Shots under way side by side.", value = "N", default = "5", read = read.count }
local ATTEMPTS = { "--attempts", "How often a shot is made whose failure the provider calls its own.", value = "N",
  default = "1", read = read.count }
local BUDGET = { "--budget", "Credits: nothing is submitted that could take what is spent and held back past it.",
  value = "CREDITS", read = read.amount }
local PRICE = { "--price", "MODEL=CREDITS: what a second of film, or one picture or sound, costs with that model, "
  .. "where it is not known here or is another for you.", value = "PRICE", read = read.price, list = "prices" }

local batch = {
  "batch", "Make a list of shots, each once, side by side, into a directory. Spends credits.",
  more = LIST .. "\n\nDIR gets the films, a receipt beside each, a page that shows them (index.html, with stills/ "
    .. "where ffmpeg is in the PATH), and the journal (runway.db). Run again, it goes on: what is there stays, what is "
    .. "under way is gone on with, what is unknown is shown and left. Prints the path of each film that is there. "
    .. "Ctrl-C ends it, and no id is lost; a second one ends it at once.\n\n" .. KEYS
    .. "\n\n" .. exits.told { 0, 1, 2, 3, 4 },
  takes = { { "file", "The list." } },
  options = together({
    { "-o --output", "The directory to write into; it is made.", value = "DIR" },
    JOBS,
    BUDGET,
    PRICE,
    { "--only", "Only the shots with these keys.", value = "KEY", list = "only", many = true },
    { "--dry-run", "Print the requests and what they would cost, and send nothing; no key is needed." },
    { "--enqueue", "Put the shots into the journal, and leave the making to workers (runway work)." },
    { "--retry-failed", "Make anew the tasks that failed in an earlier run." },
    ATTEMPTS,
    { "--timeout", "Seconds to wait for one task; it goes on without us, and the next run goes on with it.",
      value = "SECONDS", read = read.positive },
    POLLING,
    { "--journal", "Another journal than runway.db in DIR: a file, or postgresql://….", value = "JOURNAL" },
    JSON,
  }, ACCOUNT),
}

local estimate = {
  "estimate", "Say what a clip, or a list of shots, would cost. Nothing is sent, no key needed.",
  more = "Of a list a line for each shot, and the sum; with -o DIR also what of it is there already, what is to be "
    .. "bought, and what DIR holds that the list does not name. 1: a price is not known here.\n\n" .. LIST .. "\n\n"
    .. NAMES .. "\n\n" .. KEYS .. "\n\n" .. exits.told { 0, 1, 2 },
  takes = { { "file", "A list of shots.", optional = true } },
  options = together(PARAMS, {
    { "-o --output", "Of a list: the directory that it is made in.", value = "DIR" },
    { "--journal", "Of a list: another journal than runway.db in DIR: a file, or postgresql://….",
      value = "JOURNAL" },
    PRICE, JSON,
  }, ACCOUNT),
}

local ITS_JOURNAL = { "--journal", "The journal that knows it, a file or postgresql://…, which is told what becomes of "
  .. "it.", value = "JOURNAL" }

local task = {
  "task", "Look at a task, wait for it, fetch what it made.",
  more = "Prints its state; with -o waits for it and prints the path of the file. A task that failed or was cancelled "
    .. "is 1; one that runs is 0 when only looked at, and 5 when a wait is over.\n\n" .. KEYS .. "\n\n"
    .. exits.told { 0, 1, 2, 5 },
  takes = { { "id", "The task's id." } },
  options = together({ { "--wait", "Wait until it has ended." } }, FILE, WAITING, { ITS_JOURNAL, KIND, JSON },
    ACCOUNT),
}

local cancel = {
  "cancel", "Ask the provider to stop tasks.",
  more = "Looks first: some providers delete what a task has made when one that has ended is cancelled. So a task "
    .. "that succeeded is left alone (1), one that has failed or was cancelled counts as stopped (0). An id that the "
    .. "provider does not know is 1.\n\n" .. KEYS,
  takes = { { "id", "The task's id.", many = true } },
  options = together({ ITS_JOURNAL, KIND, JSON }, ACCOUNT),
}

local credits = {
  "credits", "Say what is left on the account.", more = KEYS, options = together({ JSON }, ACCOUNT),
}

local upload = {
  "upload", "Upload files for use in tasks.",
  more = "Prints for each the URI that is taken wherever a URL is: --image, --video, --param NAME=URI.\n\n" .. KEYS,
  takes = { { "file", "A file.", many = true } },
  options = together({ JSON }, ACCOUNT),
}

local models = {
  "models", "List the models that are known, what each takes, and what it costs.",
  more = "One line a model: provider, kind of task, model, seconds, price, ratios. Nothing is asked of a provider: a "
    .. "model that is not listed may be newer than this list, and is let through. Of a provider that tells none of "
    .. "its models there is a line for each kind. Prices are in credits, with the date of the list that they are from: "
    .. "Runway's own (1 credit = $0.01). Resellers publish none. --json tells what a price depends on.",
  takes = { { "model", "Only this one.", optional = true } },
  options = {
    { "--provider", "Only this provider's; also an adapter of your own (default: all those built in, and the one that "
      .. "$RUNWAY_PROVIDER names).", value = "PROVIDER", suggest = suggest.providers },
    { "--kind", "Only those that make this.", value = "KIND", suggest = suggest.kinds },
    JSON,
  },
}

local STATES = { "queued", "submitting", "submitted", "downloading", "done", "failed", "unknown" }
local JOURNAL = { "--journal", "The journal: a file, or postgresql://….", value = "JOURNAL" }
local KEY = { "key", "The task's key." }

local journal = {
  "journal", "Look into a journal of paid tasks; say what became of what is unknown.",
  commands = {
    { "list", "Its entries, the newest first, one a line.", options = {
      JOURNAL,
      { "--state", "Only those that are in this state.", value = "STATE", choices = STATES },
      { "--limit", "Only so many.", value = "N", read = read.count },
      JSON,
    } },
    { "show", "One entry, with what was asked for.", takes = { KEY }, options = { JOURNAL, JSON } },
    { "settle", "Say what became of a submit that is unknown.", takes = { KEY }, options = {
      JOURNAL,
      { "--task-id", "It made this task.", value = "ID" },
      { "--resubmit", "It made none: the next one to ask for it submits it again." },
      { "--failed", "It is given up, and why.", value = "WHY" },
      JSON,
    } },
    { "export", "Everything as JSON, one object a line, the oldest first.", options = { JOURNAL, JSON } },
  },
}

local join = {
  "join", "Put clips together into one film: those of a list, in its order, or as they are named.",
  more = "The directory is where the list was made; ffmpeg must be there. The film has the size and the rate of the "
    .. "first clip; one of another shape stands on black, one without sound is silent. Clips of a list "
    .. "that are not there are told, the rest is joined, and the exit code is 1; a clip of another request than its "
    .. "row has now is refused by name. The clips stay as they are. Prints the path of the film.",
  takes = { { "directory", "The directory of a list that was made, or clips, one by one.", many = true } },
  options = {
    { "-o --output", "The film to write (MP4).", value = "FILE" },
    { "--list", "The films of this list, in its order (default: of the list that was made there last).",
      value = "FILE" },
    { "--cut", "Cut from one clip to the next (default)." },
    { "--fade", "Cross-fade for so long instead: at most half of a clip.", value = "SECONDS", read = read.positive },
    { "--overwrite", "Write over a film that is there." },
    JSON,
  },
}

local work = {
  "work", "Make what is queued in a journal. Spends credits.",
  more = "Takes what `client:enqueue` and `runway batch --enqueue` have put there for this provider, and goes on "
    .. "with what workers that are no more have begun; on as many machines as you like. SIGTERM: nothing new is taken, "
    .. "what is under way is handed on, and the exit code is 0. Standard error has a line for each that was "
    .. "begun, is done, failed or is unknown.\n\n" .. KEYS .. "\n\n" .. exits.told { 0, 1, 2, 3, 4 },
  options = together({
    JOURNAL,
    { "-o --output", "The directory for the files; it is made.", value = "DIR" },
    { "--until-empty", "End when nothing is queued or under way." },
    JOBS,
    ATTEMPTS,
    { "--max-tasks", "Tasks under way at once, of all workers together.", value = "N", read = read.count },
    BUDGET,
    PRICE,
  }, WAITING, { JSON }, ACCOUNT),
}

local doctor = {
  "doctor", "Look for what stands in the way: key, network, clock, disk, journal.",
  more = "One line a check: ok, warn, FAIL or skip (what it needs failed), what was seen, and what to do. "
    .. "Two requests are made, one of them with the key, and nothing is paid for; where nothing answers, it takes "
    .. "seconds. No key is shown. Exit code 0: nothing failed; 1: something did.\n\n" .. KEYS,
  options = together({
    { "-o --output", "The directory that films are to go to (default: this one).", value = "DIR" },
    { "--journal", "The journal to look at: a file, or postgresql://….", value = "JOURNAL" },
    JSON,
  }, ACCOUNT),
}

local sandbox = {
  "sandbox", "Run an offline server that answers like each provider.",
  more = function()
    local lines = { "Scenarios (or a word in a prompt, sandbox:fail or sandbox:rate_limit=3; of several the first "
      .. "counts):" }
    for _, scenario in ipairs(require("runway.sandbox").scenarios()) do
      lines[#lines + 1] = ("  %-16s %s"):format(scenario.name, scenario.about)
    end
    return table.concat(lines, "\n")
  end,
  options = {
    { "--port", "Where to listen (0: any free port).", value = "N", default = "8787", read = read.whole },
    { "--host", "The address to listen on.", value = "ADDRESS", default = "127.0.0.1" },
    { "--base-url", "By what address others reach it, where it stands behind a front: what its outputs' URLs begin "
      .. "with.", value = "URL" },
    { "--seconds", "How long a task takes.", value = "SECONDS", default = "2", read = read.number },
    { "--url-seconds", "How long the URL of an output is good (default: a day).", value = "SECONDS",
      read = read.number },
    { "--retry-after", "What Retry-After says where it turns requests away (default: 1).", value = "SECONDS",
      read = read.number },
    { "--api-key", "The one key that it takes (default: any); it is no secret here.", value = "KEY" },
    { "--scenario", "What goes wrong (default: nothing).", value = "NAME", suggest = suggest.scenarios },
    { "--verbose", "Tell on standard error what is asked and answered, without keys." },
    { "--json", "Say as one JSON object where it listens." },
  },
}

local completion = {
  "completion", "Print what makes a shell complete this command.",
  more = "For this session: eval \"$(runway completion bash)\". `make install` puts them where each shell looks.",
  takes = { { "shell", "Which shell.", choices = { "bash", "zsh", "fish" } } },
}

-- What is read from the environment, for the manual.
local ENVIRONMENT = {
  { "RUNWAYML_API_SECRET, COMETAPI_KEY, CHATGPTSB_API_KEY, QIMU_API_KEY, RUNWAY_GATEWAY_API_KEY",
    "The API key, by provider; the same name with _FILE behind it names a file that holds it." },
  { "RUNWAY_PROVIDER", "The provider, where --provider does not name one." },
  { "RUNWAYML_BASE_URL, RUNWAY_GATEWAY_BASE_URL", "The address of Runway's own API, where it is another (a sandbox's), "
    .. "and of a gateway. For the others there is --base-url alone; a variable that looks like one is pointed out." },
  { "https_proxy, http_proxy, all_proxy, no_proxy", "Proxies, and what goes to none." },
  { "CURL_CA_BUNDLE, SSL_CERT_FILE, SSL_CERT_DIR", "Authorities to trust." },
  { "TMPDIR", "Where -o - keeps the film until it is whole (default: /tmp)." },
  { "NO_COLOR, TERM, COLUMNS", "A bar is drawn on a terminal, unless NO_COLOR is set or TERM is dumb; COLUMNS is how "
    .. "wide it is, where it does not tell." },
  { "RUNWAY_TRACE", "1: tell on standard error what goes over the wire, without keys, queries and bodies." },
}

return {
  keys = KEYS, environment = ENVIRONMENT,
  "runway", "Makes video with Runway's models, at whichever provider holds your account.",
  more = KEYS .. "\n\n" .. exits.told(),
  options = { { "--version", "Show the version." } },
  commands = { generate, batch, estimate, work, task, cancel, credits, upload, models, journal, join, doctor, sandbox,
    completion },
}
