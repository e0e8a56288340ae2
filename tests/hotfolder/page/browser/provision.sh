#!/usr/bin/env bash
# provision.sh: find a chromium for the page's tests, or install Debian's.
#
# It prints the program's path. Playwright drives it; none of Playwright's own browsers is needed.
# Exit codes: 0 it is there; 77 this machine cannot have one, the last line says why.
set -euo pipefail

skip() { echo "$1"; exit 77; }
find_browser() { command -v "${IMPASTO_BROWSER:-chromium}" || command -v chromium-browser || command -v google-chrome; }

find_browser && exit 0
command -v apt-get >/dev/null || skip "there is no chromium, and no apt-get to install Debian's"
[ "$(id -u)" = 0 ] || skip "there is no chromium, and installing it takes root: apt install chromium"
log=$(mktemp --suffix=.chromium.log)
{ apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core; } >"$log" 2>&1 \
  || skip "chromium cannot be installed (see $log)"
find_browser || skip "chromium was installed and cannot be found (see $log)"
