#!/usr/bin/env bash
# dist.sh OUT: wheel and sdist into OUT, each built twice from copies of the commit in different folders; exit 1 where
# the two are not the same bytes.
set -euo pipefail
out=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
umask 022
[ -x .venv/bin/python ] || { echo "dist: no .venv/bin/python (make .venv/.dev)" >&2; exit 3; }
python=$PWD/.venv/bin/python
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export SOURCE_DATE_EPOCH

for build in first another-folder; do
  mkdir "$work/$build"
  git archive HEAD | tar -x -C "$work/$build"
  (cd "$work/$build" && "$python" -m hatchling build --directory "$work/dist-$build" >&2)
done
diff --recursive --brief "$work/dist-first" "$work/dist-another-folder" || {
  echo "dist: two builds of one commit differ" >&2
  exit 1
}
rm -rf "$out"
mkdir -p "$out"
cp "$work"/dist-first/* "$out"
ls -l "$out" >&2
