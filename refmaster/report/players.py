"""The player: what stands on its buttons, and the sound that they play."""

import base64
import json
from dataclasses import dataclass

from refmaster.listen import COMPRESSION_SAID, Listening, Voice
from refmaster.units import unbroken
from refmaster.writing import capital, clock, said

KEYS = {"target": "A", "master": "B", "beside": "C", "reference": "R"}
NAMES = {"loudest": "Loudest", "quieter": "A quieter part", "whole": "The whole track"}


@dataclass(frozen=True)
class VoiceButton:
    """A track to be heard: its name, as it is called in a sentence, its key, and how it is turned down at first."""

    role: str
    name: str
    said: str
    key: str
    gain: str


@dataclass(frozen=True)
class PassageButton:
    """A passage to be heard: what it is, and where each track plays it."""

    name: str
    where: str


@dataclass(frozen=True)
class Player:
    """All that the page says of the player; `data` is JSON for its script."""

    voices: tuple[VoiceButton, ...]
    passages: tuple[PassageButton, ...]
    remark: str
    data: str


def player_of(sound: Listening | None, engines: tuple[str, ...] = ()) -> Player | None:
    """The player's words and sound; None where there is nothing to hear. `engines` made master and beside."""
    if sound is None:
        return None
    first = sound.voices[0].passages
    heard_s = sum(one.length_s for one in first)
    short = "" if first[0].name == "whole" else f"{heard_s:.0f} s of each track, "
    return Player(
        voices=tuple(_voice(voice, engines) for voice in sound.voices),
        passages=tuple(_passage(sound, number) for number in range(len(first))),
        remark=f"{short}{COMPRESSION_SAID}: the samples of the files themselves.",
        data=json.dumps(_data(sound), separators=(",", ":")),
    )


def _voice(voice: Voice, engines: tuple[str, ...]) -> VoiceButton:
    by = dict(zip(("master", "beside"), engines, strict=False)).get(voice.role)
    name = voice.role if by is None else by
    called = voice.role if by is None else f"master by {by}"
    return VoiceButton(voice.role, capital(name), f"the {called}", KEYS[voice.role], _turned(voice.gains_db[0]))


def _turned(gain_db: float) -> str:
    return "as it is" if gain_db > -0.05 else unbroken(said("_db", gain_db))


def _passage(sound: Listening, number: int) -> PassageButton:
    passage, level = sound.voices[0].passages[number], sound.levels_lufs[number]
    at = ", matched as whole tracks" if level is None else f", all at {said('_lufs', level)}"
    if passage.name == "whole":
        return PassageButton(NAMES["whole"], f"{clock(passage.length_s)} long{at}")
    theirs = [voice.passages[voice.played(number)] for voice in sound.voices if voice.role == "reference"]
    beside = "".join(f", the reference from {clock(one.start_s)}" for one in theirs)
    return PassageButton(NAMES[passage.name], f"from {clock(passage.start_s)}{beside}{at}")


def _data(sound: Listening) -> dict[str, object]:
    return {
        "voices": [
            {
                "name": voice.role,
                "gains_db": voice.gains_db,
                "turned": [_turned(gain_db) for gain_db in voice.gains_db],
                "held_db": voice.held_db,
                "passages": [
                    {"start_s": one.start_s, "length_s": one.length_s, "flac": base64.b64encode(flac).decode("ascii")}
                    for one, flac in zip(voice.passages, voice.flac, strict=True)
                ],
            }
            for voice in sound.voices
        ]
    }
