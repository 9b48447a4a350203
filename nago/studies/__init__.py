"""Studies of the generators: how their random draws spread, without training."""
