"""Runs the benchmark programs, compares the peers and judges the bars; see scripts/bench."""
