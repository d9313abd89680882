"""The filtering layers: attention that leaves of a prompt the pairs (s^(l-1), s^l) of one step, and zeroes the rest.

A prompt is the tokens x_1, s^1_1, ..., y_1, x_2, ..., then those of the query: x, s^1, ..., s^(l-1) as far as they are
known. A token holds its value, and says in one-hot slots which step (0 for x, L for y) and which example it is of; the
last one known has the mark `last`. Two layers of ReLU attention (`_constructed.py`), the same for every l:

1. Every token learns which step is asked for, l, from the last token's own, l - 1.
2. A token of step l takes its own value for `output`, and for `input` that of the token before it, of step l - 1 of
   the same example. The last token takes its own value for `input`: what the function is to be put to.

Scores are 1 where all conditions of a head hold and 0 elsewhere: relu(number that hold - number of conditions + 1).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from harness_plugins.in_context._constructed import Entry, Head, ReluAttention


class Slots:
    """Where a token of the residual stream holds what; n examples, L steps, values of up to `width` numbers."""

    def __init__(self, n: int, steps: int, width: int) -> None:
        sizes = {"value": width, "input": width, "output": width, "step": steps + 1, "asked": steps, "example": n + 1}
        ends = 0
        self._ranges = {}
        for name, size in {**sizes, "last": 1, "one": 1}.items():
            self._ranges[name] = range(ends, ends + size)
            ends += size
        self.total = ends
        """Slots in all: 3 width + 2 L + n + 4."""

    def __getitem__(self, name: str) -> range:
        return self._ranges[name]


class Filter(nn.Module):
    """The two layers, for prompts of n examples of L steps: T = (n + 1) (L + 1) - 1 tokens, the query's y left out."""

    def __init__(self, n: int, steps: int, width: int) -> None:
        super().__init__()
        self.n, self.steps = n, steps
        self.slots = slots = Slots(n, steps, width)
        self.length = (n + 1) * (steps + 1) - 1
        step, asked = slots["step"], slots["asked"]
        [last], [one] = slots["last"], slots["one"]

        told = [(wanted, now, float(self.length)) for wanted, now in zip(asked, step[:-1], strict=True)]
        ask = Head([(one, 1.0)], [(last, 1.0)], told)
        same_example = [(slot, slot) for slot in slots["example"]]
        of_the_step = list(zip(step[1:], asked, strict=True))
        outputs = _all_hold([same_example, of_the_step, [(slot, slot) for slot in step]], one, self._to("output"))
        inputs = _all_hold(
            [same_example, of_the_step, list(zip(step[1:], step[:-1], strict=True))], one, self._to("input")
        )
        own = Head([(last, 1.0)], [(last, 1.0)], self._to("input"))
        self.layers = nn.ModuleList([ReluAttention([ask]), ReluAttention([outputs, inputs, own])])

    def forward(self, h: Tensor) -> Tensor:
        """h (B, T, D) -> the same with `input` and `output` filled in where the step asked for is."""
        for layer in self.layers:
            h = layer(h)
        return h

    def weights(self) -> dict[str, Tensor]:
        """Q, K and V of both layers, by name: `ask.Q` (1, r, D) ..., `filter.V` (3, D, D)."""
        names = ("ask", "filter")
        return {
            f"{name}.{matrix}": weight
            for name, layer in zip(names, self.layers, strict=True)
            for matrix, weight in layer.weights(self.slots.total).items()
        }

    def embed(self, steps: Sequence[Tensor], known: Sequence[Tensor]) -> Tensor:
        """The tokens: values of every step (B, n, width of the step), those known of the query (B, width): (B, T, D).

        Tokens of the query that are not known yet are empty: all of their slots are 0.
        """
        batch, (L, n), slots = len(steps[0]), (self.steps, self.n), self.slots
        h = torch.zeros(batch, self.length, slots.total, dtype=torch.float64)
        filled = n * (L + 1) + len(known)
        token = torch.arange(filled)
        for index, values in enumerate(steps):
            h[:, index : n * (L + 1) : L + 1, : values.shape[2]] = values
        for index, value in enumerate(known):
            h[:, n * (L + 1) + index, : value.shape[1]] = value
        h[:, token, slots["step"].start + token % (L + 1)] = 1.0
        h[:, token, slots["example"].start + token // (L + 1)] = 1.0
        h[:, :filled, slots["one"].start] = 1.0
        h[:, filled - 1, slots["last"].start] = 1.0
        return h

    def pairs(self, h: Tensor, known: int) -> tuple[Tensor, Tensor, Tensor]:
        """What the layers left: inputs and outputs in all tokens of examples (B, n (L+1), width), the query's input.

        Tokens of other steps hold zeros in both, which add nothing to a regression.
        """
        inputs, outputs = (h[..., self.slots[name].start : self.slots[name].stop] for name in ("input", "output"))
        examples = self.n * (self.steps + 1)
        return inputs[:, :examples], outputs[:, :examples], inputs[:, examples + known - 1]

    def _to(self, name: str) -> list[tuple[int, int, float]]:
        """The value moved there; the factor T undoes the mean over the tokens."""
        pairs = zip(self.slots[name], self.slots["value"], strict=True)
        return [(write, read, float(self.length)) for write, read in pairs]


def _all_hold(conditions: Sequence[Sequence[tuple[int, int]]], one: int, value: list[tuple[int, int, float]]) -> Head:
    """A head whose score is 1 if every condition holds: one of its pairs (slot of the reader, slot of what is read)."""
    query: list[Entry] = [(one, 1.0 - len(conditions))]
    key: list[Entry] = [(one, 1.0)]
    for pairs in conditions:
        query += [(reader, 1.0) for reader, _ in pairs]
        key += [(read, 1.0) for _, read in pairs]
    return Head(query, key, value)
