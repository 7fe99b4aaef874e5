"""Whether an artifact's evidence meets a policy: the numbered protocol."""
