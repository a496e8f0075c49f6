# shellcheck shell=bash
# Sourced by what runs Lua from a checkout: its modules are found, and nothing of the user's own set-up
# reaches it: no account, no key, no proxy, no authority.

lua=${LUA:-lua5.4}
build=${RUNWAY_BUILD:-build}
case $build in /*) ;; *) build=$PWD/$build ;; esac
export LUA=$lua RUNWAY_BUILD=$build
export LUA_PATH="$PWD/lua/?.lua;$PWD/lua/?/init.lua;;"
export LUA_CPATH="$build/?.so;;"
export PATH="$PATH:/usr/local/sbin:/usr/sbin" # as in tools/need.sh

for name in $(env | sed -n 's/^\([A-Za-z_][A-Za-z_0-9]*\)=.*/\1/p'); do
  case $name in
    RUNWAY_BUILD) ;;
    LUA_INIT* | LUA_PATH_* | LUA_CPATH_*) unset "$name" ;;
    RUNWAY* | COMETAPI_* | CHATGPTSB_* | QIMU_*) unset "$name" ;;
    http_proxy | https_proxy | all_proxy | no_proxy) unset "$name" ;;
    HTTP_PROXY | HTTPS_PROXY | ALL_PROXY | NO_PROXY) unset "$name" ;;
    CURL_CA_BUNDLE | SSL_CERT_FILE | SSL_CERT_DIR) unset "$name" ;;
  esac
done
