"""The command line: one file a command. It parses, calls and prints; what is done is done in `envrl.workflow`."""
