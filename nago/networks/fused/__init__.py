"""A step of training on the CPU in as few passes over memory as it takes.

Torch runs a network operation by operation, and each reads and writes whole tensors. Beside small
convolutions that is a quarter of a step. Here a batch norm only takes its statistics and is
applied where its result is read; a merge applies the norms of its inputs, adds them up and
rectifies in one pass; the backward pass is written out, so that gradients of one tensor are added
where they arise.
"""

try:
    from nago.networks.fused import kernels
except ImportError as error:
    raise ImportError(
        "the compiled part of nago is missing; install nago again, by `make setup` or"
        " `pip install .`, with a C compiler at hand"
    ) from error

__all__ = ["kernels"]
