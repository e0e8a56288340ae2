#!/usr/bin/env bash
# enter.sh ROOT CMD...: run CMD in the root folder that provision.sh made.
#
# $SHARE, a folder of the machine, is at /share there. Mounts and processes are private to the
# command and gone when it ends, however it ends; so is the network, unless NETWORK=yes. Sockets go
# to its own /tmp: in /root the screen reader's bus of another command would take their place.
set -euo pipefail
export ROOT=${1:?root folder made by provision.sh} SHARE=${SHARE:-}
shift
network=(--net)
[ "${NETWORK:-no}" = yes ] && network=()
exec unshare --mount --pid --fork --kill-child "${network[@]}" bash -c '
set -euo pipefail
mount -t proc proc "$ROOT/proc"
mount --rbind /dev "$ROOT/dev"
mount -t tmpfs -o mode=1777 tmpfs "$ROOT/tmp"
if [ -n "$SHARE" ]; then
  mkdir -p "$ROOT/share"
  mount --bind "$SHARE" "$ROOT/share"
fi
exec env -i HOME=/root XDG_RUNTIME_DIR=/tmp PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 TERM=dumb \
  DEBIAN_FRONTEND=noninteractive chroot "$ROOT" "$@"' enter "$@"
