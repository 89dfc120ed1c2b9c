"""The command line: train, predict, show, explain, compare, practice, doctor."""
