"""Ids tell when they were made."""

from __future__ import annotations

import uuid

from sightloop.values.moment import age, new_id


def test_an_id_tells_its_age() -> None:
    assert abs(age(new_id()) or 0.0) < 60
    assert (age("01890a5d-ac96-774b-bcce-b302099a8057") or 0.0) > 10**7  # of 2023
    assert [age(other) for other in ("", "7", "\0", str(uuid.uuid4()))] == [None] * 4
