#!/usr/bin/env python3
"""Finds characters by words from their names. Expensive to start, quick to ask.

    printf '%s\\n' 'greek small letter alpha' 'snowmen' 'arrow left' '½' |
      prefork run -w 2 -- workers/examples/unicode_search.py
    workers/examples/unicode_search.py greek small letter alpha       # the same, once, as a plain program

At the start it walks through all 1 114 112 code points of the Unicode database that comes with Python, reads
their names, takes them apart into the characters they are composed of, and builds an inverted index: from each
word, each beginning of a word and each letter triple to what has it. That is about a second of honest work.
A query then takes microseconds. (190 MB per worker.)

A query is a few words in any order; a character matches when its name has them all. A word may be cut short
("gre sma let alph") or misspelt ("snowmen"); a character that is no ASCII stands for all that contain it. The
reply is one line: up to three matches, shortest name first, `U+03B1 α GREEK SMALL LETTER ALPHA`, set apart by
tabs; or `no match`.
"""
import os
import re
import signal
import sys
import unicodedata
from collections import Counter, defaultdict
from itertools import islice

MATCHES = 3
ALIKE = 0.3  # the least share of common letter triples that makes one word a misspelling of another
# Ideographs are named by number: nobody cuts words such as 4E00 short, or misspells them.
NUMBERED = re.compile(r"[0-9A-F]*[0-9][0-9A-F]*")


def triples(word):
    """The letter triples of a word, with its ends marked: cat -> ^ca cat at$."""
    marked = f"^{word}$"
    return {marked[i : i + 3] for i in range(len(marked) - 2)}


class Index:
    def __init__(self):
        # Shortest name first: a place in this list is also a rank.
        self.names = []
        for code in range(sys.maxunicode + 1):
            if name := unicodedata.name(chr(code), None):
                self.names.append((len(name), code, name))
        self.names.sort()

        # Word, beginning of a word, or character -> ranks. A dict of Nones is a set that keeps its order.
        self.having = defaultdict(dict)
        for rank, (_, code, name) in enumerate(self.names):
            words = name.replace("-", " ").split()
            for word in words:
                self.having[word][rank] = None
            if not NUMBERED.fullmatch(words[-1]):
                for word in words:
                    for end in range(1, len(word)):
                        self.having[word[:end]][rank] = None
            for part in {chr(code), *unicodedata.normalize("NFKD", chr(code))}:
                if not part.isascii():
                    self.having[part][rank] = None

        # Letter triple -> words.
        self.spelling = defaultdict(list)
        for word in {word for _, _, name in self.names for word in name.replace("-", " ").split()}:
            if not NUMBERED.fullmatch(word):
                for triple in triples(word):
                    self.spelling[triple].append(word)

    def correction(self, word):
        """The known word that shares the largest part of its letter triples with `word`, or None."""
        wanted = triples(word)
        shared = Counter(known for triple in wanted for known in self.spelling.get(triple, ()))
        alike = {known: n / (len(wanted) + len(known) - n) for known, n in shared.items()}
        best = max(alike, key=lambda known: (alike[known], known), default=None)
        return best if best and alike[best] >= ALIKE else None

    def ranks(self, word):
        """What has a word that begins with `word`; else what has the word most like it."""
        return self.having.get(word) or self.having.get(self.correction(word), {})

    def search(self, query):
        """The best matches: walk the shortest list, look up in the others, stop when there are enough."""
        words = {w if len(w) == 1 and not w.isascii() else w.upper() for w in re.findall(r"\w+|[^\w\s-]", query)}
        hits, *others = sorted(map(self.ranks, words), key=len) or [{}]
        for other in others:
            hits = filter(other.__contains__, hits)
        return [self.names[rank] for rank in islice(hits, MATCHES)]

    def reply(self, job):
        query = job.decode("utf-8", "replace")  # a byte that is no UTF-8 must not end the worker
        return "\t".join(map(shown, self.search(query))) or "no match"


def shown(match):
    _, code, name = match
    character = chr(code)
    # A character that combines with its neighbours or hides would spoil the line.
    if not character.isprintable() or unicodedata.combining(character):
        character = "·"
    return f"U+{code:04X} {character} {name}"


def main():
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # nobody reads any more: die quietly
    index = Index()
    # With arguments: one query, one answer. Without: a warm worker.
    jobs = [os.fsencode(" ".join(sys.argv[1:]))] if len(sys.argv) > 1 else sys.stdin.buffer
    for job in jobs:
        sys.stdout.buffer.write(index.reply(job).encode() + b"\n")
        sys.stdout.buffer.flush()  # the pool waits for it


main()
