"""Every error that sightloop raises on purpose, as one tree.

SightloopError                 500  exit 1   anything below; never raised itself
├── BadInput                   422  exit 2   what a person or program sent cannot be used
│   ├── BadImage               422           bytes that are no usable image
│   ├── BadVideo               422           bytes that are no usable video
│   ├── BadLandmarks           422           numbers that are no hand
│   ├── BadRecipe              422           a project's declaration that cannot be read
│   ├── BadData                422           samples or labels that cannot be taken in
│   └── TooLarge               413           more bytes or pixels than the settings allow
├── Forbidden                  403  exit 1   a web page asks that the settings do not allow
├── NotFound                   404  exit 3   a project, run, version or prediction that is not there
├── Conflict                   409  exit 4   what was asked for collides with what is going on
├── NotReady                   503  exit 5   no model can answer yet
├── Busy                       503  exit 5   more requests wait than the settings allow; trying again helps
├── PackageRefused             422  exit 6   a model package that is broken, altered, or differs from its framework
├── MissingExtra               501  exit 7   an optional part that is not installed
└── Cancelled                  409  exit 8   a person stopped the run

An error says what was expected, what came, and what to do. The HTTP status and the exit code of the command line sit
on the class; one handler in `api/problems.py` and one in `cli/` turn an error into an answer.
"""

from __future__ import annotations


class SightloopError(Exception):
    """An error with a sentence for the person who caused it, and what they can do about it."""

    status: int = 500
    exit_code: int = 1
    title: str = "Something went wrong"

    def __init__(
        self, message: str, *, expected: str | None = None, got: str | None = None, hint: str | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.expected = expected
        self.got = got
        self.hint = hint

    def __str__(self) -> str:
        """The whole story in one line: message, expected, got, hint."""
        parts = [self.message]
        if self.expected is not None:
            parts.append(f"expected {self.expected}")
        if self.got is not None:
            parts.append(f"got {self.got}")
        sentence = "; ".join(parts)
        return f"{sentence}. {self.hint}" if self.hint else sentence

    def __reduce__(self) -> tuple[object, ...]:
        """Survive pickling with every field, since child processes and workflows hand errors over."""
        return _rebuild, (type(self), self.message, self.expected, self.got, self.hint)


def _rebuild(
    kind: type[SightloopError], message: str, expected: str | None, got: str | None, hint: str | None
) -> SightloopError:
    return kind(message, expected=expected, got=got, hint=hint)


class BadInput(SightloopError):
    """What a person or a program sent cannot be used."""

    status = 422
    exit_code = 2
    title = "The input cannot be used"


class BadImage(BadInput):
    """The bytes are no usable image."""

    title = "Not a usable image"


class BadVideo(BadInput):
    """The bytes are no usable video."""

    title = "Not a usable video"


class BadLandmarks(BadInput):
    """The numbers are no hand."""

    title = "Not usable landmarks"


class BadRecipe(BadInput):
    """A project's declaration cannot be read."""

    title = "The recipe cannot be read"


class BadData(BadInput):
    """Samples or labels cannot be taken in."""

    title = "The data cannot be taken in"


class TooLarge(BadInput):
    """More bytes or pixels came than the settings allow."""

    status = 413
    title = "Too large"


class Forbidden(SightloopError):
    """A web page asks that the settings do not allow."""

    status = 403
    title = "Not allowed"


class NotFound(SightloopError):
    """A project, run, version or prediction is not there."""

    status = 404
    exit_code = 3
    title = "Not found"


class Conflict(SightloopError):
    """What was asked for collides with what is going on."""

    status = 409
    exit_code = 4
    title = "In conflict with the present state"


class NotReady(SightloopError):
    """No model can answer yet."""

    status = 503
    exit_code = 5
    title = "Not ready"


class Busy(SightloopError):
    """More requests wait than the settings allow; trying again in a moment helps."""

    status = 503
    exit_code = 5
    title = "Too busy"


class PackageRefused(SightloopError):
    """A model package is broken, was altered, or answers differently from the framework that it came from."""

    status = 422
    exit_code = 6
    title = "The model package was refused"


class MissingExtra(SightloopError):
    """An optional part is not installed."""

    status = 501
    exit_code = 7
    title = "An optional part is not installed"


class Cancelled(SightloopError):
    """A person stopped the run."""

    status = 409
    exit_code = 8
    title = "Cancelled"
