#!/usr/bin/env bash
# Runs every test project that was built, one after the other, and closes with the failed tests (the end of a log is enough to
# know them) and one line over all of them.
# usage: eng/test.sh [CONFIGURATION] [NAME PART ...]    a name part picks the test projects whose name contains it
set -uo pipefail
cd "$(dirname "$0")/.."

configuration=$(echo "${1:-Release}" | tr '[:upper:]' '[:lower:]')
shift || true
results=artifacts/test-results
mkdir -p "$results"

# Prints the sums of a report; appends its failures to the file, with the first lines of what they say.
read_report() {
  python3 - "$1" "$2" "$3" <<'PY'
import sys, xml.etree.ElementTree as tree
sums, lines = [0, 0, 0], []
for assembly in tree.parse(sys.argv[1]).getroot().iter("assembly"):
    for i, key in enumerate(("passed", "failed", "skipped")):
        sums[i] += int(assembly.get(key, 0))
    sums[1] += int(assembly.get("errors", 0))
    failures = [test for test in assembly.iter("test") if test.get("result") == "Fail"] + list(assembly.iter("error"))
    for failure in failures:
        lines.append(f"failed: {failure.get('name') or failure.get('type')} ({sys.argv[2]}, {float(failure.get('time') or 0):.1f} s)")
        message = [line.rstrip() for line in (failure.findtext(".//message") or "").splitlines() if line.strip()]
        trace = [line.strip() for line in (failure.findtext(".//stack-trace") or "").splitlines() if ".cs:line" in line]
        lines += ["    " + line[:300] for line in message[:8] + trace[:3]]
with open(sys.argv[3], "a") as file:
    file.writelines(line + "\n" for line in lines)
print(*sums)
PY
}

passed=0 failed=0 skipped=0 broken=()
failures="$results/failures.txt"
: >"$failures"
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
  "$program" -noLogo -noColor -xml "$report" < /dev/null
  code=$?
  read -r p f s < <(read_report "$report" "$name" "$failures" 2>/dev/null || echo "0 0 0")
  passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
  if [ $code -ne 0 ] && [ "$f" -eq 0 ]; then broken+=("$name (exit $code)"); fi
done < <(find tests -name '*.Tests.csproj' | sort)

cat "$failures"
for name in "${broken[@]}"; do echo "broken: $name"; done
failed=$((failed + ${#broken[@]}))
echo "$passed passed, $failed failed, $skipped skipped"
[ $failed -eq 0 ] && [ $passed -gt 0 ]
