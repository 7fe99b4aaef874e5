"""Floor 2: data under DVC: pointers, objects, pulling and verifying."""
