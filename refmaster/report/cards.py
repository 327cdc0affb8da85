"""One card a move: what was done, why, what it changed, and how to decide otherwise."""

from dataclasses import dataclass, replace

from refmaster.explain import undo
from refmaster.records import Gap, Move, Param, Report, Verdict
from refmaster.writing import YARDSTICK, confidence, difference, label, pair, said, span, spread, yardstick


@dataclass(frozen=True)
class Setting:
    """One parameter of a move, and the flag that sets it."""

    label: str
    value: str
    proposed: str
    allowed: str
    neutral: str
    flag: str


@dataclass(frozen=True)
class Reason:
    """One gap that led to a move, in words."""

    label: str
    target: str
    toward: str
    reference: str
    delta: str
    tolerance: str
    uncertainty: str
    taken: str


@dataclass(frozen=True)
class Card:
    """All that the page says about one move."""

    id: str
    anchor: str
    stage: str
    verdict: str
    active: bool
    locked: bool
    note: str
    text: str
    settings: tuple[Setting, ...]
    effect_label: str
    effect: str
    effect_change: str
    confidence: str
    because: tuple[Reason, ...]
    undo: str
    effect_against: str = ""


def cards_of(report: Report) -> tuple[Card, ...]:
    """A card for every move, in chain order, dropped ones among them; the first tone says what it stands against."""
    cards = [_card(report, move) for move in report.plan.moves]
    effects = [report.effect_of(move.id) for move in report.plan.moves]
    first = next((k for k, effect in enumerate(effects) if effect and yardstick(effect.feature)), None)
    if first is not None:
        cards[first] = replace(cards[first], effect_against=YARDSTICK)
    return tuple(cards)


def _card(report: Report, move: Move) -> Card:
    effect = report.effect_of(move.id)
    return Card(
        id=move.id,
        anchor=f"move-{move.id.replace('/', '-')}",
        stage=move.stage.name.lower(),
        verdict=move.verdict.value,
        active=move.active,
        locked=move.locked,
        note=move.note,
        text=report.text_of(move.id),
        settings=tuple(_setting(move, param) for param in move.params),
        effect_label=label(effect.feature) if effect else "",
        effect=pair(effect.feature, effect.before, effect.after) if effect else "",
        effect_change=difference(effect.feature, effect.after - effect.before) if effect else "",
        confidence=confidence(move.confidence),
        because=tuple(_reason(gap) for gap in move.because),
        undo=undo(report, move) or "",
    )


def _setting(move: Move, param: Param) -> Setting:
    proposed = dict(move.proposed).get(param.name) if move.verdict is Verdict.OVERRIDE else None
    return Setting(
        label=label(param.name),
        value=str(param),
        proposed="" if proposed is None or proposed == param.value else said(param.name, proposed),
        allowed=span(param.name, param.low, param.high),
        neutral=said(param.name, param.neutral),
        flag=f"--set {move.id}.{param.name}={param.value:g}",
    )


def _reason(gap: Gap) -> Reason:
    return Reason(
        label=label(gap.feature),
        target=said(gap.feature, gap.target),
        toward=gap.toward.removeprefix("the ").capitalize(),
        reference=said(gap.feature, gap.reference),
        delta=difference(gap.feature, gap.delta),
        tolerance=spread(gap.feature, gap.tolerance),
        uncertainty=spread(gap.feature, gap.uncertainty),
        taken=f"{gap.taken_pct:.0f} %",
    )
