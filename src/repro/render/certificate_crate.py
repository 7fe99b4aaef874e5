"""The metadata of a certificate as RO-Crate 1.1 (w3id.org/ro/crate/1.1), whose sections are cited.

JSON-LD in flattened form with the specification's own context (appendix "RO-Crate JSON-LD").
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from repro.core.canonical import to_pretty_bytes
from repro.flows.certificate_run import DRIFT, DRIFT_PAGE, ENVIRONMENT, LOGS, OUTPUTS
from repro.flows.certificate_seal import BUNDLES, CRATE, POLICY, POLICY_BUNDLES, ROOT
from repro.store.runs import RECORD

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from repro.flows.certificate import Contents
    from repro.flows.certificate_run import Part

CONTEXT = "https://w3id.org/ro/crate/1.1/context"
PROFILE = "https://w3id.org/ro/crate/1.1"

TYPES = {
    ".csv": "text/csv",
    ".html": "text/html",
    ".json": "application/json",
    ".jsonl": "application/jsonl",
    ".log": "text/plain",
    ".md": "text/markdown",
    ".npy": "application/octet-stream",
    ".png": "image/png",
    ".pub": "application/x-pem-file",
    ".svg": "image/svg+xml",
    ".toml": "application/toml",
    ".txt": "text/plain",
}
NAMES = {
    BUNDLES: "Signed statements about the runs, and the list of all files (Sigstore bundles)",
    POLICY: "What `repro verify` demands of this folder",
    POLICY_BUNDLES: "Signatures of the policy (Sigstore bundles)",
    ROOT: "Trusted root of the signers' Sigstore",
    "README.md": "What is certified, and how it is checked",
}
IN_RUN = {
    RECORD: "Record of the run: conditions, command, what was hashed before and after",
    DRIFT: "Comparison with the baseline",
    DRIFT_PAGE: "Comparison with the baseline, for people",
    ENVIRONMENT: "SBOM of the environment (CycloneDX)",
}

Entity = dict[str, Any]


def crate_json(contents: Contents, files: Mapping[str, int]) -> bytes:
    """The document; `files` are those it lists with their sizes in bytes, signatures are listed without."""
    graph = {one["@id"]: one for one in _entities(contents, files)}
    return to_pretty_bytes({"@context": CONTEXT, "@graph": list(graph.values())})


def _entities(contents: Contents, files: Mapping[str, int]) -> Iterator[Entity]:
    # Section "Metadata of the RO-Crate": the RO-Crate Metadata File Descriptor.
    yield {
        "@id": CRATE,
        "@type": "CreativeWork",
        "about": {"@id": "./"},
        "conformsTo": {"@id": PROFILE},
    }
    signatures = [BUNDLES, POLICY_BUNDLES] if contents.seal else []
    yield _root(contents, [*files, *signatures])
    for name, size in files.items():
        yield _file(contents, name) | {"contentSize": str(size)}
    yield from (_file(contents, name) for name in signatures)
    for part in contents.parts:
        yield from _run(part, contents, files)


def _root(contents: Contents, files: list[str]) -> Entity:
    """Section "Root Data Entity", "Direct properties": @type, @id, name, description, datePublished.

    The day is that on which the last run ended. Of a licence nothing is known here.
    """
    runs = ", ".join(one.ran.run.name for one in contents.parts)
    said = "which came out again" if contents.passed else f"which did not come out again: {contents.verdict}"
    signed = "" if contents.seal else " Nobody has signed it."
    return {
        "@id": "./",
        "@type": "Dataset",
        "name": f"Certificate of {contents.experiment}"
        + ("" if contents.passed else f": {contents.verdict}"),
        "description": f"{contents.description or contents.experiment}: numbers of {runs}, {said}.{signed}",
        "datePublished": max(one.ran.record.ended_at for one in contents.parts)[:10],
        "hasPart": [{"@id": _address(name)} for name in files],
        "mentions": [{"@id": _id(one, "run")} for one in contents.parts],
    }


def _file(contents: Contents, name: str) -> Entity:
    """Section "Data Entities", "Referencing files and folders from the Root Data Entity"."""
    place = next((one.place for one in contents.parts if one.place and name.startswith(one.place)), "")
    inside = name.removeprefix(place)
    suffix = f".{name.rpartition('.')[2]}" if "." in name else ""
    said = (
        NAMES.get(name) or IN_RUN.get(inside) or inside.removeprefix(f"{OUTPUTS}/").removeprefix(f"{LOGS}/")
    )
    return {
        "@id": _address(name),
        "@type": "File",
        "name": said,
        "encodingFormat": TYPES.get(suffix.lower(), "application/octet-stream"),
    }


def _run(part: Part, contents: Contents, files: Mapping[str, int]) -> Iterator[Entity]:
    """Section "Provenance of entities", "Software used to create files": a CreateAction."""
    record = part.ran.record
    data = {name: f"{_id(part, 'data')}/{number}" for number, name in enumerate(_data(part))}
    results = [name for name in files if name.startswith(f"{part.place}{OUTPUTS}/")]
    yield {
        "@id": _id(part, "run"),
        "@type": "CreateAction",
        "name": f"Run of {part.ran.run.name}",
        "description": str(record.command["shown"]),
        "identifier": record.id,
        "startTime": record.started_at,
        "endTime": record.ended_at,
        "actionStatus": {"@id": "http://schema.org/CompletedActionStatus"},
        "agent": {"@id": _id(part, "agent")},
        "instrument": [{"@id": _id(part, "code")}, {"@id": "#repro"}],
        "object": [{"@id": one} for one in data.values()],
        "result": [{"@id": _address(name)} for name in results],
    }
    code = record.conditions["code"]
    yield {
        "@id": _id(part, "code"),
        "@type": "SoftwareSourceCode",
        "name": f"Code of {part.ran.run.name}",
        **({"version": code["commit"]} if code["commit"] else {}),
        **({"codeRepository": contents.source.removeprefix("git+")} if contents.source else {}),
    }
    yield {
        "@id": "#repro",
        "@type": "SoftwareApplication",
        "name": "repro",
        "softwareVersion": str(record.tool.get("repro", "")),
    }
    # Section "People": who ran it, as git knows them; there is no address of a person here.
    yield {"@id": _id(part, "agent"), "@type": "Person", "name": record.by.partition(" <")[0]}
    for name, reference in data.items():
        yield {
            "@id": reference,
            "@type": "CreativeWork",
            "name": name,
            "identifier": record.conditions["data"]["files"][name],
        }


def _data(part: Part) -> list[str]:
    return sorted(part.ran.record.conditions["data"]["files"])


def _id(part: Part, what: str) -> str:
    """The identifier of something that is no file (section "Contextual Entities")."""
    return "#" + _address(f"{what}-{part.ran.record.id}")


def _address(name: str) -> str:
    """A path as a relative URI (section "Data Entities", "Encoding file paths")."""
    from urllib.parse import quote

    return quote(name, safe="/~+=,@")
