"""How scripts end: a wrong value or a full disk is one line, a mistake in the code is not."""

import errno
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from nago.records import RecordError, UserError
from nago.script import run_script

STEP = "--search no.json --surrogate x --bracket 0 --size 1 --budget 1"
SCRIPTS = sorted((Path(__file__).parents[1] / "scripts").glob("*.py"))


def leave(error):
    def main():
        raise error

    with pytest.raises(SystemExit) as caught:
        run_script(main)
    message = caught.value.code
    assert isinstance(message, str)  # which the interpreter prints, with exit code 1
    assert "\n" not in message
    return message


def test_a_script_without_errors_just_ends():
    run_script(lambda: None)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (UserError("it could be 3"), "error: it could be 3"),
        (RecordError("x.json is damaged"), "error: x.json is damaged"),
        (
            OSError(errno.ENOSPC, "No space left on device", "results/x.json"),
            "error: results/x.json: No space left on device",
        ),
        (OSError(errno.ENOSPC, "No space left on device"), "No space left on device"),
        (PermissionError(errno.EACCES, "Permission denied", "data"), "data: Permission denied"),
    ],
)
def test_what_a_user_can_mend_is_one_line(error, said):
    assert said in leave(error)


def test_a_mistake_in_the_code_keeps_its_traceback():
    with pytest.raises(ZeroDivisionError):
        run_script(lambda: 1 // 0)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("promote.py", f"{STEP} --trials x --rung 1"),
        ("propose.py", STEP),
        ("tabulate.py", "--trials no.json --costs costs.csv"),
        ("summarise.py", "--table no.json --finals no.json"),
    ],
)
def test_a_script_run_by_hand_on_a_file_that_is_missing_says_which(name, options, tmp_path):
    script = next(path for path in SCRIPTS if path.name == name)
    command = [sys.executable, str(script), *shlex.split(options), "--output", "output"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("error: ")
    assert "no.json" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_every_script_takes_options_alone_and_names_its_output():
    for script in SCRIPTS:
        text = script.read_text()
        outputs = {'"--output"', '"--outputs"', '"--figure"', '"--anytime"', '"--front"'}
        # What `launch.py` starts has the options.
        assert any(output in text for output in outputs) or script.stem == "launch", script.name
        assert text.count("\n") <= 60, script.name
