"""Descriptions for people: an architecture and its costs, a search space, what has a name."""

from nago.generators.architecture import Architecture
from nago.generators.complexity import (
    MEGABYTE,
    Complexity,
    count_complexity,
    count_parts,
    count_sample_memory,
)
from nago.generators.draw import GENERATORS, find_resolutions
from nago.generators.named import NAMED
from nago.generators.space_size import count_networks
from nago.generators.spaces import choose_ranges, effective_neighbours
from nago.records import Configuration
from nago.sampling import Recipe


def describe_named() -> str:
    """Return a line for each configuration that has a name."""
    return "\n".join(f"{name:<20}{preset.about}" for name, preset in NAMED.items())


def describe_space(generator: str, space: str) -> str:
    """Return a line for each hyperparameter of a space, and how many networks it has.

    Raises:
        UserError: the generator has no such space.
    """
    ranges = choose_ranges(generator, GENERATORS[generator].spaces, space)
    lines = [f"{'hyperparameter':<34}{'lowest':>8}{'highest':>9}"]
    lines += [f"{name:<34}{low:>8}{high:>9}" for name, (low, high) in ranges.items()]
    kinds = sum(name.startswith("operation_") for name in ranges)
    networks = count_networks(ranges, operations=max(1, kinds))
    return "\n".join(
        [
            *lines,
            "",
            f"{len(ranges)} hyperparameters; other spaces: {_list_others(generator, space)}",
            f"{_round(networks)} wirings and operations, as the paper's appendix A counts them",
        ]
    )


def _round(number: int) -> str:
    """Return a number of any size with three digits."""
    digits = str(number)
    return f"{digits[0]}.{digits[1:3]}e{len(digits) - 1}"


def _list_others(generator: str, space: str) -> str:
    return ", ".join(name for name in GENERATORS[generator].spaces if name != space) or "none"


def describe(recipe: Recipe, architecture: Architecture, *, parts: bool = False) -> str:
    """Return the table that `nago sample` prints; `parts` adds the costs by level and stage."""
    costs = count_complexity(architecture)
    task = recipe.task
    lines = [
        f"architecture   {architecture.hash}   ({recipe.generator}, seed {recipe.seed})",
        *_describe_configuration(recipe.configuration),
        f"images         {task.image_size}x{task.image_size}, {task.image_channels} channels,"
        f" {task.classes} classes",
        "",
        "stage   resolution   channels   cells   operations",
        *_describe_stages(architecture),
        f"head    1x1          {architecture.head_width}",
        "",
        *_describe_costs(architecture, costs, task.parameter_limit),
    ]
    if parts:
        lines += ["", *_describe_parts(architecture, costs)]
    return "\n".join(lines)


def _describe_configuration(configuration: Configuration) -> list[str]:
    """Return a line per graph, and one for all other hyperparameters together."""
    groups: dict[str, list[str]] = {}
    for name, value in configuration.items():
        level, _, kind = name.rpartition("_")
        if kind not in ("nodes", "k", "p", "m"):
            level = "ratios" if "_ratio_" in name else "weights"
            kind = name.replace("_ratio_", " ").removeprefix("operation_").replace("_", " ")
        letter = {"nodes": "N", "k": "K", "p": "P", "m": "M"}.get(kind, kind)
        text = f"{value:.3g}" if isinstance(value, float) else str(value)
        groups.setdefault(level, []).append(f"{letter} {text}")
    for name, effective in effective_neighbours(configuration).items():
        if effective != configuration[name]:
            groups[name.removesuffix("_k")].append(f"(works as K {effective})")
    lines = [
        f"{level} {', '.join(values)}".replace(", (", " (") for level, values in groups.items()
    ]
    return [f"{'generator' if not k else '':<15}{line}" for k, line in enumerate(lines)]


def _describe_stages(architecture: Architecture) -> list[str]:
    lines = []
    for stage, size in enumerate(find_resolutions(architecture)):
        width = architecture.widths[stage]
        cells = [cell for cell in architecture.cells if cell.stage == stage]
        operations = sum(len(node.operations) for cell in cells for node in cell.nodes)
        lines.append(f"{stage + 1:<8}{f'{size}x{size}':<13}{width:<11}{len(cells):<8}{operations}")
    return lines


def _describe_costs(architecture: Architecture, costs: Complexity, limit: int) -> list[str]:
    half = count_sample_memory(architecture, "bfloat16")
    without = count_sample_memory(architecture, stem=False)
    return [
        f"operations     {architecture.nodes:,}",
        f"parameters     {costs.parameters:,} of {limit:,}",
        f"multiply-adds  {costs.multiply_adds / 1e6:,.1f} million per image",
        f"sample memory  {_megabytes(costs.sample_memory_bytes)} MB per image;"
        f" in bfloat16 {_megabytes(half)}, without the stem {_megabytes(without)}",
    ]


def _describe_parts(architecture: Architecture, costs: Complexity) -> list[str]:
    row = "{:<9}{:<8}{:>12}{:>8}{:>17}{:>8}{:>20}{:>8}".format
    lines = [
        row("level", "stage", "parameters", "%", "multiply-adds", "%", "sample memory (MB)", "%")
    ]
    totals = costs.parameters, costs.multiply_adds, costs.sample_memory_bytes
    for part in count_parts(architecture):
        values = part.parameters, part.multiply_adds, part.sample_memory_bytes
        shares = [
            f"{100 * value / total:.1f}" for value, total in zip(values, totals, strict=True)
        ]
        cells = [f"{values[0]:,}", f"{values[1]:,}", _megabytes(values[2])]
        stage = "" if part.level in ("stem", "head") else part.stage + 1
        columns = [text for pair in zip(cells, shares, strict=True) for text in pair]
        lines.append(row(part.level, stage, *columns))
    sums = [f"{totals[0]:,}", "", f"{totals[1]:,}", "", _megabytes(totals[2]), ""]
    return [*lines, row("all", "", *sums).rstrip()]


def _megabytes(size: int) -> str:
    return f"{size / MEGABYTE:,.2f}"
