#!/usr/bin/env bash
# comment.sh REPORT NUMBER: the report as a comment on pull request NUMBER, in place of this user's last one.
set -euo pipefail
[ -n "$2" ] || { echo "comment: no pull request" >&2; exit 2; }
body=$(mktemp)
# GitHub refuses more than 65536 characters.
head -c 60000 "$1" > "$body"
gh pr comment "$2" --body-file "$body" --edit-last --create-if-none
