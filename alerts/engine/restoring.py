"""How the memory of rules is put back together: states as they were written, and the steps since."""

from __future__ import annotations

from collections.abc import Mapping

from alerts.engine.changes import Loaded
from alerts.engine.journal import Applied, Name, decode_steps
from alerts.engine.plan import MemoryNode
from alerts.engine.tracked import Remembering, Tracked
from alerts.model import Group

# By rule and group, the last commit whose steps its state holds; under None, that of a rule whose groups
# belong together.
Known = dict[tuple[Name, Group | None], int]


def restore_memories(nodes: Mapping[Name, MemoryNode], loaded: Loaded) -> list[tuple[int, int]]:
    """Put back the states of rules, and do again the steps that they do not hold yet.

    Rules that are not among `nodes` are passed over. Returns, for each row of the journal, its sequence and
    how many steps it has. Raises msgspec.DecodeError.
    """
    known: Known = {}
    states: dict[Name, dict[Group, bytes]] = {}
    for row in loaded.states:
        name = (row.rule, row.fingerprint)
        if name in nodes and row.state is not None:
            states.setdefault(name, {})[row.group] = row.state
            known[name, row.group] = row.sequence
            if isinstance(nodes[name].kind, Tracked):
                known[name, None] = max(known.get((name, None), 0), row.sequence)
    for name, of_rule in states.items():
        nodes[name].kind.restore(of_rule)
    done = []
    for node in nodes.values():
        node.kind.replaying = True
    for sequence, encoded in loaded.journal:
        steps = decode_steps(encoded)
        done.append((sequence, len(steps)))
        _do_again(nodes, known, sequence, steps)
    for node in nodes.values():
        node.kind.replaying = False
    return done


def _do_again(nodes: Mapping[Name, MemoryNode], known: Known, sequence: int, steps: list[Applied]) -> None:
    """Do the steps of one commit again; what they find was found before."""
    for node in nodes.values():
        node.kind.sequence = sequence
    # Rules whose groups belong together have this commit in all of them, or in none. Telling another rule's
    # state of a time that it has seen already changes nothing in it.
    behind = [node.kind for name, node in nodes.items() if known.get((name, None), -1) < sequence]
    for step in steps:
        if step.watermark_ms is not None:
            for kind in behind:
                kind.advance(step.watermark_ms)
        for name in step.rules:
            if name in nodes:
                _do_step_again(nodes[name].kind, name, known, sequence, step)
    for node in nodes.values():
        if isinstance(node.kind, Tracked):
            node.kind.collect()


def _do_step_again(kind: Remembering, name: Name, known: Known, sequence: int, step: Applied) -> None:
    if step.observation is not None:
        group = None if isinstance(kind, Tracked) else step.observation.group
        if known.get((name, group), -1) < sequence:
            kind.apply(step.observation)
    elif step.portion is not None:
        if known.get((name, None), -1) < sequence:
            kind.add(step.portion)
    elif step.evicted is not None:
        kind.forget([group for group in step.evicted if known.get((name, group), -1) < sequence])
