"""What is inside a closure, an environment or an image, and the documents that say so."""
