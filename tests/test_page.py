import csv
import itertools
import json
import os
import re
import statistics
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from pages import read_page
from report_runs import make_final, make_run, make_trial

from nago.cli import make_parser
from nago.records import UserError
from nago.report.figures.style import COLOURS
from nago.report.page.attachments import read_caption
from nago.report.page.chart import choose_axis, choose_series, draw_band, draw_steps
from nago.report.page.citation import BIBTEX
from nago.report.page.writing import find_runs, write_page
from nago.report.runs import read_run
from nago.report.tables.tested import tabulate_test
from nago.tables import tabulate, write_table

ROOT = Path(__file__).parents[1]
MEGABYTE = 2**20


def write(folder, output=None, **more):
    output = output or folder / "report" / "index.html"
    write_page(find_runs([folder / "results"]), output, root=ROOT, version="0", **more)
    return output


def show(folder, **more):
    return read_page(write(folder, **more))


def read_rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def read_number(text):
    return float(re.sub(r"[^0-9.+-]", "", text))


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    """Two data sets, three contestants, three seeds."""
    folder = tmp_path_factory.mktemp("compared")
    for dataset in ("digits", "cifar10"):
        for method in ("bohb", "random", "mobo"):
            for seed in (0, 1, 2):
                make_run(folder / "results", dataset, "hnag", method, seed)
    return folder


@pytest.fixture(scope="module")
def page(compared):
    return show(compared)


def test_every_trial_with_a_result_is_a_mark_with_its_numbers(compared, page):
    expected = []
    for path in sorted((compared / "results" / "digits").glob("*/trials.csv")):
        for row in read_rows(path):
            if row["validation_error"]:
                memory = int(row["sample_memory_bytes"]) / MEGABYTE
                error = f"{100 * float(row['validation_error']):.2f}%"
                expected.append((row["trial"], error, f"{row['budget']} epoch", memory))
    found = page.marks["front-digits"]
    assert len(found) == len(expected)
    texts = sorted(mark["text"] for mark in found)
    for trial, error, budget, memory in expected:
        fitting = [t for t in texts if f", {trial}\nerror {error}, " in t and budget in t]
        shown = [read_number(re.search(r", ([\d.]+) MB", text)[1]) for text in fitting]
        assert any(abs(value - memory) <= 0.005 * memory for value in shown)


def test_marks_lie_in_the_order_of_their_numbers(page):
    marks = page.marks["front-digits"]
    heights = sorted(
        (float(re.search(r"error ([\d.]+)%", m["text"])[1]), float(m["y"].rstrip("%")))
        for m in marks
    )
    places = [y for _, y in heights]
    # Equal percentages may stand for errors that differ.
    assert all(a >= b - 0.1 for a, b in itertools.pairwise(places))
    assert all(0 <= float(m[axis].rstrip("%")) <= 100 for m in marks for axis in "xy")


def test_the_winner_has_the_lowest_error_and_its_networks_the_accuracy_of_the_csv(compared, page):
    for dataset in ("digits", "cifar10"):
        runs = sorted((compared / "results" / dataset).iterdir())
        best = min(
            runs, key=lambda r: json.loads((r / "incumbent.json").read_text())["validation_error"]
        )
        incumbent = json.loads((best / "incumbent.json").read_text())
        rows = [r for r in read_rows(best / "final.csv") if r["trial"] == incumbent["trial"]]
        accuracies = [100 * float(row["test_accuracy"]) for row in rows]
        mean, spread = statistics.fmean(accuracies), statistics.stdev(accuracies)
        memory = statistics.fmean(int(row["sample_memory_bytes"]) for row in rows) / MEGABYTE
        contestant, _, seed = best.name.partition("-seed")
        part = page.text.split(f"{dataset}: {contestant}, seed {seed or 0} test accuracy")[1]
        said = f" {mean:.2f}% mean of {len(rows)}, standard deviation {spread:.2f}"
        assert part.startswith(said)
        shown = re.search(r"sample memory ([\d.]+) MB", part)[1]
        assert float(shown) == pytest.approx(memory, rel=0.005)
        assert f"results/{dataset}/{best.name}/final.csv" in part


def test_the_curve_at_equal_epochs_is_the_median_over_the_seeds(tmp_path):
    errors = {"bohb": [(0.5, 0.3), (0.4, 0.2), (0.6, 0.1)], "random": [(0.7, 0.6)] * 3}
    for method, seeds in errors.items():
        for seed, pair in enumerate(seeds):
            trials = [make_trial((0, 0, slot), error) for slot, error in enumerate(pair)]
            make_run(tmp_path / "results", "digits", "hnag", method, seed, trials=trials)
    page = show(tmp_path)
    rows = page.tables["equal-epochs-digits"]
    assert rows[1] == [
        *("hnag-bohb", "8", "20.00%", "60.00%", "-40.00 points", "3 and 3"),
        "lower with every seed",
    ]
    assert len(rows) == 2
    marks = [mark["text"] for mark in page.marks["anytime-digits"]]
    spread = "(median of 3 seeds, quartiles 45.00% to 55.00%)"
    assert marks[0] == f"hnag-bohb\nafter 4 epochs\nerror 50.00% at budget 4 {spread}"
    assert "error 20.00% at budget 4 (median of 3 seeds, quartiles 15.00% to 25.00%)" in marks[1]
    kinds = [path["class"].split()[0] for path in page.paths["anytime-digits"]]
    assert kinds == ["area", "line", "area", "dashed"]
    assert "no claim" not in page.text


def test_errors_of_different_budgets_are_not_compared(tmp_path):
    for method, budget in (("bohb", 2), ("random", 4)):
        for seed in (0, 1):
            trials = [make_trial((0, 0, 0), 0.5, budget=budget, epochs=4)]
            make_run(tmp_path / "results", "digits", "hnag", method, seed, trials=trials)
    page = show(tmp_path)
    assert page.column("equal-epochs-digits", "what it says") == ["budgets differ: no claim"]


def test_epochs_of_an_earlier_search_count(tmp_path):
    trials = [make_trial((0, 0, 0), 0.5)]
    run = make_run(tmp_path / "results", method="mobo", trials=trials, finalists=1)
    earlier = (run / "trials.csv").read_text().replace("b0-r0-s0,0,0", "b-1-r0-s0,-1,0")
    (run / "initial.csv").write_text(earlier)
    page = show(tmp_path)
    assert "hnag-mobo ends at 50.00% after 8 epochs" in page.text


def test_configurations_that_are_only_spread_never_win_and_have_no_curve(tmp_path):
    make_run(tmp_path / "results", trials=[make_trial((0, 0, 0), 0.5)])
    make_run(tmp_path / "results", method="spread", trials=[make_trial((0, 0, 0), 0.1)])
    page = show(tmp_path)
    assert "digits: hnag-bohb, seed 0" in page.text
    assert len(page.marks["front-digits"]) == 2
    assert [mark["data-series"] for mark in page.marks["anytime-digits"]] == ["0"]


def test_one_seed_claims_nothing_and_a_missing_baseline_is_said(tmp_path):
    make_run(tmp_path / "results")
    text = show(tmp_path).text
    assert "there is no random search to compare hnag-bohb with" in text
    assert "one seed of hnag-bohb: no claim" in text
    make_run(tmp_path / "results", method="random")
    page = show(tmp_path)
    assert "no random search" not in page.text
    assert page.column("equal-epochs-digits", "what it says") == ["one seed: no claim"]


def test_an_unfinished_search_says_how_far_it_is_and_shows_what_there_is(tmp_path):
    run = make_run(tmp_path / "results", finished=False)
    done = sum(len(read_rows(path)) for path in run.glob("bracket*/trials.csv"))
    page = show(tmp_path)
    # 4 iterations at budgets 1, 2, 4: 7 + 3 + 3 + 7 trials.
    assert f"The search goes on; {done} trials of 20 are in brackets that are done" in page.text
    assert "None of 3 networks is trained to completion: there is no test accuracy" in page.text
    assert "The best trial so far is of hnag-bohb" in page.text
    assert "Not there: trials.csv, " in page.text
    assert "Numbers: results/digits/hnag-bohb/bracket*/trials.csv" in page.text
    assert len(page.tables["trials-table"]) == 1 + done


def test_runs_that_lack_the_same_are_named_together(tmp_path):
    for seed in (0, 1):
        make_run(tmp_path / "results", seed=seed, finals=())
    page = show(tmp_path)
    folders = "results/digits/hnag-bohb, results/digits/hnag-bohb-seed1"
    assert f"{folders}: None of 3 networks is trained to completion" in page.text


def test_a_run_without_any_bracket_has_a_page(tmp_path):
    make_run(tmp_path / "results", trials=(), finished=False)
    page = show(tmp_path)
    assert "There is no winner yet" in page.text
    assert "0 trials of 20 are in brackets that are done" in page.text
    assert page.marks == {}
    assert page.column("cost-table", "trainings") == ["0 of 20"]


def test_a_single_trial_has_a_page(tmp_path):
    make_run(tmp_path / "results", trials=[make_trial((0, 0, 0), 0.25)])
    page = show(tmp_path)
    assert len(page.marks["front-digits"]) == 1
    assert "validation error 25.00%" in page.text


def test_when_all_trials_failed_their_errors_are_shown_and_no_winner(tmp_path):
    trials = [
        make_trial((0, 0, 0), None),
        make_trial((0, 0, 1), None),
        make_trial((0, 0, 2), None, status="out_of_memory"),
    ]
    make_run(tmp_path / "results", trials=trials)
    page = show(tmp_path)
    assert "Every trial failed, so there is no winner" in page.text
    assert "3 of 3 trials failed" in page.text
    run = "results/digits/hnag-bohb"
    assert page.tables["errors-table"][1:] == [
        [run, "diverged", "2", "the loss is not finite", "b0-r0-s0, b0-r0-s1"],
        [run, "out of memory", "1", "the loss is not finite", "b0-r0-s2"],
    ]
    assert "3 of 3 trials failed: 1 out of memory, 2 diverged." in page.text
    assert "No training of a trial was started again" in page.text
    assert page.column("failures-table", "failure") == ["out of memory", "diverged"]
    assert page.column("failures-table", "trials") == ["1", "2"]
    assert page.column("failures-table", "search") == ["counts as failed"] * 2


def test_what_the_cluster_did_is_counted_apart_from_what_failed(tmp_path):
    trials = [make_trial((0, 0, slot), 0.25, restarts=slot) for slot in range(3)]
    make_run(tmp_path / "results", trials=trials, batch_size=64)
    page = show(tmp_path)
    assert "None of 3 trials failed. Infrastructure: 3 restarts of trainings" in page.text
    assert page.column("failures-table", "failure") == ["infrastructure"]
    assert page.column("failures-table", "retries") == ["3"]
    assert page.column("failures-table", "share (%)") == ["66.67"]
    assert "errors-table" not in page.tables


def test_where_nothing_failed_a_sentence_says_so_and_there_is_no_table(tmp_path):
    make_run(tmp_path / "results", trials=[make_trial((0, 0, 0), 0.25)], batch_size=64)
    page = show(tmp_path)
    assert "None of 1 trial failed. No training of a trial was started again." in page.text
    assert "failures-table" not in page.tables


def test_failed_final_networks_count_as_failures_and_not_in_the_mean(tmp_path):
    trials = [make_trial((0, 0, 0), 0.25)]
    finals = [make_final(0.5), make_final(0.75), make_final(None)]
    make_run(tmp_path / "results", trials=trials, finals=finals)
    page = show(tmp_path)
    assert "test accuracy 62.50% mean of 2, standard deviation 17.68" in page.text
    assert page.column("failures-table", "final networks") == ["1"]
    assert page.column("errors-table", "which") == ["final network 2"]


def test_what_a_run_recommends_and_its_sizes_are_those_of_table_4(tmp_path):
    """Of equal errors the first finalist is the smallest; sizes are of failed networks as well."""
    trials = [make_trial((0, 0, slot), 0.25, memory=(2 - slot) * MEGABYTE) for slot in (0, 1)]
    finals = [
        make_final(0.5, trial="b0-r0-s1", memory=MEGABYTE),
        make_final(None, trial="b0-r0-s1", memory=3 * MEGABYTE),
        make_final(0.9, trial="b0-r0-s0", memory=8 * MEGABYTE),
    ]
    run = make_run(tmp_path / "results", method="mobo", trials=trials, finals=finals)
    assert json.loads((run / "incumbent.json").read_text())["trial"] == "b0-r0-s0"
    row = tabulate_test([read_run(run)]).iloc[0]
    assert (row["test_accuracy_percent_mean"], row["sample_memory_mb_mean"]) == (50, 2)
    page = show(tmp_path)
    assert "test accuracy 50.00%" in page.text
    assert "1.0 MB" not in page.text
    assert "sample memory 2.00 MB" in page.text


def test_while_a_search_goes_on_it_recommends_what_it_began_with_if_that_is_best(tmp_path):
    run = make_run(tmp_path / "results", method="mobo", finished=False)
    initial = tabulate([make_trial((0, 0, 0), 0.001)]).assign(bracket=-1, trial="initial-0")
    write_table(run / "initial.csv", initial)
    make_run(tmp_path / "results", method="random", seed=1)
    assert show(tmp_path).column("runs-table", "validation error")[0] == "0.10%"


def test_one_seed_twice_is_refused_and_counted_in_no_median(tmp_path):
    for folder in ("new", "old"):
        make_run(tmp_path / "results" / folder)
    with pytest.raises(UserError, match="are both hnag-bohb on digits with seed 0"):
        show(tmp_path)


def test_without_replicates_there_is_no_table_of_generators_and_a_damaged_one_is_named(tmp_path):
    run = make_run(tmp_path / "results")
    assert not any(name.startswith("generators") for name in show(tmp_path).tables)
    (run / "generators.csv").write_text("trial,draws\nb0-r0")
    assert "results/digits/hnag-bohb: Damaged: generators.csv is damaged" in show(tmp_path).text


def test_a_damaged_file_is_named_with_what_is_wrong_and_without_a_path_of_this_machine(tmp_path):
    run = make_run(tmp_path / "results")
    (run / "front.csv").write_text("trial,bracket\nb0-r0")
    page = show(tmp_path)
    assert "results/digits/hnag-bohb: Damaged: front.csv is damaged" in page.text
    assert str(tmp_path) not in (tmp_path / "report" / "index.html").read_text()


def test_settings_devices_and_versions_are_those_recorded_and_hosts_are_not(tmp_path):
    run = make_run(tmp_path / "results")
    rows = read_rows(run / "costs.csv")
    with (run / "costs.csv").open("w", newline="") as file:
        names = [*rows[0], "device", "python", "torch"]
        table = csv.DictWriter(file, names, lineterminator="\n")
        table.writeheader()
        for row in rows:
            more = {"device": "A100", "python": "3.11.7", "torch": "2.14.1", "host": "secret7"}
            table.writerow(row | more)
    page = show(tmp_path)
    row = page.tables["environment-table"][1]
    assert row[3:6] == ["A100", "3.11.7", "2.14.1"]
    assert "secret7" not in (tmp_path / "report" / "index.html").read_text()
    settings = json.loads((run / "settings.json").read_text())
    assert f"max_budget {settings['max_budget']}" in page.text
    assert set(settings) <= set(page.text.split())


EVIL = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'"


def test_texts_of_users_are_shown_and_never_run(tmp_path):
    trials = [make_trial((0, 0, 0), 0.25), make_trial((0, 0, 1), None)]
    run = make_run(tmp_path / "results", trials=trials)
    settings = json.loads((run / "settings.json").read_text())
    (run / "settings.json").write_text(json.dumps(settings | {"name": EVIL, "space": EVIL}))
    text = (run / "trials.csv").read_text()
    quoted = EVIL.replace('"', '""')
    (run / "trials.csv").write_text(
        text.replace("the loss is not finite", f'"{quoted}"').replace("top_k", f'"{quoted}"')
    )
    tables = tmp_path / "tables"
    tables.mkdir()
    (tables / "<b>bold.csv").write_text(f'"{quoted}",n\n"{quoted}",1\n')
    figures = tmp_path / "figures"
    figures.mkdir()
    (figures / "'onload=x.svg").write_text(f"<svg xmlns='http://www.w3.org/2000/svg'>{EVIL}</svg>")
    output = write(tmp_path, tables=tables, figures=figures)
    page, raw = read_page(output), output.read_text()
    assert page.tags.count("script") == 1
    assert "<script>alert" not in raw
    assert [image["src"][:5] for image in page.images] == ["data:"]
    assert all("onerror" not in image for image in page.images)
    assert raw.count("</script>") == 1
    assert "alert(1)" in page.text
    assert page.tables["errors-table"][1][3] == EVIL
    assert "script-src 'sha256-" in raw


def test_a_caption_cannot_bring_html_or_files_into_the_page(tmp_path):
    (tmp_path / "x.rst").write_text(
        "**How** ``code`` <script>\n\n.. raw:: html\n\n   <script>1</script>\n\n"
        ".. include:: /etc/passwd\n"
    )
    html = read_caption(tmp_path, "x")
    assert "<strong>How</strong>" in html
    assert "<script>" not in html
    assert "root:" not in html
    assert read_caption(tmp_path, "y") == ""


def test_tables_and_figures_of_folders_are_shown_with_their_captions(tmp_path):
    make_run(tmp_path / "results")
    tables, figures = tmp_path / "tables", tmp_path / "figures"
    tables.mkdir()
    figures.mkdir()
    (tables / "summary.csv").write_text(
        "dataset,sample_memory_bytes,share_percent,none\na,2097152,0.123456789,\nb,,,\n"
    )
    (tables / "cut.csv").write_text("a,b\n1,2")
    (tables / "empty.csv").write_text("")
    svg = "<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>"
    (figures / "anytime.svg").write_text(svg)
    (figures / "anytime.pdf").write_bytes(b"%PDF")
    page = show(tmp_path, tables=tables, figures=figures)
    assert page.tables["summary"] == [
        ["data set", "sample memory", "share (%)"],
        ["a", "2.00 MB", "0.1235"],
        ["b", "–", "–"],  # noqa: RUF001
    ]
    assert page.values["summary"][1] == [None, "2097152.0", "0.123456789"]
    assert "Numbers: summary.csv" in page.text
    assert "Without any value here: none" in page.text
    assert "../tables/summary.csv" in page.links
    assert "What the search tried, chose and reached" in page.text
    assert "cut.csv is not shown: its last line is cut off" in page.text
    assert "empty.csv is not shown" in page.text
    assert "../figures/anytime.svg" in page.links
    assert "../figures/anytime.pdf" in page.links
    assert page.images[0]["src"].startswith("data:image/svg+xml;base64,")


def test_the_page_links_to_itself_and_to_files_beside_it_only(compared, page):
    raw = (compared / "report" / "index.html").read_text()
    assert "http://" not in raw
    assert "https://" not in raw
    anchors = [link[1:] for link in page.links if link.startswith("#")]
    assert set(anchors) <= set(page.ids)
    assert len(page.ids) == len(set(page.ids))
    assert all(link.startswith(("#", "../")) for link in page.links)
    assert all(image["alt"] for image in page.images)


def test_equal_runs_give_equal_bytes_wherever_they_are_named_from(compared, tmp_path):
    first = (compared / "report" / "index.html").read_bytes()
    assert write(compared).read_bytes() == first
    output = compared / "report" / "again.html"
    done = subprocess.run(
        [
            *(sys.executable, ROOT / "scripts" / "write_report.py", "--runs", "results"),
            *("--output", "report/again.html", "--root", ROOT),
        ],
        cwd=compared,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "7"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    names = re.compile(rb"nago [0-9.]+ ?\. The|Written by nago [^ ]+\.")
    assert names.sub(b"", output.read_bytes()) == names.sub(b"", first)


def test_a_page_of_very_many_trials_stays_small_and_says_what_it_leaves_out(tmp_path):
    trials = [
        make_trial((bracket, 0, slot), 0.1 + slot / 100 + bracket / 1e5, memory=10**6 + 997 * slot)
        for bracket in range(400)
        for slot in range(10)
    ]
    make_run(tmp_path / "results", trials=trials, finals=())
    output = write(tmp_path)
    page = read_page(output)
    assert output.stat().st_size < 3_000_000
    assert len(page.marks["front-digits"]) < 3100
    assert "of 4,000" in page.text
    assert "The page holds 400 of 4,000 trials" in page.text
    rows = page.tables["trials-table"]
    assert len(rows) == 401
    # The 400 lowest errors: all brackets of slot 0.
    assert {row[0].rpartition("-")[2] for row in rows[1:]} == {"s0"}


def test_figures_that_would_make_the_page_large_are_linked(tmp_path):
    make_run(tmp_path / "results")
    (tmp_path / "figures").mkdir()
    for name in "abc":
        svg = f"<svg xmlns='http://www.w3.org/2000/svg'><!--{name * 2_500_000}--></svg>"
        (tmp_path / "figures" / f"{name}.svg").write_text(svg)
    output = write(tmp_path, figures=tmp_path / "figures")
    page = read_page(output)
    assert output.stat().st_size < 10_000_000
    assert len(page.images) == 1
    assert page.links.count("../figures/b.svg") == 2  # in its place, and as its source


def answers(page):
    return {row[0]: row[1] for row in page.tables["checklist"] if len(row) == 3}


def test_the_checklist_is_filled_in_from_the_runs(tmp_path, page):
    make_run(tmp_path / "results")
    alone = answers(show(tmp_path))
    compared = answers(page)
    assert len(compared) == 15 == len(alone)  # 14 questions and the headings
    question = "Is random search among them, at as many epochs?"
    assert (alone[question], compared[question]) == ("no", "yes")
    question = "Was each contestant run several times, with seeds that are given?"
    assert (alone[question], compared[question]) == ("no", "yes")
    question = "Do all contestants see the same data, split and limits?"
    assert (alone[question], compared[question]) == ("needs you", "yes")
    question = "Is the time of the whole method given, and not of the search alone?"
    assert alone[question] == "yes"
    question = "Were parts of the method left out one by one?"
    assert compared[question] == "needs you"


def test_contestants_that_are_trained_differently_do_not_pass_the_checklist(tmp_path):
    make_run(tmp_path / "results", test_fraction=0.2)
    make_run(tmp_path / "results", method="random", test_fraction=0.3, final_epochs=5)
    page = show(tmp_path)
    found = answers(page)
    assert found["Do all contestants see the same data, split and limits?"] == "no"
    assert found["Is what they found trained and tested in the same way?"] == "no"
    assert "They differ in test_fraction." in page.text
    assert "They differ in final_epochs." in page.text


def test_what_to_cite_is_what_the_project_says(page):
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text())["preferred-citation"]
    assert f"{{{cited['title']}}}" in BIBTEX
    assert f"{{{cited['collection-title']}}}" in BIBTEX
    assert f"{{{cited['year']}}}" in BIBTEX
    assert f"{{{cited['volume']}}}" in BIBTEX
    plain = BIBTEX.replace("{\\c{c}}", "\N{LATIN SMALL LETTER C WITH CEDILLA}")
    names = [f"{one['family-names']}, {one['given-names']}" for one in cited["authors"]]
    assert f"{{{' and '.join(names)}}}" in plain
    assert "cff-version: 1.2.0" in page.text


def test_the_command_writes_a_page_and_says_where(tmp_path, monkeypatch, capsys):
    make_run(tmp_path / "results")
    monkeypatch.chdir(tmp_path)
    arguments = make_parser().parse_args(["report", "results", "--output", "x.html"])
    arguments.run(arguments)
    assert capsys.readouterr().out.startswith("x.html: 1 run, 0.")
    page = read_page(tmp_path / "x.html")
    assert "CITATION.cff is not here" in page.text
    arguments = make_parser().parse_args(["report", "nowhere"])
    with pytest.raises(UserError, match="there is no folder nowhere"):
        arguments.run(arguments)
    (tmp_path / "empty").mkdir()
    arguments = make_parser().parse_args(["report", "empty"])
    with pytest.raises(UserError, match="empty holds no search"):
        arguments.run(arguments)


@pytest.mark.parametrize(
    ("values", "log", "inside"),
    [([1.0, 5.0], False, 3.0), ([1.0, 100.0], True, 10.0), ([3.0], False, 3.0)],
)
def test_the_middle_of_the_values_is_in_the_middle_of_an_axis(values, log, inside):
    axis = choose_axis("x", values)
    assert axis.log == log
    assert axis.place(inside) == pytest.approx(50, abs=1e-3)
    assert all(0 <= place <= 100 for place, _ in axis.ticks)
    for place, text in axis.ticks:
        assert axis.place(float(text)) == pytest.approx(place)


def test_an_axis_of_nothing_has_ticks():
    assert choose_axis("x", []).ticks


def test_an_axis_from_zero_begins_there():
    axis = choose_axis("x", [1.0, 1000.0], zero=True)
    assert axis.place(0) == 0
    assert not axis.log


def test_steps_hold_their_height_and_a_band_lies_between_two_of_them():
    assert draw_steps([(0, 10), (50, 40), (100, 40)]) == "M0 90H50V60H100V60"
    band = draw_band([(0, 10), (50, 20)], [(0, 30), (50, 40)])
    assert band == "M0 90H50V80L50 60L50 70L0 70Z"


def test_thirty_six_series_look_different():
    names = [str(number) for number in range(36)]
    looks = {(one.colour, one.shape) for one in choose_series(names, names)}
    assert len(looks) == 36
    assert len(COLOURS) == 6
