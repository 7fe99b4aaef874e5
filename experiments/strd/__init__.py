"""NIST's Statistical Reference Datasets: reading their files, fitting their models, and counting digits."""
