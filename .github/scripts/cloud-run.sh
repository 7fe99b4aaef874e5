#!/usr/bin/env bash
# cloud-run.sh serving | healthy | rollback REVISION: of the service SERVICE in REGION, which runs IMAGE@DIGEST.
set -euo pipefail
ask() { gcloud run "$@" --region "$REGION"; }

case ${1:-} in
  serving)
    # Empty before the first deployment: only then there is nothing to go back to.
    services=$(ask services list --filter "metadata.name=$SERVICE" --format 'value(status.traffic[0].revisionName)')
    echo "revision=$services" | tee -a "${GITHUB_OUTPUT:?}"
    ;;
  healthy)
    revision=$(ask services describe "$SERVICE" --format 'value(status.latestReadyRevisionName)')
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
    echo "cloud-run: serving, healthy or rollback" >&2
    exit 2
    ;;
esac
