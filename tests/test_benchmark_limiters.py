"""The benchmark of limiters: meters that read what is known, and a whole run. No limiter's figures are promised."""

import math

import numpy as np
import pytest
import soundfile as sf

from benchmarks import judge, limiters, limiting, page
from tests.signals import gain_of, kick_loop, pink_noise, sine

RATE_HZ = 44100


def untouched(samples, rate_hz):
    return samples


def test_the_distortion_of_a_square_wave_is_the_textbooks():
    """Odd harmonics of 1/k: sqrt(pi^2 / 8 - 1) of the tone."""
    read = limiters.thd_of(lambda samples, rate_hz: np.sign(samples), 60, RATE_HZ)
    assert read == pytest.approx(20 * math.log10(math.sqrt(math.pi**2 / 8 - 1)), abs=0.1)
    assert limiters.thd_of(untouched, 1000, RATE_HZ) < -190.0


def test_a_peak_between_the_samples_is_read(monkeypatch):
    monkeypatch.setattr(judge, "FINE_PIECE", 3000)  # pieces join without a seam
    tone = sine(RATE_HZ / 4, -3.0, 0.3, RATE_HZ, phase_deg=45.0) * np.hanning(round(0.3 * RATE_HZ))
    assert 20 * math.log10(np.abs(tone).max()) == pytest.approx(-6.0, abs=0.02)
    assert judge.fine_true_peak_dbtp(tone) == pytest.approx(-3.0, abs=0.02)


def test_a_sound_is_brought_to_the_ceiling_and_driven_from_there():
    sound = limiters.made("kicks", 0.3 * limiters.kick_loop(2.0, RATE_HZ), RATE_HZ)
    assert judge.fine_true_peak_dbtp(sound.samples) == pytest.approx(limiting.CEILING_DBTP, abs=1e-6)
    assert judge.fine_true_peak_dbtp(sound.driven(6.0)) == pytest.approx(limiting.CEILING_DBTP + 6.0, abs=1e-6)


def test_what_passes_the_ceiling_gains_nothing():
    """What does not limit is turned down by as much as it was driven, and never gets there."""
    sound = limiters.made("noise", pink_noise(-20.0, 2.0, RATE_HZ), RATE_HZ)
    assert limiters.distance_at(untouched, sound, 2.0) is None
    clipped = limiters.distance_at(lambda samples, rate_hz: np.clip(samples, -0.8, 0.8), sound, 2.0)
    assert clipped is not None
    assert clipped > 0.1


@pytest.mark.parametrize("name", ["refmaster", "matchering"])
def test_a_limiter_keeps_shape_time_and_what_is_soft(name):
    soft = 0.1 * pink_noise(-20.0, 1.0, 48000)
    np.testing.assert_allclose(limiting.LIMITERS[name](soft, 48000), soft, atol=1e-12)
    loud = limiting.LIMITERS[name](kick_loop(6.0, 1.0, 48000), 48000)
    assert np.abs(loud).max() <= gain_of(limiting.CEILING_DBTP) + 1e-3


def test_a_whole_run_writes_its_section_and_says_what_is_missing(tmp_path, monkeypatch, capsys):
    sf.write(tmp_path / "a.wav", pink_noise(-20.0, 2.0, RATE_HZ).T, RATE_HZ)
    (tmp_path / "clips.csv").write_text("path\na.wav\n")
    monkeypatch.setattr(page, "PAGE", tmp_path / "benchmarks.md")
    monkeypatch.setattr(limiters, "RATES_HZ", (RATE_HZ,))
    monkeypatch.setattr(limiting, "_imported", without_pedalboard(limiting._imported))
    assert limiters.main(["--clips", str(tmp_path / "clips.csv"), "--every", "1", "--seconds", "2"]) == 0
    out, told = capsys.readouterr()
    assert "pedalboard Limiter is left out: it is not installed (python -m pip install pedalboard)" in told
    written = (tmp_path / "benchmarks.md").read_text(encoding="utf-8")
    assert out.strip() in written
    rows = [line.split(" | ") for line in out.splitlines() if line.startswith("| ")]
    assert [row[0] for row in rows] == ["| limiter", "| ---", "| refmaster", "| matchering"]
    assert len({len(row) for row in rows}) == 1
    assert "nan" not in out


def without_pedalboard(real):
    def imported(name):
        if name == "pedalboard":
            raise ImportError(name)
        return real(name)

    return imported


def test_a_missing_list_is_refused_in_one_line(tmp_path, capsys):
    assert limiters.main(["--clips", str(tmp_path / "none.csv")]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
    with pytest.raises(SystemExit, match="2"):
        limiters.main(["--every", "0"])
