"""Damages documents as storage, networks and attackers do; the same seed gives the same damage."""

import random
from collections.abc import Callable

_INTERESTING = (0, 1, 0x7F, 0x80, 0xFF)


def damaged(data: bytes, dice: random.Random) -> bytes:
    """Return *data* with one to eight damages."""
    hurt = bytearray(data)
    for _ in range(dice.choice((1, 1, 2, 4, 8))):
        if not hurt:
            break
        dice.choice(_DAMAGES)(hurt, dice)
    return bytes(hurt) or b"\0"


def _flip(data: bytearray, dice: random.Random) -> None:
    data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)


def _set(data: bytearray, dice: random.Random) -> None:
    data[dice.randrange(len(data))] = dice.choice(_INTERESTING)


def _set_number(data: bytearray, dice: random.Random) -> None:
    """Write a size or an offset that is too large, in either byte order."""
    at, width = dice.randrange(len(data)), dice.choice((2, 4, 8))
    value = dice.choice((0, 1, 0x7FFFFFFF, 0xFFFFFFFF, dice.getrandbits(32))) % (1 << 8 * width)
    data[at : at + width] = value.to_bytes(width, dice.choice(("little", "big")))


def _cut_off(data: bytearray, dice: random.Random) -> None:
    del data[dice.randrange(len(data)) :]


def _cut_out(data: bytearray, dice: random.Random) -> None:
    at = dice.randrange(len(data))
    del data[at : at + dice.randrange(1, 64)]


def _repeat(data: bytearray, dice: random.Random) -> None:
    at = dice.randrange(len(data))
    piece = data[at : at + dice.randrange(1, 256)]
    data[at:at] = piece * dice.choice((1, 2, 50))


def _overwrite(data: bytearray, dice: random.Random) -> None:
    at = dice.randrange(len(data))
    noise = dice.randbytes(dice.randrange(1, 32))
    data[at : at + len(noise)] = noise


_DAMAGES: tuple[Callable[[bytearray, random.Random], None], ...] = (
    _flip,
    _set,
    _set_number,
    _cut_off,
    _cut_out,
    _repeat,
    _overwrite,
)
