"""Networks: from an architecture to a torch module."""
