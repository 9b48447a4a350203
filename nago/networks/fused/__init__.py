"""A step of training on the CPU in as few passes over memory as it takes.

Torch runs a network operation by operation, and each reads and writes whole tensors. Beside small
convolutions that is a quarter of a step. Here a batch norm only takes its statistics and is
applied where its result is read; a merge applies the norms of its inputs, adds them up and
rectifies in one pass; the backward pass is written out, so that gradients of one tensor are added
where they arise.
"""
