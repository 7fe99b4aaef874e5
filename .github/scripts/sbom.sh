#!/usr/bin/env bash
# sbom.sh TARGET OUT: the SBOM of TARGET as OUT/sbom.cdx.json, checked against TARGET and the official schema.
set -euo pipefail
target=$1 out=$2
mkdir -p "$out"
.venv/bin/repro sbom "$target" --out "$out/sbom.cdx.json"
.venv/bin/repro sbom check "$out/sbom.cdx.json" "$target"
.venv/bin/repro sbom validate "$out/sbom.cdx.json"
