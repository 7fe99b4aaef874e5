"""Optimising the Branin function over a fixed set of candidate points; shared by three experiments.

Only additions, multiplications, divisions and square roots are used on the way from values to decisions, and
IEEE 754 rounds each of them correctly, so the same candidates are chosen on every machine. No BLAS is called.
"""
