#!/usr/bin/env bash
# A release of what is committed: its version set in the one place that has it (src/runway.h), a tag, and in
# build/release/VERSION what is to be published: the source archive, the rockspecs, checksums. It pushes and
# uploads nothing.
#
#   tools/release.sh VERSION [URL]         (make release)
#   tools/release.sh files VERSION [URL]   only what is to be published, from the tag: anyone gets the same bytes
#
# URL: where the archive will lie; by default among the releases at origin.
set -eu
cd "$(dirname "$0")/.."

refuse() { echo "runway: $1" >&2; exit 1; }

case ${1:-} in -h | --help) sed -n '2,9s/^# \{0,1\}//p' "tools/${0##*/}" && exit ;; esac

[ "${1:-}" = files ] && only_files=yes && shift || only_files=no
version=${1:-} tag=v${1:-} url=${2:-}
[[ ! $version =~ ^v[0-9] ]] || refuse "a version is said without its v, which the tag gets: make release VERSION=${version#v}"
[[ $version =~ ^(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*)){2}$ ]] || refuse "a version is three numbers: make release VERSION=1.2.3"

# What is committed and tagged here must be runway, and not whatever project its source lies in.
[ "$(git rev-parse --show-toplevel 2>/dev/null)" = "$(pwd -P)" ] ||
  refuse "a release is made in a git clone of runway; $(pwd -P) is none"

if [ -z "$url" ]; then
  origin=$(git remote get-url origin 2>/dev/null || true)
  case $origin in
    https://*) url=$origin ;;
    ssh://git@*) url=https://${origin#ssh://git@} ;;
    git@*:*) url=${origin#git@} url=https://${url/:/\/} ;;
    *) refuse "say where the archive will lie: URL=https://…/runway-$version.tar.gz" ;;
  esac
  url=${url%.git}/releases/download/$tag/runway-$version.tar.gz
fi
[[ $url =~ ^[a-z][a-z0-9+.-]*://[]A-Za-z0-9/?#@!$\&*+,\;=:.%_~()[-]+\.tar\.gz$ ]] ||
  refuse "URL=$url: it is an address, without spaces and quotes, that ends in .tar.gz, as luarocks wants it"

tagged() { git rev-parse -q --verify "refs/tags/$tag" >/dev/null; }

set_version() {
  local header=src/runway.h new
  new=$(mktemp)
  sed "s/^#define RUNWAY_VERSION .*/#define RUNWAY_VERSION \"$version\"/" $header >"$new"
  cat "$new" >$header
  rm -f "$new"
  git diff --quiet -- $header || git commit -q -m "runway $version" -- $header ||
    { git checkout -q HEAD -- $header; refuse "not committed, for what git says above"; }
}

# git gives each file in an archive the time of the commit; gzip is told to add none of its own.
write_files() { # $1 directory, made anew
  rm -rf "$1"
  mkdir -p "$1"
  git -c tar.umask=0022 -c core.autocrlf=false archive --format=tar --prefix="runway-$version/" "$tag" |
    gzip -n -9 >"$1/runway-$version.tar.gz"
  local source
  source=$(mktemp -d)
  tar -xzf "$1/runway-$version.tar.gz" -C "$source"
  (cd "$source/runway-$version" && "${LUA:-lua5.4}" tools/rockspec.lua release "$version" "$url" "$OLDPWD/$1")
  rm -rf "$source"
  (cd "$1" && sha256sum ./*.tar.gz ./*.rockspec | sed 's| \./| |' >SHA256SUMS)
}

if [ $only_files = no ]; then
  ! tagged || refuse "there is a tag $tag already; one that was not pushed is taken back by: git tag -d $tag"
  [ -z "$(git status --porcelain)" ] || refuse "there are changes that are not committed (git status)"
  grep -qE "^## ${version//./\\.}([ ,(].*)?$" CHANGELOG.md || refuse \
    "CHANGELOG.md has no section \"## $version\": what is under \"Unreleased\" belongs there"
  set_version
  git tag -a "$tag" -m "runway $version"
fi
tagged || refuse "there is no tag $tag"
to=build/release/$version
write_files "$to"
printf 'written: %s\n' "$to"/*
if [ $only_files = no ]; then
  echo "It is committed and tagged $tag, and nothing has left this machine. To publish it, in this order:"
  echo "  git push --follow-tags"
  echo "  put $to/runway-$version.tar.gz and SHA256SUMS where the rockspecs say: $url"
  for rockspec in "$to/runway-$version-1.rockspec" "$to"/runway-[!0-9]*.rockspec; do
    echo "  luarocks upload $rockspec"
  done
fi
