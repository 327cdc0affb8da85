"""Tags travel between formats, and never stop a master."""

import base64
import contextlib
import os

import mutagen
import numpy as np
import pytest
import soundfile as sf
from mutagen.aiff import AIFF
from mutagen.flac import FLAC, CueSheet, CueSheetTrack, CueSheetTrackIndex
from mutagen.flac import Picture as FlacPicture
from mutagen.id3 import APIC, COMM, ID3, TALB, TCON, TDRC, TIT2, TPE1, TRCK, TSSE, TXXX
from mutagen.mp3 import MP3
from mutagen.mp4 import MP4Cover, MP4Tags
from mutagen.oggopus import OggOpus
from mutagen.oggvorbis import OggVorbis
from mutagen.wave import WAVE

from refmaster import behind
from refmaster import tags as tags_module
from refmaster.errors import BadOutput
from refmaster.load import open_track, track_of
from refmaster.save import choose_delivery, write_audio
from refmaster.tags import copy_tags, read_mark

RATE_HZ = 48_000
JPEG = b"\xff\xd8\xff\xe0" + bytes(range(256)) * 8
WANTED = {
    "title": ["Ein Lied – 曲"],
    "artist": ["One", "Two"],
    "album": ["Album"],
    "genre": ["Techno"],
    "date": ["2024-05-01"],
    "tracknumber": ["3/12"],
    "comment": ["made at home"],
}
NAMES = ["a.mp3", "a.flac", "a.ogg", "a.opus", "a.wav", "a.aiff"]


def sound_at(path, n_samples=9600):
    noise = np.random.default_rng(1).uniform(-0.1, 0.1, (2, n_samples))
    track = track_of(noise, RATE_HZ)
    delivery = choose_delivery(path, container=None, bit_depth=None, source=track.source)
    write_audio(path, track.blocks(), sample_rate_hz=RATE_HZ, channels=2, delivery=delivery)
    return path


def tagged(path, texts=WANTED, pictures=((3, "image/jpeg", JPEG),)):
    """A file with tags written by mutagen's own words, not by ours."""
    file = {".mp3": MP3, ".flac": FLAC, ".ogg": OggVorbis, ".opus": OggOpus, ".wav": WAVE, ".aiff": AIFF}[path.suffix](
        sound_at(path)
    )
    if isinstance(file, MP3 | WAVE | AIFF):
        if file.tags is None:
            file.add_tags()
        frames = {"title": TIT2, "artist": TPE1, "album": TALB, "genre": TCON, "date": TDRC, "tracknumber": TRCK}
        for name, values in texts.items():
            frame = (
                COMM(encoding=3, lang="eng", desc="", text=values)
                if name == "comment"
                else frames[name](encoding=3, text=values)
                if name in frames
                else TXXX(encoding=3, desc=name, text=values)
            )
            file.tags.add(frame)
        for number, (kind, mime, data) in enumerate(pictures):
            file.tags.add(APIC(encoding=3, mime=mime, type=kind, desc=str(number), data=data))
    else:
        for name, values in texts.items():
            file[name] = values
        blocks = []
        for kind, mime, data in pictures:
            block = FlacPicture()
            block.type, block.mime, block.data = kind, mime, data
            blocks.append(block)
        if isinstance(file, FLAC):
            for block in blocks:
                file.add_picture(block)
        else:
            file["metadata_block_picture"] = [base64.b64encode(block.write()).decode() for block in blocks]
    file.save()
    return path


def found_in(path):
    """Texts and pictures of a file, as mutagen reads them."""
    file = mutagen.File(path)
    if isinstance(file.tags, ID3):
        frames = {"title": "TIT2", "artist": "TPE1", "album": "TALB", "genre": "TCON", "date": "TDRC"}
        frames["tracknumber"] = "TRCK"
        texts = {name: [str(one) for one in file.tags[key].text] for name, key in frames.items() if key in file.tags}
        for comment in file.tags.getall("COMM"):
            texts["comment"] = list(comment.text)
        for own in file.tags.getall("TXXX"):
            texts[own.desc] = list(own.text)
        return texts, [one.data for one in file.tags.getall("APIC")]
    texts = {key.lower(): list(values) for key, values in dict(file.tags or {}).items()}
    texts.pop("encoder", None)
    blocks = [FlacPicture(base64.b64decode(one)) for one in texts.pop("metadata_block_picture", [])]
    return texts, [one.data for one in [*getattr(file, "pictures", []), *blocks]]


def samples_of(path):
    return np.concatenate(list(open_track(path).blocks()), axis=1)


@pytest.mark.parametrize("source_name", NAMES)
@pytest.mark.parametrize("master_name", NAMES)
def test_texts_and_cover_travel_from_any_format_to_any_other(tmp_path, source_name, master_name):
    (tmp_path / "in").mkdir()
    source, master = tagged(tmp_path / "in" / source_name), sound_at(tmp_path / master_name)
    before = samples_of(master)

    notes = copy_tags(source, master)

    assert found_in(master) == (WANTED, [JPEG])
    assert notes == ()
    assert np.array_equal(samples_of(master), before)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["in", master_name])


def test_the_tags_are_added_before_the_file_gets_its_name(tmp_path):
    source = tagged(tmp_path / "t.flac")
    track = open_track(source)
    delivery = choose_delivery(tmp_path / "m.wav", container=None, bit_depth=None, source=track.source)
    write_audio(
        tmp_path / "m.wav",
        track.blocks(),
        sample_rate_hz=RATE_HZ,
        channels=2,
        delivery=delivery,
        finish=lambda temp, _: copy_tags(source, temp) and None,
    )
    assert found_in(tmp_path / "m.wav") == (WANTED, [JPEG])
    assert open_track(tmp_path / "m.wav").notes == ()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m.wav", "t.flac"]


@pytest.mark.parametrize("source_name", ["a.mp3", "a.flac", "a.opus"])
def test_loudness_and_encoder_tags_stay_behind(tmp_path, source_name):
    own = {
        "replaygain_track_gain": ["-9.1 dB"],
        "replaygain_album_peak": ["0.99"],
        "R128_TRACK_GAIN": ["-1024"],
        "encoder": ["Lavf"],
        "encoded-by": ["somebody"],
        "mp3gain_minmax": ["1,2"],
    }
    source = tagged(tmp_path / source_name, {"title": ["T"], **own}, pictures=())
    if source_name == "a.mp3":
        file = MP3(source)
        file.tags.add(COMM(encoding=3, lang="eng", desc="iTunNORM", text=[" 00000AAA 00000BBB"]))
        file.tags.add(TSSE(encoding=3, text=["LAME"]))
        file.save()
    for master_name in ("m.flac", "m.mp3", "m.ogg"):
        master = sound_at(tmp_path / master_name)
        assert copy_tags(source, master) == ()
        assert found_in(master) == ({"title": ["T"]}, [])


def test_control_characters_are_removed_and_breaks_become_spaces(tmp_path):
    source = tagged(tmp_path / "t.flac", {"title": ["A\x1b[31m\x07B"], "comment": ["one\r\ntwo\x00"]}, pictures=())
    master = sound_at(tmp_path / "m.mp3")
    assert copy_tags(source, master) == ()
    assert found_in(master)[0] == {"title": ["A[31mB"], "comment": ["one  two"]}


def test_empty_and_endless_texts_are_left_out(tmp_path):
    source = tagged(tmp_path / "t.flac", {"title": [""], "album": ["x" * 40_000], "genre": ["g"]}, pictures=())
    master = sound_at(tmp_path / "m.flac")
    assert copy_tags(source, master) == ("tag album of t.flac left out: longer than 32768 characters",)
    assert found_in(master)[0] == {"genre": ["g"]}


def test_a_large_picture_is_left_out_with_a_note_and_the_rest_stays(tmp_path, monkeypatch):
    monkeypatch.setattr(tags_module, "LARGEST_PICTURE_BYTES", 3_000)
    monkeypatch.setattr(tags_module, "LARGEST_FLAC_PICTURE_BYTES", 3_000)
    pictures = ((3, "image/jpeg", JPEG), (4, "image/png", bytes(4_000)))
    source = tagged(tmp_path / "t.mp3", pictures=pictures)
    for name in ("m.flac", "m.wav"):
        master = sound_at(tmp_path / name)
        (note,) = copy_tags(source, master)
        assert note == "picture of 0.0 MB in t.mp3 left out: the most is 0.0 MB"
        assert found_in(master) == (WANTED, [JPEG])


def test_a_picture_of_more_than_twenty_megabytes_is_left_out(tmp_path):
    source = tagged(tmp_path / "t.mp3", pictures=((3, "image/jpeg", bytes(20_500_000)),))
    master = sound_at(tmp_path / "m.wav")
    assert copy_tags(source, master) == ("picture of 20.5 MB in t.mp3 left out: the most is 20.0 MB",)
    assert found_in(master) == (WANTED, [])


def test_a_picture_that_flac_cannot_hold_is_left_out_there_only(tmp_path):
    source = tagged(tmp_path / "t.mp3", pictures=((3, "image/jpeg", bytes(17_000_000)),))
    flac, wav = sound_at(tmp_path / "m.flac"), sound_at(tmp_path / "m.wav")
    assert copy_tags(source, flac) == ("picture of 17.0 MB in t.mp3 left out: the most is 16.7 MB",)
    assert copy_tags(source, wav) == ()
    assert (len(found_in(flac)[1]), len(found_in(wav)[1])) == (0, 1)


def test_several_pictures_without_descriptions_all_arrive(tmp_path):
    other = JPEG[::-1]
    source = tagged(tmp_path / "t.flac", pictures=((3, "image/jpeg", JPEG), (4, "image/jpeg", other)))
    master = sound_at(tmp_path / "m.mp3")
    copy_tags(source, master)
    assert sorted(found_in(master)[1]) == sorted([JPEG, other])


def test_mp4_atoms_become_common_names(tmp_path):
    atoms = MP4Tags()
    atoms["\xa9nam"], atoms["aART"], atoms["trkn"], atoms["disk"], atoms["tmpo"] = (
        ["T"],
        ["AA"],
        [(3, 12)],
        [(1, 0)],
        [128],
    )
    atoms["covr"] = [MP4Cover(JPEG, MP4Cover.FORMAT_JPEG)]
    found = tags_module._from_mp4(atoms)
    assert dict(found.texts) == {
        "title": ("T",),
        "albumartist": ("AA",),
        "tracknumber": ("3/12",),
        "discnumber": ("1",),
        "bpm": ("128",),
    }
    assert [(one.mime, one.data) for one in found.pictures] == [("image/jpeg", JPEG)]


def test_the_info_list_of_a_wav_is_read_as_well(tmp_path):
    source = tmp_path / "t.wav"
    with sf.SoundFile(str(source), "w", RATE_HZ, 2, subtype="PCM_16") as file:
        file.title, file.artist, file.software = "T", "A", "Some DAW"
        file.write(np.zeros((4800, 2)))
    master = sound_at(tmp_path / "m.flac")
    assert copy_tags(source, master) == ()
    assert found_in(master)[0] == {"title": ["T"], "artist": ["A"]}


@pytest.mark.parametrize("name", NAMES)
def test_a_mark_stands_in_a_field_of_its_own_beside_the_song_s(tmp_path, name):
    (tmp_path / "in").mkdir()
    source, master = tagged(tmp_path / "in" / name), sound_at(tmp_path / name)
    before = samples_of(master)
    assert copy_tags(source, master, "mastered; by us") == ()
    texts, pictures = found_in(master)
    own = {key: value for key, value in texts.items() if key.lower() == "refmaster"}
    assert list(own.values()) == [["mastered; by us"]]
    assert {key: value for key, value in texts.items() if key not in own} == WANTED
    assert pictures == [JPEG]
    assert read_mark(master) == "mastered; by us"
    assert np.array_equal(samples_of(master), before)


@pytest.mark.parametrize("name", NAMES)
def test_a_mark_needs_no_other_tag_and_is_the_same_bytes_again(tmp_path, name):
    (tmp_path / "in").mkdir()
    source = sound_at(tmp_path / "in" / name)
    masters = [sound_at(tmp_path / f"{number}{name}") for number in (1, 2)]
    masters[1].write_bytes(masters[0].read_bytes())
    for master in masters:
        assert copy_tags(source, master, "mastered") == ()
        assert read_mark(master) == "mastered"
    assert masters[0].read_bytes() == masters[1].read_bytes()


@pytest.mark.parametrize("name", NAMES)
def test_the_target_s_own_mark_stays_behind(tmp_path, name):
    (tmp_path / "in").mkdir()
    source = tagged(tmp_path / "in" / name, {"title": ["T"], "REFMASTER": ["an older one"]}, pictures=())
    other, master = sound_at(tmp_path / "other.flac"), sound_at(tmp_path / name)
    assert read_mark(source) == "an older one"
    copy_tags(source, other)
    copy_tags(source, master, "a newer one")
    assert (read_mark(other), read_mark(master)) == ("", "a newer one")


def test_a_mark_is_written_even_where_the_target_s_tags_are_broken(tmp_path):
    master, garbage = sound_at(tmp_path / "m.wav"), tmp_path / "bad.flac"
    garbage.write_bytes(b"fLaC\x04\xff\xff\xff" + os.urandom(100))
    (note,) = copy_tags(garbage, master, "mastered")
    assert "could not be read" in note
    assert read_mark(master) == "mastered"
    assert read_mark(garbage) == ""
    assert read_mark(tmp_path / "gone.wav") == ""


@pytest.mark.parametrize("name", ["m.caf", "m.w64", "m.rf64"])
def test_formats_without_tags_go_unmarked_and_say_so(tmp_path, name):
    master = sound_at(tmp_path / name)
    before = master.read_bytes()
    (said,) = copy_tags(sound_at(tmp_path / "t.wav"), master, "mastered")
    assert "a second pass would not know it again" in said
    assert read_mark(master) == ""
    assert master.read_bytes() == before


@pytest.mark.parametrize("name", ["m.caf", "m.w64", "m.rf64"])
def test_formats_without_tags_are_a_note_and_stay_as_they_are(tmp_path, name):
    source, master = tagged(tmp_path / "t.flac"), sound_at(tmp_path / name)
    before = master.read_bytes()
    assert copy_tags(source, master) == ("tags of t.flac were not copied: the master's format has no place for them",)
    assert master.read_bytes() == before


def test_a_source_without_tags_is_no_note(tmp_path):
    master = sound_at(tmp_path / "m.wav")
    before = master.read_bytes()
    assert copy_tags(sound_at(tmp_path / "t.wav"), master) == ()
    assert master.read_bytes() == before


def test_broken_tags_and_missing_files_are_a_note(tmp_path):
    master = sound_at(tmp_path / "m.wav")
    before = master.read_bytes()
    garbage = tmp_path / "bad\n.flac"
    garbage.write_bytes(b"fLaC\x04\xff\xff\xff" + os.urandom(100))
    for source in (tmp_path / "gone.mp3", garbage):
        (note,) = copy_tags(source, master)
        assert "could not be read" in note
        assert "\n" not in note
    assert master.read_bytes() == before


@pytest.mark.parametrize("source_name", ["t.ogg", "t.flac", "t.wav"])
@pytest.mark.parametrize("name", ["m.ogg", "m.flac", "m.wav", "m.aiff"])
def test_a_game_s_loop_points_travel(tmp_path, source_name, name):
    source, master = tagged(tmp_path / source_name, {"LOOPSTART": ["100"], "LOOPLENGTH": ["600"]}), tmp_path / name
    assert copy_tags(source, sound_at(master)) == ()
    loops = mutagen.File(master)
    if name in ("m.wav", "m.aiff"):
        assert [str(loops.tags[f"TXXX:{one}"]) for one in ("LOOPSTART", "LOOPLENGTH")] == ["100", "600"]
    else:
        assert (loops["loopstart"], loops["looplength"]) == (["100"], ["600"])


def test_a_cue_sheet_travels_from_flac_to_flac_and_is_told_elsewhere(tmp_path):
    source, master = sound_at(tmp_path / "t.flac"), sound_at(tmp_path / "m.flac")
    sheet, file = CueSheet(None), FLAC(source)
    sheet.media_catalog_number = b"1234567890123"
    for number, start in ((1, 0), (2, 4800), (255, 9600)):
        sheet.tracks.append(CueSheetTrack(number, start, b""))
        if number < 255:
            sheet.tracks[-1].indexes.append(CueSheetTrackIndex(1, 0))
    file.metadata_blocks.append(sheet)
    file.save()
    before = samples_of(master)
    assert copy_tags(source, master) == ()
    assert FLAC(master).cuesheet == sheet
    assert np.array_equal(samples_of(master), before)
    assert copy_tags(source, sound_at(tmp_path / "m.wav"), "mastered") == (
        "cue sheet of t.flac was not copied: only a FLAC file holds one",
    )


@pytest.mark.parametrize("source_name", NAMES)
def test_damaged_tags_never_stop_a_master_nor_touch_its_sound(tmp_path, source_name):
    (tmp_path / "in").mkdir()
    whole = tagged(tmp_path / "in" / source_name).read_bytes()
    master = sound_at(tmp_path / "m.flac", n_samples=500)
    expected = samples_of(master)
    rng = np.random.default_rng(2)
    for _ in range(15):
        damaged = bytearray(whole)
        for place in rng.integers(0, min(len(whole), 3000), 12):
            damaged[place] = rng.integers(256)
        (tmp_path / "in" / source_name).write_bytes(damaged)
        assert all("\n" not in note for note in copy_tags(tmp_path / "in" / source_name, master))
    assert np.array_equal(samples_of(master), expected)


def test_a_disk_that_fills_up_while_tagging_keeps_the_master_without_tags(tmp_path, monkeypatch):
    source, master = tagged(tmp_path / "t.mp3"), sound_at(tmp_path / "m.flac")
    before = master.read_bytes()

    def half_written(self, *_, **__):
        with open(self.filename, "r+b") as file:
            file.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(FLAC, "save", half_written)
    (note,) = copy_tags(source, master)
    assert "could not be copied" in note
    assert "No space left" in note
    assert master.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m.flac", "t.mp3"]


@pytest.mark.parametrize(("name", "kind"), [("m.wav", WAVE), ("m.aiff", AIFF)])
@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_what_was_tagged_in_place_is_put_back_where_that_fails(tmp_path, monkeypatch, name, kind, error):
    source, master = tagged(tmp_path / "t.mp3"), sound_at(tmp_path / name, n_samples=9601)
    before, save = master.read_bytes(), kind.save

    def saved_and_broken(self, *args, **options):
        save(self, *args, **options)
        with open(self.filename, "r+b") as file:
            file.seek(-100, 2)
            file.truncate()
        raise error

    monkeypatch.setattr(kind, "save", saved_and_broken)
    with contextlib.ExitStack() as stack:
        if isinstance(error, KeyboardInterrupt):
            stack.enter_context(pytest.raises(KeyboardInterrupt))
        (note,) = copy_tags(source, master)
        assert "No space left" in note
    assert master.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == [name, "t.mp3"]


def test_a_file_that_cannot_be_put_back_is_no_master(tmp_path, monkeypatch):
    source, master = tagged(tmp_path / "t.mp3"), sound_at(tmp_path / "m.wav")

    def failing(self, *_, **__):
        raise OSError(5, "Input/output error")

    def refused(path, mode="r", **how):
        if mode == "r+b":
            raise OSError(5, "Input/output error", path)
        return open(path, mode, **how)

    monkeypatch.setattr(WAVE, "save", failing)
    monkeypatch.setattr(behind, "open", refused, raising=False)
    with pytest.raises(BadOutput, match="so did taking them off"):
        copy_tags(source, master)


def test_an_interrupt_while_tagging_leaves_no_copy(tmp_path, monkeypatch):
    source, master = tagged(tmp_path / "t.mp3"), sound_at(tmp_path / "m.flac")

    def interrupted(self, *_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(FLAC, "save", interrupted)
    with pytest.raises(KeyboardInterrupt):
        copy_tags(source, master)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m.flac", "t.mp3"]
