"""The torch side of mobench: networks, data and live training."""
