#!/usr/bin/env bash
# Installs what the build and the tests need and this machine lacks. Does nothing when all of it is there.
set -euo pipefail

packages=(
  libtorch-dev libopenblas0-pthread cmake g++ make      # the native libraries
  libturbojpeg0-dev libopencv-dev                       # image decoding
)
test_packages=(
  python3-torch python3-numpy python3-pil               # reference values, and the peer in benchmarks
  python3-torchvision python3-skimage
  python3-grpcio python3-grpc-tools                     # a foreign gRPC implementation to talk to
  prometheus openssl docker-compose
)

case "${1:-build}" in
  build) ;;
  test) packages+=("${test_packages[@]}") ;;
  *) echo "usage: eng/setup.sh [build|test]" >&2; exit 2 ;;
esac

# A local S3 server for the tests comes from npm; any Node.js from 18 on will do.
if [ "${1:-build}" = test ] && ! command -v npm >/dev/null; then packages+=(nodejs npm); fi

if ! command -v dotnet >/dev/null; then
  echo "The .NET 10 SDK is missing. Install it (https://dotnet.microsoft.com/download/dotnet/10.0) and run make again." >&2
  exit 2
fi

# The chart's tests are skipped without helm, and say so.
if [ "${1:-build}" = test ]; then trap 'bash "$(dirname "$0")/k8s-tools.sh" || echo "helm could not be fetched: the tests of the chart will be skipped." >&2' EXIT; fi

missing=()
for package in "${packages[@]}"; do
  [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0

by_hand="Install these packages by hand and run make again: ${missing[*]}"
if ! command -v apt-get >/dev/null; then
  echo "This machine has no apt-get. $by_hand" >&2
  exit 2
fi
as_root=()
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null; then
    echo "Installing packages needs root, and there is no sudo here. $by_hand" >&2
    exit 2
  fi
  as_root=(sudo)
fi

echo "Installing: ${missing[*]}"
log=$(mktemp)
if ! { "${as_root[@]}" apt-get update &&
       "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
  tail -n 5 "$log" >&2
  echo "apt-get could not install them (its output: $log). $by_hand" >&2
  exit 2
fi
rm -f "$log"
