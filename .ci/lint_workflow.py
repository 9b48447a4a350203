"""Run `snakemake --lint` and fail on whatever it finds, but for one thing decided otherwise.

It asks for a conda environment or container for each rule. All rules run in the one environment
that `make` installs from constraints.txt, the same that runs Snakemake; a second definition of
it would be one more thing to keep true.
"""

import subprocess
import sys

DECIDED = "Specify a conda environment or container for each rule."


def main() -> None:
    """Print the findings; exit with 1 if there are any."""
    command = [sys.executable, "-m", "snakemake", "--lint", "--cores", "1"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = (result.stdout + result.stderr).splitlines()
    place, findings, seen = "", [], 0
    for line in lines:
        if line.startswith("Lints for"):
            place = line
        elif line.startswith("    * "):
            seen += 1
            if line.strip(" *:") != DECIDED:
                findings.append(f"{place} {line.strip(' *:')}")
    if result.returncode and not seen:
        findings = lines
    print("\n".join(findings) or "snakemake --lint: no findings")
    sys.exit(1 if findings else 0)


if __name__ == "__main__":
    main()
