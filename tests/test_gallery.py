import json
import re
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from draws import SMALL, draw, own_settings

from nago.generators.draw import GENERATORS
from nago.records import UserError
from nago.report.drawing.gallery import draw_gallery
from nago.sampling import as_record, make_recipe

ROOT = Path(__file__).resolve().parents[1]
SVG = "{http://www.w3.org/2000/svg}"
CIFAR = {"size": 32, "channels": 3, "limit": 4_000_000}


def make(generator, seed, configuration=None):
    settings = own_settings(generator, everything=True)
    return draw(seed, configuration, settings, generator=generator, **CIFAR)


LARGE = {
    **{f"{level}_nodes": 10 for level in ("top", "middle", "bottom")},
    **{"top_k": 4, "top_p": 0.5, "middle_p": 0.3, "bottom_k": 4, "bottom_p": 0.5},
}
DEEP = {
    f"stage{stage}_{name}": value
    for stage in (1, 2, 3)
    for name, value in (("nodes", 40), ("k", 4), ("p", 0.1))
}
ENTRIES = [
    ("HNAG, a small one", make("hnag", 1, SMALL)),
    ("HNAG, 1000 operations", make("hnag", 2, LARGE)),
    ("HNAG", make("hnag", 3)),
    ("RNAG, 120 operations", make("rnag", 4, DEEP)),
    ("DARTS", make("darts", 5, dict.fromkeys(GENERATORS["darts"].spaces["base"], 1.0))),
]


def render(entries, folder, **options):
    draw_gallery(entries, folder / "gallery.svg", **options)
    return ET.parse(folder / "gallery.svg").getroot()


def panels_of(root):
    return [element for element in root if element.get("class") == "panel"]


def ids_of(element, name):
    return [each.get("id") for each in element.iter() if name in each.get("class", "").split()]


def texts(element, name):
    return [each.text for each in element.iter(f"{SVG}text") if each.get("class") == name]


def place_of(element):
    return tuple(
        float(x) for x in re.match(r"translate\((\S+) (\S+)\)", element.get("transform")).groups()
    )


def list_operations(architecture, letter):
    return [
        f"{letter}-c{c}-n{n}-o{o}"
        for c, cell in enumerate(architecture.cells)
        for n, node in enumerate(cell.nodes)
        for o in range(len(node.operations))
    ]


def list_edges(architecture, letter):
    edges = []
    for c, cell in enumerate(architecture.cells):
        edges += [f"{letter}-c{source}-c{c}" for source in cell.inputs if source >= 0]
        for n, node in enumerate(cell.nodes):
            for source in node.inputs:
                place = f"n{source}" if source >= 0 else f"i{source + 2}"
                edges.append(f"{letter}-c{c}-{place}-n{n}")
            for o, operation in enumerate(node.operations):
                edges += [f"{letter}-c{c}-n{n}-o{source}-o{o}" for source in operation.inputs]
    return edges


@pytest.fixture(scope="module")
def gallery(tmp_path_factory):
    return render(ENTRIES, tmp_path_factory.mktemp("gallery"))


def test_each_entry_has_a_panel_with_all_that_it_contains(gallery):
    panels = panels_of(gallery)
    assert [panel.get("id") for panel in panels] == ["a", "b", "c", "d", "e"]
    for panel, (_, architecture) in zip(panels, ENTRIES, strict=True):
        letter = panel.get("id")
        assert ids_of(panel, "operation") == list_operations(architecture, letter)
        assert Counter(ids_of(panel, "edge")) == Counter(list_edges(architecture, letter))
        assert len(ids_of(panel, "cell")) == len(architecture.cells)
        stages = {cell.stage for cell in architecture.cells}
        assert len(ids_of(panel, "band")) == len(stages)


def test_ids_are_unique_on_the_page(gallery):
    ids = [element.get("id") for element in gallery.iter() if element.get("id")]
    assert len(ids) == len(set(ids))


def test_captions_stand_in_order_behind_their_letters(gallery):
    found = [" ".join(texts(panel, "caption")) for panel in panels_of(gallery)]
    assert found == [
        f"({letter}) {caption}" for letter, (caption, _) in zip("abcde", ENTRIES, strict=True)
    ]


def test_a_long_caption_is_broken_and_makes_all_panels_higher_alike(tmp_path):
    text = "a caption that goes on " * 8
    entries = [(text, ENTRIES[0][1]), *ENTRIES[:1] * 3]
    broken = render(entries, tmp_path, columns=2)
    lines = texts(panels_of(broken)[0], "caption")
    assert len(lines) > 1
    assert " ".join(lines) == f"(a) {text.strip()}"
    below = [place_of(panel)[1] for panel in panels_of(broken)]
    plain = [place_of(p)[1] for p in panels_of(render(ENTRIES[:1] * 4, tmp_path, columns=2))]
    assert below[2] - below[0] > plain[2] - plain[0]


def test_panels_have_one_size_and_stand_in_rows_without_overlap(gallery):
    panels = panels_of(gallery)
    sizes = {
        (p.find(f"{SVG}rect").get("width"), p.find(f"{SVG}rect").get("height")) for p in panels
    }
    ((width, height),) = sizes
    places = [place_of(panel) for panel in panels]
    assert len({y for _, y in places[:3]}) == 1
    assert places[3][0] == places[0][0]
    assert places[3][1] >= places[0][1] + float(height)
    assert places[1][0] >= places[0][0] + float(width)
    page = [float(text) for text in gallery.get("viewBox").split()]
    assert max(x for x, _ in places) + float(width) <= page[2]


def test_a_gallery_is_1400_pixels_wide_and_panels_are_no_higher_than_wide(gallery):
    assert float(gallery.get("width")) == 1400
    box = panels_of(gallery)[0].find(f"{SVG}rect")
    assert float(box.get("height")) <= float(box.get("width"))


def test_what_a_panel_contains_stays_in_it(gallery):
    for panel in panels_of(gallery):
        box = panel.find(f"{SVG}rect")
        width, height = float(box.get("width")), float(box.get("height"))
        (content,) = (each for each in panel if each.get("class") == "content")
        x, y = place_of(content)
        for element in content.iter():
            name = element.get("class", "")
            if name == "band":
                left, top = x + float(element.get("x")), y + float(element.get("y"))
                assert left >= 0
                assert top >= -0.1
                assert left + float(element.get("width")) <= width
                assert top + float(element.get("height")) <= height + 0.1
            if name == "cell":
                move = re.match(
                    r"translate\((\S+) (\S+)\) scale\((\S+)\)", element.get("transform")
                )
                left, top, scale = (float(text) for text in move.groups())
                frame = element.find(f"{SVG}rect")
                assert x + left >= 0
                assert x + left + scale * float(frame.get("width")) <= width
                assert y + top + scale * float(frame.get("height")) <= height


def test_cells_of_a_panel_stand_apart_in_their_order(gallery):
    for panel in panels_of(gallery):
        end = 0.0
        for element in panel.iter():
            if element.get("class") == "cell":
                move = re.match(
                    r"translate\((\S+) (\S+)\) scale\((\S+)\)", element.get("transform")
                )
                left, _, scale = (float(text) for text in move.groups())
                assert left > end
                end = left + scale * float(element.find(f"{SVG}rect").get("width"))


def test_the_legend_has_each_kind_of_all_panels_once(gallery):
    (legend,) = (element for element in gallery if element.get("class") == "legend")
    kinds = {
        operation.operation
        for _, architecture in ENTRIES
        for cell in architecture.cells
        for node in cell.nodes
        for operation in node.operations
    }
    signs = [group for group in legend if group.tag == f"{SVG}g"]
    fills = [group.find(f"{SVG}rect").get("fill") for group in signs]
    assert len(fills) == len(set(fills)) == len(kinds)
    used = {
        element.find(f"{SVG}rect").get("fill")
        for element in gallery.iter()
        if element.get("class") == "operation"
    }
    assert set(fills) == used


def test_bars_are_explained_where_a_panel_has_them(tmp_path):
    with_bars, without = render(ENTRIES[4:], tmp_path), render(ENTRIES[:1], tmp_path)
    assert any("Dark bars" in text for text in texts(with_bars, "pale"))
    assert not any("Dark bars" in text for text in texts(without, "pale"))


def test_equal_entries_give_equal_bytes(tmp_path):
    draw_gallery(ENTRIES[2:], tmp_path / "one.svg")
    again = [(text, replace(architecture)) for text, architecture in ENTRIES[2:]]
    draw_gallery(again, tmp_path / "two.svg")
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()


@pytest.mark.parametrize(
    ("entries", "columns", "message"),
    [
        ([], 3, "1 to 702 architectures, got 0"),
        (ENTRIES[:1] * 703, 3, "1 to 702 architectures, got 703"),
        (ENTRIES[:1], 0, "1 column or more, got 0"),
    ],
)
def test_a_gallery_of_nothing_or_too_much_is_refused(entries, columns, message, tmp_path):
    with pytest.raises(UserError, match=message):
        draw_gallery(entries, tmp_path / "gallery.svg", columns)
    assert list(tmp_path.iterdir()) == []


def run_script(folder, samples, captions):
    command = [sys.executable, ROOT / "scripts" / "draw_gallery.py", "--output", "gallery.svg"]
    command += ["--samples", *samples, "--captions", *captions]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture
def samples(tmp_path):
    architectures = {}
    for generator in GENERATORS:
        recipe = make_recipe(generator=generator, seed=1)
        architectures[f"{generator}.json"] = recipe.draw()
        record = json.dumps(as_record(recipe, architectures[f"{generator}.json"]))
        (tmp_path / f"{generator}.json").write_text(record)
    return architectures


def test_the_script_draws_recorded_samples(samples, tmp_path):
    done = run_script(tmp_path, samples, ["one", "two", "three"])
    assert done.returncode == 0, done.stderr
    panels = panels_of(ET.parse(tmp_path / "gallery.svg").getroot())
    for panel, architecture in zip(panels, samples.values(), strict=True):
        assert ids_of(panel, "operation") == list_operations(architecture, panel.get("id"))


@pytest.mark.parametrize("captions", [["one", "two"], ["one", "two", "three", "four"]])
def test_the_script_refuses_captions_that_are_not_one_for_each_sample(captions, samples, tmp_path):
    done = run_script(tmp_path, samples, captions)
    assert done.returncode == 1
    assert done.stderr.strip() == (
        f"error: --captions takes one text for each sample, got {len(captions)} for 3 samples"
    )
    assert not (tmp_path / "gallery.svg").exists()
