"""A return code as it is read aloud: one word for each sign, none that sounds like another."""

from __future__ import annotations

from services.groups.rules import codes


def test_every_sign_has_a_word_of_its_own() -> None:
    words = codes.spoken(codes.ALPHABET)
    assert len(set(words)) == len(codes.ALPHABET)
    for sign, word in zip(codes.ALPHABET, words, strict=True):
        assert word[0] == sign or sign.isdigit()


def test_a_code_is_read_as_it_is_compared() -> None:
    said = " ".join(codes.spoken("7k2m-9qxd-4tr"))
    assert said == "seven Kilo two Mike nine Quebec X-ray Delta four Tango Romeo"
    assert codes.grouped("7k2m9qxd4tr") == "7K2M-9QXD-4TR"
