"""What to cite: the paper whose method this is, and the project."""

from pathlib import Path

BIBTEX = """@inproceedings{ru2020neural,
  title     = {Neural Architecture Generator Optimization},
  author    = {Ru, Binxin and Esperan{\\c{c}}a, Pedro M. and Carlucci, Fabio M.},
  booktitle = {Advances in Neural Information Processing Systems},
  volume    = {33},
  year      = {2020}
}"""


def read_citation(root: Path | None) -> str:
    """Return the project's CITATION.cff as it is; empty if there is none."""
    if root is None:
        return ""
    try:
        return (root / "CITATION.cff").read_text().strip()
    except OSError:
        return ""
