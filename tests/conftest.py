"""What tests of several modules share."""

import pytest

from nago.data.datasets import prepare


@pytest.fixture(scope="session")
def prepared_digits(tmp_path_factory):
    """The folder of the built-in digits, prepared at 8 pixels; not to be changed."""
    folder = tmp_path_factory.mktemp("digits")
    prepare(
        "digits",
        None,
        image_size=8,
        channels=1,
        validation_fraction=0.2,
        test_fraction=0.2,
        seed=0,
        output=folder,
        name="digits",
        report=lambda _: None,
    )
    return folder
