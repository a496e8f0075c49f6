rockspec_format = "3.0"
package = "runway"
version = "dev-1"

-- For `luarocks make` in a checkout.
source = { url = "." }

description = {
  summary = "Make videos with Runway's models from Lua, through Runway itself or a reseller",
  detailed = [[
    A client for Runway's video API and for the services that resell it. One vocabulary for all of
    them, requests on a thread of their own, and never a second bill for the same clip.
  ]],
  license = "MIT",
  labels = { "http", "video", "api", "async" },
}

dependencies = {
  "lua >= 5.3, < 5.6",
  "lua-cjson >= 2.1.0",
  "argparse >= 0.7.1", -- the `runway` command
}

-- On Linux a header may lie where luarocks does not look (Debian's lies under the machine's name),
-- elsewhere a library may (macOS has some only in its shared cache): each is asked for what is sure.
external_dependencies = {
  platforms = {
    linux = { CURL = { library = "curl" }, MICROHTTPD = { library = "microhttpd" } },
    macosx = { CURL = { header = "curl/curl.h" }, MICROHTTPD = { header = "microhttpd.h" } },
    bsd = { CURL = { header = "curl/curl.h" }, MICROHTTPD = { header = "microhttpd.h" } },
  },
}

build = {
  type = "builtin",
  modules = { -- `make rockspec` writes this list
    -- modules: begin
    ["runway"] = {
      sources = {
        "src/address.c",
        "src/buffer.c",
        "src/clock.c",
        "src/disk.c",
        "src/engine.c",
        "src/farewell.c",
        "src/file.c",
        "src/header.c",
        "src/loop.c",
        "src/lua_core.c",
        "src/lua_json.c",
        "src/lua_json_scan.c",
        "src/lua_request.c",
        "src/media.c",
        "src/outcome.c",
        "src/proxy.c",
        "src/queue.c",
        "src/request.c",
        "src/runway.c",
        "src/sink.c",
        "src/sink_name.c",
        "src/stage.c",
        "src/thread.c",
        "src/tls.c",
        "src/trace.c",
        "src/transfer.c",
        "src/url.c",
        "src/wake.c",
      },
      defines = { "_GNU_SOURCE" },
      incdirs = { "src", "$(CURL_INCDIR)" },
      libdirs = { "$(CURL_LIBDIR)" },
      libraries = { "curl", "pthread" },
    },
    ["runway.adapter"] = "lua/runway/adapter.lua",
    ["runway.answer"] = "lua/runway/answer.lua",
    ["runway.cli"] = "lua/runway/cli/init.lua",
    ["runway.client"] = "lua/runway/client.lua",
    ["runway.clock"] = "lua/runway/clock.lua",
    ["runway.conformance"] = "lua/runway/conformance/init.lua",
    ["runway.conformance.cases"] = "lua/runway/conformance/cases.lua",
    ["runway.conformance.compare"] = "lua/runway/conformance/compare.lua",
    ["runway.conformance.hostile"] = "lua/runway/conformance/hostile.lua",
    ["runway.conformance.pure"] = "lua/runway/conformance/pure.lua",
    ["runway.conformance.shape"] = "lua/runway/conformance/shape.lua",
    ["runway.download"] = "lua/runway/download.lua",
    ["runway.errors"] = "lua/runway/errors.lua",
    ["runway.fields"] = "lua/runway/fields.lua",
    ["runway.files"] = "lua/runway/files.lua",
    ["runway.http"] = "lua/runway/http.lua",
    ["runway.ids"] = "lua/runway/ids.lua",
    ["runway.listener"] = {
      sources = {
        "src/listener.c",
        "src/listener_answer.c",
        "src/listener_peers.c",
        "src/lua_listener.c",
      },
      defines = { "_GNU_SOURCE" },
      incdirs = { "src", "$(MICROHTTPD_INCDIR)" },
      libdirs = { "$(MICROHTTPD_LIBDIR)" },
      libraries = { "microhttpd", "pthread" },
    },
    ["runway.media"] = "lua/runway/media.lua",
    ["runway.mock"] = "lua/runway/mock/init.lua",
    ["runway.mock.exchange"] = "lua/runway/mock/exchange.lua",
    ["runway.options"] = "lua/runway/options.lua",
    ["runway.order"] = "lua/runway/order.lua",
    ["runway.params"] = "lua/runway/params.lua",
    ["runway.poll"] = "lua/runway/poll.lua",
    ["runway.progress"] = "lua/runway/progress.lua",
    ["runway.providers"] = "lua/runway/providers/init.lua",
    ["runway.providers.advice"] = "lua/runway/providers/advice.lua",
    ["runway.providers.chatgptsb"] = "lua/runway/providers/chatgptsb.lua",
    ["runway.providers.cometapi"] = "lua/runway/providers/cometapi.lua",
    ["runway.providers.gateway"] = "lua/runway/providers/gateway.lua",
    ["runway.providers.official"] = "lua/runway/providers/official.lua",
    ["runway.providers.qimu"] = "lua/runway/providers/qimu.lua",
    ["runway.providers.reseller_answer"] = "lua/runway/providers/reseller_answer.lua",
    ["runway.providers.reseller_request"] = "lua/runway/providers/reseller_request.lua",
    ["runway.providers.runwayml"] = "lua/runway/providers/runwayml.lua",
    ["runway.providers.runwayml_body"] = "lua/runway/providers/runwayml_body.lua",
    ["runway.providers.runwayml_models"] = "lua/runway/providers/runwayml_models.lua",
    ["runway.retry"] = "lua/runway/retry.lua",
    ["runway.sandbox"] = "lua/runway/sandbox/init.lua",
    ["runway.sandbox.app"] = "lua/runway/sandbox/app.lua",
    ["runway.sandbox.assets"] = "lua/runway/sandbox/assets.lua",
    ["runway.sandbox.chatgptsb"] = "lua/runway/sandbox/chatgptsb.lua",
    ["runway.sandbox.clip"] = "lua/runway/sandbox/clip.lua",
    ["runway.sandbox.cometapi"] = "lua/runway/sandbox/cometapi.lua",
    ["runway.sandbox.files"] = "lua/runway/sandbox/files.lua",
    ["runway.sandbox.gateway"] = "lua/runway/sandbox/gateway.lua",
    ["runway.sandbox.qimu"] = "lua/runway/sandbox/qimu.lua",
    ["runway.sandbox.reply"] = "lua/runway/sandbox/reply.lua",
    ["runway.sandbox.runwayml"] = "lua/runway/sandbox/runwayml.lua",
    ["runway.sandbox.runwayml_account"] = "lua/runway/sandbox/runwayml_account.lua",
    ["runway.sandbox.runwayml_schema"] = "lua/runway/sandbox/runwayml_schema.lua",
    ["runway.sandbox.runwayml_uploads"] = "lua/runway/sandbox/runwayml_uploads.lua",
    ["runway.sandbox.scenarios"] = "lua/runway/sandbox/scenarios.lua",
    ["runway.sandbox.shapes"] = "lua/runway/sandbox/shapes.lua",
    ["runway.sandbox.tasks"] = "lua/runway/sandbox/tasks.lua",
    ["runway.sandbox.tools"] = "lua/runway/sandbox/tools.lua",
    ["runway.sandbox.validate"] = "lua/runway/sandbox/validate.lua",
    ["runway.scheduler"] = "lua/runway/scheduler.lua",
    ["runway.session"] = "lua/runway/session.lua",
    ["runway.submit"] = "lua/runway/submit.lua",
    ["runway.task"] = "lua/runway/task.lua",
    ["runway.text"] = "lua/runway/text.lua",
    ["runway.transport"] = "lua/runway/transport.lua",
    ["runway.values"] = "lua/runway/values.lua",
    ["runway.wire"] = "lua/runway/wire.lua",
    -- modules: end
  },
  install = { bin = { runway = "bin/runway" } },
}
