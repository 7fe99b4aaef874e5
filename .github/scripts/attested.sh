#!/usr/bin/env bash
# attested.sh SBOM BUNDLE sha256:...: exit 1 unless SBOM is the document that the statement in BUNDLE says of the artifact
# with that digest. Whether the bundle is to be trusted is what `repro verify` asks.
set -euo pipefail
python3 -c '
import base64, hashlib, json, sys

def digest(document):
    return "sha256:" + hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()

path, bundle, artifact = sys.argv[1:]
with open(path, encoding="utf-8") as file:
    here = digest(json.load(file))
with open(bundle, encoding="utf-8") as file:
    statement = json.loads(base64.b64decode(json.load(file)["dsseEnvelope"]["payload"]))
if artifact not in ["sha256:" + one["digest"].get("sha256", "") for one in statement["subject"]]:
    sys.exit(f"attested: {bundle} says nothing of {artifact}")
there = digest(statement["predicate"])
if here != there:
    sys.exit(f"attested: {path} is not the SBOM that was attested: its content is {here}, not {there}")
' "$1" "$2" "$3"
