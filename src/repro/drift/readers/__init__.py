"""One file per format, behind the Protocol of `repro.drift.readers.choose`: bytes in, tree out."""
