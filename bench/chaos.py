"""Kills the API, the worker and PostgreSQL at random moments under load: python bench/chaos.py [--kills 50] [--seed 1].

Clients upload, correct and retrain without rest meanwhile. Afterwards every acknowledged upload and correction must be
there, no step may have ended twice, and no version may have been seen half; prints what was found and writes
bench/results/chaos.json. Wants the development dependencies.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.chaos import Chaos

RESULTS = Path(__file__).parent / "results"


def main() -> int:
    """Kill, look, and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        chaos = Chaos(Path(folder), chosen.seed)
        try:
            chaos.start()
            for number in range(chosen.kills):
                print(f"{number + 1:3} {time.monotonic() - begun:6.1f} s  killed {chaos.kill()}", flush=True)
            chaos.settle()
            faults = chaos.faults()
            statuses = Counter(str(run.status) for run in chaos.runs())
        finally:
            chaos.stop()
    found = {
        "kills": dict(chaos.kills),
        "seconds": round(time.monotonic() - begun),
        "acknowledged": {"uploads": len(chaos.promises.uploads), "corrections": len(chaos.promises.corrections)},
        "runs": dict(statuses),
        "answers": dict(sorted(chaos.promises.statuses.items())),
        "faults": faults,
    }
    print(json.dumps(found, indent=2))
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "chaos.json").write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
