"""Models of what a linear model leaves over: curved where rows have been, linear beyond them."""

import numpy as np
from numpy.typing import NDArray

from gateway.training.candidates.graph_part import GraphPart, weighted_sum
from gateway.training.candidates.regressor import Regressor, Tunable, said_by_settings


class OnLinear:
    """A linear model, and another one of its errors: trees alone say the same of all that lies beyond their rows."""

    def __init__(self, linear: Regressor, of_errors: Regressor) -> None:
        self._parts = (linear, of_errors)

    def fit(self, features: NDArray[np.float64], values: NDArray[np.float64], at_seconds: NDArray[np.float64]) -> None:
        """Fit the linear model on rows of shape (n, inputs) and values of shape (n,), the other one on its errors."""
        linear, of_errors = self._parts
        linear.fit(features, values, at_seconds)
        of_errors.fit(features, values - linear.predict(features), at_seconds)

    def predict(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the sum of both, shape (n,)."""
        return np.asarray(sum(part.predict(features) for part in self._parts))

    def predict_settings(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the sums with each setting of the model of errors, shape (n, settings)."""
        linear, of_errors = self._parts
        said: NDArray[np.float64] = linear.predict(features)[:, None] + said_by_settings(of_errors, features)
        return said

    @property
    def setting(self) -> int:
        """Return the setting of the model of errors."""
        of_errors = self._parts[1]
        return of_errors.setting if isinstance(of_errors, Tunable) else 0

    @setting.setter
    def setting(self, number: int) -> None:
        of_errors = self._parts[1]
        if isinstance(of_errors, Tunable):
            of_errors.setting = number

    def part(self, prefix: str) -> GraphPart:
        """Return both side by side, and their sum."""
        parts = [part.part(f"{prefix}part{number}_") for number, part in enumerate(self._parts)]
        return weighted_sum(parts, (1.0, 1.0), prefix=prefix)
