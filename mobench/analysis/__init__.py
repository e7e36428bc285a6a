"""What many runs say: frames, statistics, tests, exports."""
