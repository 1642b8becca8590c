"""Opens what deadheat's formats made with the libraries that read them, and compares numbers.

check.py WHAT FOLDER: exits with 77 where the library of WHAT is not installed.
"""

import glob
import json
import math
import sys

SKIPPED = 77
FOLDER = sys.argv[2]


def only(pattern):
    (path,) = glob.glob(f"{FOLDER}/{pattern}")
    return path


def truth():
    with open(only("truth.json")) as file:
        return json.load(file)


def hgrm():
    from hdrh.histogram import HdrHistogram
    from hdrh.log import HistogramLogReader

    logs = sorted(glob.glob(f"{FOLDER}/*.hlog"))
    assert logs, "there is no log"
    for path in logs:
        by_tag = {}
        reader = HistogramLogReader(path, HdrHistogram(1, 60_000_000_000, 3))
        while (interval := reader.get_next_interval_histogram()) is not None:
            whole = by_tag.setdefault(interval.get_tag(), HdrHistogram(1, 60_000_000_000, 3))
            whole.add(interval)
        assert by_tag, f"{path} has no interval"
        for tag, whole in by_tag.items():
            written = rows(path.removesuffix("hlog") + f"{tag}.hgrm")
            # Operations that never ended count, and are in no histogram.
            ended = written[-1][1]
            assert 0.0 < ended <= 1.0 and written[-1][2] == whole.get_total_count()
            for value, level, _ in written:
                level /= ended
                # At a level that falls on a whole count, rounding takes this bucket or the next.
                one = 100 / whole.get_total_count()
                near = (100 * level, min(100, 100 * level + one))
                theirs = [whole.get_value_at_percentile(level) / 1e6 for level in near]
                same = [math.isclose(value, their, rel_tol=2e-3) for their in theirs]
                assert any(same), (path, tag, level, value, theirs)


def rows(path):
    with open(path) as file:
        lines = file.read().splitlines()
    assert lines[0].split() == ["Value", "Percentile", "TotalCount", "1/(1-Percentile)"]
    return [tuple(map(float, line.split()[:3])) for line in lines[2:] if not line.startswith("#")]


def csv():
    import pandas

    table = pandas.read_csv(only("results.csv"))
    columns = "scenario model load parameter placement build block round metric value unit"
    assert list(table.columns) == columns.split()
    assert table.value.dtype == float
    # What belongs to a whole search has no block.
    searched = table.metric.str.startswith("capacity")
    assert (table.block.isna() == searched).all() and (table.block.dropna() % 1 == 0).all()
    assert (table.metric == "capacity").sum() == truth()["carried"]
    failed = table[table.metric == "failed"]
    assert len(failed) == truth()["failed"], failed
    done = table[(table.metric == "done")].value.sum()
    assert done == truth()["done"], done


def openmetrics():
    from prometheus_client.openmetrics.parser import text_string_to_metric_families
    from prometheus_client.parser import text_string_to_metric_families as older

    with open(only("openmetrics.txt"), newline="") as file:
        text = file.read()
    families = {family.name: family for family in text_string_to_metric_families(text)}
    # Readers of the older text format refuse a file for one type that they do not know.
    types = {family.name: family.type for family in older(text)}
    assert types == {name: family.type for name, family in families.items()}, types
    assert set(types.values()) <= {"gauge", "summary"}, types
    assert [sample.value for sample in families["deadheat_run_info"].samples] == [1.0]
    if truth()["races"] > 0:
        valid = [sample.value for sample in families["deadheat_race_valid"].samples]
        assert valid.count(0.0) == truth()["invalid"], valid
        assert families["deadheat_latency_seconds"].unit == "seconds"
        for sample in families["deadheat_verdict"].samples:
            assert sample.value in (0.0, 1.0)
    if truth()["searches"] > 0:
        rates = families["deadheat_capacity_ops_per_second"].samples
        points = [sample for sample in rates if sample.labels["bound"] == "point"]
        assert len(points) == truth()["carried"], points


def junit():
    from junitparser import Error, JUnitXml, Skipped

    xml = JUnitXml.fromfile(only("junit.xml"))
    cases = [case for suite in xml for case in suite]
    assert len(cases) == truth()["races"] + truth()["searches"]
    kinds = [type(result) for case in cases for result in case.result]
    assert kinds.count(Error) == xml.errors and kinds.count(Skipped) == xml.skipped
    messages = [result.type for case in cases for result in case.result if type(result) is Error]
    assert messages.count("invalid") == truth()["invalid"], messages


def bmf():
    validated("bmf.json", "bmf.schema.json")


def gha():
    # A capacity is bigger, and nothing else is there where only capacities were searched.
    names = ["gha-smaller.json", "gha-bigger.json"]
    for name in names if truth()["races"] > 0 else names[1:]:
        validated(name, "gha.schema.json")


def schema():
    validated("results.json", "record.schema.json")
    with open(only("results.json")) as file:
        record = json.load(file)
    record["races"][0]["blocks"][0]["trials"][0]["slices"][0]["done"] = "many"
    errors = list(validator("record.schema.json").iter_errors(record))
    assert errors, "a record that is none must not be valid"


def validated(name, schema):
    with open(only(name)) as file:
        document = json.load(file)
    assert document, "nothing is there"
    errors = [error.message for error in validator(schema).iter_errors(document)]
    assert not errors, errors[:3]


def validator(schema):
    import jsonschema

    with open(only(schema)) as file:
        schema = json.load(file)
    kind = jsonschema.validators.validator_for(schema)
    kind.check_schema(schema)
    return kind(schema)


def libtest():
    import re

    # As github-action-benchmark's extract.ts has it for cargo.
    known = re.compile(r"^test (.+)\s+\.\.\. bench:\s+([0-9,.]+) (\w+\/\w+) \(\+\/- ([0-9,.]+)\)$")
    with open(only("libtest.txt")) as file:
        lines = file.read().splitlines()
    assert lines and all(known.match(line) for line in lines), lines


def svg():
    import xml.etree.ElementTree as tree

    pictures = glob.glob(f"{FOLDER}/*.svg")
    assert pictures, "there is no picture"
    for path in pictures:
        assert tree.parse(path).getroot().tag == "{http://www.w3.org/2000/svg}svg"


try:
    globals()[sys.argv[1]]()
except ModuleNotFoundError as missing:
    print(f"{missing.name} is not installed")
    sys.exit(SKIPPED)
