#!/usr/bin/env bash
# cloud-run.sh serving | switch | healthy | rollback REVISION: of the service SERVICE in REGION, which runs IMAGE@DIGEST.
set -euo pipefail
ask() { gcloud run "$@" --region "$REGION"; }

# The one revision that gets the traffic; nothing where there is no service.
serving() {
  ask services list --filter "metadata.name=$SERVICE" --format json | python3 -c '
import json, sys
traffic = [part for service in json.load(sys.stdin) for part in service["status"].get("traffic", [])]
found = [part["revisionName"] for part in traffic if part.get("percent")]
if len(found) > 1:
    sys.exit("cloud-run: traffic is split between " + ", ".join(found) + ": send it to one of them first")
print("".join(found))
'
}

case ${1:-} in
  serving)
    # Empty before the first deployment: only then there is nothing to go back to.
    revision=$(serving)
    echo "revision=$revision" | tee -a "${GITHUB_OUTPUT:?}"
    ;;
  switch)
    ask services update-traffic "$SERVICE" --to-latest
    ;;
  healthy)
    revision=$(serving)
    runs=$(ask revisions describe "$revision" --format 'value(spec.containers[0].image)')
    [ "$runs" = "$IMAGE@$DIGEST" ] || { echo "cloud-run: $revision runs $runs" >&2; exit 1; }
    url=$(ask services describe "$SERVICE" --format 'value(status.url)')
    "$(dirname "$0")/health.sh" "$url/${HEALTH_PATH:-}"
    ;;
  rollback)
    [ -n "${2:-}" ] || { echo "cloud-run: nothing ran before, the failed revision stays" >&2; exit 1; }
    ask services update-traffic "$SERVICE" --to-revisions "$2=100"
    echo "cloud-run: $2 serves again" >&2
    ;;
  *)
    echo "cloud-run: serving, switch, healthy or rollback" >&2
    exit 2
    ;;
esac
