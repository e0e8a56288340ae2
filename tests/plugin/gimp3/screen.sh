#!/bin/sh
# Runs in the root folder: a screen, a window manager, a session bus, then GIMP with its window.
export DISPLAY=:99
Xvfb :99 -screen 0 "${SCREEN:-1366x768}x24" -nolisten tcp >/dev/null 2>&1 &
for _ in $(seq 600); do xdotool getdisplaygeometry >/dev/null 2>&1 && break; sleep 0.1; done
openbox >/dev/null 2>&1 &
exec dbus-run-session -- gimp --new-instance --no-splash \
  --batch-interpreter=python-fu-eval --batch="exec(open('/share/remote.py').read())"
