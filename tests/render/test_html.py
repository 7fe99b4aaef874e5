from __future__ import annotations

import os
import re
import shutil
import subprocess
import zipfile
from dataclasses import replace
from html.parser import HTMLParser
from importlib.resources import files
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repro.core.verdict import Verdict
from repro.drift.report import Digits, DriftReport, OutputReport, PathReport, Stage, Worst
from repro.flows.compare import compare_paths
from repro.flows.curves import BUCKETS, thinned
from repro.flows.evidence import Condition, Evidence, of_paths
from repro.render.html_report import drift_html
from repro.render.svg import Axis, histogram_svg, ticks

if TYPE_CHECKING:
    from pathlib import Path

VOID = frozenset({"meta"})
FIRST = 70
HOSTILE = st.text(max_size=60) | st.sampled_from(
    [
        "<script>alert(1)</script>",
        '"><img src=x onerror=alert(1)>',
        "</title><script>",
        "\x1b[31mred",
        "\u202eabc",
        "\ud800",
        "]]>",
        "--><b>",
        "&lt;",
        "' onload='x",
    ]
)


class Page(HTMLParser):
    """Reads a page strictly: what is open must be closed in order; elements, attributes and ids are kept."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An element begins."""
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An element without content."""
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        """It must be the one that was opened last."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Text between elements."""
        self.text.append(data)

    def ids(self) -> list[str]:
        """All ids, in order."""
        return [attrs["id"] or "" for _, attrs in self.elements if "id" in attrs]


@pytest.fixture
def drifted(tmp_path: Path) -> str:
    """The page about two folders: a series that parts at `FIRST`, a matrix, NaN, and hostile names."""
    rng = np.random.default_rng(0)
    loss = np.exp(-np.arange(300) / 40)
    other = loss.copy()
    other[FIRST:] *= 1 + 1e-6
    gaps = np.sin(np.arange(2000) / 50)
    holes = np.where(np.arange(2000) % 700 > 600, np.nan, gaps)
    weights = rng.standard_normal((40, 3))
    for name, series, extra, shift in (("a", loss, gaps, 0.0), ("b", other, holes, 0.25)):
        folder = tmp_path / name
        folder.mkdir()
        np.savez(
            folder / "run.npz",
            allow_pickle=False,
            **{
                "loss": series,
                "wave": extra,
                "weights": weights + shift,
                "<script>alert(1)</script>": series,
            },
        )
        (folder / "<b>.json").write_text(f'{{"\\u001b[31m<script>": {1 + shift}, "same": 1}}')
    report = compare_paths(tmp_path / "a", tmp_path / "b", tolerances={}, rules_file=None)
    evidence = of_paths(report, tmp_path / "a", tmp_path / "b")
    conditions = (Condition(name="conditions.platform.cpu", baseline="<i>x</i>", observed="y"),)
    return drift_html(
        report, Evidence(curves=evidence.curves, conditions=conditions), baseline="a", observed="b<script>"
    )


def test_the_page_is_well_formed_and_loads_nothing(drifted: str) -> None:
    """Elements nest, ids are unique, references lead to ids; there is no script, event or address."""
    page = Page(drifted)
    assert page.open == []
    assert len(page.ids()) == len(set(page.ids()))
    for tag, attrs in page.elements:
        assert tag not in {"script", "img", "iframe", "object", "embed", "base", "form"}
        assert not [name for name in attrs if name.startswith("on") or name == "style"]
        for name in ("src", "href", "xlink:href"):
            assert (attrs.get(name) or "#").startswith("#")
        for name in (attrs.get("aria-labelledby") or "").split():
            assert name in page.ids()
        if (attrs.get("href") or "").startswith("#"):
            assert (attrs["href"] or "")[1:] in page.ids()
    assert "http" not in drifted.replace("http-equiv", "")
    assert "url(" not in drifted
    assert "\x1b" not in drifted


def test_the_page_says_what_differs_where(drifted: str) -> None:
    """Verdict, paths, both values, the first divergence and the conditions that differ are in the text."""
    text = " ".join(Page(drifted).text)
    for expected in (
        "pattern",
        "loss",
        "weights[:, ",
        f"first over tolerance: [{FIRST}]",
        "platform.cpu",
        "<i>x</i>",
    ):
        assert expected in text
    assert f'data-index="{FIRST}"' in drifted


def test_tables_have_captions_and_scopes(drifted: str) -> None:
    """Each table has a caption, each head cell a scope, each scrolling box can be reached by keyboard."""
    page = Page(drifted)
    tags = [tag for tag, _ in page.elements]
    assert tags.count("table") == tags.count("caption") > 2
    assert all(attrs.get("scope") in {"col", "row"} for tag, attrs in page.elements if tag == "th")
    boxes = [attrs for _, attrs in page.elements if "scroll" in (attrs.get("class") or "").split()]
    assert boxes
    assert all(attrs.get("tabindex") == "0" and attrs.get("role") for attrs in boxes)
    pictures = [attrs for tag, attrs in page.elements if tag == "svg"]
    assert pictures
    assert all(attrs["role"] == "img" and attrs["aria-labelledby"] for attrs in pictures)


def test_headings_descend_one_level_at_a_time(drifted: str) -> None:
    """There is one h1, and no heading skips a level."""
    levels = [int(tag[1]) for tag, _ in Page(drifted).elements if re.fullmatch("h[1-6]", tag)]
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


PATHS = st.builds(
    PathReport,
    path=HOSTILE,
    output=HOSTILE,
    verdict=st.sampled_from([Verdict.DRIFT, Verdict.PATTERN, Verdict.STRUCTURE]),
    reason=HOSTILE,
    count=st.integers(0, 10**9),
    over=st.integers(0, 10**9),
    worst=st.dictionaries(
        st.sampled_from(["absolute", "relative", "ulp", "value", "pattern"]),
        st.builds(
            Worst,
            error=st.floats(0) | st.integers(0, 2**65),
            index=st.lists(st.integers(0, 10**6), max_size=3).map(tuple),
            baseline=st.none() | st.integers() | st.floats() | HOSTILE,
            observed=HOSTILE,
            place=HOSTILE,
        ),
    ),
    digits=st.none() | st.just(Digits(histogram=tuple(range(18)), worst=0.5, median=8.25)),
    first_over=st.none() | st.integers(0, 10**9),
    rule=HOSTILE,
    advice=HOSTILE,
)


@settings(max_examples=50)
@given(
    st.builds(
        DriftReport,
        verdict=st.sampled_from(Verdict),
        outputs=st.lists(
            st.builds(
                OutputReport,
                name=HOSTILE,
                verdict=st.sampled_from(Verdict),
                reason=HOSTILE,
                findings=st.lists(PATHS, max_size=3).map(tuple),
                admitted=st.dictionaries(HOSTILE, st.integers(0, 9), max_size=2),
            ),
            max_size=2,
        ).map(tuple),
        warnings=st.lists(HOSTILE, max_size=2).map(tuple),
    ),
    HOSTILE,
)
def test_no_text_becomes_markup(report: DriftReport, name: str) -> None:
    """Whatever a report holds, the page stays well-formed, encodable, and without elements from its texts."""
    text = drift_html(report, Evidence(), baseline=name, observed=name)
    page = Page(text)
    assert page.open == []
    assert not {tag for tag, _ in page.elements} & {"script", "img", "b", "i"}
    assert all(char.isprintable() or char == "\n" for char in text)
    text.encode()


def test_the_same_comparison_gives_the_same_bytes(drifted: str, tmp_path: Path) -> None:
    """A page depends on what was compared alone, not on the time or the place."""
    report = compare_paths(tmp_path / "a", tmp_path / "b", tolerances={}, rules_file=None)
    pages = {
        drift_html(report, of_paths(report, tmp_path / "a", tmp_path / "b"), baseline="a", observed="b")
        for _ in range(2)
    }
    assert len(pages) == 1
    assert str(tmp_path) not in pages.pop()


@given(st.lists(st.floats(), min_size=1, max_size=2000))
def test_thinning_keeps_extremes_and_order(values: list[float]) -> None:
    """The drawn points are values of the series at their places, in order, the extremes among them."""
    array = np.array(values)
    points = [point for point in thinned(array) if point is not None]
    assert len(points) <= 2 * BUCKETS
    assert [at for at, _ in points] == sorted({at for at, _ in points})
    assert all(array[at] == value for at, value in points)
    finite = array[np.isfinite(array)]
    if finite.size:
        assert {finite.min(), finite.max()} <= {value for _, value in points}


@given(st.floats(allow_nan=False, allow_infinity=False), st.floats(allow_nan=False, allow_infinity=False))
def test_ticks_lie_in_their_span(one: float, other: float) -> None:
    """Ticks are few, ascend and lie within the span, and every coordinate is finite, for any finite span."""
    low, high = sorted((one, other))
    axis = Axis(low=low, high=high, start=190, end=0)
    found = [value for value, _ in ticks(low, high)]
    assert found == sorted(set(found))
    assert len(found) <= 12
    assert all(low <= value <= high for value in found)
    assert all(-0.1 <= axis.at(value) <= 190.1 for value in (low, high, *found))


def test_a_histogram_shows_a_single_value() -> None:
    """One value among a million has a bar that can be seen."""
    counts = [0] * 18
    counts[3], counts[17] = 1, 1_000_000
    picture = histogram_svg(Digits(histogram=tuple(counts), worst=3.2, median=17.0), "x", key="k")
    heights = [float(height) for height in re.findall(r'class="bar"[^>]* height="([\d.]+)"', picture)]
    assert len(heights) == 2
    assert min(heights) > 5


def _colours(css: str, block: str) -> dict[str, tuple[float, ...]]:
    found = re.findall(r"--(\w+): #([0-9a-f]{6})", css[css.index(block) :].partition("}")[0])
    return {name: tuple(int(text[i : i + 2], 16) / 255 for i in (0, 2, 4)) for name, text in found}


def _luminance(colour: tuple[float, ...]) -> float:
    """Relative luminance (WCAG 2.2)."""
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize(
    "block", [":root {\n  color-scheme", "  :root {\n    --ink: #e8", "  :root {\n    --ink: #000000"]
)
def test_contrast_is_enough(block: str) -> None:
    """Text has a contrast of 4.5 to its ground, lines 3: light, dark and printed (WCAG 2.2 AA)."""
    colours = _colours(files("repro.render").joinpath("report.css").read_text(encoding="utf-8"), block)
    grounds = [_luminance(colours[name]) for name in ("paper", "panel")]
    for name, least in {
        **dict.fromkeys(("ink", "quiet", "good", "bad", "unsure", "link", "mark"), 4.5),
        **dict.fromkeys(("baseline", "observed", "bar"), 3.0),
    }.items():
        own = _luminance(colours[name])
        for ground in grounds:
            light, dark = max(own, ground), min(own, ground)
            assert (light + 0.05) / (dark + 0.05) >= least, name


def test_verdicts_are_words_and_not_colours_alone(drifted: str) -> None:
    """Each verdict is written as its word."""
    found = re.findall(r'class="verdict \w+"><span aria-hidden="true">.</span> ([^<]+)<', drifted)
    assert found
    assert set(found) <= {str(verdict) for verdict in Verdict}


def _chromium() -> str:
    found = shutil.which("chromium")
    if found is None and os.environ.get("CI") == "true":
        pytest.fail("CI has no chromium: .ci/run installs it")
    if found is None:
        pytest.skip("chromium is not installed")
    return found


def _browse(page: str, folder: Path, *, light: bool = True) -> tuple[str, str, list[str]]:
    """The DOM of a page in Chromium, what its console says, and the addresses that the page asks for."""
    file, log = folder / "report.html", folder / "net.json"
    file.write_text(page, encoding="utf-8")
    done = subprocess.run(
        [
            _chromium(),
            *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
            *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
            "--disable-dev-shm-usage",
            f"--blink-settings=preferredColorScheme={int(light)}",
            f"--user-data-dir={folder / 'profile'}",
            *("--enable-logging=stderr", f"--log-net-log={log}", "--dump-dom"),
            file.as_uri(),
        ],
        capture_output=True,
        timeout=120,
        check=True,
    )
    said = [line for line in done.stderr.decode(errors="replace").splitlines() if "CONSOLE" in line]
    # an event per line; what the browser asks for on its own has no origin
    started = [line for line in log.read_text("utf-8").splitlines() if '"initiator":' in line]
    own = [line for line in started if '"initiator":"not an origin"' not in line]
    asked = [address for line in own for address in re.findall(r'"url":"([^"]*)"', line)]
    return done.stdout.decode(), "\n".join(said), asked


@pytest.mark.parametrize("light", [True, False])
def test_a_browser_shows_the_divergence_and_asks_for_nothing(
    drifted: str, tmp_path: Path, *, light: bool
) -> None:
    """Chromium's DOM has the mark where the series part; its console is silent, the page loads nothing."""
    dom, said, asked = _browse(drifted, tmp_path, light=light)
    assert str(FIRST) in re.findall(r'<g class="divergence" data-index="(\d+)"', dom)
    assert f"first over tolerance: [{FIRST}]" in dom
    assert said == ""
    assert asked == []


def test_the_policy_stops_what_got_into_the_page(drifted: str, tmp_path: Path) -> None:
    """Markup that escaped our escaping would neither run nor load anything; without the policy it would."""
    image = "http://127.0.0.1:9/x.png"
    attack = f'<img src="{image}"><script>document.title = "taken"</script></main>'
    taken = drifted.replace("</main>", attack)
    dom, said, asked = _browse(taken, tmp_path)
    assert "<title>taken" not in dom
    assert "Content Security Policy" in said
    assert asked == []
    dom, _, asked = _browse(re.sub(r"<meta http-equiv[^>]*>", "", taken), tmp_path)
    assert "<title>taken" in dom
    assert asked == [image]


def test_conditions_are_told_apart_without_long_digests(drifted: str) -> None:
    """Of a digest its beginning is shown, and what a baseline does not remember is said to be so."""
    conditions = (
        Condition(name="code", baseline=f"sha256:{'a1' * 32}", observed=f"sha256:{'b2' * 32}"),
        Condition(name="cpu", baseline="None", observed="deadbeef"),
    )
    report = DriftReport(verdict=Verdict.DRIFT)
    text = drift_html(report, Evidence(conditions=conditions), baseline="a", observed="b")
    assert "sha256:a1a1a1a1a1a1…<" in text
    assert "b2" * 8 not in text
    assert "not recorded" in text
    assert ">deadbeef<" in text
    assert "Conditions that differ" in drifted


def test_growth_and_stages_are_told(tmp_path: Path) -> None:
    """How a distance grows stands with its picture, and what outputs make of each other above them."""
    time = np.arange(200) / 10
    for name, shift in (("a", 0.0), ("b", 1e-13)):
        (tmp_path / name).mkdir()
        np.savez(tmp_path / name / "r.npz", x=np.cos(time) + shift * np.exp(time))
    report = compare_paths(tmp_path / "a", tmp_path / "b", tolerances={}, rules_file=None)
    staged = replace(
        report,
        stages=(
            Stage(output="first.npz", deviation=1e-16),
            Stage(output="r.npz", deviation=1e-9, gain=1e7),
        ),
    )
    evidence = of_paths(report, tmp_path / "a", tmp_path / "b")
    text = drift_html(staged, evidence, baseline="a", observed="b")
    assert "grows exponentially" in text
    assert "created in first.npz at 1.0e-16 of its scale, 1.0e+07 times that in r.npz" in text


@pytest.mark.parametrize("packed", [True, False])
def test_series_in_archives_are_drawn(tmp_path: Path, *, packed: bool) -> None:
    """An archive is looked into, whether it is compared itself or lies in a folder that is."""
    for name, last in (("a", 6.0), ("b", 7.0)):
        (tmp_path / name).mkdir()
        with zipfile.ZipFile(tmp_path / name / "r.zip", "w") as archive:
            archive.writestr("deep/r.json", f"[1.0, 2.0, 3.0, 4.0, 5.0, {last}]")
    a, b = ((tmp_path / name / "r.zip" if packed else tmp_path / name) for name in "ab")
    report = compare_paths(a, b, tolerances={}, rules_file=None)
    (curve,) = of_paths(report, a, b).curves
    assert (curve.count, curve.first_over, curve.marked) == (6, 5, (6.0, 7.0))
