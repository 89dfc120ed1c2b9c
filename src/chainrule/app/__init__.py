"""The command line: train, explain, compare, practice, doctor."""
