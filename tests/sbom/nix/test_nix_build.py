"""The build-time closure as an inventory, from derivations as Nix showed them."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.sbom.nix.conftest import by_path, recipe, store_path

from repro.core.errors import FormatError
from repro.sbom.nix_build import of_recipes
from repro.sbom.nix_component import Known
from repro.sbom.nix_names import base
from repro.tools.nix_aterm import parse_aterm
from repro.tools.nix_recipes import parse_recipes
from repro.tools.nix_schema import Paths


def ref(name: str) -> str:
    """The reference of a derivation."""
    return base(store_path(f"{name}.drv"))


def test_a_missing_derivation_is_a_component_and_a_finding() -> None:
    """What a derivation reads and that is not there is kept by its name, and said."""
    found = of_recipes(Known(recipes=by_path(recipe("top-1", inputs=["lost-2"]))))
    assert [(each.name, each.version) for each in found.components] == [("lost", "2")]
    assert found.needs == {ref("top-1"): (ref("lost-2"),), ref("lost-2"): ()}
    assert [each.where for each in found.findings] == [ref("lost-2")]


def test_a_cycle_of_derivations_is_a_finding() -> None:
    """Derivations that need each other are all kept, and the circle is told."""
    found = of_recipes(
        Known(
            recipes=by_path(
                recipe("top-1", inputs=["a-1"]), recipe("a-1", inputs=["b-1"]), recipe("b-1", inputs=["a-1"])
            )
        )
    )
    assert found.target.ref == ref("top-1")
    assert len(found.components) == 2
    assert "cycle" in found.findings[0].what


def test_a_very_long_chain_is_no_danger() -> None:
    """A chain of thousands of derivations is walked without recursion."""
    names = [f"p-{number}" for number in range(3000)]
    links = zip(names, [*names[1:], ""], strict=True)
    found = of_recipes(
        Known(recipes=by_path(*(recipe(name, inputs=[below] if below else []) for name, below in links)))
    )
    assert (found.target.ref, found.findings) == (ref("p-0"), ())


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"Derive(",
        b'DrvWithVersion("xp-dyn-drv",[],[],[],"s","b",[],[])',
        b'Derive([],[],[],"system","builder",[],[("a","b")]',
        b'Derive([("out","/etc/passwd","","")],[],[],"system","builder",[],[])',
    ],
)
def test_a_file_that_is_no_derivation_is_refused(data: bytes) -> None:
    """Another format, half a file or foreign paths raise FormatError, so that Nix is asked instead."""
    with pytest.raises(FormatError):
        parse_aterm(store_path("x.drv"), data, Paths("/nix/store"))


@given(st.binary(max_size=60) | st.text(alphabet='Derive([]),"\\out', max_size=60).map(str.encode))
def test_no_bytes_crash_the_readers_of_derivations(data: bytes) -> None:
    """Any bytes give derivations or FormatError."""
    for read in (parse_recipes, lambda some: parse_aterm(store_path("x.drv"), some, Paths("/nix/store"))):
        try:
            read(data)
        except FormatError:
            continue


WORDS = st.text(alphabet='ab"\\\n\r\t(),[]é', max_size=12)


@given(WORDS, WORDS, st.lists(WORDS, max_size=3))
@example("plain", "1", ["-e"])
@example("in the\\values alone", "1", ["-e"])
@example("plain", "1", ["in the arguments\n alone"])
def test_no_value_can_pass_for_another_variable(odd: str, version: str, arguments: list[str]) -> None:
    """Whatever stands in values and arguments, the variables that are read are those that were written."""

    def written(text: str) -> str:
        for plain, escaped in (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t")):
            text = text.replace(plain, escaped)
        return f'"{text}"'

    env = {"odd": odd, "pname": "p", "version": version, "zodd": odd}
    variables = ",".join(f"({written(key)},{written(value)})" for key, value in env.items())
    data = f'Derive([],[],[],"s","b",[{",".join(map(written, arguments))}],[{variables}])'
    found = parse_aterm(store_path("x.drv"), data.encode(), Paths("/nix/store"))
    assert (found.pname, found.version, found.system) == ("p", version, "s")
