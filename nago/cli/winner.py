"""Commands on trained networks: export, predict, latency."""

import argparse
import csv
import sys
from pathlib import Path
from typing import Any

# What needs torch is imported by the commands that do.
# ruff: noqa: PLC0415


def add_commands(commands: Any) -> None:
    """Add the commands to the parser of all."""
    _add_predict(commands)
    _add_export(commands)
    _add_latency(commands)


def _add_weights(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "weights", type=Path, metavar="WEIGHTS", help="a trained network, such as final/0.pt"
    )


def _add_predict(commands: Any) -> None:
    command = commands.add_parser(
        "predict",
        help="the class of images, by a trained network",
        description="Print the likeliest class of each image and its probability.",
    )
    _add_weights(command)
    command.add_argument(
        "images", type=Path, nargs="+", metavar="IMAGE", help="PNG or JPEG files, or folders"
    )
    command.add_argument("--top", type=_count, default=1, help="classes to name of each")
    command.add_argument("--csv", action="store_true", help="print CSV: a row for each class")
    command.set_defaults(run=_run_predict)


def _add_export(commands: Any) -> None:
    command = commands.add_parser(
        "export",
        help="write a trained network as ONNX or as a program of torch.export",
        description="Write a trained network in formats that don't need nago. They take images"
        " (N, channels, size, size) of uint8, for any N, and give logits (N, classes). What is"
        " written was run and compared with the network.",
    )
    _add_weights(command)
    command.add_argument("--onnx", type=Path, metavar="FILE.onnx", help="for ONNX Runtime")
    command.add_argument("--program", type=Path, metavar="FILE.pt2", help="for torch.export.load")
    command.add_argument(
        "--images",
        type=Path,
        nargs="+",
        metavar="IMAGE",
        help="files or folders to compare on; a few random images if none",
    )
    command.set_defaults(run=_run_export)


def _add_latency(commands: Any) -> None:
    command = commands.add_parser(
        "latency",
        help="how long a trained network takes for images",
        description="Measure how long a trained network takes for a batch of images, from bytes"
        " to logits.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    _add_weights(command)
    command.add_argument(
        "--batch", type=_count, nargs="+", default=[1, 8, 64], help="images at once"
    )
    command.add_argument("--device", default="cpu", help="that torch runs on")
    command.add_argument("--threads", type=_count, default=1, help="of the CPU")
    command.add_argument(
        "--onnx", action="store_true", help="measure ONNX Runtime too, on the CPU"
    )
    command.set_defaults(run=_run_latency)


def _run_predict(arguments: argparse.Namespace) -> None:
    from nago.deployment.prediction import list_images, predict
    from nago.networks.weights import load_network

    classifier = load_network(arguments.weights)
    paths = list_images(arguments.images)
    found = predict(classifier, paths, arguments.top)
    if arguments.csv:
        table = csv.writer(sys.stdout, lineterminator="\n")
        table.writerow(["image", "rank", "class", "probability"])
        for one in found:
            for place, (name, share) in enumerate(one.classes):
                table.writerow([one.path, place + 1, name, f"{share:.6f}"])
        return
    width = max(len(str(path)) for path in paths)
    for one in found:
        classes = ", ".join(f"{name} {100 * share:.1f}%" for name, share in one.classes)
        print(f"{one.path!s:<{width}}  {classes}")


def _run_export(arguments: argparse.Namespace) -> None:
    from nago.deployment.export import check_path, export
    from nago.deployment.prediction import list_images, read_images
    from nago.networks.weights import load_network
    from nago.records import UserError

    wanted = {"--onnx": (arguments.onnx, ".onnx"), "--program": (arguments.program, ".pt2")}
    given = {option: pair for option, pair in wanted.items() if pair[0] is not None}
    if not given:
        raise UserError("nothing to write; say --onnx FILE.onnx, --program FILE.pt2, or both")
    for option, (path, ending) in given.items():
        check_path(path, ending, option)
    classifier = load_network(arguments.weights)
    images = None
    if arguments.images:
        images = read_images(classifier, list_images(arguments.images))
    for path, _ in given.values():
        found = export(classifier, path, images)
        print(
            f"{path}: {path.stat().st_size / 1e6:.2f} MB; logits differ by {found.difference:.1e}"
            f" at most, the same class for {found.same} of {found.images}"
            f" {'images' if arguments.images else 'random images'}"
        )


def _run_latency(arguments: argparse.Namespace) -> None:
    from nago.deployment.latency import measure_latency
    from nago.networks.weights import load_network

    found = measure_latency(
        load_network(arguments.weights),
        arguments.batch,
        device=arguments.device,
        threads=arguments.threads,
        onnx=arguments.onnx,
    )
    print(f"{'':<22}{'batch':>6}{'ms per batch (quartiles)':>28}{'images/s':>10}")
    for one in found:
        spread = f"{1e3 * one.median:.2f} ({1e3 * one.low:.2f} to {1e3 * one.high:.2f})"
        print(f"{one.way:<22}{one.batch:>6}{spread:>28}{one.images_per_second:>10.0f}")


def _count(text: str) -> int:
    number = int(text) if text.isdigit() else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number above 0, got {text!r}")
    return number
