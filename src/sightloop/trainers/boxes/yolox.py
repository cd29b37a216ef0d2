"""YOLOX as a network of libreyolo (MIT), with the weights that were published as ONNX (Apache-2.0)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sightloop.errors import BadRecipe
from sightloop.tasks.detection import MOST, OVERLAP
from sightloop.trainers.boxes.suppression import LEAST, OUTPUTS
from sightloop.trainers.onnx import files
from sightloop.trainers.torch_graph import exported

STRIDES = (8, 16, 32)
_EPS = 1e-3  # of YOLOX's batch normalisation

Rows = NDArray[np.float32]


def build(size: str, weights: Path | None, classes: Sequence[str], start: Mapping[str, str], example: Any) -> Any:
    """A network for these classes; its weights from a file, or by lot.

    `start` names for a class the class of COCO whose weights it begins with. `example` are some pictures (N, 3, H, W:
    blue, green, red, 0 to 255), from which the batch normalisation, which the file has folded away, is made again.
    """
    from libreyolo.models.yolox.nn import LibreYOLOXModel
    from libreyolo.utils.general import COCO_CLASSES

    if weights is None:
        network = LibreYOLOXModel(size, len(classes))
        network.init_weights()
        return network
    network = LibreYOLOXModel(size, len(COCO_CLASSES))
    _fill(network, weights)
    _normalise(network, example)
    _settle_classes(network.head, classes, start, list(COCO_CLASSES))
    return network


def _fill(network: Any, path: Path) -> None:
    """Put the numbers of an ONNX file into the network: both have the same convolutions in the same order."""
    import torch
    from onnx import numpy_helper

    model = files.read(path)
    numbers = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    theirs = [node for node in model.graph.node if node.op_type == "Conv"]
    ours = _convolutions(network)
    if [numbers[node.input[1]].shape for node in theirs] != [tuple(one.weight.shape) for one, _ in ours]:
        raise BadRecipe(
            f"the weights in {path.name} are of another network",
            expected=f"the {len(ours)} convolutions of this YOLOX",
            got=f"{len(theirs)} others",
        )
    with torch.no_grad():
        for node, (convolution, normalisation) in zip(theirs, ours, strict=True):
            convolution.weight.copy_(torch.from_numpy(numbers[node.input[1]].copy()))
            bias = torch.from_numpy(numbers[node.input[2]].copy())
            (convolution if normalisation is None else normalisation).bias.copy_(bias)


def _convolutions(network: Any) -> list[tuple[Any, Any]]:
    """Each convolution with the normalisation after it, in the order in which they are used."""
    import torch

    found: list[tuple[Any, Any]] = []
    after = {id(module.conv): module.bn for module in network.modules() if hasattr(module, "bn")}

    def note(convolution: Any, _given: Any, _made: Any) -> None:
        found.append((convolution, after.get(id(convolution))))

    handles = [
        module.register_forward_hook(note) for module in network.modules() if isinstance(module, torch.nn.Conv2d)
    ]
    with torch.no_grad():
        network.eval()(torch.zeros(1, 3, 64, 64))
    for handle in handles:
        handle.remove()
    return found


def _normalise(network: Any, example: Any) -> None:
    """Make the batch normalisation again: statistics of the example, and a scale and shift that undo them."""
    import torch

    def settle(module: Any, given: tuple[Any, ...]) -> None:
        variance, mean = torch.var_mean(given[0], dim=(0, 2, 3), correction=0)
        module.running_mean.copy_(mean)
        module.running_var.copy_(variance)
        module.weight.copy_(torch.sqrt(variance + _EPS))
        module.bias.add_(mean)

    found = [module for module in network.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    handles = [module.register_forward_pre_hook(settle) for module in found]
    with torch.no_grad():
        network.eval()(example)
    for handle in handles:
        handle.remove()


def _settle_classes(head: Any, classes: Sequence[str], start: Mapping[str, str], known: list[str]) -> None:
    for label, like in start.items():
        if label not in classes or like not in known:
            raise BadRecipe(
                f"[train.options] start: {label!r} = {like!r}", expected="a class of the recipe, and one of COCO's"
            )
    rows = [known.index(start[label]) if label in start else -1 for label in classes]
    for place, old in enumerate(head.cls_preds):
        head.cls_preds[place] = with_rows(old, rows)
    head.num_classes = len(classes)


def with_rows(old: Any, rows: Sequence[int]) -> Any:
    """A last convolution that has these rows of another one; a row of -1 is begun anew, as little sure as the mean."""
    import torch

    new: Any = torch.nn.Conv2d(old.in_channels, len(rows), 1)
    with torch.no_grad():
        torch.nn.init.normal_(new.weight, std=0.01)
        new.bias.fill_(float(old.bias.mean()))
        for row, like in enumerate(rows):
            if like >= 0:
                new.weight[row], new.bias[row] = old.weight[like], old.bias[like]
    return new


def levels(network: Any, pixels: Any) -> tuple[Any, Any]:
    """The head's outputs at each stride, and the embedding (N, dims), of RGB pixels (N, H, W, 3) uint8."""
    import torch

    features = network.backbone(pixels.permute(0, 3, 1, 2).flip(1).float())
    return network.head(features), torch.cat([one.mean(dim=(2, 3)) for one in features], dim=1)


def given(inputs: NDArray[np.uint8]) -> Any:
    """Pictures (N, H, W, 3: red, green, blue) as YOLOX's own input (N, 3, H, W: blue, green, red, 0 to 255)."""
    import torch

    return torch.from_numpy(np.ascontiguousarray(inputs[..., ::-1])).permute(0, 3, 1, 2).float()


def to_onnx(network: Any, height: int, width: int) -> bytes:
    """The network as one graph: uint8 pixels, any number of them, to boxes, scores and embedding."""
    import torch

    class Whole(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, pixels: Any) -> tuple[Any, Any, Any]:
            found, embedding = levels(self.network, pixels)
            middle, size = found[..., :2], found[..., 2:4] / 2
            return torch.cat([middle - size, middle + size], dim=2), found[..., 4:5] * found[..., 5:], embedding

    network.eval()
    network.head.export = True
    try:
        return exported(Whole().eval(), (height, width, 3), OUTPUTS)
    finally:
        network.head.export = False


def predict(network: Any, inputs: NDArray[np.uint8]) -> tuple[list[Rows], Rows]:
    """The framework's own boxes (K, 6) of each input, decoded and suppressed by its code, and the embeddings."""
    import torch
    from libreyolo.postprocess.yolox import postprocess

    network.eval()
    rows, embeddings = [], []
    for one in inputs:
        with torch.no_grad():
            outputs, embedding = levels(network, torch.from_numpy(one[None]))
        found = postprocess(outputs, conf_thres=LEAST, iou_thres=OVERLAP, max_det=MOST)
        boxes = np.array(found["boxes"], np.float32).reshape(-1, 4)
        rest = np.array([found["scores"], found["classes"]], np.float32).T.reshape(-1, 2)
        rows.append(np.concatenate([boxes, rest], axis=1))
        embeddings.append(embedding.numpy()[0])
    return rows, np.stack(embeddings)
