"""Data: prepared arrays, their splits, and the augmentation of batches."""
