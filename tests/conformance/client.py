#!/usr/bin/env python3
"""`repro` as a client of the sigstore-conformance suite, by its own protocol (docs/cli_protocol.md there).

    tests/conformance/client.py verify-bundle --bundle FILE [--trusted-root FILE]
        (--certificate-identity ID --certificate-oidc-issuer URL | --key FILE) FILE_OR_DIGEST
    tests/conformance/client.py sign-bundle [--in-toto] --identity-token TOKEN --bundle FILE
        --trusted-root FILE --signing-config FILE ARTIFACT

Exit 0 means verified, or signed. `--staging` needs a trusted root: nothing here asks the network for one.

The suite itself, in a checkout of it with an environment of its own beside that of `repro`:

    PATH=REPRO/.venv/bin:$PATH CONFORMANCE/.venv/bin/python -m pytest test --skip-signing
        --entrypoint=REPRO/tests/conformance/client.py

It asks the network for a token before each case, also where it signs nothing.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
from pathlib import Path

from repro.attest.keys import load_public
from repro.attest.reading import Evidence
from repro.attest.sigstore_signing import Identity as Token
from repro.attest.sigstore_signing import signing
from repro.attest.statement import parse_statement
from repro.attest.trust import load_trust
from repro.core.errors import ReproError
from repro.verify.artifact import Artifact, artifact_of, open_artifact
from repro.verify.protocol import verify
from repro.verify.signers import Expectation, Identity


def arguments(argv: list[str]) -> argparse.Namespace:
    """What the suite asks."""
    parser = argparse.ArgumentParser(prog="conformance_client", allow_abbrev=False)
    verbs = parser.add_subparsers(dest="verb", required=True)
    for verb in ("verify-bundle", "sign-bundle"):
        one = verbs.add_parser(verb, allow_abbrev=False)
        one.add_argument("--staging", action="store_true")
        one.add_argument("--bundle", type=Path, required=True)
        one.add_argument("--trusted-root", type=Path)
        one.add_argument("artifact")
    verifying, signer = verbs.choices["verify-bundle"], verbs.choices["sign-bundle"]
    verifying.add_argument("--certificate-identity", default="")
    verifying.add_argument("--certificate-oidc-issuer", default="")
    verifying.add_argument("--key", type=Path)
    signer.add_argument("--in-toto", action="store_true")
    signer.add_argument("--identity-token", required=True)
    signer.add_argument("--signing-config", type=Path)
    return parser.parse_args(argv)


def artifact_for(text: str) -> Artifact:
    """A file, or a digest where the text is one and no such file is there."""
    if re.fullmatch(r"sha256:[0-9a-f]{64}", text) and not Path(text).exists():
        return artifact_of(text, {"sha256": text.removeprefix("sha256:")})
    return open_artifact(Path(text))


def verify_bundle(given: argparse.Namespace) -> int:
    """Verify, and say on stderr why not."""
    if given.staging and not given.trusted_root:
        raise ReproError("--staging without --trusted-root")
    keys = (load_public(given.key),) if given.key else ()
    pair = {"identity": given.certificate_identity, "issuer": given.certificate_oidc_issuer}
    outcome = verify(
        artifact_for(given.artifact),
        Evidence(name=str(given.bundle), raw=given.bundle.read_bytes()),
        Expectation(keys=keys, identities=() if keys else (Identity(**pair),)),
        load_trust(given.trusted_root),
    )
    if outcome.failed:
        sys.stderr.write(f"step {outcome.failed.step}: {outcome.failed.name}: {outcome.failed.reason}\n")
    return 0 if outcome.is_accepted else 1


def sign_bundle(given: argparse.Namespace) -> int:
    """Sign a file, or the statement in it, by identity."""
    with tempfile.TemporaryDirectory() as folder:
        config = None
        if given.trusted_root and given.signing_config:
            config = Path(folder) / "trust_config.json"
            document = {
                "mediaType": "application/vnd.dev.sigstore.clienttrustconfig.v0.1+json",
                "trustedRoot": json.loads(given.trusted_root.read_bytes()),
                "signingConfig": json.loads(given.signing_config.read_bytes()),
            }
            config.write_text(json.dumps(document))
        content = Path(given.artifact).read_bytes()
        with signing(Token(token=given.identity_token, trust_config=config)) as signer:
            made = signer.statement(parse_statement(content)) if given.in_toto else signer.blob(content)
        given.bundle.write_bytes(made)
    return 0


def main(argv: list[str]) -> int:
    """One call of the suite."""
    given = arguments(argv)
    try:
        return verify_bundle(given) if given.verb == "verify-bundle" else sign_bundle(given)
    except (ReproError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
