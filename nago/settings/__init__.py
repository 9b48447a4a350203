"""Settings: what the YAML files and the command line say, checked and made into records.

The schema of the workflow gives every key's kind and default.
"""

from nago.settings.loading import SCHEMA, find_root, load_settings, read_config, read_search
from nago.settings.values import Settings

__all__ = ["SCHEMA", "Settings", "find_root", "load_settings", "read_config", "read_search"]
