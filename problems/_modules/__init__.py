"""What the spaces of elastic modules share: their options, and MobileNet's blocks."""
