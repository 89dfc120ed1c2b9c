"""What classifiers share: labels as targets, scores as probabilities."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.special import expit, softmax
from sklearn.base import ClassifierMixin
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils import check_consistent_length
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets, type_of_target, unique_labels
from sklearn.utils.validation import check_is_fitted

from ..graph.errors import DataError, UsageError
from ..nn.losses import cross_entropy
from .fitting import Estimator, in_steps
from .objective import classifier_loss
from .parameters import CLASSIFIER_LOSS


class Classifying(ClassifierMixin, Estimator):
    """A classifier of one label out of several, of two, or of several labels at once."""

    _losses = CLASSIFIER_LOSS
    _label_binarizer: LabelBinarizer

    @property
    def _several(self) -> bool:
        return self._label_binarizer.y_type_ == "multiclass"

    def _read(self, X: Any, y: Any, once: bool, new: bool) -> tuple[Any, Any]:
        x, y = self._validated(X, y, new)
        check_classification_targets(y)
        if not hasattr(self, "classes_") or not (self.warm_start or once):
            self._label_binarizer = LabelBinarizer().fit(y)
            self.classes_ = self._label_binarizer.classes_
            return x, y
        found = unique_labels(y)
        if self.warm_start and set(found) != set(self.classes_):
            raise DataError(
                "warm_start can only be used where `y` has the same classes as in the previous "
                f"call to fit: there {self.classes_}, and now {found}"
            )
        if len(np.setdiff1d(found, self.classes_, assume_unique=True)):
            raise DataError(
                f"`y` has classes not in `self.classes_`: {found}, and there are {self.classes_}"
            )
        return x, y

    def _read_again(self, X: Any, y: Any) -> tuple[Any, Any]:
        x, y = self._inputs(X), np.asarray(y)
        check_consistent_length(x, y)
        unknown = [] if y.ndim > 1 else sorted({*y.tolist()} - {*self.classes_.tolist()}, key=str)
        if unknown:
            raise DataError(
                f"fit: validation has classes that y has not: {', '.join(map(repr, unknown[:5]))}; "
                f"there are {self.classes_}"
            )
        return x, y

    def _targets(self, y: Any) -> tuple[np.ndarray, Any]:
        """What the loss compares with, and what a split is to be stratified by."""
        if self._label_binarizer.y_type_.startswith("multilabel"):
            t = y.toarray() if hasattr(y, "toarray") else np.asarray(y)
            return t, t if t.shape[1] == 1 else None
        if not self._several:
            t = (y == self.classes_[-1])[:, None] & (len(self.classes_) > 1)
            return t, t
        labels = np.searchsorted(self.classes_, y)
        if self._loss() is cross_entropy:
            return labels, None
        return np.eye(len(self.classes_), dtype=np.int8)[labels], None

    def _outputs(self, t: np.ndarray) -> int:
        self.out_activation_ = "softmax" if self._several else "logistic"
        return len(self.classes_) if self._several else t.shape[1]

    def _loss(self) -> Callable:
        return classifier_loss(self.loss, self._several)

    def _weighted(self, weight: Any, y: Any) -> Any:
        if self.class_weight is None:
            return weight
        by_class = compute_sample_weight(self.class_weight, y)
        return by_class if weight is None else by_class * weight

    def _scorer(self, x: Any, y: Any, weight: Any) -> Callable[[Any], float]:
        """The share of right answers on these examples, of a network."""

        def score(model: Any) -> float:
            right = self._labels(self._answers(model, x)) == y
            return float(np.average(right if y.ndim == 1 else right.all(axis=1), weights=weight))

        return score

    def _shares(self, scores: np.ndarray) -> np.ndarray:
        """Probabilities (n, n_outputs_)."""
        return softmax(scores, axis=1) if self.out_activation_ == "softmax" else expit(scores)

    def _labels(self, scores: np.ndarray) -> Any:
        shares = self._shares(scores)
        return self._label_binarizer.inverse_transform(
            shares.ravel() if self.n_outputs_ == 1 else shares
        )

    def predict(self, X: Any) -> Any:
        """The labels of X: (n,), or (n, labels) of 0 and 1 where several are right at once."""
        check_is_fitted(self)
        return self._labels(self._answers(self.model_, self._inputs(X)))

    def predict_proba(self, X: Any) -> np.ndarray:
        """The probability of every class, (n, n_classes), in the order of `classes_`."""
        check_is_fitted(self)
        shares = self._shares(self._answers(self.model_, self._inputs(X)))
        return np.hstack([1 - shares, shares]) if self.n_outputs_ == 1 else shares

    def predict_log_proba(self, X: Any) -> np.ndarray:
        """The natural logarithm of `predict_proba`."""
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    @available_if(in_steps)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None) -> Any:
        """Train for one epoch more on these examples, which need not have all the classes.

        `classes`, all there are, is needed in the first call, and may be left out afterwards.
        """
        if not hasattr(self, "classes_"):
            if classes is None:
                raise UsageError("classes must be passed on the first call to partial_fit.")
            several = type_of_target(y).startswith("multilabel")
            self._label_binarizer = LabelBinarizer().fit(y if several else classes)
            self.classes_ = self._label_binarizer.classes_
        elif classes is not None and not np.array_equal(self.classes_, unique_labels(classes)):
            raise UsageError(
                f"`classes={classes!r}` is not the same as on last call to partial_fit, was: "
                f"{self.classes_!r}"
            )
        return self._fit(X, y, sample_weight, once=True)
