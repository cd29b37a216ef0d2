"""The measurements whose data are there, one after the other: python bench/run.py DATA_FOLDER (make bench DATA=...).

DATA_FOLDER has `mnist/`, `gestures/`, `rps/`, `leaves/` and `weights/mobilenet_v2*.pth`, or some of them; what has no
data is told and left out. Serving is measured on a home made for it. Those of football, videos, streams and of what is
killed in the middle take longer and are started by themselves: football.py, variants.py, runtimes.py, video.py,
stream.py, chaos.py. Results go to bench/results/.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

BENCH = Path(__file__).parent


def main(data: Path) -> None:
    """Run what can be run; the exit status is that of the first measurement that failed."""
    _run("digits.py", [data / "mnist"])
    _run("gestures.py", [data / "gestures"])
    weights = next((data / "weights").glob("mobilenet_v2*.pth"), data / "weights" / "mobilenet_v2.pth")
    _run("photographs.py", [data, weights])
    _run("labelling.py", [data, weights])
    _serving(data)


def _run(name: str, arguments: list[Path], env: dict[str, str] | None = None) -> None:
    missing = [str(path) for path in arguments if not path.exists()]
    if missing:
        print(f"{name}: left out, since {', '.join(missing)} is not there", flush=True)
        return
    print(f"{name}:", flush=True)
    subprocess.run([sys.executable, BENCH / name, *arguments], check=True, env=env)


def _serving(data: Path) -> None:
    with tempfile.TemporaryDirectory() as home:
        env = os.environ | {"SIGHTLOOP_HOME": home, "SIGHTLOOP_DATA": str(data)}
        for project in ("digits", "gestures"):
            if project == "digits" or (data / project).is_dir():
                subprocess.run([sys.executable, "-m", "sightloop.cli.main", "train", project], check=True, env=env)
        _run("serve.py", [Path(home)], env)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    try:
        main(Path(sys.argv[1]))
    except subprocess.CalledProcessError as error:
        sys.exit(error.returncode)
