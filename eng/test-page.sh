#!/usr/bin/env bash
# The status page in a headless Chromium: a live run, its coordinator killed and started again, at the widths of a phone and of a
# desk. Screenshots stay in artifacts/page. Installs the browser where this machine has none.
# usage: eng/test-page.sh [CONFIGURATION]    after the build
set -euo pipefail
cd "$(dirname "$0")/.."

configuration=$(echo "${1:-Release}" | tr '[:upper:]' '[:lower:]')
find_browser() { command -v chromium-headless-shell chromium chromium-browser google-chrome | head -n 1; }

browser=${VAECLUSTER_BROWSER:-$(find_browser || true)}
if [ -z "$browser" ]; then
  as_root=(); [ "$(id -u)" -eq 0 ] || as_root=(sudo)
  "${as_root[@]}" apt-get update -qq
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium-headless-shell fonts-dejavu-core >/dev/null
  browser=$(find_browser)
fi

VAECLUSTER_BROWSER=$browser VAECLUSTER_SCREENSHOTS=$PWD/artifacts/page \
  "artifacts/bin/Cluster.Tests/$configuration/Cluster.Tests" -noLogo -class VaeCluster.Cluster.Tests.StatusPageTests
echo "Look at artifacts/page/*.png."
