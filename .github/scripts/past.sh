#!/usr/bin/env bash
# past.sh OUT: replays the experiments of every tag v*; OUT/report.md says which came out, which drifted and which could
# not be realised. Exit 1 where one drifted, 3 where one could not be realised or there is no tag.
set -euo pipefail
out=$1
mkdir -p "$out"
{
  echo "| tag | replay |"
  echo "|---|---|"
} > "$out/report.md"
worst=0
tags=0
for tag in $(git tag --list 'v*' --sort version:refname); do
  tags=$((tags + 1))
  code=0
  .venv/bin/repro replay --all --at "$tag" --json > "$out/$tag.json" 2> "$out/$tag.log" || code=$?
  case $code in
    0) word="came out again" ;;
    1) word="**drifted**" ;;
    3) word="**could not be realised**: $(tail -n 1 "$out/$tag.log")" ;;
    *) word="**failed** (exit $code)" ;;
  esac
  echo "| $tag | $word |" >> "$out/report.md"
  # Drift counts more than what could not be measured; anything else counts most.
  case $worst:$code in
    *:0 | 1:3) ;;
    0:* | 3:1) worst=$code ;;
    [013]:*) worst=$code ;;
  esac
done
if [ "$tags" -eq 0 ]; then
  echo "| none | **no tag v\\* to replay** |" >> "$out/report.md"
  worst=3
fi
cat "$out/report.md"
exit "$worst"
