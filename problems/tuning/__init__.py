"""Tuning: penalties and weights together, on data sets of scikit-learn."""
