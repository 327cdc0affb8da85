"""The session file: what is written is read again, people may edit it, and the seal knows when they did."""

import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from refmaster import session as sessions
from refmaster.errors import BadSetting
from refmaster.history import continued
from refmaster.moves import blank_of
from refmaster.records import (
    Assumption,
    Check,
    Delivery,
    Effect,
    Gap,
    Input,
    Move,
    NotReached,
    Outcome,
    Phase,
    Plan,
    Reading,
    Rejected,
    Request,
    Session,
    Stage,
    Verdict,
    Work,
)

GAP = Gap("integrated_lufs", -18.25, -11.5, 0.1, 0.0, 100.0)
EQ = replace(blank_of("match_eq/bell_1", 2).at(gain_db=-2.5, centre_hz=315.0, q=1.1), because=(GAP,), confidence=0.75)
LEVEL = replace(blank_of("match_loudness", 2).at(gain_db=6.75), because=(GAP,))
LIMIT = blank_of("limit_peaks", 2).at(ceiling_dbtp=-1.0)


def session_of(moves: tuple[Move, ...] = (EQ, LEVEL, LIMIT), **changes) -> Session:
    delivery = changes.pop("delivery", Delivery())
    made = Session(
        schema=sessions.SCHEMA,
        version="0.1.0",
        engine="refmaster",
        target=Input("/music/target.wav", "a" * 64),
        references=(Input("/music/reference.wav", "b" * 64),),
        request=Request(),
        plan=Plan(moves, goal_lufs=-11.5, ceiling_dbtp=-1.0),
        delivery=delivery,
        seal=sessions.seal_of(moves, delivery),
    )
    return replace(made, **changes)


def round_trip(session: Session, folder: Path) -> Session:
    path = folder / "x.toml"
    path.write_text(sessions.written(session, Path("/music")), encoding="utf-8")
    read = sessions.read(path)
    return replace(
        read,
        target=Input(read.target.path.replace(str(folder), "/music"), read.target.sha256),
        references=tuple(Input(one.path.replace(str(folder), "/music"), one.sha256) for one in read.references),
    )


@pytest.mark.parametrize(
    "session",
    [
        session_of(),
        session_of(()),
        session_of(references=()),
        session_of(request=Request(25.0, -14.0, -2.0, (Stage.TONE, Stage.LEVEL), 3)),
        session_of((replace(EQ, phase=Phase.LINEAR), LEVEL), request=Request(phase=Phase.LINEAR)),
        session_of(delivery=Delivery("FLAC", "PCM_16", 16, 7, True)),
        session_of(delivery=Delivery("WAV", "FLOAT", None, 0, False)),
        session_of((replace(EQ, verdict=Verdict.DROP, note='too "thin" = \\ \n# no'), LEVEL)),
        session_of((replace(EQ, verdict=Verdict.OVERRIDE, locked=True, proposed=(("gain_db", -4.0), ("q", 1.0))),)),
        session_of((blank_of("remove_dc", 1).at(offset_pct=0.5),)),
        session_of((blank_of("remove_dc", 2).at(left_offset_pct=0.5, right_offset_pct=-0.25),)),
        session_of(
            plan=Plan((EQ,), (Rejected("match_width", "Left: «so»"),), (NotReached("integrated_lufs", "1 LU short"),))
        ),
    ],
    ids=["usual", "empty", "alone", "request", "linear", "flac", "float", "dropped", "set", "mono", "stereo", "left"],
)
def test_what_is_written_is_read_again(session, tmp_path):
    assert round_trip(session, tmp_path) == session


def test_a_session_from_before_offsets_were_followed_subtracts_its_constant(tmp_path):
    move = blank_of("remove_dc", 2).at(left_offset_pct=0.5, right_offset_pct=-0.25)
    text = sessions.written(session_of((move,)), tmp_path)
    older = "\n".join(line for line in text.splitlines() if "below_hz" not in line)
    assert older != text.rstrip("\n")
    path = tmp_path / "older.toml"
    path.write_text(older, encoding="utf-8")
    read = sessions.read(path)
    assert read.plan.moves == (move,)
    assert sessions.seal_of(read.plan.moves, read.delivery) == "827bf3de77dd818d"  # as the build before wrote it


READING = Reading(61.5, -14.0, -1.0, -12.0, None, 13.0, 9.0, 12.0, 0.9, -4.0)
CHECKS = (Check("true_peak_dbtp", -1.02, None, -1.0), Check("plr_db", None, None, None))
OUTCOME = Outcome(
    status="mastered",
    target=READING,
    reference=READING,
    master=READING,
    genre="any",
    genre_tracks=500,
    genre_share=0.25,
    kinship=0.125,
    taken="The reference is «another» song.",
    ignored=("tone above 15.1 kHz: the target ends there",),
    effects=((EQ.id, Effect("tone_at_315_hz_db", 1.5, -1.0)),),
    checks=CHECKS,
    limiter=Work(2.5, 10.0, 0.0),
    notes=("a\nnote",),
)


def told(**changes) -> Session:
    session = session_of(outcome=replace(OUTCOME, **changes))
    return replace(session, plan=replace(session.plan, assumptions=(Assumption("How loud?", "−14 LUFS"),)))


def with_history() -> Session:
    """Four revisions: made, changed, with less, and as it was."""
    made = None
    for now in (told(), session_of((EQ.at(gain_db=1.0), LEVEL)), session_of((LEVEL,), references=()), told()):
        made = replace(now, revisions=continued(made, now, flags=("--set x",), how="so"))
    assert made is not None
    return made


@pytest.mark.parametrize(
    "session",
    [told(), told(reference=None, kinship=None, limiter=None, effects=(), genre_share=None), with_history()],
    ids=["outcome", "alone", "history"],
)
def test_what_came_of_it_is_read_again(session, tmp_path):
    path = tmp_path / "x.toml"
    path.write_text(sessions.written(session, tmp_path), encoding="utf-8")
    read = sessions.read(path)
    assert (read.outcome, read.plan) == (session.outcome, session.plan)
    assert len(read.revisions) == len(session.revisions)
    for one, other in zip(read.revisions, session.revisions, strict=True):
        inputs = [Path(i.path).resolve() for i in (other.target, *other.references)]
        assert [Path(i.path).resolve() for i in (one.target, *one.references)] == inputs
        assert replace(one, target=other.target, references=other.references) == other
    assert sessions.written(read, tmp_path) == path.read_text(encoding="utf-8")


def test_a_history_holds_only_what_changed():
    text = sessions.written(with_history(), Path("/music"))
    second, third = text.split("[[revision]]")[2:4]
    assert "match_eq/bell_1" in second
    assert "match_loudness = " not in second
    assert "target = {" not in second + third
    assert "reference = []" in third


def test_numbers_survive_to_the_last_bit(tmp_path):
    odd = EQ.at(gain_db=-0.1 - 0.2, centre_hz=1000 / 3)
    assert round_trip(session_of((odd,)), tmp_path).plan.moves[0].values == odd.values


def test_reasons_stand_in_comments():
    text = sessions.written(session_of(), Path("/music"))
    lines = text.splitlines()
    assert lines[0].startswith("# ")
    assert any(line.startswith("# Trim the low mids") for line in lines)
    (gain,) = (line for line in lines if line.startswith("gain_db = -2.5"))
    assert "# -24 to 24 dB; 0 does nothing" in gain
    assert all("keep, override or drop" in line for line in lines if line.startswith("verdict"))


def test_it_is_plain_toml():
    data = tomllib.loads(sessions.written(session_of(), Path("/music")))
    assert data["schema"] == sessions.SCHEMA
    assert data["target"]["path"] == "target.wav"
    assert [move["id"] for move in data["move"]] == ["match_eq/bell_1", "match_loudness", "limit_peaks"]


def test_a_newline_in_a_note_cannot_end_its_comment(tmp_path):
    sly = replace(EQ, note='x\nverdict = "drop"\n[polka]')
    assert round_trip(session_of((sly,)), tmp_path).plan.moves == (sly,)


# The seal


def seal(moves=(EQ, LEVEL), delivery=None) -> str:
    return sessions.seal_of(moves, delivery or Delivery())


@pytest.mark.parametrize(
    "moves",
    [
        (EQ.at(gain_db=-2.5000001), LEVEL),
        (EQ.at(q=1.2), LEVEL),
        (replace(EQ, id="match_eq/bell_2"), LEVEL),
        (replace(EQ, verdict=Verdict.DROP), LEVEL),
        (LEVEL, EQ),
        (EQ,),
        (EQ, LEVEL, LIMIT),
    ],
    ids=["value", "another value", "id", "dropped", "order", "one less", "one more"],
)
def test_the_seal_breaks_when_the_chain_changes(moves):
    assert seal(moves) != seal()


@pytest.mark.parametrize(
    "moves",
    [
        (replace(EQ, note="a word"), LEVEL),
        (replace(EQ, locked=True), LEVEL),
        (replace(EQ, because=(), confidence=0.1), LEVEL),
        (replace(EQ, verdict=Verdict.OVERRIDE), LEVEL),
        (EQ, LEVEL, replace(LIMIT, verdict=Verdict.DROP)),
    ],
    ids=["note", "lock", "reason", "verdict", "one that is not heard"],
)
def test_the_seal_holds_when_only_words_change(moves):
    assert seal(moves) == seal()


@pytest.mark.parametrize("change", [{"subtype": "PCM_16"}, {"bit_depth": 16}, {"dither_seed": 1}, {"dithered": False}])
def test_the_seal_breaks_when_the_bytes_would_change(change):
    assert seal(delivery=replace(Delivery(), **change)) != seal()


def test_a_move_without_a_value_is_refused(tmp_path):
    path = tmp_path / "x.toml"
    text = sessions.written(session_of((EQ,)), tmp_path)
    path.write_text("\n".join(line for line in text.splitlines() if not line.startswith("q = ")), encoding="utf-8")
    with pytest.raises(BadSetting, match="lacks q"):
        sessions.read(path)


def test_a_file_of_20_mib_is_no_session(tmp_path):
    (tmp_path / "x.toml").write_bytes(b"#" * (20 * 2**20))
    with pytest.raises(BadSetting, match="no session"):
        sessions.read(tmp_path / "x.toml")


def test_two_moves_of_one_id_are_refused(tmp_path):
    path = tmp_path / "x.toml"
    path.write_text(sessions.written(session_of((EQ, EQ)), tmp_path), encoding="utf-8")
    with pytest.raises(BadSetting, match="bell_1"):
        sessions.read(path)
