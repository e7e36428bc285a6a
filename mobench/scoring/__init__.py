"""What one run is worth: the contract, the result, the outcome."""
