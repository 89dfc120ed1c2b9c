"""The command line: train, explain, doctor."""
