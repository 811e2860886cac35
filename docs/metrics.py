#!/usr/bin/env python3
"""Writes docs/metrics.md from where the program makes its metrics; what stands there from ## Traces on is kept.

    docs/metrics.py            write it
    docs/metrics.py --check    say whether the file is what this would write
"""
import pathlib, re, sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
FILE = ROOT / "docs/metrics.md"
PLACES = [
    ("The run, from the coordinator", "src/VaeCluster.Coordinator/Status/CoordinatorMetrics.cs"),
    ("A worker", "src/VaeCluster.Worker/Metrics/WorkerMetrics.cs"),
    ("The process, from both", "src/Compat/Prometheus/Internal/DotNetStats.cs"),
]
CREATED = re.compile(r'Create(Counter|Gauge|Histogram)\(\s*"(?P<name>\w+)",\s*"(?P<help>[^"]*)"(?:,\s*(?:\[(?P<labels>[^\]]*)\]|"(?P<label>\w+)"))?', re.S)

lines = [
    "# Metrics", "",
    "The lists are written by `docs/metrics.py` from the code; a test holds them to that. The coordinator and each worker serve them",
    "at `/metrics` of their `--metrics` address, beside `/healthz` and `/readyz`. Times are seconds, sizes bytes, losses per sample in",
    "nats. Labels have closed sets of values; workers are told apart by the `instance` that Prometheus sets. The dashboard and the",
    "alert rules of helm/vae-train use what stands here.", "",
]
count = 0
for title, path in PLACES:
    lines += [f"## {title}", "", "| metric | type | labels | what |", "| --- | --- | --- | --- |"]
    for match in CREATED.finditer((ROOT / path).read_text()):
        labels = ", ".join(f"`{label}`" for label in re.findall(r'"(\w+)"', match["labels"] or "") or ([match["label"]] if match["label"] else []))
        lines.append(f"| `{match['name']}` | {match[1].lower()} | {labels} | {match['help']} |")
        count += 1
    lines.append("")
there = FILE.read_text()
text = "\n".join(lines) + "\n" + there[there.index("## Traces"):]

made = sum(len(re.findall(r"Create(?:Counter|Gauge|Histogram)\(", (ROOT / path).read_text())) for _, path in PLACES)
if count != made:
    sys.exit(f"{made} metrics are made, and {count} were understood: mend the pattern in docs/metrics.py.")
others = [str(path.relative_to(ROOT)) for path in sorted((ROOT / "src").rglob("*.cs"))
          if "Compat" not in path.parts and "obj" not in path.parts and str(path.relative_to(ROOT)) not in dict((p, t) for t, p in PLACES)
          and re.search(r'\.Create(?:Counter|Gauge|Histogram)\(\s*"', path.read_text())]
if others:
    sys.exit(f"Metrics are made in {', '.join(others)} too: name it in docs/metrics.py.")
if "--check" in sys.argv:
    if there != text:
        sys.exit("docs/metrics.md is not what docs/metrics.py writes: run it.")
else:
    FILE.write_text(text)
    print(f"{count} metrics")
