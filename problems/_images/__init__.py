"""Images that networks are trained on: official files, splits, the generated Motif."""
