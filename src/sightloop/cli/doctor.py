"""`sightloop doctor`: what is there, what is missing, what is broken."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from importlib.util import find_spec
from typing import TypeVar

import msgspec
import typer
from msgspec import Struct
from rich.text import Text
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from sightloop.cli.output import AsJson, out, write_json
from sightloop.cli.session import opened
from sightloop.errors import SightloopError
from sightloop.hold import holder
from sightloop.loop.samples.versioned import Versioned
from sightloop.store import audit, datasets, deployments, packages, versions
from sightloop.values.dataset import DatasetVersion
from sightloop.values.version import ModelVersion
from sightloop.wiring import Parts

_SPARE_BYTES = 2 * 2**30
EXTRAS = {
    "serve": ("fastapi", "granian", "onnxruntime", "python_multipart"),
    "train": ("croniter", "dbos", "keras", "matplotlib", "mlflow", "onnx", "sklearn", "skl2onnx", "torch"),
    "postgres": ("psycopg",),
    "dvc": ("dvc",),
    "s3": ("dvc_s3", "s3fs"),
    "stream": ("websockets",),
    "video": ("av", "onnxruntime", "supervision", "trackers"),
    "hands": ("onnxruntime", "openvino"),
    "openvino": ("openvino",),
}

Numbered = TypeVar("Numbered", DatasetVersion, ModelVersion)


class Sign(Struct, frozen=True, kw_only=True):
    """One thing that was looked at: whether it is as it should be, or None where it need not be there."""

    name: str
    good: bool | None
    message: str


def doctor(as_json: AsJson = False) -> None:
    """Look at settings, database, blobs, packages, dataset versions, DVC archives, ledger, disk, extras, worker."""
    with opened() as parts:
        signs = [sign for look in LOOKS for sign in _seen(look, parts)]
    if as_json:
        write_json([msgspec.to_builtins(sign) for sign in signs])
    else:
        for sign in signs:
            mark, style = {True: ("ok ", "green"), False: ("BAD", "red"), None: ("-- ", "dim")}[sign.good]
            out().print(Text.assemble((mark, style), f" {sign.name}: {sign.message}"))
    if any(sign.good is False for sign in signs):
        raise typer.Exit(1)


def _seen(look: Callable[[Parts], Iterator[Sign]], parts: Parts) -> list[Sign]:
    """What a look finds; what stops it is a finding too."""
    try:
        return list(look(parts))
    except (SightloopError, SQLAlchemyError, OSError) as error:
        return [Sign(name=look.__name__.removeprefix("_"), good=False, message=str(error))]


def _settings(parts: Parts) -> Iterator[Sign]:
    given = parts.settings
    yield Sign(name="home", good=True, message=str(given.home.resolve()))
    told = (f"SIGHTLOOP_{name.upper()}={_plain(getattr(given, name))}" for name in sorted(given.model_fields_set))
    yield Sign(name="settings", good=True, message=" ".join(told) or "as they come")
    yield Sign(name="recipes", good=True, message=", ".join(parts.recipes))


def _plain(value: object) -> str:
    """A setting's value, without the password of a URL; secrets hide themselves."""
    return re.sub(r"(?<=://)[^/@\s]*@", "***@", str(value))


def _database(parts: Parts) -> Iterator[Sign]:
    with parts.database.read() as connection:
        version = connection.execute(text("select version_num from alembic_version")).scalar_one()
        name = connection.dialect.name
    yield Sign(name="database", good=True, message=f"{name}, schema {version}")


def _blobs(parts: Parts) -> Iterator[Sign]:
    broken = parts.blobs.verify()
    if broken:
        yield Sign(name="blobs", good=False, message=f"{len(broken)} altered or damaged: {', '.join(broken[:3])}")
    else:
        yield Sign(name="blobs", good=True, message="every one is what its name says")


def _packages(parts: Parts) -> Iterator[Sign]:
    with parts.database.read() as connection:
        serving = {name: deployments.current(connection, name) for name in parts.recipes}
        chosen = {
            name: versions.get(connection, name, present.champion.version)
            for name, present in serving.items()
            if present is not None
        }
    for name in parts.recipes:
        if name not in chosen:
            yield Sign(name=f"model of {name}", good=None, message="none yet")
            continue
        packages.load(parts.blobs, chosen[name].package)
        yield Sign(name=f"model of {name}", good=True, message=f"version {chosen[name].number}, whole")


def _versions(parts: Parts) -> Iterator[Sign]:
    """Every package, not only those that serve: a rollback may need an old one."""
    with parts.database.read() as connection:
        known = [version for name in parts.recipes for version in versions.list(connection, name)]
    broken = list(_broken("package of version", known, lambda one: packages.load(parts.blobs, one.package)))
    yield from broken or [Sign(name="packages", good=True, message=f"{len(known)} versions, every package whole")]


def _datasets(parts: Parts) -> Iterator[Sign]:
    with parts.database.read() as connection:
        known = [version for name in parts.recipes for version in datasets.list(connection, name)]
    broken = list(_broken("dataset version", known, lambda one: datasets.check(parts.blobs, one)))
    yield from broken or [Sign(name="dataset versions", good=True, message=f"{len(known)}, every manifest whole")]


def _archives(parts: Parts) -> Iterator[Sign]:
    """What DVC's remote keeps, read through: it is what a lost home would be rebuilt from."""
    with parts.database.read() as connection:
        known = [version for name in parts.recipes for version in datasets.list(connection, name) if version.archive]
    if not known:
        yield Sign(name="DVC archives", good=None, message="none")
        return
    versioned = Versioned(parts.settings, parts.database, parts.blobs)
    broken = list(_broken("DVC archive of dataset version", known, versioned.verify))
    yield from broken or [Sign(name="DVC archives", good=True, message=f"{len(known)}, every one whole")]


def _broken(title: str, known: Iterable[Numbered], check: Callable[[Numbered], object]) -> Iterator[Sign]:
    """Those of the known versions that their check refuses."""
    for version in known:
        try:
            check(version)
        except SightloopError as error:
            yield Sign(name=f"{title} {version.number} of {version.project}", good=False, message=str(error))


def _ledger(parts: Parts) -> Iterator[Sign]:
    with parts.database.read() as connection:
        faults = audit.verify(connection)
        rows, head = audit.head(connection)
    for fault in faults:
        yield Sign(name="ledger", good=False, message=fault.message)
    if not faults:
        yield Sign(name="ledger", good=True, message=f"{rows} rows, every one whole; the newest is {head[:12]}")


def _disk(parts: Parts) -> Iterator[Sign]:
    free = shutil.disk_usage(parts.settings.home).free
    yield Sign(name="disk", good=free > _SPARE_BYTES, message=f"{free / 2**30:.1f} GiB free")


def _extras(_parts: Parts) -> Iterator[Sign]:
    for extra, modules in EXTRAS.items():
        missing = [module for module in modules if find_spec(module) is None]
        message = f"without {', '.join(missing)}" if missing else "installed"
        yield Sign(name=f"extra {extra}", good=None if missing else True, message=message)


def _worker(parts: Parts) -> Iterator[Sign]:
    pulse = holder(parts.settings)
    if pulse is None:
        yield Sign(name="worker", good=None, message="none is running")
    else:
        at = f", on run {pulse.run}" if pulse.run else ""
        yield Sign(name="worker", good=True, message=f"process {pulse.process}, last heard of at {pulse.at[:19]}{at}")


LOOKS: tuple[Callable[[Parts], Iterator[Sign]], ...] = (
    _settings,
    _database,
    _blobs,
    _packages,
    _versions,
    _datasets,
    _archives,
    _ledger,
    _disk,
    _extras,
    _worker,
)
