#!/usr/bin/env bash
# flake.sh: builds the flake and runs its checks. Exit 3 where an input of the flake cannot be had, such as nixpkgs
# without a network; a flake or lock that is wrong is a failure.
set -euo pipefail
nix flake metadata --no-update-lock-file > /dev/null
nix flake archive --no-update-lock-file > /dev/null || {
  echo "flake: an input of the flake cannot be had, so it is not checked" >&2
  exit 3
}
nix flake check --no-update-lock-file --print-build-logs
