"""Fixtures for every test; each returns a factory or a place of its own."""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator
from importlib import resources
from pathlib import Path

import fsspec  # type: ignore[import-untyped]
import pytest
import structlog
from moto.server import ThreadedMotoServer
from sqlalchemy import NullPool, create_engine, make_url, text
from tests import tens
from tests.house import House
from tests.once import once

from sightloop import plugins, wiring
from sightloop.settings import Settings
from sightloop.store import tracking
from sightloop.values.run import Status
from sightloop.wiring import Parts

ROOT = Path(__file__).parents[1]
HANDS = os.environ.get("SIGHTLOOP_TEST_HANDS")  # before the settings of a test clear the environment


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real data sets kept outside the repository; tests that need them are skipped where they are not there."""
    folder = Path(os.environ.get("SIGHTLOOP_TEST_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(
            f"no real data at {folder}; set SIGHTLOOP_TEST_DATA to the folder that holds mnist/, gestures/, ..."
        )
    return folder


@pytest.fixture(scope="session")
def hand_networks() -> Path:
    """The folder of MediaPipe's networks of hands; tests that need them are skipped where they are not there."""
    if not HANDS:
        pytest.skip("no models of hands; set SIGHTLOOP_TEST_HANDS to the folder that `sightloop hands install` filled")
    pytest.importorskip("openvino", reason="the extra `hands` is not installed")
    return Path(HANDS)


@pytest.fixture(autouse=True)
def logs() -> Iterator[None]:
    """What is logged goes to the output of its own test, whatever another one configured."""
    yield
    structlog.reset_defaults()


@pytest.fixture
def make_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Settings]:
    """Settings over a home of the test's own, untouched by the environment; keywords override."""
    for name in [name for name in os.environ if name.startswith("SIGHTLOOP_") or name == "PORT"]:
        monkeypatch.delenv(name)

    def make(**overrides: object) -> Settings:
        values: dict[str, object] = {"home": tmp_path / "home", "offline": True, "_env_file": None}
        return Settings(**(values | overrides))  # type: ignore[arg-type]

    return make


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, str, str], None]]:
    """Install a package of somebody's own, with one plug-in: its kind, its name, and the module that has `plugin`."""

    def put(kind: str, name: str, module: str) -> None:
        about = tmp_path / "own" / "own_plugin-1.dist-info"
        about.mkdir(parents=True)
        (about / "METADATA").write_text("Metadata-Version: 2.1\nName: own-plugin\nVersion: 1\n")
        (about / "entry_points.txt").write_text(f"[sightloop.{kind}]\n{name} = own_plugin:plugin\n")
        (about.parent / "own_plugin.py").write_text(module)
        monkeypatch.syspath_prepend(about.parent)
        monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))  # for processes that the test starts
        plugins._registered.cache_clear()

    yield put
    plugins._registered.cache_clear()
    sys.modules.pop("own_plugin", None)


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The URL of a real PostgreSQL server, started for this session and stopped after it."""
    pgserver = pytest.importorskip(
        "pgserver", reason="pgserver brings PostgreSQL to the tests; no wheel for this Python"
    )
    # Where this is root the server is another user, whom any pytest that starts meanwhile locks out of its folders.
    with tempfile.TemporaryDirectory(prefix="postgres-", ignore_cleanup_errors=True) as folder:
        server = pgserver.get_server(folder, cleanup_mode="stop")
        yield server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
        server.cleanup()


@pytest.fixture
def make_database(postgres_url: str) -> Callable[[], str]:
    """Make an empty database in the PostgreSQL server; its URL."""

    def make() -> str:
        name = f"made_{uuid.uuid4().hex}"
        with create_engine(postgres_url, isolation_level="AUTOCOMMIT", poolclass=NullPool).connect() as connection:
            connection.execute(text(f"create database {name}"))
        return make_url(postgres_url).set(database=name).render_as_string(hide_password=False)

    return make


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    """The URL of a real S3 server, started for this session and stopped after it."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    yield "http://{}:{}".format(*server.get_host_and_port())
    server.stop()


@pytest.fixture
def make_bucket(s3_server: str, monkeypatch: pytest.MonkeyPatch) -> Callable[[], str]:
    """Make an empty bucket, which this process and its children reach with no further settings; its URL."""
    given = {
        "AWS_ENDPOINT_URL": s3_server,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)

    def make() -> str:
        name = f"bucket-{uuid.uuid4().hex}"
        fsspec.filesystem("s3", skip_instance_cache=True).mkdir(name)
        return f"s3://{name}"

    return make


@pytest.fixture(scope="session")
def quick_recipes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with digits' own recipe, but for one epoch instead of nine: enough for the digits of scikit-learn."""
    folder = tmp_path_factory.mktemp("recipes")
    shipped = resources.files("sightloop.recipes").joinpath("digits.toml").read_text(encoding="utf-8")
    (folder / "digits.toml").write_text(re.sub(r"(?m)^epochs = \d+$", "epochs = 1", shipped), encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def trained_home(tmp_path_factory: pytest.TempPathFactory, quick_recipes: Path) -> Path:
    """A home in which digits was trained once, by the command line, on the digits that scikit-learn brings."""

    def train(folder: Path) -> None:
        House(folder / "home", recipes=quick_recipes).command("train", "digits")

    return once(tmp_path_factory, "trained", train) / "home"


@pytest.fixture
def open_house(trained_home: Path, quick_recipes: Path, tmp_path: Path) -> Iterator[Callable[..., House]]:
    """Start a sightloop of the test's own over a copy of the trained home; every process is stopped at the end."""
    houses: list[House] = []

    def start(*processes: str, **settings: object) -> House:
        home = tmp_path / f"house{len(houses)}" / "home"
        shutil.copytree(trained_home, home)
        house = House(home, **({"recipes": quick_recipes} | settings))
        houses.append(house)
        for name in processes:
            house.start(name)
        if processes:
            house.ready()
        return house

    yield start
    for house in houses:
        house.stop()


@pytest.fixture(scope="session")
def empty_mlflow(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An MLflow database with nothing in it, to be copied: making its tables takes longer than most tests."""
    made = once(tmp_path_factory, "mlflow", lambda folder: tracking.prepare(f"sqlite:///{folder}/mlflow.db"))
    return made / "mlflow.db"


@pytest.fixture(scope="session")
def tens_home(tmp_path_factory: pytest.TempPathFactory, empty_mlflow: Path) -> Path:
    """A home in which the small project `tens` was trained once, to be copied."""

    def train(folder: Path) -> None:
        settings = Settings(home=folder / "home", recipes=tens.write(folder / "recipes"), offline=True, _env_file=None)  # type: ignore[call-arg]
        settings.home.mkdir()
        shutil.copy(empty_mlflow, settings.home / "mlflow.db")
        parts = wiring.build(settings)
        tens.stock(parts)
        assert tens.turn(parts).status is Status.SUCCEEDED
        parts.close()

    return once(tmp_path_factory, "tens", train) / "home"


@pytest.fixture
def make_parts(
    make_settings: Callable[..., Settings], empty_mlflow: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Callable[..., Parts]]:
    """Build parts with the project `tens`: `trained` with a champion, `text` its recipe, the rest settings."""
    built: list[Parts] = []

    def make(text: str = tens.RECIPE, *, trained: bool = False, **given: object) -> Parts:
        usual = {"recipes": tens.write(tmp_path / "recipes", text), "poll_seconds": 0.1}
        settings = make_settings(**(usual | given))
        if not settings.home.exists():
            if trained:
                shutil.copytree(request.getfixturevalue("tens_home"), settings.home)
            else:
                settings.home.mkdir()
                shutil.copy(empty_mlflow, settings.home / "mlflow.db")
        parts = wiring.build(settings)
        built.append(parts)
        return parts

    yield make
    for parts in built:
        parts.close()
