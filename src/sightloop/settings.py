"""What an operator can set, from the environment (`SIGHTLOOP_*`) or a `.env` file; see docs/settings.md."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

from pydantic import AliasChoices, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from sightloop.errors import BadInput

ANY = "*"
"""In place of a list of names: all of them."""
_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[^/\s]+", re.IGNORECASE)
_HOST = re.compile(r"[a-z0-9_]([a-z0-9._-]*[a-z0-9])?", re.IGNORECASE)


class Settings(BaseSettings):
    """All settings with their defaults; every one is documented in docs/settings.md, which a test checks."""

    model_config = SettingsConfigDict(env_prefix="SIGHTLOOP_", env_file=".env", extra="ignore", frozen=True)

    home: Path = Field(
        Path(".sightloop"), description="The folder that keeps everything: database, blobs, models, runs."
    )
    database_url: str | None = Field(None, description="SQLAlchemy URL of the database; SQLite in `home` if unset.")
    blobs_url: str | None = Field(None, description="fsspec URL of the blob store; a folder in `home` if unset.")
    mlflow_url: str | None = Field(None, description="MLflow tracking URL; SQLite in `home` if unset.")
    dvc_remote: str | None = Field(
        None, description="Where DVC pushes dataset versions (a folder or `s3://`); a folder in `home` if unset."
    )
    recipes: Path | None = Field(None, description="A folder of further recipes (TOML), beside the five that ship.")
    data: Path | None = Field(None, description="A folder of local data sets (`mnist/`, `gestures/`, ...).")
    weights: Path | None = Field(
        None, description="A file or folder of pretrained weights, taken in place of the model hub."
    )
    allowed_licences: str = Field(
        "", description="The licences that a served model may have, by commas (`Apache-2.0,MIT`); empty allows all."
    )
    offline: bool = Field(False, description="Never download anything.")

    host: str = Field("127.0.0.1", description="The address that the API binds to.")
    port: int = Field(
        8000,
        ge=0,
        le=65535,
        validation_alias=AliasChoices("SIGHTLOOP_PORT", "PORT"),
        description="The port of the API; `PORT` is read too, as hosting platforms set it.",
    )
    origins: str = Field(
        "", description="The origins of other web pages that may use the API, by commas; `*` lets all."
    )
    hosts: str = Field(
        "", description="The names that people reach the API by, as behind a proxy, by commas; `*` lets all."
    )
    processes: int = Field(1, ge=1, le=64, description="Serving processes.")
    runtimes: str = Field(
        "", description="The runtime of a project, where it is not ONNX Runtime: `football=openvino-bf16`, by commas."
    )
    threads: int = Field(0, ge=0, le=256, description="Threads of a session; 0: the cores, or one for a quick model.")
    default_project: str = Field("digits", description="The project behind the plain /predict, /upload and /retrain.")
    model_s3_bucket: str | None = Field(
        None,
        validation_alias=AliasChoices("SIGHTLOOP_MODEL_S3_BUCKET", "MODEL_S3_BUCKET"),
        description="A bucket with a model package that is fetched when the server starts.",
    )
    model_s3_key: str | None = Field(
        None,
        validation_alias=AliasChoices("SIGHTLOOP_MODEL_S3_KEY", "MODEL_S3_KEY"),
        description="The key of that package, a zip as `sightloop models export` writes it.",
    )
    max_request_bytes: int = Field(20_000_000, ge=1, description="The largest request body.")
    max_expanded_bytes: int = Field(
        500_000_000, ge=1, description="The most bytes that an uploaded archive expands to."
    )
    max_video_bytes: int = Field(2_000_000_000, ge=1, description="The largest video.")
    max_image_pixels: int = Field(
        50_000_000, ge=1, le=178_956_970, description="The most pixels that an image may declare."
    )
    max_items: int = Field(256, ge=1, description="The most images or landmark sets in one request.")
    max_waiting: int = Field(1024, ge=1, description="The most requests that wait for one model; more get 503.")
    max_streams: int = Field(64, ge=0, description="The most live streams of one serving process; more are refused.")
    record: bool = Field(True, description="Whether predictions and their inputs are recorded.")
    max_recording: int = Field(
        4096, ge=1, description="The most predictions that wait to be recorded; more are counted and dropped."
    )
    poll_seconds: float = Field(0.5, gt=0, description="How often servers look for a new deployment, workers for runs.")
    retrain_wait_seconds: float = Field(900.0, gt=0, description="How long a waiting retrain request waits at most.")

    airflow_url: str | None = Field(
        None, description="Airflow's URL; requests and triggers then start a DAG there instead of a run of the worker."
    )
    airflow_user: str | None = Field(None, description="The user whose token is asked of Airflow.")
    airflow_password: SecretStr | None = Field(None, description="That user's password.")
    airflow_token: SecretStr | None = Field(None, description="A token for Airflow, in place of user and password.")

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="The least level that is logged."
    )
    log_format: Literal["json", "console"] = Field("json", description="JSON lines, or lines for a terminal.")

    @field_validator("runtimes")
    @classmethod
    def _pairs(cls, given: str) -> str:
        _paired(given)
        return given

    @field_validator("origins")
    @classmethod
    def _places(cls, given: str) -> str:
        if any(origin != ANY and not _ORIGIN.fullmatch(origin) for origin in _listed(given)):
            raise ValueError("expected origins as https://label.example:8443, several by commas, or *")
        return given

    @field_validator("hosts")
    @classmethod
    def _names(cls, given: str) -> str:
        if any(host != ANY and not _HOST.fullmatch(host) for host in _listed(given)):
            raise ValueError("expected names as label.example, without scheme and port, several by commas, or *")
        return given

    @property
    def allowed_hosts(self) -> frozenset[str]:
        """The names that people reach the API by, in lower case."""
        return frozenset(host.lower() for host in _listed(self.hosts))

    @property
    def allowed_origins(self) -> frozenset[str]:
        """The origins of other web pages that may use the API, in lower case."""
        return frozenset(origin.lower() for origin in _listed(self.origins))

    @property
    def chosen_runtimes(self) -> dict[str, str]:
        """The runtimes of the projects that have one of their own."""
        return _paired(self.runtimes)

    def runtime(self, project: str) -> str:
        """The name of the runtime that answers for a project."""
        return self.chosen_runtimes.get(project, "onnx")

    @property
    def licences(self) -> frozenset[str]:
        """The licences that are allowed; none at all means that every one is."""
        return frozenset(_listed(self.allowed_licences))

    @property
    def url(self) -> str:
        """Where this machine reaches the API."""
        host = "127.0.0.1" if self.host in ("0.0.0.0", "::") else self.host  # noqa: S104 - only compared with
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"

    @property
    def hands(self) -> Path:
        """The folder of the networks that find hands in pictures."""
        return self.home.resolve() / "hands"

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables under which another process has these settings, but for Airflow's secrets."""
        given = ((name, value) for name, value in self if value is not None and not isinstance(value, SecretStr))
        return {f"SIGHTLOOP_{name.upper()}": str(value) for name, value in given}

    @property
    def database(self) -> str:
        """The database URL in force."""
        return self.database_url or f"sqlite:///{self.home.resolve()}/sightloop.db"

    @property
    def blobs(self) -> str:
        """The blob store URL in force."""
        return self.blobs_url or f"file://{self.home.resolve()}/blobs"

    @property
    def mlflow(self) -> str:
        """The MLflow tracking URL in force."""
        return self.mlflow_url or f"sqlite:///{self.home.resolve()}/mlflow.db"


def in_force(**given: object) -> Settings:
    """The settings of the environment, with these in place of its own.

    Raises BadInput for a value that a setting cannot have.
    """
    try:
        return Settings(**given)  # type: ignore[arg-type]  # they are checked as those of the environment are
    except ValidationError as error:
        first = error.errors()[0]
        name = "_".join(str(part) for part in first["loc"]).upper()
        name = name if name.startswith(("SIGHTLOOP_", "PORT")) else f"SIGHTLOOP_{name}"
        raise BadInput(f"the setting {name} cannot be used: {first['msg']}", got=str(first["input"])) from error


def _listed(given: str) -> list[str]:
    return [part.strip() for part in given.split(",") if part.strip()]


def _paired(given: str) -> dict[str, str]:
    pairs = [part.partition("=") for part in _listed(given)]
    if any(not (name.strip() and value.strip()) for name, _, value in pairs):
        raise ValueError("expected PROJECT=RUNTIME, several by commas")
    return {name.strip(): value.strip() for name, _, value in pairs}
