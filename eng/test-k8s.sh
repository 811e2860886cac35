#!/usr/bin/env bash
# The chart against a real cluster, where KUBECONFIG names one: install, the first loss in Prometheus within 60 s of the pods' start,
# scale 1 -> 3 -> 2 while it trains, a deleted worker, a deleted coordinator, an upgrade of both, helm test, uninstall and install
# again on the same claim. No container was restarted, no step is missing, and the weights are those of one process.
#
#   KUBECONFIG=...       a cluster that has the image, or can pull it
#   IMAGE=local/app:1    the image, with :TAG or @DIGEST where the chart's own does not do
#   VALUES=file.yaml     more values: a storage class, access modes, requests that fit
#   STEPS=200            what the run has left to do when it is installed again
#
# The network policies are there, whether or not the cluster enforces them. Needs prometheus and promtool.
set -euo pipefail
cd "$(dirname "$0")/.."
if [ -z "${KUBECONFIG:-}" ]; then echo "skipped: KUBECONFIG names no cluster."; exit 0; fi
{ command -v prometheus && command -v promtool; } >/dev/null || { echo "prometheus is missing: apt-get install prometheus" >&2; exit 2; }
bash eng/k8s-tools.sh
helm=artifacts/tools/k8s/helm4 kubectl=artifacts/tools/k8s/kubectl

name=vaetest full=vaetest-vae-train space=vaetest-$$ started=() more=() work=$(mktemp -d)
trap 'kill "${started[@]}" 2>/dev/null || true; $kubectl delete namespace "$space" --wait=false >/dev/null 2>&1 || true; rm -rf "$work"' EXIT
# A port or a registry's path may have a colon, too; a tag may look like a number.
image=${IMAGE:-}
case "${image##*/}" in
  *@*) more+=(--set-string "image.repository=${image%@*},image.digest=${image##*@}") ;;
  *:*) more+=(--set-string "image.repository=${image%:*},image.tag=${image##*:}") ;;
  ?*) more+=(--set-string "image.repository=$image") ;;
esac
[ -n "${VALUES:-}" ] && more+=(-f "$VALUES")
more+=(--set run=test --set 'config.model.preset=tiny,config.model.widths={16,32},config.model.groups=8'
  --set 'config.data.source=shapes:?count=2000&size=32,config.train.batch=16,config.train.slots=4,config.checkpoints.every_steps=50')

kube() { $kubectl -n "$space" "$@"; }
install() { $helm -n "$space" upgrade --install $name helm/vae-train "${more[@]}" "$@" >/dev/null; } # helm's further arguments
in_coordinator() { kube exec $full-coordinator-0 -c coordinator -- "$@"; }
field() { in_coordinator vaecluster status http://127.0.0.1:5000 --json --token-file /etc/vaecluster/token/token 2>/dev/null |
  python3 -c "import json,sys; s=json.load(sys.stdin); print($1)" 2>/dev/null; }
fail() {
  { echo "$1"; kube get pods
    in_coordinator vaecluster status http://127.0.0.1:5000 --token-file /etc/vaecluster/token/token || true
    kube logs -l "app.kubernetes.io/instance=$name" --tail 20 --prefix || true; } >&2
  exit 1
}
until_true() { # WHAT SECONDS COMMAND...
  local what=$1 end=$((SECONDS + $2)); shift 2
  until "$@"; do [ $SECONDS -lt $end ] || fail "It was not so that $what."; sleep 1; done
  echo "ok: $what (${SECONDS} s)"
}
steps_known() { before=$(field 's["completed_steps"]'); }
step_above() { local now; now=$(field 's["completed_steps"]') && [ "$now" -gt "$1" ]; }
goes_on() { step_above "$before"; }
has_members() { [ "$(field 'len((s["plan"] or {}).get("members") or [])')" = "$1" ]; }
completed() { [ "$(field 's["phase"]')" = completed ]; }
uid() { kube get pod "$1" -o 'jsonpath={.metadata.uid}' 2>/dev/null; }
replaced() { # POD UID: another one is ready
  local now; now=$(uid "$1") && [ "$now" != "$2" ] && kube wait --for=condition=Ready "pod/$1" --timeout=1s >/dev/null 2>&1
}
pods_gone() { local left; left=$(kube get pods -l "app.kubernetes.io/instance=$name,app.kubernetes.io/component in (coordinator,worker)" -o name) && [ -z "$left" ]; }
no_restarts() {
  local counts; counts=$(kube get pods -o 'jsonpath={range .items[*].status.containerStatuses[*]}{.restartCount}{" "}{end}')
  [ -z "$(tr -d '0 ' <<<"$counts")" ] || fail "Containers were restarted: $counts"
}
prometheus_has_loss() { [ -n "$(promtool query instant "http://127.0.0.1:$1" 'vaecluster_run_loss{part="total"} > 0' 2>/dev/null)" ]; }
watch() { # Prometheus on loopback, which reaches the pod by the cluster's API
  local api; $kubectl proxy --port=0 >"$work/proxy.log" 2>&1 & started+=($!)
  until api=$(grep -o '127.0.0.1:[0-9]*' "$work/proxy.log"); do kill -0 "${started[0]}"; sleep 0.2; done
  cat >"$work/prometheus.yml" <<YAML
scrape_configs:
  - job_name: run
    scrape_interval: 1s
    scrape_timeout: 1s
    metrics_path: /api/v1/namespaces/$space/pods/$full-coordinator-0:9464/proxy/metrics
    static_configs: [{targets: ["$api"]}]
YAML
  port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
  prometheus --config.file="$work/prometheus.yml" --storage.tsdb.path="$work/series" --web.listen-address="127.0.0.1:$port" 2>"$work/prometheus.log" & started+=($!)
}

$kubectl create namespace "$space" >/dev/null
watch
long=config.train.steps=1000000 # so that it still trains, however long the cluster takes
install --set worker.replicas=1,$long
until_true "Prometheus has a loss" 600 prometheus_has_loss "$port"
began=$(kube get pods -o 'jsonpath={range .items[*]}{.status.startTime}{"\n"}{end}' | sort | tail -n 1)
kill "${started[@]}"; started=()
took=$(($(date +%s) - $(date -d "$began" +%s)))
[ $took -le 60 ] || fail "The first loss came $took s after the pods' start."
echo "ok: the first loss came $took s after the pods' start"

kube scale statefulset $full-worker --replicas=3 >/dev/null; until_true "three workers are members" 120 has_members 3
kube scale statefulset $full-worker --replicas=2 >/dev/null; until_true "two workers are members" 120 has_members 2

worker=$(uid $full-worker-0)
kube delete pod $full-worker-0 >/dev/null
until_true "the deleted worker is back" 180 replaced $full-worker-0 "$worker"
until_true "it is a member" 60 has_members 2

until_true "the run's steps are known" 30 steps_known
coordinator=$(uid $full-coordinator-0)
kube delete pod $full-coordinator-0 >/dev/null
until_true "the deleted coordinator is back" 180 replaced $full-coordinator-0 "$coordinator"
until_true "the run goes on" 60 goes_on

worker=$(uid $full-worker-0) coordinator=$(uid $full-coordinator-0)
install --set worker.replicas=2,$long --set-string worker.podAnnotations.upgraded=yes,coordinator.podAnnotations.upgraded=yes
until_true "the coordinator is upgraded" 240 replaced $full-coordinator-0 "$coordinator"
until_true "the workers are upgraded" 900 replaced $full-worker-0 "$worker" # the last of them
until_true "both are members" 60 has_members 2
until_true "the run's steps are known" 30 steps_known
until_true "the run goes on" 60 goes_on

$helm -n "$space" test $name >/dev/null
echo "ok: helm test"

until_true "the run's steps are known" 30 steps_known
no_restarts
$helm -n "$space" uninstall $name >/dev/null
until_true "the pods are gone" 400 pods_gone
install --set worker.replicas=2,config.train.steps=$((before + ${STEPS:-200})),storage.type=existingClaim,storage.existingClaim=$full-runs
until_true "the run goes on where it was" 180 step_above 0
step_above $((before - 1)) || fail "It had done $before steps, and goes on from fewer."
until_true "the run is finished" 900 completed
sleep 10
no_restarts
[ "$(kube get pods -l app.kubernetes.io/component=worker -o name | wc -l)" = 2 ] || fail "The workers did not stay."
echo "ok: no container was restarted, and all stay"
in_coordinator vaecluster journal verify /runs/test

weights='import json,sys; print(json.load(sys.stdin)["weights_sha256"])'
there=$(in_coordinator vaecluster inspect /runs/test --json | python3 -c "$weights")
in_coordinator cat /runs/test/config.yaml >"$work/config.yaml"
# One process, in the same image.
kube exec -i $full-worker-0 -c worker -- sh -c 'cat > /tmp/config.yaml && vaecluster train --config /tmp/config.yaml --run /tmp/one' <"$work/config.yaml" >/dev/null
one=$(kube exec $full-worker-0 -c worker -- vaecluster inspect /tmp/one --json | python3 -c "$weights")
[ "$there" = "$one" ] || fail "The weights are $there, and those of one process $one."
echo "ok: the weights are those of one process ($one)"
