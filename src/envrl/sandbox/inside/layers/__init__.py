"""The kernel's layers, each in a file that says what it covers and what it does not."""
