#!/usr/bin/env bash
# The chart against a real cluster, where KUBECONFIG names one: install, first loss, scale 1 -> 3 -> 2, a deleted worker, a deleted
# coordinator, an upgrade, helm test, uninstall and install again on the same claim; the weights are those of one process.
#
#   KUBECONFIG=...       a cluster that has the image
#   IMAGE=local/app:1    repository:tag of the image (default vaecluster:0.1.0)
#   VALUES=file.yaml     more values: a storage class, access modes
set -euo pipefail
cd "$(dirname "$0")/.."
bash eng/k8s-tools.sh
helm=artifacts/tools/k8s/helm4 kubectl=artifacts/tools/k8s/kubectl
if [ -z "${KUBECONFIG:-}" ]; then echo "skipped: KUBECONFIG names no cluster."; exit 0; fi

name=vaetest image=${IMAGE:-vaecluster:0.1.0} more=() work=$(mktemp -d)
[ -n "${VALUES:-}" ] && more=(-f "$VALUES")
full=$name-vae-train
space="$name-$$"
config="config.model.preset=tiny,config.model.widths={16,32},config.model.groups=8,config.train.batch=16,config.train.slots=4,config.train.steps=${STEPS:-400},config.checkpoints.every_steps=50"
kube() { $kubectl -n "$space" "$@"; }
trap '$kubectl delete namespace "$space" --wait=false >/dev/null 2>&1 || true; rm -rf "$work"' EXIT

install() { # helm's further arguments
  $helm -n "$space" upgrade --install $name helm/vae-train --set image.repository="${image%:*}",image.tag="${image##*:}" \
    --set "$config" --set 'config.data.source=shapes:?count=200&size=32' --set run=test,networkPolicy.enabled=false "${more[@]}" "$@" >/dev/null
}
status() { kube exec $full-coordinator-0 -c coordinator -- vaecluster status "http://127.0.0.1:5000" --json --token-file /etc/vaecluster/token/token 2>/dev/null; }
field() { status | python3 -c "import json,sys; print(json.load(sys.stdin).get('$1') or 0)" 2>/dev/null || echo -1; }
members() { status | python3 -c "import json,sys; print(len((json.load(sys.stdin).get('plan') or {}).get('members') or []))" 2>/dev/null || echo -1; }
until_true() { # WHAT SECONDS COMMAND...
  local what=$1 left=$2; shift 2
  until "$@"; do
    left=$((left - 1)); [ $left -gt 0 ] || { echo "It was not so that $what." >&2; kube get pods >&2; kube logs $full-coordinator-0 --tail 20 >&2; exit 1; }
    sleep 1
  done
  echo "ok: $what (step $(field completed_steps))"
}
step_above() { [ "$(field completed_steps)" -gt "$1" ]; }
has_members() { [ "$(members)" = "$1" ]; }
gone() { ! kube get pod "$1" >/dev/null 2>&1; }

$kubectl create namespace "$space" >/dev/null
install --set worker.replicas=1
until_true "the first step is done" 120 step_above 0
kube scale statefulset $full-worker --replicas=3 >/dev/null; until_true "three workers are members" 120 has_members 3
kube scale statefulset $full-worker --replicas=2 >/dev/null; until_true "two workers are members" 120 has_members 2
kube delete pod $full-worker-0 --wait=false >/dev/null;      until_true "the deleted worker is back" 180 has_members 2
before=$(field completed_steps)
kube delete pod $full-coordinator-0 --wait=true >/dev/null;  until_true "the run goes on behind a deleted coordinator" 180 step_above "$before"
$helm -n "$space" test $name >/dev/null && echo "ok: helm test"
install --set worker.replicas=2 --set-string worker.podAnnotations.upgraded=yes
before=$(field completed_steps);                             until_true "the run goes on through an upgrade" 240 step_above "$before"
claim=$(kube get pvc $full-runs -o name | cut -d/ -f2)
$helm -n "$space" uninstall $name >/dev/null
until_true "the coordinator's pod is gone" 120 gone $full-coordinator-0
until_true "the last worker's pod is gone" 400 gone $full-worker-0
install --set worker.replicas=2,storage.type=existingClaim,storage.existingClaim="$claim"
finished() { [ "$(field phase)" = completed ]; }
until_true "the run is finished" 900 finished
sleep 10
restarts=$(kube get pods -o jsonpath='{range .items[*].status.containerStatuses[*]}{.restartCount}{" "}{end}')
[ -z "$(echo "$restarts" | tr -d '0 ')" ] || { echo "Pods restarted: $restarts" >&2; exit 1; }
echo "ok: no pod was restarted, and all stay"
there=$(kube exec $full-coordinator-0 -c coordinator -- vaecluster inspect /runs/test --json | python3 -c 'import json,sys; print(json.load(sys.stdin)["weights_sha256"])')
kube exec $full-coordinator-0 -c coordinator -- cat /runs/test/config.yaml > "$work/config.yaml"
# One process, in the same image.
kube exec -i $full-worker-0 -c worker -- sh -c 'cat > /tmp/config.yaml && vaecluster train --config /tmp/config.yaml --run /tmp/one' < "$work/config.yaml" >/dev/null
one=$(kube exec $full-worker-0 -c worker -- vaecluster inspect /tmp/one --json | python3 -c 'import json,sys; print(json.load(sys.stdin)["weights_sha256"])')
[ "$there" = "$one" ] || { echo "The weights are $there, and those of one process $one." >&2; exit 1; }
echo "ok: the weights are those of one process ($one)"
