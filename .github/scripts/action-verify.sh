#!/usr/bin/env bash
# action-verify.sh: verifies TARGETS in FOLDER by POLICY. Exit 2 where there is nothing to replay or verify at all, or
# no policy: an action that was asked for nothing has checked nothing.
set -euo pipefail
read -r -a targets <<< "$TARGETS"
if [ ${#targets[@]} -eq 0 ]; then
  [ -n "${REPLAYED// /}" ] || { echo "verify: neither experiments nor artifacts are named" >&2; exit 2; }
else
  [ -n "$POLICY" ] || { echo "verify: no policy" >&2; exit 2; }
  "$GITHUB_ACTION_PATH/.venv/bin/repro" -C "$FOLDER" verify "${targets[@]}" --policy "$POLICY"
fi
