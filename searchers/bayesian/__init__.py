"""A model of the answers decides what to ask next: Bayesian optimisation and searches assisted by predictors."""
