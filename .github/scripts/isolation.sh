#!/usr/bin/env bash
# What runs in isolation need on a hosted Linux runner: bubblewrap, and leave to make user namespaces.
set -euo pipefail
[ "$(uname)" = Linux ] || exit 0
[ "${RUNNER_ENVIRONMENT:-}" = github-hosted ] || { echo "isolation: a machine of its own is not changed" >&2; exit 0; }
sudo apt-get update --quiet=2
sudo apt-get install --quiet=2 --yes --no-install-recommends bubblewrap
if [ -e /proc/sys/kernel/apparmor_restrict_unprivileged_userns ]; then
  sudo sysctl --quiet --write kernel.apparmor_restrict_unprivileged_userns=0
fi
