"""MediaPipe's networks of hands as torch modules: OpenVINO reads their TFLite files, and torch runs the operations."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from sightloop.errors import BadData, MissingExtra

Operation = Callable[..., Any]


class Step(NamedTuple):
    """One operation: what it computes, from which values (by number), and the number of what comes out."""

    run: Operation
    takes: tuple[int, ...]
    gives: int


def read(path: Path) -> Any:
    """The network in a TFLite file as a frozen torch module of float32 inputs (N, ...); it gives a tuple of outputs.

    Raises MissingExtra without OpenVINO, and BadData for an operation that is not among those of MediaPipe's hands.
    """
    try:
        from openvino import Core
    except ModuleNotFoundError as error:
        raise MissingExtra("finding hands needs OpenVINO", hint="Install `sightloop[hands]`.") from error
    return _Reading(path.name).module(Core().read_model(path))


class Known(NamedTuple):
    """What is known of an operation before it runs: its attributes, and those of its inputs that are constants."""

    attributes: dict[str, Any]
    inputs: list[Any]


class _Reading:
    """Builds a module from OpenVINO's nodes; what depends on constants alone is computed at once."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._numbers: dict[tuple[str, int], int] = {}
        self._constants: dict[int, Any] = {}
        self._steps: list[Step] = []

    def module(self, model: Any) -> Any:
        import torch

        for node in model.get_ordered_ops():
            if node.get_type_name() != "Result":
                self._take(node)
        steps, used = self._steps, {number for step in self._steps for number in step.takes}
        results = [self._numbers[_key(result.input(0).get_source_output())] for result in model.get_results()]

        class Read(torch.nn.Module):
            def __init__(self, constants: dict[int, Any]) -> None:
                super().__init__()
                for number, value in constants.items():
                    self.register_buffer(f"constant_{number}", value)

            def forward(self, inputs: Any) -> tuple[Any, ...]:
                values = {int(name.partition("_")[2]): value for name, value in self.named_buffers()} | {0: inputs}
                for step in steps:
                    values[step.gives] = step.run(*(values[number] for number in step.takes))
                return tuple(values[number] for number in results)

        return Read({number: value for number, value in self._constants.items() if number in used}).eval()

    def _take(self, node: Any) -> None:
        import torch

        kind = node.get_type_name()
        takes = tuple(self._numbers[_key(one.get_source_output())] for one in node.inputs())
        number = 0 if kind == "Parameter" else 1 + len(self._numbers)
        self._numbers[_key(node.output(0))] = number
        if kind == "Parameter":
            return
        if kind == "Constant":
            value = np.array(node.get_data())
            self._constants[number] = torch.from_numpy(
                value.astype(np.float32 if value.dtype.kind == "f" else np.int64)
            )
            return
        build = _OPERATIONS.get(kind)
        if build is None:
            raise BadData(f"{self._name} is another network", expected="MediaPipe's networks of hands", got=kind)
        run, given = build(Known(node.get_attributes(), [self._constants.get(one) for one in takes]))
        takes = takes[:given]
        if all(one in self._constants for one in takes):
            self._constants[number] = run(*(self._constants[one] for one in takes))
        else:
            self._steps.append(Step(run, takes, number))


def _key(output: Any) -> tuple[str, int]:
    return output.get_node().get_friendly_name(), output.get_index()


Built = tuple[Operation, int]
"""What an operation computes, and how many of its inputs that takes; the others are numbers that it knows."""


def _convolution(known: Known) -> Built:
    import torch

    (top, left), (bottom, right) = known.attributes["pads_begin"], known.attributes["pads_end"]
    strides = tuple(known.attributes["strides"])

    def run(pixels: Any, weight: Any) -> Any:
        groups = 1
        if weight.ndim == 5:  # (groups, out, in, height, width)
            groups, weight = weight.shape[0], weight.flatten(0, 1)
        padded = torch.nn.functional.pad(pixels, (left, right, top, bottom))
        return torch.nn.functional.conv2d(padded, weight, stride=strides, groups=groups)

    return run, 2


def _pooling(known: Known) -> Built:
    import torch

    kernel, strides = tuple(known.attributes["kernel"]), tuple(known.attributes["strides"])
    return lambda pixels: torch.nn.functional.max_pool2d(pixels, kernel, strides), 1


def _padding(known: Known) -> Built:
    import torch

    low, high = known.inputs[1].tolist(), known.inputs[2].tolist()
    both = [side for pair in zip(reversed(low), reversed(high), strict=True) for side in pair]
    return lambda values: torch.nn.functional.pad(values, both), 1


def _resizing(known: Known) -> Built:
    import torch

    size = known.inputs[1].tolist()  # of (N, height, width, channels)

    def run(values: Any) -> Any:
        larger = torch.nn.functional.interpolate(values.permute(0, 3, 1, 2), size=size, mode="bilinear")
        return larger.permute(0, 2, 3, 1)

    return run, 1


def _reshaping(known: Known) -> Built:
    wanted, constant = known.inputs[1].tolist(), known.inputs[0] is not None

    def run(values: Any) -> Any:
        sides = [values.shape[place] if side == 0 else side for place, side in enumerate(wanted)]
        # The files are written for one picture; here there may be any number.
        return values.reshape(sides if constant else [values.shape[0], *sides[1:]])

    return run, 1


def _unsqueezing(known: Known) -> Built:
    places = sorted(known.inputs[1].tolist())

    def run(values: Any) -> Any:
        for place in places:
            values = values.unsqueeze(place)
        return values

    return run, 1


def _joining(known: Known) -> Built:
    import torch

    return lambda *values: torch.cat(values, dim=known.attributes["axis"]), len(known.inputs)


def _multiplying(known: Known) -> Built:
    turned = known.attributes["transpose_b"]
    return lambda values, weight: values @ (weight.T if turned else weight), 2


def _averaging(known: Known) -> Built:
    places, kept = known.inputs[1].tolist(), known.attributes["keep_dims"]
    return lambda values: values.mean(dim=places, keepdim=kept), 1


def _transposing(known: Known) -> Built:
    order = known.inputs[1].tolist()
    return lambda values: values.permute(order), 1


def _clamping(known: Known) -> Built:
    low, high = known.attributes["min"], known.attributes["max"]
    return lambda values: values.clamp(low, high), 1


def _prelu(_: Known) -> Built:
    # ONNX Runtime takes half as long for these three as for PRelu itself.
    return lambda values, slope: values.clamp(min=0) + slope * values.clamp(max=0), 2


_OPERATIONS: dict[str, Callable[[Known], Built]] = {
    "Add": lambda _: (lambda one, other: one + other, 2),
    "Clamp": _clamping,
    "Concat": _joining,
    "Convert": lambda _: (lambda values: values.float(), 1),
    "Convolution": _convolution,
    "GroupConvolution": _convolution,
    "Interpolate": _resizing,
    "MatMul": _multiplying,
    "MaxPool": _pooling,
    "PRelu": _prelu,
    "Pad": _padding,
    "ReduceMean": _averaging,
    "Reshape": _reshaping,
    "Sigmoid": lambda _: (lambda values: values.sigmoid(), 1),
    "Transpose": _transposing,
    "Unsqueeze": _unsqueezing,
}
