"""The room of builds: prove that a builder ran twice, compare what it made, say why it differs."""
