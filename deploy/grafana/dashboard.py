#!/usr/bin/env python3
"""Writes the Grafana dashboard, which Grafana and the chart take from helm/vae-train/files/dashboard.json.

    deploy/grafana/dashboard.py            write it
    deploy/grafana/dashboard.py --check    say whether the file is what this would write
"""
import json, pathlib, sys

FILE = pathlib.Path(__file__).resolve().parents[2] / "helm/vae-train/files/dashboard.json"
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
RUN = 'namespace=~"$namespace",release=~"$release"'
WORKER = RUN + ',instance=~"$worker"'
PARTS = ["data", "forward", "backward", "exchange", "update"]

panels, place = [], {"id": 0, "x": 0, "y": 0, "height": 0}


def next_id():
    place["id"] += 1
    return place["id"]


def row(title):
    y = place["y"] + place["height"]
    panels.append({"id": next_id(), "type": "row", "title": title, "collapsed": False, "panels": [], "gridPos": {"x": 0, "y": y, "w": 24, "h": 1}})
    place.update(x=0, y=y + 1, height=0)


def panel(kind, title, queries, unit="short", width=8, height=8, description="", options=None, custom=None, **field):
    """queries: (expression, legend) each."""
    if place["x"] + width > 24:
        place.update(x=0, y=place["y"] + place["height"], height=0)
    panels.append({
        "id": next_id(), "type": kind, "title": title, "description": description, "datasource": SOURCE,
        "gridPos": {"x": place["x"], "y": place["y"], "w": width, "h": height},
        "targets": [{"refId": chr(ord("A") + i), "datasource": SOURCE, "expr": expression, "legendFormat": legend} for i, (expression, legend) in enumerate(queries)],
        "fieldConfig": {"defaults": {"unit": unit, "custom": custom or {}, **field}, "overrides": []},
        "options": options or {},
    })
    place["x"] += width
    place["height"] = max(place["height"], height)


def series(title, queries, unit="short", stacked=False, log=False, **more):
    custom = {"drawStyle": "line", "lineWidth": 1, "fillOpacity": 40 if stacked else 0, "showPoints": "never", "spanNulls": True,
              "stacking": {"mode": "normal" if stacked else "none", "group": "A"},
              "scaleDistribution": {"type": "log", "log": 10} if log else {"type": "linear"}}
    panel("timeseries", title, queries, unit, custom=custom,
          options={"legend": {"displayMode": "list", "placement": "bottom", "calcs": []}, "tooltip": {"mode": "multi", "sort": "desc"}}, **more)


def stat(title, expression, unit="short", width=4, legend="", text="auto", **more):
    panel("stat", title, [(expression, legend)], unit, width=width, height=4,
          options={"reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False}, "colorMode": "value", "graphMode": "area",
                   "justifyMode": "auto", "textMode": text, "orientation": "auto"}, **more)


def colours(*steps):
    return {"thresholds": {"mode": "absolute", "steps": [{"color": colour, "value": value} for value, colour in steps]}}


def share(part):
    """Of a worker's step."""
    return (f'sum by (instance) (rate(vaecluster_worker_step_part_seconds_sum{{{WORKER},part="{part}"}}[$__rate_interval]))'
            f' / sum by (instance) (rate(vaecluster_worker_step_duration_seconds_sum{{{WORKER}}}[$__rate_interval]))')


row("Overview")
stat("Progress", f"max(vaecluster_run_completed_steps{{{RUN}}}) / max(vaecluster_run_total_steps{{{RUN}}} > 0)", "percentunit")
stat("Steps done", f"max(vaecluster_run_completed_steps{{{RUN}}})")
stat("Images a second", f"max(vaecluster_run_images_per_second{{{RUN}}})")
stat("Time left", f"(max(vaecluster_run_total_steps{{{RUN}}}) - max(vaecluster_run_completed_steps{{{RUN}}})) / max(rate(vaecluster_run_completed_steps{{{RUN}}}[5m]) > 0)", "s")
stat("Loss", f'max(vaecluster_run_loss{{{RUN},part="total"}})')
stat("Members with slots", f'sum(vaecluster_members{{{RUN},role="contributor"}})', **colours((None, "red"), (1, "green")))
stat("What is trained", f"max by (preset, model, version, run) (vaecluster_run_info{{{RUN}}})", legend="{{preset}}", width=6,
     description="The preset; the model, the program's version and the run's id are its labels.", text="name")
stat("Goodput", f'sum(rate(vaecluster_worker_time_seconds_total{{{RUN},part="step"}}[5m])) / sum(rate(vaecluster_worker_time_seconds_total{{{RUN}}}[5m]))', "percentunit", width=6,
     description="Share of all workers' time that went into steps that counted.", **colours((None, "red"), (0.8, "green")))
stat("Checkpoint's age", f"max(vaecluster_checkpoint_age_seconds{{{RUN}}})", "s", width=6, **colours((None, "green"), (3600, "red")))
stat("Slowest member, of the median", f"max(vaecluster_slow_worker_score{{{RUN}}})", width=6, decimals=2, description="Time for a slot.", **colours((None, "green"), (1.5, "orange")))

row("Loss")
series("Loss, per sample", [(f'max(vaecluster_run_loss{{{RUN},part="total"}})', "total"), (f'max(vaecluster_run_loss{{{RUN},part="reconstruction"}})', "reconstruction")])
series("KL divergence, nats per sample", [(f'max(vaecluster_run_loss{{{RUN},part="kl"}})', "kl")], description="Near 0: the latents say nothing.")
series("Validation, per sample", [(f'max by (part) (vaecluster_worker_validation_loss{{{RUN}}})', "{{part}}")])
series("Active units of the latent", [(f"max(vaecluster_worker_active_units{{{RUN}}})", "units")], min=0, description="Numbers whose mean differs between images, in the last validation. 0: the latents say nothing.")
series("Beta", [(f'max(vaecluster_run_loss{{{RUN},part="beta"}})', "beta")])
series("Gradient norm", [(f'max(vaecluster_run_loss{{{RUN},part="gradient_norm"}})', "norm")], log=True)
series("Learning rate", [(f'max(vaecluster_run_loss{{{RUN},part="learning_rate"}})', "rate")], "sci")
series("Steps that were not finite", [(f"max(increase(vaecluster_worker_steps_skipped_total{{{RUN}}}[5m]))", "skipped in 5 min")])

row("Throughput")
series("Images a second", [(f"max(vaecluster_run_images_per_second{{{RUN}}})", "run")])
series("Steps a second", [(f"max(rate(vaecluster_run_completed_steps{{{RUN}}}[$__rate_interval]))", "run")])
series("Where the workers' time goes", [(
    f'sum by (part) (rate(vaecluster_worker_time_seconds_total{{{WORKER}}}[$__rate_interval])) / scalar(sum(rate(vaecluster_worker_time_seconds_total{{{WORKER}}}[$__rate_interval])))',
    "{{part}}")], "percentunit", stacked=True, max=1, min=0,
       description="step: steps that counted, the goodput. lost: steps given up or not finite. save: copies, hashes and files between steps. wait: loading, no plan, no slots.")

row("Step breakdown")
series("A step, mean over workers", [(f'avg(rate(vaecluster_worker_step_part_seconds_sum{{{WORKER},part="{part}"}}[$__rate_interval]) / rate(vaecluster_worker_step_part_seconds_count{{{WORKER},part="{part}"}}[$__rate_interval]))', part) for part in PARTS],
       "s", stacked=True, width=12, description="data: wait for images. exchange: wait for gradients beyond what backward hid.")
series("Step duration", [(f"histogram_quantile({q}, sum by (le) (rate(vaecluster_worker_step_duration_seconds_bucket{{{WORKER}}}[$__rate_interval])))", f"p{int(q * 100)}") for q in (0.5, 0.95, 0.99)], "s", width=12)

row("Communication")
series("Gradients sent and received", [(f'sum by (direction) (rate(vaecluster_worker_exchange_bytes_total{{{WORKER}}}[$__rate_interval]))', "{{direction}}")], "Bps")
series("Waiting for gradients, share of a step", [(share("exchange"), "{{instance}}")], "percentunit", min=0)
series("State served to members that copy it", [(f"sum by (instance) (rate(vaecluster_worker_state_served_bytes_total{{{WORKER}}}[$__rate_interval]))", "{{instance}}")], "Bps")
series("Streams refused", [(f"sum by (reason) (increase(vaecluster_worker_streams_refused_total{{{RUN}}}[5m]))", "{{reason}}")])
series("Calls refused by the coordinator", [(f"sum by (what) (increase(vaecluster_refused_total{{{RUN}}}[5m]))", "{{what}}")])
series("Heartbeats", [(f"sum(rate(vaecluster_heartbeats_total{{{RUN}}}[$__rate_interval]))", "a second")], "ops")

row("Members and stragglers")
series("Workers by stage", [(f"sum by (stage) (vaecluster_workers{{{RUN}}})", "{{stage}}")], stacked=True)
series("Members by role", [(f"sum by (role) (vaecluster_members{{{RUN}}})", "{{role}}")], stacked=True)
series("Plans by cause", [(f"sum by (cause) (increase(vaecluster_plans_total{{{RUN}}}[5m]))", "{{cause}}")])
series("Plan: term and number", [(f"max(vaecluster_plan_term{{{RUN}}})", "term"), (f"max(vaecluster_plan_number{{{RUN}}})", "number")])
series("Slots of each worker", [(f"max by (instance) (vaecluster_worker_slots{{{WORKER}}})", "{{instance}}")], stacked=True)
series("Seconds for a slot", [(f"max by (instance) (vaecluster_worker_slot_seconds{{{WORKER}}} > 0)", "{{instance}}")],
       "s", description="Forward and backward. A worker far above the others is a straggler, and is dealt fewer slots.")
series("Slowest member, of the median", [(f"max(vaecluster_slow_worker_score{{{RUN}}})", "score")], min=0, description="Time for a slot; 1 where all are alike.")
series("Steps done again", [(f"max(increase(vaecluster_worker_steps_redone_total{{{RUN}}}[5m]))", "in 5 min")])

row("Device and process")
series("CPU", [(f"sum by (instance) (rate(process_cpu_seconds_total{{{WORKER}}}[$__rate_interval]))", "{{instance}}")], "none", description="Cores.")
series("Memory", [(f"sum by (instance) (process_working_set_bytes{{{WORKER}}})", "{{instance}}")], "bytes")
series("Collections of the managed heap", [(f"sum by (generation) (rate(dotnet_collection_count_total{{{WORKER}}}[$__rate_interval]))", "generation {{generation}}")], "ops")
series("GPU utilisation", [('avg by (pod) (DCGM_FI_DEV_GPU_UTIL{namespace=~"$namespace"})', "{{pod}}")], "percent", description="From dcgm-exporter.")
series("GPU memory", [('sum by (pod) (DCGM_FI_DEV_FB_USED{namespace=~"$namespace"}) * 1048576', "{{pod}}")], "bytes", description="From dcgm-exporter.")

row("Data")
series("Waiting for images, share of a step", [(share("data"), "{{instance}}")], "percentunit", min=0)
series("Waiting for images, 95th percentile", [(f'histogram_quantile(0.95, sum by (instance, le) (rate(vaecluster_worker_step_part_seconds_bucket{{{WORKER},part="data"}}[$__rate_interval])))', "{{instance}}")], "s")
series("Images read ahead", [(f"sum by (instance) (rate(vaecluster_worker_images_loaded_total{{{WORKER}}}[$__rate_interval]))", "{{instance}}")], "ops", description="A second, by worker.")
series("Batches that are ready", [(f"sum by (instance) (vaecluster_worker_ready_batches{{{WORKER}}})", "{{instance}}")], min=0, description="Near 0: steps wait for images.")
series("Decoded cache: lookups", [(f"sum by (result) (rate(vaecluster_worker_cache_lookups_total{{{WORKER}}}[$__rate_interval]))", "{{result}}")], "ops", stacked=True)
series("Decoded cache: size", [(f"max by (instance) (vaecluster_worker_cache_size_bytes{{{WORKER}}})", "{{instance}}")], "bytes", description="Workers of one machine share it.")
series("Broken images", [(f"max by (instance) (vaecluster_worker_broken_images{{{WORKER}}})", "{{instance}}")], min=0, description="Met by a worker; others stand in for them.")

row("Checkpoints")
series("Newest checkpoint, and the run", [(f"max(vaecluster_worker_checkpoint_completed_steps{{{RUN}}})", "saved"), (f"max(vaecluster_run_completed_steps{{{RUN}}})", "run"), (f"max(vaecluster_run_recorded_steps{{{RUN}}})", "journal")])
series("Age of the newest checkpoint", [(f"max(vaecluster_checkpoint_age_seconds{{{RUN}}})", "seconds")], "s", min=0, description="Since the coordinator was told of one, or since it began.")
series("Outcomes", [(f"sum by (outcome) (increase(vaecluster_worker_checkpoints_total{{{RUN}}}[10m]))", "{{outcome}}")])
series("Duration, mean", [(f"sum(rate(vaecluster_worker_checkpoint_duration_seconds_sum{{{RUN}}}[10m])) / sum(rate(vaecluster_worker_checkpoint_duration_seconds_count{{{RUN}}}[10m]) > 0)", "seconds")], "s")
series("Size", [(f"max(vaecluster_worker_checkpoint_size_bytes{{{RUN}}})", "bytes")], "bytes")
series("Journal: failed writes", [(f"sum(increase(vaecluster_journal_failures_total{{{RUN}}}[5m]))", "in 5 min")], description="Of the journal or its copy.")
series("Volumes: free", [('min by (persistentvolumeclaim) (kubelet_volume_stats_available_bytes{namespace=~"$namespace"})', "{{persistentvolumeclaim}}")], "bytes", description="From the kubelet.")


def variable(name, label, query):
    return {"name": name, "label": label, "type": "query", "datasource": SOURCE, "definition": query, "query": {"query": query, "refId": "A"},
            "refresh": 2, "multi": True, "includeAll": True, "allValue": ".*", "current": {"text": "All", "value": "$__all"}, "sort": 1, "hide": 0}


def annotation(name, colour, expression, text):
    return {"name": name, "datasource": SOURCE, "enable": True, "hide": False, "iconColor": colour, "expr": expression, "titleFormat": name, "textFormat": text, "step": "15s"}


dashboard = {
    "uid": "vaecluster", "title": "VaeCluster", "tags": ["vaecluster"], "schemaVersion": 39, "version": 1, "editable": True, "graphTooltip": 1,
    "refresh": "10s", "time": {"from": "now-1h", "to": "now"}, "timezone": "browser",
    "templating": {"list": [
        {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus", "refresh": 1, "current": {}, "hide": 0, "includeAll": False, "multi": False},
        variable("namespace", "Namespace", "label_values(vaecluster_run_completed_steps, namespace)"),
        variable("release", "Release", 'label_values(vaecluster_run_completed_steps{namespace=~"$namespace"}, release)'),
        variable("worker", "Worker", f"label_values(vaecluster_worker_completed_steps{{{RUN}}}, instance)"),
    ]},
    "annotations": {"list": [
        annotation("Plan", "blue", f"sum by (cause) (increase(vaecluster_plans_total{{{RUN}}}[$__rate_interval])) > 0", "{{cause}}"),
        annotation("Checkpoint", "green", f"changes(max(vaecluster_worker_checkpoint_completed_steps{{{RUN}}})[$__rate_interval:15s]) > 0", "saved"),
        annotation("Resume", "orange", f"changes(max(vaecluster_plan_term{{{RUN}}})[$__rate_interval:15s]) > 0", "a coordinator began a new term"),
    ]},
    "panels": panels,
}

text = json.dumps(dashboard, indent=1) + "\n"
if "--check" in sys.argv:
    if FILE.read_text() != text:
        sys.exit(f"{FILE} is not what deploy/grafana/dashboard.py writes: run it.")
else:
    FILE.write_text(text)
    print(f"{FILE.name}: {sum(p['type'] != 'row' for p in panels)} panels")
