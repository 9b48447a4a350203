"""Data: sources of images, prepared data sets, and the augmentation of batches."""
