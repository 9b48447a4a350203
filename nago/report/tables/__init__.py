"""Tables of a comparison: what was reached, at what cost, and what differs by more than luck."""
