"""The batch: how many images fit into the memory, as counted and as tried."""

from dataclasses import replace

import torch
from torch import nn
from torch.nn import functional

from nago.data.images import LabelledImages
from nago.records import TrainingSettings
from nago.training.device import compute_in, is_out_of_memory
from nago.training.epoch import SMALLEST_BATCH
from nago.training.evaluation import lay_out


def fit_batch(settings: TrainingSettings, sample_memory: int) -> TrainingSettings:
    """Return the settings with the batch that `memory_gb` has room for.

    It is halved, the learning rate with it, until the images of each process take no more by the
    sample memory counted; the same on every machine.

    Args:
        settings: with the largest batch that is wanted.
        sample_memory: bytes per image.
    """
    if settings.memory_gb is None:
        return settings
    most = settings.memory_gb * 1e9 * settings.processes / sample_memory
    batch_size = settings.batch_size
    while batch_size > most and _can_halve(batch_size, settings):
        batch_size //= 2
    rate = settings.learning_rate
    if rate is not None:
        rate *= batch_size / settings.batch_size
    return replace(settings, batch_size=batch_size, learning_rate=rate)


def probe_batch(
    network: nn.Module, images: LabelledImages, settings: TrainingSettings, batch_size: int
) -> int:
    """Return the largest half of a half … of a batch for which a step finds memory.

    A forward and a backward pass of blank images; the network's statistics and random numbers
    are as before. The smallest batch is returned without being tried.

    Args:
        network: on the device.
        images: what it trains on: their size and device.
        settings: precision, layout and processes.
        batch_size: to begin with, images of all processes together.
    """
    buffers = [buffer.clone() for buffer in network.buffers()]
    while _can_halve(batch_size, settings) and not _fits(network, images, settings, batch_size):
        batch_size //= 2
    for buffer, before in zip(network.buffers(), buffers, strict=True):
        buffer.copy_(before)
    return batch_size


def _can_halve(batch_size: int, settings: TrainingSettings) -> bool:
    return batch_size // 2 >= SMALLEST_BATCH * settings.processes


def _fits(
    network: nn.Module, images: LabelledImages, settings: TrainingSettings, batch_size: int
) -> bool:
    device = images.labels.device
    number = -(-batch_size // settings.processes)
    network.train()
    gpus = [device] if device.type == "cuda" else []
    try:
        with torch.random.fork_rng(devices=gpus), compute_in(settings, device):
            shape = (number, len(images.mean), images.size, images.size)
            logits = network(lay_out(torch.zeros(shape, device=device), settings)).float()
        labels = torch.zeros(number, dtype=torch.int64, device=device)
        functional.cross_entropy(logits, labels).backward()  # type: ignore[no-untyped-call]
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        return False
    finally:
        for parameter in network.parameters():
            parameter.grad = None
        if gpus:
            torch.cuda.empty_cache()
    return True
