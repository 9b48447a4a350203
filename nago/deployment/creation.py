"""Networks by name, by hyperparameters or from a file of weights, for other training code."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nago.generators.architecture import Architecture
from nago.networks.build import Network, Readout, build_network
from nago.networks.weights import read_saved
from nago.records import UserError
from nago.sampling import make_recipe
from nago.seeds import derive_seed


def create_network(
    model: str | Mapping[str, Any] | None = None,
    *,
    seed: int = 0,
    num_classes: int | None = None,
    generator: str | None = None,
    space: str = "base",
    image_size: int | None = None,
    in_chans: int | None = None,
    limit: int | None = None,
    pretrained: Path | str | None = None,
) -> Network:
    """Return a network that takes normalised images (N, in_chans, H, W) and gives logits.

    Args:
        model: the name of a published configuration, or hyperparameters; those that are missing
            are drawn from the space. None for the architecture of `pretrained`, or for a
            generator drawn from the space.
        seed: of what is drawn: hyperparameters, architecture and weights.
        num_classes: of the logits; that of `pretrained` or of the named configuration, or 10.
        generator: the name of a generator, hnag if None.
        space: of the generator.
        image_size: height and width that its resolutions are made for.
        in_chans: of the images, 1 or 3 as a rule.
        limit: of the parameters; networks are as wide as it allows.
        pretrained: a file of weights, `final/{k}.pt`. With another `num_classes` all but the
            classifier is taken from it.

    Raises:
        UserError: something is unknown, or `model` is not the architecture of `pretrained`.
        RecordError: the file is missing, damaged or no network.
    """
    task = {
        "image_size": image_size,
        "image_channels": in_chans,
        "classes": num_classes,
        "parameter_limit": limit,
    }
    given = {name: value for name, value in task.items() if value is not None}
    if pretrained is None:
        return build_network(_draw(model, seed, generator, space, given), _name_seed(seed))
    saved = read_saved(pretrained)
    if model is not None:
        same = given | {"classes": saved.architecture.classes}
        _compare(saved.architecture, _draw(model, seed, generator, space, same), pretrained)
    elif set(given) - {"classes"} or generator is not None:
        named = {"image_channels": "in_chans", "parameter_limit": "limit"}
        what = [named.get(name, name) for name in given if name != "classes"] + [
            *(["generator"] if generator is not None else [])
        ]
        raise UserError(
            f"the architecture of {pretrained} is fixed; leave {', '.join(what)} away, or say"
            " which model it is"
        )
    return _fill(saved.network, num_classes, seed)


def _draw(
    model: str | Mapping[str, Any] | None,
    seed: int,
    generator: str | None,
    space: str,
    task: Mapping[str, int],
) -> Architecture:
    named = model if isinstance(model, str) else None
    given = None if isinstance(model, str) else model
    recipe = make_recipe(
        seed=seed, named=named, generator=generator, space=space, given=given, task=task
    )
    return recipe.draw()


def _compare(saved: Architecture, wanted: Architecture, path: Path | str) -> None:
    if saved.hash != wanted.hash:
        raise UserError(
            f"{path} holds weights of the architecture {saved.hash} ({saved.generator}), but the"
            f" model, seed, limit and images given are {wanted.hash}; leave the model away to"
            " take the one of the file"
        )


def _fill(trained: Network, classes: int | None, seed: int) -> Network:
    architecture = trained.architecture
    if classes is None or classes == architecture.classes:
        return trained.train()
    if classes < 2:
        raise UserError(f"num_classes must be 2 or more, got {classes}")
    changed = dataclasses.replace(architecture, classes=classes)
    network, weights = build_network(changed, _name_seed(seed)), trained.state_dict()
    heads = [name for name, module in network.named_modules() if isinstance(module, Readout)]
    body = {n: v for n, v in weights.items() if not n.startswith(tuple(f"{h}." for h in heads))}
    network.load_state_dict(network.state_dict() | body)
    return network


def _name_seed(seed: int) -> int:
    return derive_seed(seed, "weights")
