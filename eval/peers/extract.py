"""Extracts the articles of pages with another program's library, for `cargo xtask eval extract`.

Usage: extract.py NAME FOLDER. Prints a JSON object for each page of the folder, by name, and the seconds that all took.
"""

import json
import pathlib
import sys
import time


def trafilatura_of(page):
    import trafilatura

    options = {"include_comments": False, "include_tables": True}
    text = trafilatura.extract(page, **options)
    html = trafilatura.extract(page, output_format="html", include_formatting=True, **options)
    return {"text": text or "", "html": html or ""}


def readability_of(page):
    from readability import Document

    return {"html": Document(page).summary(html_partial=True)}


def main():
    name, folder = sys.argv[1:]
    extract = {"trafilatura": trafilatura_of, "readability-lxml": readability_of}[name]
    pages = [path.read_bytes().decode("utf-8", "replace") for path in sorted(pathlib.Path(folder).iterdir())]
    extract("<p>What is loaded once a process is no part of a page's time.</p>")
    seconds = 0.0
    for page in pages:
        began = time.perf_counter()
        try:
            extracted = extract(page)
        except Exception as error:  # A page that breaks a library counts as one of which it found nothing.
            print(f"{name}: {error}", file=sys.stderr)
            extracted = {"html": ""}
        seconds += time.perf_counter() - began
        print(json.dumps(extracted))
    print(json.dumps({"seconds": seconds}))


main()
