"""Which rules there are, by id and name, and which take in which."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from alerts.sigma.document import Document, DocumentKind
from alerts.sigma.head import Checked
from alerts.sigma.memories import Pending


@dataclass(slots=True)
class Catalogue:
    """The rules of a folder; names and ids are unique in it."""

    _by_id: dict[str, Checked] = field(default_factory=dict)
    _by_name: dict[str, str] = field(default_factory=dict)
    _failed: set[str] = field(default_factory=set)
    _uses: dict[str, list[str]] = field(default_factory=dict)
    _users: dict[str, list[str]] = field(default_factory=dict)

    def add(self, checked: Checked) -> bool:
        """Take in a rule; whether its id and name are free. Where they are not, that is its problem."""
        held = self._by_id.get(checked.id)
        if held is not None:
            checked.document.problem(f"{checked.id} is the id of {_place(held)} too", "id")
            return False
        name = checked.head.name
        if name is not None and name in self._by_name:
            holder = self._by_id[self._by_name[name]]
            checked.document.problem(f"{name} is the name of {_place(holder)} too", "name")
            return False
        self._by_id[checked.id] = checked
        if name is not None:
            self._by_name[name] = checked.id
        return True

    def note_failed(self, document: Document) -> None:
        """Remember the names of a document that cannot be used."""
        self._failed.update(
            value for key in ("id", "name") if isinstance(value := document.values.get(key), str)
        )

    def excuses(self, name: str) -> bool:
        """Whether an unknown name may be no more than the consequence of another problem."""
        return name in self._failed

    def resolve(self, name: str) -> str | None:
        """The id of the rule with this id or name."""
        return name.lower() if name.lower() in self._by_id else self._by_name.get(name)

    def names(self) -> set[str]:
        """Every name and id that can be referred to."""
        return {*self._by_id, *self._by_name}

    def kind(self, key: str) -> DocumentKind:
        """What a document is, by its id."""
        return self._by_id[key].document.kind

    def checked(self) -> Mapping[str, Checked]:
        """All of them, by id."""
        return self._by_id

    def refer(self, user: str, used: list[str]) -> None:
        """Note that a correlation takes in these rules."""
        self._uses[user] = used
        for each in used:
            self._users.setdefault(each, []).append(user)

    def uses(self, key: str) -> list[str]:
        """The ids of what a correlation takes in."""
        return self._uses.get(key, [])

    def users(self, key: str) -> list[str]:
        """The ids of the correlations that take a rule in."""
        return self._users.get(key, [])

    def in_order(self, pending: Mapping[str, Pending]) -> Iterator[Pending]:
        """Correlations, each after those it takes in; one that takes in itself gets a problem instead."""
        done: set[str] = set()
        waiting = dict(pending)
        while waiting:
            ready = [
                key for key in waiting if all(each in done or each not in waiting for each in self.uses(key))
            ]
            if not ready:
                break
            for key in ready:
                done.add(key)
                yield waiting.pop(key)
        for key, one in waiting.items():
            if self._reaches(key, key):
                reason = "takes in itself, directly or through other correlations"
                one.checked.document.problem(reason, "correlation", "rules")

    def _reaches(self, start: str, end: str) -> bool:
        seen: set[str] = set()
        stack = list(self.uses(start))
        while stack:
            key = stack.pop()
            if key == end:
                return True
            if key not in seen:
                seen.add(key)
                stack.extend(self.uses(key))
        return False


def _place(checked: Checked) -> str:
    return f"{checked.head.title} ({checked.document.file}:{checked.document.values.line})"
