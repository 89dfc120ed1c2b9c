"""Random programs over the whole catalogue, computed twice: by NumPy and by machine code."""
