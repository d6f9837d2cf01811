"""The pipeline that a person writes with feedparser, trafilatura and SQLite, for `cargo xtask bench peer`.

peer.py ADDRESS PORT CA_FILE DATABASE PROCESSES FEED… prints {"reads": …, "seconds": …}.
"""

import json
import multiprocessing
import socket
import sqlite3
import sys
import time

import feedparser
import trafilatura
import urllib3

ADDRESS, PORT, CA_FILE, DATABASE, PROCESSES = sys.argv[1:6]
FEEDS = sys.argv[6:]


def connect_to_the_small_web():
    """All names are on this machine."""
    real = socket.getaddrinfo
    socket.getaddrinfo = lambda host, port, *rest, **more: real(ADDRESS, int(PORT), *rest, **more)
    global http
    http = urllib3.PoolManager(num_pools=20, cert_reqs="CERT_REQUIRED", ca_certs=CA_FILE)


def entries_of(feed):
    parsed = feedparser.parse(http.request("GET", feed).data)
    return [(entry.link, entry.get("title"), entry.get("published")) for entry in parsed.entries if "link" in entry]


def article_of(entry):
    link, title, published = entry
    page = http.request("GET", link)
    if page.status != 200:
        return None
    found = trafilatura.bare_extraction(page.data, url=link, include_formatting=True, include_links=True)
    if not found or not found.text:
        return None
    return link, found.title or title, published or found.date, found.author, found.text


def main():
    began = time.monotonic()
    database = sqlite3.connect(DATABASE)
    database.execute("PRAGMA journal_mode = wal")
    database.execute("CREATE TABLE read (link TEXT PRIMARY KEY, title TEXT, published TEXT, author TEXT, text TEXT)")
    with multiprocessing.Pool(int(PROCESSES), connect_to_the_small_web) as pool:
        entries = {entry[0]: entry for listed in pool.imap_unordered(entries_of, FEEDS) for entry in listed}
        for article in pool.imap_unordered(article_of, entries.values(), chunksize=4):
            if article:
                with database:
                    database.execute("INSERT OR REPLACE INTO read VALUES (?, ?, ?, ?, ?)", article)
    (reads,) = database.execute("SELECT count(*) FROM read").fetchone()
    print(json.dumps({"reads": reads, "seconds": time.monotonic() - began}))


main()
