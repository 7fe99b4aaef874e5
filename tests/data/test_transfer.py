from __future__ import annotations

import hashlib
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from repro.core.digest import Digest
from repro.core.errors import DataError
from repro.core.events import Event, Kind
from repro.data import transfer
from repro.data.pointers import Object
from repro.tools import host

if TYPE_CHECKING:
    from tests.data.conftest import Lab

FILES = 500


def many(lab: Lab) -> list[Object]:
    """So many small objects in the remote, which is a folder."""
    found = []
    for number in range(FILES):
        data = f"{number}\n".encode()
        md5 = hashlib.md5(data, usedforsecurity=False).hexdigest()
        place = lab.store / "files/md5" / md5[:2] / md5[2:]
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
        found.append(Object(digest=Digest("md5", md5)))
    return found


def test_each_of_many_small_objects_is_told_once(lab: Lab) -> None:
    """However many a thread takes together: all arrive, and the end of each is told once."""
    objects, told = many(lab), Counter[str]()

    def listener(event: Event) -> None:
        told[event.run] += event.kind is Kind.DONE

    moved = lab.remote.pull(objects, listener)
    assert len(moved.moved) == FILES
    assert {told[str(one)] for one in objects} == {1}
    assert transfer.all_present(lab.remote.cache, objects)


def test_bad_ones_among_many_are_counted_and_keep_no_good_one_out(lab: Lab) -> None:
    """Corrupt and missing objects are failures; those beside them, before and after, are in the cache."""
    objects = many(lab)
    for number, data in ((40, b"other"), (41, None), (470, b"")):
        place = lab.store / objects[number].location
        place.unlink() if data is None else place.write_bytes(data)
    with pytest.raises(DataError, match=rf"3 of {FILES} objects"):
        lab.remote.pull(objects)
    found = transfer.standings(lab.remote.cache, objects)
    assert Counter(found.values()) == {"present": FILES - 3, "missing": 3}


@pytest.mark.parametrize(("size", "several"), [(10, False), (2 << 20, True)])
def test_small_files_of_a_folder_are_copied_by_one_thread(lab: Lab, size: int, several: bool) -> None:  # noqa: FBT001 - a case
    """Threads would wait for each other's turn; large files are worth as many as there are processors."""
    place = lab.root / "file"
    place.write_bytes(bytes(size))
    assert (transfer._workers(lab.remote.shelf(), [place] * 3) > 1) is (several and host.processors() > 1)
