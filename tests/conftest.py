"""What tests of several modules share."""

import os

import pytest
from raw_data import prepare_tiny


def pytest_configure():
    """One thread per process, before torch is there: on small images more only wait."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(scope="session")
def prepared_digits(tmp_path_factory):
    """The folder of the built-in digits, prepared at 8 pixels; not to be changed."""
    folder = tmp_path_factory.mktemp("digits")
    prepare_tiny("digits", None, folder, image_size=8, channels=1, name="digits")
    return folder
