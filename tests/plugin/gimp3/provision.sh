#!/usr/bin/env bash
# provision.sh: make a root folder with a real GIMP 3 in it, for the tests of the plug-in.
#
# Debian 13's packages, about 750 MB, two minutes the first time and nothing after that. The folder
# is $IMPASTO_GIMP_ROOT, else ~/.cache/impasto/gimp3; `enter.sh` runs a command in it. Made again
# where an earlier run was cut short or this script's recipe has changed.
#
# Exit codes: 0 it is there; 77 this machine cannot have one, the last line says why; else an error.
set -euo pipefail

SUITE=trixie
PACKAGES=(
  gimp gir1.2-gimp-3.0 python3-gi python3-gi-cairo
  xvfb xauth openbox xdotool imagemagick          # a screen, a window manager, a hand, an eye
  dbus at-spi2-core gir1.2-atspi-2.0              # widgets by their names
  fonts-dejavu-core adwaita-icon-theme procps
  locales fonts-ipafont-gothic                     # the languages of the interface
)

here=$(cd "$(dirname "$0")" && pwd)
root=${IMPASTO_GIMP_ROOT:-${XDG_CACHE_HOME:-$HOME/.cache}/impasto/gimp3}
log=$root.log

skip() { echo "$1"; exit 77; }
fail() { echo "$1 The log: $log" >&2; exit 1; }

[ "$(uname -s)" = Linux ] || skip "a real GIMP is put up on Linux only"
[ "$(id -u)" = 0 ] || skip "putting up a root folder takes root"
unshare --mount --pid --fork true 2>/dev/null || skip "this machine does not let root unshare namespaces"
command -v flock >/dev/null || skip "there is no flock here"

mkdir -p "$(dirname "$root")"
exec 9>"$root.lock"
flock 9

# Whatever the marker does not vouch for, word for word, is not to be trusted.
recipe=$(sha256sum "$here/provision.sh" | cut -d' ' -f1)
[ "$(cat "$root/.impasto-ready" 2>/dev/null)" = "$recipe" ] && { echo "$root"; exit 0; }

command -v apt-get >/dev/null || skip "Debian's packages are unpacked by Debian's tools; there is no apt-get here"
mirror=$(sed -n 's/^URIs: *\([^ ]*\).*/\1/p' /etc/apt/sources.list.d/debian.sources 2>/dev/null | head -1)
mirror=${mirror:-http://deb.debian.org/debian}
probe=$(mktemp -d)
trap 'rm -rf "$probe"' EXIT
/usr/lib/apt/apt-helper download-file "$mirror/dists/$SUITE/InRelease" "$probe/InRelease" >"$log" 2>&1 9>&- \
  || skip "Debian's packages cannot be reached at $mirror"
command -v debootstrap >/dev/null \
  || { apt-get update -qq && apt-get install -y -qq --no-install-recommends debootstrap; } >>"$log" 2>&1 9>&- \
  || skip "debootstrap cannot be installed (see $log)"

echo "Putting up a real GIMP 3 in $root (about 750 MB; two minutes)" >&2
# Nothing is mounted there outside enter.sh's namespaces; --one-file-system in case that is untrue.
rm -rf --one-file-system "$root"
debootstrap --variant=minbase --components=main "$SUITE" "$root" "$mirror" >>"$log" 2>&1 9>&- \
  || fail "debootstrap failed."
for conf in /etc/apt/apt.conf.d/*; do       # proxies and retries, where the machine has them
  if grep -qs 'Acquire::' "$conf"; then cp "$conf" "$root/etc/apt/apt.conf.d/"; fi
done
cat >"$root/etc/apt/apt.conf.d/99slim" <<'CONF'
APT::Install-Recommends "false";
Acquire::Languages "none";
Acquire::Retries "3";
CONF
cat >"$root/etc/dpkg/dpkg.cfg.d/99slim" <<'CONF'
path-exclude=/usr/share/doc/*
path-exclude=/usr/share/man/*
path-exclude=/usr/share/locale/*
CONF
NETWORK=yes "$here/enter.sh" "$root" apt-get install -y -qq "${PACKAGES[@]}" >>"$log" 2>&1 9>&- \
  || fail "GIMP's packages could not be installed."
for language in de_DE fr_FR es_ES ja_JP; do
  "$here/enter.sh" "$root" localedef -i "$language" -f UTF-8 "$language.UTF-8" >>"$log" 2>&1 9>&- \
    || fail "The locale $language could not be made."
done
"$here/enter.sh" "$root" apt-get clean
rm -rf "$root"/var/lib/apt/lists/*
"$here/enter.sh" "$root" gimp-console --version >>"$log" 2>&1 9>&- || fail "GIMP does not start."
printf '%s\n' "$recipe" >"$root/.impasto-ready"
echo "$root"
