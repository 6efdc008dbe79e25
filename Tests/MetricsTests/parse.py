"""Reads metrics with the parsers of prometheus_client, which we did not write: parse.py openmetrics|prometheus FILE

Prints a line for each family (name, type, unit, number of samples) and for each sample; fails on what is no such text.
"""
import importlib
import sys

module = {"openmetrics": "prometheus_client.openmetrics.parser", "prometheus": "prometheus_client.parser"}[sys.argv[1]]
parser = importlib.import_module(module)
with open(sys.argv[2], encoding="utf-8", newline="") as file:
    text = file.read()
for family in parser.text_string_to_metric_families(text):
    print("family", family.name, family.type, family.unit or "-", len(family.samples))
    for sample in family.samples:
        labels = ",".join(f"{name}={value!r}" for name, value in sorted(sample.labels.items()))
        print("sample", sample.name, labels or "-", repr(float(sample.value)))
