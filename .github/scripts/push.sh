#!/usr/bin/env bash
# push.sh LAYOUT NAME@sha256:...: pushes an OCI layout unchanged, and asks the registry what it has now.
set -euo pipefail
layout=$1 name=$2
digest=${name##*@}
[[ $name == *@sha256:* ]] || { echo "push: no digest in $name" >&2; exit 2; }
"$(dirname "$0")/digest.sh" "$layout" "$digest" > /dev/null
if [ -n "${REGION:-}" ]; then
  gcloud auth print-access-token | skopeo login --username oauth2accesstoken --password-stdin "${name%%/*}"
fi
skopeo --insecure-policy copy --quiet --preserve-digests "oci:$layout" "docker://$name"
there=$(skopeo inspect --format '{{.Digest}}' "docker://$name")
[ "$there" = "$digest" ] || { echo "push: the registry has $there, not $digest" >&2; exit 1; }
echo "$name"
