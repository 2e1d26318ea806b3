#!/usr/bin/env bash
# Joins the reports of all shards into one, and writes the summary of the whole.
#
# FROM: the folder with the reports of the shards, a folder each. SHARDS: how many there are. REPORT: the folder of the
# whole. Output: `report`, that folder. Exit status: 1 if the whole is not green, 2 if it can't be joined.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
. "$here/common.sh"

[[ "${SHARDS:-}" =~ ^[1-9][0-9]*$ ]] || give_up "the number of shards is '${SHARDS:-}': give a whole number from 1"
report="$(absolute "${REPORT:-saliency-report}")"
hand_on report "$report"

runs=()
for file in "$FROM"/results.json "$FROM"/*/results.json; do
  if [ -f "$file" ]; then
    runs+=("$file")
  fi
done
if [ "${#runs[@]}" -ne "$SHARDS" ]; then
  give_up "${#runs[@]} of $SHARDS shards left a report, so there is no whole: the page of each job says why"
fi
status=0
if [ "$SHARDS" -eq 1 ]; then
  python -m pytest_saliency_sanity report "${runs[0]}" --output "$report" || status=$?
else
  python -m pytest_saliency_sanity merge "${runs[@]}" --output "$report" || status=$?
fi
if [ "$status" -eq 2 ]; then
  give_up "the reports of the shards do not make a whole: the line above says why"
fi
rm -f "$report/summary.md"
python "$here/summary.py" "$report/results.json" "$report/summary.md" || status=1
cat "$report/summary.md" >> "${GITHUB_STEP_SUMMARY:-/dev/null}"
exit "$status"
