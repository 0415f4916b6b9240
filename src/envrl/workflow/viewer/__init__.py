"""A local viewer of runs and sweeps: pages made on the server from their files, which nothing here ever changes."""

from envrl.workflow.viewer.server import Viewer, is_loopback, open_viewer

__all__ = ["Viewer", "is_loopback", "open_viewer"]
