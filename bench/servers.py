"""rps' retraining on real servers, with photographs: python bench/servers.py DATA_FOLDER [--only worker].

DATA_FOLDER has `rps/` (a folder a class) and `weights/mobilenet_v2*.pth`. A house is set up on a PostgreSQL, an S3 and
an MLflow server; rps' own recipe is trained on all photographs but one a class, of which three predictions then start
the retraining: once through the built-in worker, once through Airflow. Whatever is not as promised fails. MLflow's
server and Airflow come out of .venv-servers/ (`make .venv-servers/mlflow .venv-servers/airflow`), or from where
SIGHTLOOP_TEST_MLFLOW and SIGHTLOOP_TEST_AIRFLOW say. Writes bench/results/servers.json.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import tempfile
import time
from importlib import resources
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests import promise

ROOT = Path(__file__).parents[1]
RESULTS = Path(__file__).parent / "results" / "servers.json"
WAYS = ("worker", "airflow")
PATIENCE = 3600


def main() -> None:
    """Keep the promise, and write down what was seen."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--only", choices=WAYS, help="one of the two ways")
    parser.add_argument("--epochs", type=int, help="in place of the recipe's")
    given = parser.parse_args()
    found = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        asked = pictures(given.data / "rps", folder / "pictures")
        recipes = recipe(folder / "recipes", given.epochs)
        weights = given.data / "weights"
        with promise.around(folder, venv("mlflow"), folder / "pictures", asked, recipes, PATIENCE) as around:
            for way in (given.only,) if given.only else WAYS:
                began = time.monotonic()
                if way == "worker":
                    seen = promise.through_the_worker(around, folder / way, weights=weights)
                else:
                    seen = promise.through_airflow(around, folder / way, venv("airflow"), weights=weights)
                found[way] = seen | {"seconds": round(time.monotonic() - began), "load": round(os.getloadavg()[0], 1)}
                found[way] |= {"epochs": given.epochs or "the recipe's"}
                print(json.dumps({way: found[way]}, indent=2), flush=True)
                RESULTS.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


def venv(name: str) -> Path:
    """The environment that a server is started from."""
    place = Path(os.environ.get(f"SIGHTLOOP_TEST_{name.upper()}", ROOT / ".venv-servers" / name))
    if not place.is_dir():
        sys.exit(f"no environment for {name} at {place}: run `make .venv-servers/{name}`")
    return place


def pictures(data: Path, folder: Path) -> list[tuple[Path, str]]:
    """Lay out all photographs in a folder but the last of each class; those, with their labels."""
    asked = []
    for label in sorted(path for path in data.iterdir() if path.is_dir()):
        *kept, last = sorted(label.iterdir())
        (folder / label.name).mkdir(parents=True)
        for photograph in kept:
            (folder / label.name / photograph.name).symlink_to(photograph.resolve())
        asked.append((last, label.name))
    return asked


def recipe(folder: Path, epochs: int | None) -> Path:
    """A folder with rps' own recipe, with so many epochs."""
    text = resources.files("sightloop.recipes").joinpath("rps.toml").read_text(encoding="utf-8")
    if epochs is not None:
        text = re.sub(r"(?m)^epochs = \d+$", f"epochs = {epochs}", text)
    folder.mkdir(parents=True)
    (folder / "rps.toml").write_text(text, encoding="utf-8")
    return folder


if __name__ == "__main__":
    main()
