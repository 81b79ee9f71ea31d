"""Loads a folder of rules as a whole, or says everything that is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from alerts.rule import EventRule, MemoryRule, RuleSet
from alerts.sigma.catalogue import Catalogue
from alerts.sigma.detections import Draft, Filter, draft_rule, read_filter, unknown_rule
from alerts.sigma.document import Document, read_folder
from alerts.sigma.events import check_cases
from alerts.sigma.fingerprints import fingerprints, whole_fingerprint
from alerts.sigma.head import Checked, read_head, rule_info
from alerts.sigma.memories import Build, Part, Pending, build_memory, read_correlation
from alerts.sigma.model import Case, RegisterOf
from alerts.sigma.problems import RuleProblem, RuleProblems
from alerts.sigma.term import bounds, closure, every, indexes, narrowing

__all__ = ["Loaded", "RuleProblem", "RuleProblems", "load_folder", "load_rules"]


@dataclass(frozen=True, slots=True)
class Loaded:
    """The rules of a folder and, by the id of each rule, its cases."""

    rules: RuleSet
    cases: Mapping[str, tuple[Case, ...]]


def load_rules(folder: Path, strict: bool = True) -> RuleSet:
    """Load the rules of a folder; nothing is half loaded.

    With `strict`, rules that alert must have everything that a person who is woken by them needs; without,
    what Sigma requires is enough, and further attributes are permitted.
    Raises RuleProblems with every problem of every file.
    """
    return load_folder(folder, strict).rules


def load_folder(folder: Path, strict: bool = True) -> Loaded:
    """Load the rules of a folder with their cases; raises RuleProblems with every problem of every file."""
    documents, problems = read_folder(folder)
    loading = _Loading(documents, strict)
    loaded = loading.run()
    problems.extend(problem for document in documents for problem in document.problems)
    if problems:
        raise RuleProblems(problems, str(folder))
    return loaded


@dataclass(slots=True)
class _Loading:
    """One loading: what is known of the documents so far. A rule that failed is left out of what follows,
    and references to it are no problems of their own."""

    documents: list[Document]
    strict: bool
    catalogue: Catalogue = field(default_factory=Catalogue)
    drafts: dict[str, Draft] = field(default_factory=dict)
    pending: dict[str, Pending] = field(default_factory=dict)
    filters: list[Filter] = field(default_factory=list)
    parts: dict[str, Part] = field(default_factory=dict)
    builds: dict[str, Build] = field(default_factory=dict)
    filtered: dict[str, list[Filter]] = field(default_factory=dict)

    def run(self) -> Loaded:
        """All steps; meaningful only where no document has a problem afterwards."""
        checked = [one for document in self.documents if (one := self._head(document)) is not None]
        for one in checked:
            self._form(one)
        self._apply_filters()
        for pending in self.catalogue.in_order(self.pending):
            self._build(pending)
        events, memories = self._finish(checked)
        for one in checked:
            if one.id in self.parts:
                check_cases(one.document, one.monitor.cases, self._sources(one.id))
        by_rule = fingerprints(self.catalogue, self.filtered)
        rules = RuleSet(events, memories, whole_fingerprint(self.documents), by_rule)
        return Loaded(rules, {one.id: one.monitor.cases for one in checked if one.id in self.parts})

    def _head(self, document: Document) -> Checked | None:
        checked = read_head(document, self.strict)
        if checked is None:
            self.catalogue.note_failed(document)
            return None
        return checked if self.catalogue.add(checked) else None

    def _form(self, checked: Checked) -> None:
        match checked.document.kind:
            case "filter":
                found = read_filter(checked)
                if found is not None:
                    self.filters.append(found)
            case "correlation":
                pending = read_correlation(checked)
                if pending is not None:
                    self.pending[checked.id] = pending
                    references = [self.catalogue.resolve(name) for name in pending.form.rules]
                    self.catalogue.refer(checked.id, [each for each in references if each is not None])
            case _:
                draft = draft_rule(checked)
                if draft is not None:
                    self.drafts[checked.id] = draft
                    self.parts[checked.id] = Part(checked.id, checked.head.title, draft.source)

    def _apply_filters(self) -> None:
        for one in self.filters:
            document = one.checked.document
            named: list[str] = []
            for at, name in enumerate(() if one.everywhere else one.rules):
                found = self.catalogue.resolve(name)
                if found is None:
                    if not self.catalogue.excuses(name):
                        document.problem(unknown_rule(name, self.catalogue.names()), "filter", "rules", at)
                elif found not in self.drafts:
                    if self.catalogue.kind(found) != "rule":
                        reason = f"{name} is a correlation; write the exception for the rules it takes in"
                        document.problem(reason, "filter", "rules", at)
                elif self.drafts[found].source is not one.source:
                    reason = f"{name} reads {self.drafts[found].source.name}, not {one.source.name}"
                    document.problem(reason, "filter", "rules", at)
                else:
                    named.append(found)
            if one.everywhere:
                named = [key for key, draft in self.drafts.items() if draft.source is one.source]
            for key in named:
                self.drafts[key].term = every((self.drafts[key].term, one.term))
                self.filtered.setdefault(key, []).append(one)

    def _build(self, pending: Pending) -> None:
        document, parts = pending.checked.document, []
        for at, name in enumerate(pending.form.rules):
            found = self.catalogue.resolve(name)
            if found is None and not self.catalogue.excuses(name):
                document.problem(unknown_rule(name, self.catalogue.names()), "correlation", "rules", at)
            elif found is not None and self.catalogue.kind(found) == "filter":
                document.problem(f"{name} is a filter", "correlation", "rules", at)
            elif found is not None and found in self.parts:
                parts.append(self.parts[found])
        if len({part.id for part in parts}) < len(parts):
            document.problem("names a rule twice", "correlation", "rules")
        sources = sorted({name for part in parts for name in self._sources(part.id)})
        if len(sources) > 1:
            reason = f"read {' and '.join(sources)}; events of different sources are not seen together"
            document.problem(reason, "correlation", "rules")
        if len(parts) < len(pending.form.rules) or len(sources) > 1:
            return
        build = build_memory(pending, tuple(parts))
        if build is not None:
            one = pending.checked
            # A look-up matches on the event itself, which is passed on whole.
            source = parts[0].source if isinstance(pending.form, RegisterOf) else None
            self.parts[one.id] = Part(one.id, one.head.title, source, pending.form.group_by)
            self.builds[one.id] = build

    def _finish(self, checked: list[Checked]) -> tuple[tuple[EventRule, ...], tuple[MemoryRule, ...]]:
        events: list[EventRule] = []
        memories: dict[str, MemoryRule] = {}
        for one in checked:
            if one.document.kind == "filter":
                continue
            alerts = self._alerts(one)
            info = rule_info(one, alerts, self.strict)
            if one.id in self.drafts:
                draft = self.drafts[one.id]
                groups = one.monitor.group_by
                term = draft.term
                found = EventRule(
                    info,
                    draft.source,
                    closure(term),
                    indexes(term),
                    groups,
                    alerts,
                    bounds(term),
                    narrowing(term),
                )
                events.append(found)
            elif one.id in self.builds:
                memories[one.id] = self.builds[one.id](info, alerts)
        # In the order in which they take each other in, so that a chain is worked off in one pass.
        return tuple(events), tuple(memories[key] for key in self.builds if key in memories)

    def _alerts(self, one: Checked) -> bool:
        """Sigma: what a correlation takes in does not alert by itself, unless `generate` says so."""
        said = one.monitor.alerts
        users = [self.pending[key] for key in self.catalogue.users(one.id) if key in self.pending]
        generates = [each for each in users if each.form.generate]
        if said is False and generates:
            reason = f"contradicts generate: true of {generates[0].checked.head.title}"
            one.document.problem(reason, "monitor", "alerts")
        if said is None and self.strict and len(generates) < len(users):
            taker = next(each for each in users if not each.form.generate).checked.head.title
            reason = f"is missing; {taker} takes this rule in: say whether it alerts by itself too"
            one.document.problem(reason, "monitor", "alerts")
        return said if said is not None else len(generates) == len(users)

    def _sources(self, key: str) -> tuple[str, ...]:
        """The names of the sources whose events reach a rule, in order."""
        draft = self.drafts.get(key)
        if draft is not None:
            return (draft.source.name,)
        return tuple(sorted({name for part in self.catalogue.uses(key) for name in self._sources(part)}))
