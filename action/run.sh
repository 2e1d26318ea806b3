#!/usr/bin/env bash
# Runs pytest, and leaves the report and the summary of the job.
#
# METHODS, MODELS, CHECKS, TESTS and ARGUMENTS: one in a line. TESTS: what pytest collects. ARGUMENTS: further
# arguments of pytest. REPORT: the folder of the report. PRESET, SHARD (I/N), BASELINE (a file) and NETWORKS (the cache
# of trained networks) may be empty.
# Output: `report`, the folder. Exit status: that of pytest, or 2.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

add_lines "" "${TESTS:-}"
add_lines --saliency-method= "${METHODS:-}"
add_lines --saliency-model= "${MODELS:-}"
add_lines --saliency-check= "${CHECKS:-}"
add_lines --saliency-preset= "${PRESET:-}"
BASELINE="$(trimmed "${BASELINE:-}")"
add_lines --saliency-baseline= "$BASELINE"
add_lines "" "${ARGUMENTS:-}"

report="$(absolute "${REPORT:-saliency-report}")"
summary="$report/summary.md"
hand_on report "$report"

if [ -n "$BASELINE" ] && [ ! -f "$BASELINE" ]; then
  case " ${arguments[*]} " in
    *" --saliency-update-baseline "*) ;;
    *)
      command="pytest$(printf ' %q' "${arguments[@]}")"
      give_up "the baseline $BASELINE does not exist in $PWD. Write it and commit it, or leave the input baseline empty.
To write it: $command --saliency-update-baseline"
      ;;
  esac
fi

add_lines --saliency-shard= "${SHARD:-}" # last: a baseline is that of all shards
mkdir -p "$report"
rm -f "$report/results.json" "$summary"
if [ -n "${NETWORKS:-}" ]; then
  export SALIENCY_SANITY_CACHE_DIR="$NETWORKS"
fi
job_summary="${GITHUB_STEP_SUMMARY:-/dev/null}"

status=0
GITHUB_STEP_SUMMARY="$summary" python -m pytest "${arguments[@]}" "--saliency-report=$report" || status=$?
if [ -f "$summary" ]; then
  cat "$summary" >> "$job_summary"
fi
case "$status" in
  0 | 5) # 5: pytest collected no test
    if [ ! -f "$report/results.json" ]; then
      give_up "no saliency method was put to any test: name some with the input methods, one in a line, or as
saliency_method in pyproject.toml"
    fi
    ;;
esac
exit "$status"
