"""Thin over TRL: each file shows how a configuration becomes one of its trainers."""
