"""The page in a browser: Chromium with its driver, at the widths of a desk and of a phone."""

import json
import os
import shutil
import time
from pathlib import Path

import pytest
from pages import read_page
from report_runs import make_run, make_trial

from nago.report.page.writing import find_runs, write_page

ROOT = Path(__file__).parents[1]
WIDTHS = {"desk": (1280, 900), "phone": (390, 844)}
ARGUMENTS = [
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--disable-default-apps", "--no-first-run", "--no-default-browser-check"),
]


pytestmark = pytest.mark.xdist_group("browser")


def find_program(*names):
    """The path of a program; a test without it is skipped, but where it is required it fails."""
    path = next(filter(None, map(shutil.which, names)), None)
    if path is None:
        reason = f"there is no {names[0]}; on Debian: apt-get install chromium chromium-driver"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return path


@pytest.fixture(scope="module")
def page_file(tmp_path_factory):
    """Two contestants with two seeds, some failures, a long error, a table and a figure."""
    folder = tmp_path_factory.mktemp("page")
    for method in ("bohb", "random"):
        for seed in (0, 1):
            make_run(folder / "results", "digits", "hnag", method, seed)
    failed = [
        make_trial((0, 0, 0), 0.5),
        make_trial((0, 0, 1), None),
        make_trial((0, 0, 2), None, status="out_of_memory"),
    ]
    make_run(folder / "results", "cifar10", "hnag", "bohb", 0, trials=failed, finals=())
    for name in ("tables", "figures"):
        (folder / name).mkdir()
    long = ",".join(f"a_long_heading_{number}" for number in range(30))
    (folder / "tables" / "wide.csv").write_text(f"{long}\n{','.join(['1.5'] * 30)}\n")
    (folder / "figures" / "wide.svg").write_text(
        '<svg xmlns="http://www.w3.org/2000/svg" width="2000" height="20">'
        '<rect width="2000" height="20"/></svg>'
    )
    write_page(
        find_runs([folder / "results"]),
        folder / "report" / "index.html",
        tables=folder / "tables",
        figures=folder / "figures",
        root=ROOT,
        version="0",
    )
    return folder / "report" / "index.html"


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = find_program("chromium", "chromium-browser", "google-chrome")
    for argument in [*ARGUMENTS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"]:
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    service = webdriver.ChromeService(executable_path=find_program("chromedriver"))
    driver = webdriver.Chrome(options=options, service=service)
    yield driver
    driver.quit()


@pytest.fixture(params=WIDTHS)
def opened(browser, page_file, request):
    """The browser with the page, at either width."""
    width, height = WIDTHS[request.param]
    for log in ("performance", "browser"):
        browser.get_log(log)
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    browser.execute_cdp_cmd("Network.enable", {})
    browser.get(page_file.as_uri())
    return browser


def run(browser, script, *values):
    return browser.execute_script(f"return {script}", *values)


def wait(browser, script):
    """Wait until a script gives what counts as true, ten seconds at most."""
    end = time.monotonic() + 10
    while not (found := run(browser, script)):
        assert time.monotonic() < end, script
        time.sleep(0.05)
    return found


def list_requests(browser):
    """The addresses that the page has asked for since the logs were read last."""
    messages = [
        json.loads(entry["message"])["message"] for entry in browser.get_log("performance")
    ]
    return [
        message["params"]["request"]["url"]
        for message in messages
        if message["method"] == "Network.requestWillBeSent"
    ]


def test_all_marks_are_drawn_within_their_plots(opened, page_file):
    expected = {name: len(marks) for name, marks in read_page(page_file).marks.items()}
    assert set(expected) == {
        *("front-digits", "front-cifar10", "anytime-digits", "anytime-cifar10"),
    }
    script = """[...document.querySelectorAll('figure.chart')].map((chart) => {
        const plot = chart.querySelector('.plot').getBoundingClientRect();
        const seen = [...chart.querySelectorAll('.mark')].filter((mark) => {
            const box = mark.getBoundingClientRect();
            const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
            return box.width > 2 && box.height > 2 && x >= plot.left - 1 && x <= plot.right + 1
                && y >= plot.top - 1 && y <= plot.bottom + 1;
        });
        return [chart.id, seen.length];
    })"""
    assert dict(run(opened, script)) == expected
    assert sum(expected.values()) > 60


def test_nothing_is_wider_than_the_screen(opened):
    width = "document.scrollingElement.scrollWidth"
    assert run(opened, f"{width} <= innerWidth"), run(opened, width)
    run(opened, "document.querySelectorAll('details').forEach((part) => { part.open = true; })")
    assert run(opened, f"{width} <= innerWidth"), run(opened, width)


def test_the_labels_of_the_axes_do_not_touch(opened):
    script = """[...document.querySelectorAll('.plot')].flatMap((plot) =>
        ['x', 'y'].flatMap((axis) => {
            const all = [...plot.querySelectorAll(`.tick.${axis}`)];
            const boxes = all.map((tick) => tick.getBoundingClientRect());
            return boxes.flatMap((a, i) => boxes.slice(i + 1).filter((b) =>
                a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom)
                .map(() => all[i].textContent));
        }))"""
    assert run(opened, script) == []


def test_the_page_asks_for_nothing_and_has_no_errors(opened, page_file):
    run(opened, "document.querySelectorAll('details').forEach((part) => { part.open = true; })")
    wait(opened, "[...document.images].every((image) => image.complete && image.naturalWidth)")
    asked = list_requests(opened)
    assert page_file.as_uri() in asked
    assert [url for url in asked if not url.startswith(("file://", "data:"))] == []
    assert opened.get_log("browser") == []


def test_a_mark_that_is_pointed_at_says_what_it_is(opened, page_file):
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.by import By

    texts = {mark["text"] for marks in read_page(page_file).marks.values() for mark in marks}
    mark = opened.find_element(By.CSS_SELECTOR, "#front-digits .mark")
    run(opened, "arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", mark)
    ActionChains(opened).move_to_element(mark).perform()
    said = wait(opened, "document.querySelector('.tip:not([hidden])')?.textContent")
    assert said in texts
    assert "error" in said
    assert "bottom_nodes" in said
    box = run(opened, "document.querySelector('.tip').getBoundingClientRect().toJSON()")
    assert box["left"] >= 0
    assert box["right"] <= run(opened, "innerWidth")


def test_arrow_keys_go_from_mark_to_mark(opened):
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys

    plot = opened.find_element(By.CSS_SELECTOR, "#anytime-digits .plot")
    plot.send_keys(Keys.ARROW_RIGHT)
    first = wait(opened, "document.querySelector('.tip:not([hidden])')?.textContent")
    plot.send_keys(Keys.ARROW_RIGHT)
    second = wait(opened, "document.querySelector('.tip:not([hidden])')?.textContent")
    assert first != second
    plot.send_keys(Keys.ESCAPE)
    assert wait(opened, "document.querySelector('.tip').hidden")


def test_the_legend_hides_a_contestant_and_brings_it_back(opened):
    shown = """[...document.querySelectorAll('#front-digits .mark')]
        .filter((mark) => getComputedStyle(mark).display !== 'none').length"""
    key = "document.querySelector('#front-digits .key')"
    whole = run(opened, shown)
    own = run(opened, "document.querySelectorAll('#front-digits .mark[data-series=\"0\"]').length")
    assert 0 < own < whole
    run(opened, f"{key}.click()")
    assert run(opened, shown) == whole - own
    assert run(opened, f"{key}.getAttribute('aria-pressed')") == "false"
    run(opened, f"{key}.click()")
    assert run(opened, shown) == whole


def test_a_heading_sorts_its_column_and_then_the_other_way(opened):
    table = "document.querySelector('#trials-table')"
    place = run(
        opened, f"[...{table}.rows[0].cells].findIndex((cell) => cell.innerText.includes('error'))"
    )
    values = f"[...{table}.tBodies[0].rows].map((row) => row.cells[{place}].dataset.v ?? null)"
    before = run(opened, values)
    heading = f"{table}.rows[0].cells[{place}]"
    for direction in ("ascending", "descending"):
        run(opened, f"{heading}.querySelector('button').click()")
        assert run(opened, f"{heading}.getAttribute('aria-sort')") == direction
        found = run(opened, values)
        numbers = [float(value) for value in found if value is not None]
        assert numbers == sorted(numbers, reverse=direction == "descending")
        # What failed has no error, and stands last.
        assert None not in found[: len(numbers)]
        assert sorted(map(str, found)) == sorted(map(str, before))
    assert before != found


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_the_page_in_either_scheme(browser, page_file, scheme):
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    browser.get(page_file.as_uri())
    paper = read_colour(run(browser, "getComputedStyle(document.body).backgroundColor"))
    assert (luminance(paper) > 0.5) == (scheme == "light")
    for selector in ("main p", ".caption", ".tick", ".answer", "nav a", ".key", "th"):
        colours = f"""[...new Set([...document.querySelectorAll('{selector}')]
            .map((part) => getComputedStyle(part).color))]"""
        for colour in run(browser, colours):
            assert contrast(read_colour(colour), paper) >= 4.5, (selector, colour)
    for fill in run(
        browser,
        "[...new Set([...document.querySelectorAll('.mark:not(.hollow)')]"
        ".map((part) => getComputedStyle(part).fill))]",
    ):
        assert contrast(read_colour(fill), paper) >= 2
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def read_colour(text):
    return [float(part) / 255 for part in text[text.index("(") + 1 : -1].split(",")[:3]]


def luminance(colour):
    """The relative luminance of WCAG 2.1."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_without_scripts_all_is_there_to_read(browser, page_file):
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        browser.get(page_file.as_uri())
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
    drawn = """[...document.querySelectorAll('.mark')]
        .filter((mark) => mark.getBoundingClientRect().width > 2).length"""
    expected = sum(len(marks) for marks in read_page(page_file).marks.values())
    assert run(browser, drawn) == expected
    assert run(browser, "document.querySelectorAll('.mark title').length") == expected
    assert not run(browser, "document.documentElement.classList.contains('live')")
