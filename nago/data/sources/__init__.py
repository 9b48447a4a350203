"""Sources: the forms in which images come, a module for each kind."""

from collections.abc import Mapping

from nago.data.sources.cifar import CIFAR10, CIFAR100
from nago.data.sources.digits import DIGITS
from nago.data.sources.flowers102 import FLOWERS102
from nago.data.sources.folder import FOLDER
from nago.data.sources.imagenet import IMAGENET
from nago.data.sources.mit67 import MIT67
from nago.data.sources.source import Source

SOURCES: Mapping[str, Source] = {
    "digits": DIGITS,
    "cifar10": CIFAR10,
    "cifar100": CIFAR100,
    "flowers102": FLOWERS102,
    "mit67": MIT67,
    "imagenet": IMAGENET,
    "folder": FOLDER,
}
"""By the name that settings give them."""
