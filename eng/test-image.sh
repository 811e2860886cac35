#!/usr/bin/env bash
# Builds the image's root file system (eng/image.py) and runs the program in it as a container would: its user, a read-only root.
# It stays in artifacts/image/rootfs, to look at; with --keep the one that is there is run again, not built anew.
set -euo pipefail
cd "$(dirname "$0")/.."
out=artifacts/image
[ "${1:-}" = --keep ] && [ -e $out/config.json ] || python3 eng/image.py build $out --build-arg REVISION="$(git rev-parse HEAD 2>/dev/null || echo unknown)"

runs=$(mktemp -d)
trap 'rm -rf "$runs"' EXIT
chown 10001:10001 "$runs"
run() { python3 eng/image.py run $out --volume "$runs:/runs" -- "$@"; }

run --version
run train --run /runs/try --steps 4 --set "data.source=shapes:?count=64&size=32" train.batch=8
run inspect /runs/try
[ "$(stat -c %u "$runs/try/summary.json")" = 10001 ] || { echo "The run's files are not the image's user's." >&2; exit 1; }
# Nothing but the volume and /tmp takes what is written.
if python3 eng/image.py run $out --entrypoint sh -- -c 'echo x > /app/x || echo x > /var/x' 2>/dev/null; then
  echo "The root file system can be written." >&2; exit 1
fi
python3 eng/image.py run $out --entrypoint sh -- -c '[ "$(id -u)" = 10001 ] && grep -q "CapEff:.0000000000000000" /proc/self/status && grep -q "NoNewPrivs:.1" /proc/self/status'
echo "The image's root file system: $(du -sm $out/rootfs | cut -f1) MB; trained as user 10001 on a read-only root."
