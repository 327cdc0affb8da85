"""Our own master of what another engine masters: rendered out of sight, and judged alike."""

from dataclasses import replace
from pathlib import Path

from refmaster.outputs import ending
from refmaster.pipeline import Options, finish
from refmaster.plan import Material, draft
from refmaster.prepare import Told
from refmaster.records import Delivery, Files, Report, Request


def our_own(
    material: Material, request: Request, delivery: Delivery, folder: Path, options: Options, told: Told
) -> Report:
    """What our engine makes of the same material, at the default amount; its master lies in `folder`."""
    asked = Request(ceiling_dbtp=request.ceiling_dbtp)
    files = Files(master=str(folder / f"refmaster{ending(delivery)}"))
    ours = replace(material, request=asked)
    made = draft(ours, told=lambda name: told(f"plan: {name}", -1.0))
    return finish(ours, made, delivery, files, replace(options, html=False, dry_run=False), told)
