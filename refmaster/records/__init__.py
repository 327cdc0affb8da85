"""Records: what travels from step to step.

All are frozen, hold tuples instead of lists, and compute no sound. To change one, make the next one
(`dataclasses.replace`, `Move.at`). What could not be measured is None.
"""

from refmaster.records.decided import (
    Assumption,
    Decision,
    Delivery,
    Effect,
    Move,
    NotReached,
    Param,
    Phase,
    Plan,
    Proposal,
    Rejected,
    Request,
    Stage,
    Verdict,
)
from refmaster.records.measured import (
    BandLevels,
    Comparison,
    Curve,
    Defect,
    DynamicsGap,
    Gap,
    Genre,
    Profile,
    Section,
    Source,
)
from refmaster.records.reported import (
    Check,
    Files,
    GainReduction,
    Input,
    Report,
    Session,
    Status,
)

__all__ = [
    "Assumption",
    "BandLevels",
    "Check",
    "Comparison",
    "Curve",
    "Decision",
    "Defect",
    "Delivery",
    "DynamicsGap",
    "Effect",
    "Files",
    "GainReduction",
    "Gap",
    "Genre",
    "Input",
    "Move",
    "NotReached",
    "Param",
    "Phase",
    "Plan",
    "Profile",
    "Proposal",
    "Rejected",
    "Report",
    "Request",
    "Section",
    "Session",
    "Source",
    "Stage",
    "Status",
    "Verdict",
]
