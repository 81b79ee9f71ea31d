"""The text that a scrape gets, for thousands of series: what is the same at every scrape is written once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from math import isfinite, isnan

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample

# Series whose beginnings are remembered, some 150 bytes each. A monitor of five thousand agreements has
# a hundred thousand; beyond, they are written anew.
REMEMBERED = 200_000

_TYPES = {"info": "gauge", "stateset": "gauge", "gaugehistogram": "histogram", "unknown": "untyped"}
# Samples that OpenMetrics keeps within a family, and that are gauges of their own in this format.
_APART = ("_created", "_gsum", "_gcount")

Labels = tuple[tuple[str, str], ...]


class Exposition:
    """Writes a registry in Prometheus' text format 0.0.4. For one thread at a time.

    The client library's own writer sorts and escapes the labels of every series at every scrape; that takes
    longer than all else that a worker does in the same time.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        self._known: dict[str, dict[Labels, str]] = {}
        self._remembered = 0

    def writer(self, accept: str, names: Collection[str] = ()) -> tuple[Callable[[], bytes], str]:
        """How to write for a client that accepts this (an HTTP header), and the content type of it.

        Whoever takes nothing but OpenMetrics gets that from the client library. `names` are those of the
        samples that are wanted, as `name[]` has them in the client library's own server; none means all.
        """
        if not accept or "text/plain" in accept or "*/*" in accept or "openmetrics" not in accept:
            return lambda: self.write(names), CONTENT_TYPE_PLAIN_0_0_4
        try:
            encode, content_type = choose_encoder(accept)
        except (TypeError, ValueError):  # a version that is no number
            return lambda: self.write(names), CONTENT_TYPE_PLAIN_0_0_4
        return lambda: encode(self._of(names)), content_type

    def write(self, names: Collection[str] = ()) -> bytes:
        """All families, or those with samples of these names, with their series as they are now."""
        lines: list[str] = []
        for metric in self._of(names).collect():
            lines += self._family(metric)
        return "".join(lines).encode()

    def _of(self, names: Collection[str]) -> Collector:
        return self._registry.restricted_registry(names) if names else self._registry

    def _family(self, metric: Metric) -> Iterator[str]:
        name = metric.name + {"counter": "_total", "info": "_info"}.get(metric.type, "")
        help_text = metric.documentation.replace("\\", r"\\").replace("\n", r"\n")
        yield f"# HELP {name} {help_text}\n# TYPE {name} {_TYPES.get(metric.type, metric.type)}\n"
        apart: dict[str, list[Sample]] = {}
        for sample in metric.samples:
            if sample.name.endswith(_APART) and sample.name.removeprefix(metric.name) in _APART:
                apart.setdefault(sample.name, []).append(sample)
            else:
                yield self._line(sample)
        for own, samples in sorted(apart.items()):
            yield f"# HELP {own} {help_text}\n# TYPE {own} gauge\n"
            yield from map(self._line, samples)

    def _line(self, sample: Sample) -> str:
        name, labels, value, timestamp, *_ = sample
        of_name = self._known.get(name)
        if of_name is None:
            of_name = self._known[name] = {}
        key = tuple(labels.items())
        begins = of_name.get(key)
        if begins is None:
            begins = self._begin(name, key, of_name)
        if timestamp is not None:
            return f"{begins}{_number(value)} {int(float(timestamp) * 1000)}\n"
        return f"{begins}{_number(value)}\n"

    def _begin(self, name: str, key: Labels, of_name: dict[Labels, str]) -> str:
        if self._remembered >= REMEMBERED:
            self._known = {name: of_name}
            of_name.clear()
            self._remembered = 0
        self._remembered += 1
        begins = of_name[key] = f"{name}{{{','.join(_pairs(sorted(key)))}}} " if key else f"{name} "
        return begins


def _pairs(labels: Iterable[tuple[str, str]]) -> Iterator[str]:
    for name, value in labels:
        escaped = value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
        yield f'{name}="{escaped}"'


def _number(value: float) -> str:
    if isfinite(value):
        return repr(float(value))
    if isnan(value):
        return "NaN"
    return "+Inf" if value > 0 else "-Inf"
