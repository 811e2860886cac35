#!/usr/bin/env bash
# Runs every test project that was built, one after the other, and closes with one line over all of them.
# usage: eng/test.sh [CONFIGURATION] [NAME PART ...]    a name part picks the test projects whose name contains it
set -uo pipefail
cd "$(dirname "$0")/.."

configuration=$(echo "${1:-Release}" | tr '[:upper:]' '[:lower:]')
shift || true
results=artifacts/test-results
mkdir -p "$results"

passed=0 failed=0 skipped=0 broken=()
while IFS= read -r project; do
  name=$(basename "$project" .csproj)
  if [ $# -gt 0 ]; then
    picked=no
    for part in "$@"; do [[ "$name" == *"$part"* ]] && picked=yes; done
    [ $picked = yes ] || continue
  fi
  program="artifacts/bin/$name/$configuration/$name"
  [ -x "$program" ] || { echo "$name: not built ($program is missing)"; broken+=("$name"); continue; }
  report="$results/$name.xml"
  rm -f "$report"
  echo "== $name"
  "$program" -noLogo -noColor -xml "$report"
  code=$?
  read -r p f s < <(python3 - "$report" <<'PY' 2>/dev/null || echo "0 0 0"
import sys, xml.etree.ElementTree as tree
sums = [0, 0, 0]
for assembly in tree.parse(sys.argv[1]).getroot().iter("assembly"):
    for i, key in enumerate(("passed", "failed", "skipped")):
        sums[i] += int(assembly.get(key, 0))
    sums[1] += int(assembly.get("errors", 0))
print(*sums)
PY
)
  passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
  if [ $code -ne 0 ] && [ "$f" -eq 0 ]; then broken+=("$name (exit $code)"); fi
done < <(find tests -name '*.Tests.csproj' | sort)

for name in "${broken[@]}"; do echo "broken: $name"; done
failed=$((failed + ${#broken[@]}))
echo "$passed passed, $failed failed, $skipped skipped"
[ $failed -eq 0 ] && [ $passed -gt 0 ]
