"""Numbers of the continuous toys, which their exact solutions and their networks share."""

from __future__ import annotations

import numpy as np

# quadratic (T1, T6): f = 1/2 w'Aw - w'(B alpha + c), F = 1/2 ||w - t||^2 + rho/2 ||alpha||^2
A = np.array([[2.0, 0.5], [0.5, 1.0]])
B = np.array([[1.0, 0.0], [1.0, 1.0]])
C = np.array([1.0, 0.0])
T = np.array([1.0, 2.0])
RHO = 0.1
# ridge (T2): f = 1/2n ||Xw - y||^2 + 1/2 e^alpha ||w||^2, F = 1/2m ||X_v w - y_v||^2
INPUTS, TARGETS = np.array([[1.0, 0.0], [1.0, 1.0], [0.0, 2.0]]), np.array([1.0, 2.0, 3.0])
VALID_INPUTS, VALID_TARGETS = np.array([[1.0, 2.0], [2.0, 1.0]]), np.array([3.0, 2.0])
RIDGE_OPTIMUM = -0.6865258408694
# toll (T3): c_1 + alpha + a x against c_2 + b (1 - x)
ROUTE_COST, SLOPE, OTHER_COST = 1.0, 2.0, {"toll": 3.0, "toll_saturated": 6.0}
# skip collapse (T5)
TARGET, SKIP_GAIN, DECAY = 1.0, 0.9, 0.01
# two quadratics: the minima
ENDS = np.array([[1.0, 0.0], [-1.0, 1.0]])
FONSECA_SIZE = 3
