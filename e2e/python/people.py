"""Who takes part: each has an own colour and an own tone, so that crossed tracks are noticed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE = 48_000


@dataclass(frozen=True)
class Person:
    name: str
    colour: tuple[int, int, int]
    tone: int


ANNA = Person("Anna", (210, 30, 30), 520)
BEN = Person("Ben", (30, 170, 50), 930)
CARA = Person("Cara", (40, 60, 220), 1430)
EVERYBODY = (ANNA, BEN, CARA)


def whose_colour(rgb: NDArray[np.float64]) -> str:
    """The one person whose colour this is, or what was seen instead."""
    for person in EVERYBODY:
        if float(np.linalg.norm(rgb - np.array(person.colour))) < 60:
            return person.name
    return f"rgb{tuple(int(value) for value in rgb)}"


def whose_tone(samples: NDArray[np.float64]) -> str:
    """The one person whose tone carries these samples (-1..1), or a word for what was heard instead."""
    if float(np.max(np.abs(samples))) < 0.01:
        return "silence"
    power = np.abs(np.fft.rfft(samples * np.hanning(len(samples)))) ** 2
    hertz = np.fft.rfftfreq(len(samples), 1 / SAMPLE_RATE)
    shares = {person.name: float(power[np.abs(hertz - person.tone) < 25].sum() / power.sum()) for person in EVERYBODY}
    heard = [name for name, share in shares.items() if share > 0.05]
    if len(heard) != 1:
        return "noise" if not heard else f"a mixture of {', '.join(heard)}"
    return heard[0] if shares[heard[0]] > 0.6 else f"a weak {heard[0]}"
