"""Libraries that only an extra of the package installs."""

import importlib
from typing import Any

from nago.records import UserError


def load_extra(library: str, purpose: str) -> Any:
    """Return a library of the extra `interchange`.

    Raises:
        UserError: it isn't installed; `purpose` says what needs it.
    """
    try:
        return importlib.import_module(library)
    except ImportError:
        raise UserError(
            f"{purpose} needs {library}: install the extra, as in pip install 'nago[interchange]'"
        ) from None
