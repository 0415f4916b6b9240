"""The embedded default: a real language model of less than a million parameters, shipped with its warm start."""
