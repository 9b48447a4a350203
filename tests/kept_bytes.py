"""What autograd keeps of a batch, measured."""

import torch


def saved_bytes(network, images, compute=None):
    own = [*network.parameters(), *network.buffers()]
    own_storages = {tensor.untyped_storage().data_ptr() for tensor in own}
    kept = []

    def pack(tensor):
        # Without its history, or the graph would hold itself and never be let go. Kept until all
        # is counted: the place of what is freed could be given to another.
        kept.append(tensor.detach())
        return kept[-1]

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        logits = (compute or network)(images)
    assert logits.requires_grad
    storages = {
        tensor.untyped_storage().data_ptr(): tensor.untyped_storage().nbytes() for tensor in kept
    }
    return sum(size for place, size in storages.items() if place not in own_storages)


def extra_bytes(compute, *sizes):
    """What one image more in the batch costs."""
    with_three, with_two = (compute(torch.ones(number, *sizes)) for number in (3, 2))
    return with_three - with_two
