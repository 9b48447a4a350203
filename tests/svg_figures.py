"""What tests read in a figure: its texts and marks."""

from xml.etree import ElementTree as ET

SVG = "{http://www.w3.org/2000/svg}"


def texts(path):
    """Return the texts of a figure."""
    elements = ET.parse(path).getroot().iter(f"{SVG}text")
    return ["".join(element.itertext()).strip() for element in elements]


def marks(path, colour):
    """Return how many marks of a colour a figure has, by whether they are filled."""
    counts = {"filled": 0, "hollow": 0}
    for element in ET.parse(path).getroot().iter(f"{SVG}use"):
        look = element.get("style", "").replace(" ", "").lower()
        if f"stroke:{colour}" in look:
            counts["filled" if f"fill:{colour};" in look else "hollow"] += 1
    return counts
