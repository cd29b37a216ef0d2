"""Labels that are likely wrong, by confident learning (Northcutt et al., 2021), with cleanlab.

The champion's embedding of each sample is answered by a logistic head that was fitted to other samples (five folds), so
that no answer is of a head that learned the label in question.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sightloop import plugins
from sightloop.data.checks import Finding
from sightloop.errors import MissingExtra
from sightloop.loop.samples.arrays import targets
from sightloop.loop.samples.embeddings import of_entries
from sightloop.store.blobs import Blobs
from sightloop.values.dataset import Entry
from sightloop.values.package import Sealed

KIND = "mislabelled"
FOLDS = 5

_ROUNDS = 300
_COST = 0.1  # stiffer than usual: a head must not bend to the labels that are in doubt


def find(package: Sealed, entries: Sequence[Entry], blobs: Blobs, *, threads: int = 0) -> list[Finding]:
    """The samples whose labels are likely wrong, the least believable label first.

    Classes with less than five samples are passed over. Raises MissingExtra without cleanlab.
    """
    counts = Counter(entry.label for entry in entries)
    known = [entry for entry in entries if counts[entry.label] >= FOLDS]
    classes = sorted({entry.label for entry in known})
    if len(classes) < 2:
        return []
    said = targets(known, classes)
    session = plugins.load("runtimes", "onnx").open(package, threads=threads)
    believed = _believed(of_entries(session, package.card, known, blobs), said)
    return [
        Finding(
            kind=KIND,
            message=f"labelled {known[row].label}, looks like {classes[int(believed[row].argmax())]} "
            f"({believed[row, said[row]]:.2f} against {believed[row].max():.2f})",
            samples=(known[row].digest,),
        )
        for row in _issues(said, believed)
    ]


def _believed(embeddings: NDArray[np.float32], said: NDArray[np.int64]) -> NDArray[np.float64]:
    """The probabilities (N, classes) of heads that did not learn the sample in question."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    head = make_pipeline(StandardScaler(), LogisticRegression(C=_COST, max_iter=_ROUNDS))
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=0)
    with warnings.catch_warnings():
        # A head that is nearly there ranks labels as well as one that is.
        warnings.simplefilter("ignore", ConvergenceWarning)
        return np.asarray(cross_val_predict(head, embeddings, said, cv=folds, method="predict_proba"))


def _issues(said: NDArray[np.int64], believed: NDArray[np.float64]) -> list[int]:
    try:
        from cleanlab.filter import find_label_issues
    except ImportError as error:
        raise MissingExtra("finding wrong labels needs cleanlab", hint="Install `sightloop[train]`.") from error
    # In this process: starting others costs more than the sums that they would do.
    rows = find_label_issues(said, believed, return_indices_ranked_by="self_confidence", n_jobs=1)
    return [int(row) for row in rows]
