"""Many runs: planned, recorded, looked at, shared out."""
