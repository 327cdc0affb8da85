"""A plausible Report of every kind, made in code: no sound, no file, the same on every run."""

import math
from dataclasses import replace
from itertools import pairwise

from refmaster.genres import load_genre
from refmaster.records import (
    Assumption,
    BandLevels,
    Check,
    Comparison,
    Curve,
    Defect,
    Effect,
    Files,
    GainReduction,
    Gap,
    Genre,
    Move,
    NotReached,
    Param,
    Plan,
    Profile,
    Rejected,
    Report,
    Request,
    Section,
    Stage,
    Verdict,
)

BAND_HZ = tuple(20.0 * 2 ** (k / 6) for k in range(60))  # 20 Hz to 18.2 kHz
DURATION_S, HOP_S = 214.0, 0.1
EDGES_HZ = (20.0, 120.0, 500.0, 2000.0, 6000.0, 20000.0)
SECTIONS_S = (0.0, 22.0, 64.0, 106.0, 148.0, 190.0, DURATION_S)
SECTION_LU = (-7.0, -1.5, 0.8, -2.0, 1.2, -6.0)


def bump(hz: float, centre_hz: float, gain_db: float, width_oct: float) -> float:
    """A smooth hill on a log-frequency axis."""
    return gain_db * math.exp(-((math.log2(hz / centre_hz) / width_oct) ** 2))


def wanted_eq_db() -> tuple[float, ...]:
    return tuple(
        bump(hz, 55, -2.1, 1.2) + bump(hz, 280, -1.3, 0.8) + bump(hz, 3200, 0.5, 0.9) + bump(hz, 12000, 0.9, 1.0)
        for hz in BAND_HZ
    )


def applied_eq_db() -> tuple[float, ...]:
    return tuple(-1.8 / (1 + (hz / 110) ** 2) + bump(hz, 280, -1.2, 0.7) for hz in BAND_HZ)


def profile(
    path: str,
    *,
    integrated_lufs: float,
    tone_db: tuple[float, ...],
    density: float = 1.0,
    width_db: float = -9.0,
    peak_dbtp: float = -1.0,
) -> Profile:
    """A stereo track; `density` above 1 spreads its levels, below 1 narrows them."""
    moments = range(round(DURATION_S / HOP_S))
    short_term = tuple(None if i < 30 else integrated_lufs + _song(i, density) for i in moments)
    momentary = tuple(
        None if i < 4 else integrated_lufs + _song(i, density) + 2.2 * density * math.sin(i * 2.1) * math.sin(i * 0.37)
        for i in moments
    )
    loudest = max(value for value in short_term if value is not None)
    return Profile(
        path=path,
        sha256=("%02x" % (len(path) * 7 % 256)) * 32,
        sample_rate_hz=44100,
        channels=2,
        n_samples=round(DURATION_S * 44100),
        duration_s=DURATION_S,
        container="WAV",
        subtype="PCM_24",
        lossy=False,
        integrated_lufs=integrated_lufs,
        loudness_range_lu=6.4 * density,
        max_short_term_lufs=loudest,
        max_momentary_lufs=loudest + 1.4,
        true_peak_dbtp=peak_dbtp,
        sample_peak_dbfs=peak_dbtp - 0.21,
        plr_db=peak_dbtp - integrated_lufs,
        psr_db=peak_dbtp - loudest,
        psr_p10_db=peak_dbtp - loudest + 0.6,
        crest_db=peak_dbtp - integrated_lufs + 1.7,
        peaks_held_pct=1.4,
        correlation=0.71,
        balance_db=0.12,
        tilt_db_per_oct=-4.31,
        hf_cutoff_hz=None,
        mono_loss_db=-0.84,
        band_hz=BAND_HZ,
        ltas_db=tuple(
            integrated_lufs - 9 - 0.55 * math.log2(hz / 60) ** 2 + math.sin(hz**0.4) + tone
            for hz, tone in zip(BAND_HZ, tone_db, strict=True)
        ),
        ltas_sd_db=tuple(2.6 for _ in BAND_HZ),
        side_to_mid_db=tuple(
            None if hz < 28 else width_db - 9 / (1 + (hz / 140) ** 2) + bump(hz, 9000, 4.0, 1.3) for hz in BAND_HZ
        ),
        dynamics=tuple(
            BandLevels(low, high, -42.0 + k, -28.0 + k, -28.0 + k + (9 + 0.35 * k) * density, -14.0)
            for k, (low, high) in enumerate(pairwise(EDGES_HZ))
        ),
        dc_offset_pct=(0.0, 0.0),
        history_hop_s=HOP_S,
        short_term_lufs=short_term,
        momentary_lufs=momentary,
        sections=tuple(
            Section(start, end, integrated_lufs + offset * density)
            for start, end, offset in zip(SECTIONS_S[:-1], SECTIONS_S[1:], SECTION_LU, strict=True)
        ),
    )


def moves() -> tuple[Move, ...]:
    """Five moves, in chain order."""
    return (
        Move(
            id="match_eq/low_shelf",
            stage=Stage.TONE,
            params=(
                Param("gain_db", -1.8, -12.0, 12.0, 0.0),
                Param("corner_hz", 110.0, 20.0, 1000.0),
                Param("q", 0.7, 0.3, 2.0),
            ),
            because=(Gap("level_at_55_hz_db", 3.4, 0.3, 0.5, 0.9, 58.0),),
            confidence=0.92,
        ),
        Move(
            id="match_eq/bell_1",
            stage=Stage.TONE,
            params=(
                Param("gain_db", -1.2, -12.0, 12.0, 0.0),
                Param("centre_hz", 280.0, 20.0, 20000.0),
                Param("q", 1.4, 0.3, 8.0),
            ),
            because=(Gap("level_at_280_hz_db", 1.9, -0.2, 0.5, 1.3, 57.0),),
            confidence=0.72,
        ),
        Move(
            id="match_width/side",
            stage=Stage.IMAGE,
            params=(Param("side_gain_db", 0.8, -3.0, 3.0, 0.0), Param("low_hz", 1200.0, 200.0, 8000.0)),
            because=(Gap("side_to_mid_db", -9.8, -8.1, 0.5, 1.8, 47.0),),
            confidence=0.47,
        ),
        Move(
            id="match_loudness",
            stage=Stage.LEVEL,
            params=(Param("gain_db", 7.1, -24.0, 24.0, 0.0),),
            because=(Gap("integrated_lufs", -17.4, -10.2, 0.3, 0.0, 98.0),),
            confidence=1.0,
        ),
        Move(
            id="limit_peaks",
            stage=Stage.CEILING,
            params=(
                Param("ceiling_dbtp", -1.0, -12.0, 0.0, 0.0),
                Param("lookahead_ms", 1.5, 0.5, 10.0),
                Param("release_ms", 120.0, 10.0, 1000.0),
            ),
            because=(Gap("true_peak_dbtp", 3.2, -1.0, 0.0, 0.0, 100.0),),
            confidence=1.0,
        ),
    )


TEXTS = (
    (
        "match_eq/low_shelf",
        "Low shelf −1.80 dB at 110 Hz, Q 0.70: the low end is 3.1 dB above the reference’s, more than arrangement "
        "alone would explain; 58 % of it is taken.",
    ),
    (
        "match_eq/bell_1",
        "Trim −1.20 dB at 280 Hz, Q 1.40: the low mids stand 2.1 dB above the reference’s; 57 % of it is taken.",
    ),
    ("match_width/side", "Side +0.80 dB above 1.2 kHz: the reference is 1.7 dB wider there; 47 % of it is taken."),
    ("match_loudness", "Lift of +7.10 dB toward the reference’s −10.2 LUFS."),
    ("limit_peaks", "Ceiling −1.00 dBTP, look-ahead 1.5 ms, release 120.0 ms: the lift leaves peaks at +3.2 dBTP."),
)
EFFECTS = (
    ("match_eq/low_shelf", Effect("level_at_55_hz_db", 3.4, 1.7)),
    ("match_eq/bell_1", Effect("level_at_280_hz_db", 1.9, 0.8)),
    ("match_width/side", Effect("side_to_mid_db", -9.8, -9.1)),
    ("match_loudness", Effect("integrated_lufs", -17.4, -10.3)),
    ("limit_peaks", Effect("true_peak_dbtp", 3.2, -1.02)),
)


def full_report() -> Report:
    """Mastered: five moves, all checks passed."""
    raw = tuple(bump(hz, 55, 3.1, 1.2) + bump(hz, 280, 2.1, 0.8) - bump(hz, 11000, 1.4, 1.2) for hz in BAND_HZ)
    after = tuple(tone + eq for tone, eq in zip(raw, applied_eq_db(), strict=True))
    other = tuple(0.9 * math.sin(3 * math.log2(hz)) for hz in BAND_HZ)
    target = profile(
        "/music/seven/long way home.wav", integrated_lufs=-17.4, tone_db=raw, width_db=-10.6, peak_dbtp=-3.9
    )
    overs = Defect("inter_sample_overs", 3, "3 inter-sample overs, the first at 1:12")
    return Report(
        status="mastered",
        engine="refmaster",
        version="0.1.0",
        target=replace(target, defects=(overs,)),
        reference=profile(
            "/music/references/harbour.flac", integrated_lufs=-10.2, tone_db=other, density=0.8, peak_dbtp=-0.31
        ),
        master=profile(
            "/music/seven/long way home.master.wav",
            integrated_lufs=-10.3,
            tone_db=after,
            density=0.86,
            width_db=-9.9,
            peak_dbtp=-1.02,
        ),
        genre=Genre("rock", "Rock", 14, "sample", (100.0, 10000.0), (5.5, 6.0), 3.2, 4.0, share=0.71),
        request=Request(),
        plan=Plan(
            moves=moves(),
            rejected=(
                Rejected("match_eq/high_shelf", "Air is 1.4 dB below the reference’s, but segments differ by 1.9 dB."),
                Rejected("match_dynamics", "The slope differs by 0.12, less than two halves of one song would."),
            ),
            not_reached=(
                NotReached("sub below 40 Hz", "The kick and the bass share 45 Hz; only the mix can part them."),
            ),
            assumptions=(
                Assumption("Is the wide reverb in the chorus wanted?", "Yes: width above 8 kHz is left as it is."),
            ),
            goal_lufs=-10.2,
            ceiling_dbtp=-1.0,
        ),
        comparison=Comparison(
            kinship=0.03,
            band_hz=BAND_HZ,
            tone=Curve(
                full_db=tuple(
                    2.2 * wanted + math.sin(2 * math.log2(hz))
                    for hz, wanted in zip(BAND_HZ, wanted_eq_db(), strict=True)
                ),
                matched_db=tuple(1.6 * wanted for wanted in wanted_eq_db()),
                wanted_db=wanted_eq_db(),
                sd_db=tuple(0.9 for _ in BAND_HZ),
                weight=tuple(1.0 for _ in BAND_HZ),
                full_weight=tuple(1.0 for _ in BAND_HZ),
            ),
            width=None,
            ignored=("Above 16 kHz the reference teaches no tone: its codec cuts there.",),
        ),
        checks=(
            Check("true_peak_dbtp", -1.02, None, -1.0),
            Check("integrated_lufs", -10.3, -10.3, -10.1),
            Check("mono_loss_db", -0.84, -3.0, None),
            Check("n_samples", 9437400.0, 9437400.0, 9437400.0),
        ),
        effects=EFFECTS,
        texts=TEXTS,
        gain_reduction=gain_reduction(),
        files=Files(
            master="/music/seven/long way home.master.wav",
            session="/music/seven/long way home.master.toml",
            report="/music/seven/long way home.master.html",
        ),
        notes=("The reference is 48 kHz and was resampled for comparison.",),
    )


def gain_reduction() -> GainReduction:
    history = tuple(
        max(0.0, _song(i, 1.0) * 0.5 + 2.2 * abs(math.sin(i * 1.7)) * abs(math.sin(i * 0.23))) for i in range(2140)
    )
    return GainReduction(HOP_S, history, max(history), 41.3, 0.0)


def in_a_genre() -> Report:
    """Mastered, as metal: the genre's own bands, measured on tracks."""
    return replace(full_report(), genre=load_genre("metal"))


def second_opinion() -> Report:
    """Another engine's master, with ours beside it."""
    report = full_report()
    assert report.master is not None
    louder = replace(report.master, integrated_lufs=-9.7, true_peak_dbtp=0.4, path="/music/seven/opinion.wav")
    match = Move("matchering/match", Stage.TONE, (), moves()[3].because, 0.8)
    return replace(
        report,
        engine="matchering",
        version="2.0.6",
        master=louder,
        plan=Plan((match,), goal_lufs=-10.2, ceiling_dbtp=-1.0),
        checks=(Check("true_peak_dbtp", 0.4, None, -1.0), Check("integrated_lufs", -9.7, -10.3, -10.1)),
        effects=(("matchering/match", Effect("integrated_lufs", -17.4, -9.7)),),
        texts=(("matchering/match", "matchering 2.0.6 matched the reference in full."),),
        gain_reduction=None,
        beside=replace(report, files=Files()),
    )


def dry_run() -> Report:
    """Planned, nothing rendered: no master, no effect, no check."""
    return replace(full_report(), master=None, effects=(), checks=(), gain_reduction=None, files=Files())


def without_reference() -> Report:
    return replace(full_report(), reference=None, comparison=None)


def unchanged() -> Report:
    report = full_report()
    return replace(
        report,
        status="unchanged",
        master=report.target,
        plan=Plan(moves=(), rejected=report.plan.rejected),
        effects=(),
        texts=(),
        gain_reduction=None,
    )


def mono() -> Report:
    """One channel everywhere: no correlation, no balance, no side."""
    report = full_report()
    target, reference, master = (
        replace(
            one,
            channels=1,
            correlation=None,
            balance_db=None,
            mono_loss_db=None,
            side_to_mid_db=tuple(None for _ in BAND_HZ),
        )
        for one in (report.target, report.reference, report.master)
        if one is not None
    )
    return replace(report, target=target, reference=reference, master=master)


def failed() -> Report:
    """Done, but the ceiling was not held."""
    return replace(full_report(), checks=(Check("true_peak_dbtp", -0.82, None, -1.0),))


def decided() -> Report:
    """A person overrode and locked one move and dropped another; and every name is as long as names get."""
    report = full_report()
    shelf, bell, *rest = report.plan.moves
    chosen = replace(shelf.at(gain_db=-0.5), verdict=Verdict.OVERRIDE, locked=True, proposed=(("gain_db", -1.8),))
    moves_then = (replace(chosen, note="keep the weight"), replace(bell, verdict=Verdict.DROP), *rest)
    folder = "/music/a_folder_whose_name_nobody_ever_thought_of_breaking_into_several_words"
    name = "long_way_home_final_mix_v17_really_final_2024-11-03_96k_24bit_no_limiter.wav"
    return replace(
        report,
        target=replace(report.target, path=f"{folder}/{name}"),
        plan=replace(report.plan, moves=moves_then),
        effects=tuple((move_id, effect) for move_id, effect in report.effects if move_id != bell.id),
        files=Files(session=f"{folder}/{name}.master.toml"),
    )


def unmeasured() -> Report:
    """Silence: there is nothing to measure, neither before nor after."""
    report = full_report()
    silent = replace(
        report.target,
        integrated_lufs=None,
        true_peak_dbtp=None,
        sample_peak_dbfs=None,
        max_short_term_lufs=None,
        max_momentary_lufs=None,
        loudness_range_lu=None,
        plr_db=None,
        psr_db=None,
        psr_p10_db=None,
        crest_db=None,
        peaks_held_pct=None,
        correlation=None,
        balance_db=None,
        tilt_db_per_oct=None,
        mono_loss_db=None,
        ltas_db=tuple(-200.0 for _ in BAND_HZ),
        side_to_mid_db=tuple(None for _ in BAND_HZ),
        dynamics=(),
        short_term_lufs=(),
        momentary_lufs=(),
        sections=(),
        defects=(),
    )
    checks = (Check("true_peak_dbtp", None, None, -1.0),)
    return replace(report, target=silent, reference=silent, master=silent, checks=checks, gain_reduction=None)


def _song(i: int, density: float) -> float:
    """Loudness around the integrated, LU: sections, smoothed, with some life in them."""
    time_s = i * HOP_S
    section = sum(
        offset * (math.tanh((time_s - start) / 1.5) - math.tanh((time_s - end) / 1.5)) / 2
        for start, end, offset in zip(SECTIONS_S[:-1], SECTIONS_S[1:], SECTION_LU, strict=True)
    )
    return density * (section + 0.6 * math.sin(time_s * 1.3) + 0.4 * math.sin(time_s * 3.1))
