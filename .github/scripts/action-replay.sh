#!/usr/bin/env bash
# action-replay.sh: replays EXPERIMENTS (names or --all) in FOLDER with the program of this action; the report is the
# summary of the job and an output of the step, whatever the verdict is.
set -euo pipefail
read -r -a experiments <<< "$EXPERIMENTS"
[ ${#experiments[@]} -gt 0 ] || { echo "replay: no experiments asked for" >&2; exit 0; }
report=$(mktemp -d)/drift.md
code=0
"$GITHUB_ACTION_PATH/.venv/bin/repro" -C "$FOLDER" replay "${experiments[@]}" --markdown "$report" || code=$?
if [ -s "$report" ]; then
  "$(dirname "$0")/summary.sh" "$report"
  echo "report=$report" >> "$GITHUB_OUTPUT"
fi
exit "$code"
