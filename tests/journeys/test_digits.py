"""Once round the loop: predict under load, upload what was answered wrongly, retrain, and the better model answers."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable

import httpx
import numpy as np
import pytest
from tests.house import House

from sightloop.data import bundled
from sightloop.values.image import Image

pytestmark = pytest.mark.journey


def turned(count: int) -> list[tuple[bytes, str]]:
    """Digits turned by a quarter: pictures of a kind that the first model has never seen, with their true labels."""
    pictures = []
    for item in list(bundled.digits())[:count]:
        pixels = np.ascontiguousarray(np.rot90(Image.decode(item.content).pixels))
        pictures.append((Image(pixels).encode(), item.label))
    return pictures


def labels_of(house: House, pictures: list[tuple[bytes, str]]) -> list[str]:
    """What the server answers for each picture."""
    files = [("files", (f"{number}.png", data, "image/png")) for number, (data, _) in enumerate(pictures)]
    answer = house.client.post("/v1/digits/predict", files=files).raise_for_status().json()
    return [found["label"] for found in answer["predictions"]]


class Load:
    """Clients that ask without a pause and note every answer."""

    def __init__(self, house: House, picture: bytes, clients: int = 3) -> None:
        self.house, self.picture = house, picture
        self.statuses: Counter[int | str] = Counter()
        self.versions: Counter[int] = Counter()
        self.stopping = threading.Event()
        self.threads = [threading.Thread(target=self.ask) for _ in range(clients)]

    def ask(self) -> None:
        with httpx.Client(base_url=self.house.url, timeout=30) as client:
            while not self.stopping.is_set():
                try:
                    answer = client.post("/v1/digits/predict", files={"file": self.picture})
                except httpx.HTTPError as error:
                    self.statuses[repr(error)] += 1
                    continue
                self.statuses[answer.status_code] += 1
                if answer.status_code == 200:
                    self.versions[answer.json()["predictions"][0]["version"]] += 1
                self.stopping.wait(0.005)

    def __enter__(self) -> Load:
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        for thread in self.threads:
            thread.join()


@pytest.mark.timeout(400)
def test_what_people_correct_is_learned_while_everybody_is_answered(open_house: Callable[..., House]) -> None:
    house = open_house("serve", "worker")
    pictures = turned(256)
    before = labels_of(house, pictures)
    wrong = [pair for pair, answer in zip(pictures, before, strict=True) if pair[1] != answer]
    assert len(wrong) > 100

    with Load(house, pictures[0][0]) as load:
        uploaded = house.client.post(
            "/v1/digits/samples",
            files=[("files", (f"{number}.png", data, "image/png")) for number, (data, _) in enumerate(wrong)],
            data={"labels": [label for _, label in wrong]},
        )
        assert uploaded.status_code == 200, uploaded.text
        assert uploaded.json()["added"] == len(wrong)
        asked = house.client.post("/v1/digits/retrain")
        assert asked.status_code == 202
        run = house.ended(asked.json()["id"])
        assert run["status"] == "succeeded", json.dumps(run)
        threading.Event().wait(1.5)

    assert set(load.statuses) == {200}, load.statuses
    assert set(load.versions) == {1, 2}, load.versions
    after = labels_of(house, wrong)
    learned = sum(answer == label for answer, (_, label) in zip(after, wrong, strict=True))
    assert learned > 0.7 * len(wrong)
