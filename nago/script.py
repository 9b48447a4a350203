"""How a script of the workflow ends: silently, or with one line that says what is wrong."""

import os
import sys
from collections.abc import Callable

from nago.records import RecordError, UserError


def run_script(main: Callable[[], None]) -> None:
    """Run `main`; a wrong value, a damaged file or a full disk is one line and exit code 1.

    Any other error is a mistake in the code and keeps its traceback.
    """
    try:
        main()
        sys.stdout.flush()
    except BrokenPipeError:  # a reader such as `head` has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        sys.exit(f"error: {error.filename or 'a file'}: {error.strerror or error}")
    except (RecordError, UserError) as error:
        sys.exit(f"error: {error}")
