"""The machine: LLVM, code kept on disk, several cores, and how much it can do at most."""
