#!/usr/bin/env bash
# attested.sh SBOM BUNDLE sha256:...: exit 1 unless SBOM is the document that the statement in BUNDLE says of the artifact
# with that digest. Whether the bundle is to be trusted is what `repro verify` asks. The action that attests is JavaScript,
# which writes 1.0 as 1: numbers are compared as such.
set -euo pipefail
python3 -c '
import base64, hashlib, json, sys

def number(text):
    value = float(text)
    return int(value) if value.is_integer() else value

def digest(document):
    return "sha256:" + hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()

path, bundle, artifact = sys.argv[1:]
with open(path, encoding="utf-8") as file:
    here = digest(json.load(file, parse_float=number))
with open(bundle, encoding="utf-8") as file:
    payload = base64.b64decode(json.load(file)["dsseEnvelope"]["payload"])
statement = json.loads(payload, parse_float=number)
if artifact not in ["sha256:" + one["digest"].get("sha256", "") for one in statement["subject"]]:
    sys.exit(f"attested: {bundle} says nothing of {artifact}")
there = digest(statement["predicate"])
if here != there:
    sys.exit(f"attested: {path} is not the SBOM that was attested: its content is {here}, not {there}")
' "$1" "$2" "$3"
