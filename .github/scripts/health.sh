#!/usr/bin/env bash
# health.sh URL: exit 1 unless it answers 2xx, tried for about a minute (HEALTH_TRIES, HEALTH_PAUSE seconds between).
set -euo pipefail
for ((try = 1; try <= ${HEALTH_TRIES:-12}; try++)); do
  if curl --fail --silent --show-error --max-time 10 --output /dev/null "$1"; then
    echo "health: $1 answers"
    exit 0
  fi
  sleep "${HEALTH_PAUSE:-5}"
done
echo "health: $1 does not answer" >&2
exit 1
