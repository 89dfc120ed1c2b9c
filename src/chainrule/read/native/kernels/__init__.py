"""Kernels as text for LLVM: loop nests, products, scans, and what an op's `forward` is handed."""
