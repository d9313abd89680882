"""Layers whose weights are written down: ReLU attention, MLPs and gated attention on a residual stream of named slots.

Shapes: B prompts, T tokens, D slots of the residual stream, M heads, r coordinates of a query, t of a value. Bai et al.
(arXiv:2306.04637, definition 1) define the attention,

    h_i <- h_i + sum_m 1/T sum_s relu(<Q_m h_i, K_m h_s>) V_m h_s,

neither masked nor normalised by a softmax; a decoder's token i sums over s <= i and divides by i (Guo et al.,
arXiv:2310.10616). Its matrices are mostly zero: each coordinate of a query, a key or a value
is one slot times a number. `ReluAttention` keeps these, `weights()` writes them out, and the tests run both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

Entry = tuple[int, float]
"""A slot and its coefficient."""


@dataclass(frozen=True)
class Head:
    """One head: coordinate c of the query is `query[c]`, that of the key `key[c]`."""

    query: Sequence[Entry]
    key: Sequence[Entry]
    value: Sequence[tuple[int, int, float]]
    """(slot written, slot read, coefficient)"""


class ReluAttention(nn.Module):
    """The heads of a layer: (B, T, D) -> (B, T, D)."""

    def __init__(self, heads: Sequence[Head], shared: Sequence[int] = (), *, causal: bool = False) -> None:
        """Args: heads; slots that hold the same in all tokens of a prompt, which `fast` relies on; a decoder's mask."""
        super().__init__()
        self.causal = causal
        self._buffers_of("query", [head.query for head in heads])
        self._buffers_of("key", [head.key for head in heads])
        values = [[(read, coefficient) for _, read, coefficient in head.value] for head in heads]
        self._buffers_of("value", values)
        width = max(len(head.value) for head in heads)
        written = [[write for write, _, _ in head.value] + [0] * (width - len(head.value)) for head in heads]
        self._slots("written", written)
        slots = set(shared)
        self.key_is_shared = all(slot in slots for head in heads for slot, _ in head.key)
        self.query_is_shared = all(slot in slots for head in heads for slot, _ in head.query)

    @property
    def heads(self) -> int:
        """Number of heads M."""
        return len(self.get_buffer("written_slots"))

    def forward(self, h: Tensor) -> Tensor:
        """h (B, T, D) -> (B, T, D), every token attending to every token, or to those up to itself."""
        return h + self.attended(h)

    def attended(self, h: Tensor) -> Tensor:
        """What the heads add to h (B, T, D)."""
        query, key, value = (self._read(kind, h) for kind in ("query", "key", "value"))  # (B, T, M, r or t)
        scores = torch.einsum("bimr,bsmr->bmis", query, key).relu()
        T = h.shape[1]
        if self.causal:
            scores, T = scores.tril(), torch.arange(1, T + 1)[:, None, None]  # (T, 1, 1): tokens in sight
        return self._write(torch.einsum("bmis,bsmt->bimt", scores, value) / T, h)

    def fast(self, h: Tensor) -> Tensor:
        """The same, linear in T where the shared slots allow it: `h + added` as `forward` has it.

        A key of shared slots is the same for all tokens, so a head's score depends on the reader alone; a query of
        shared slots makes it depend on what is read alone, so that all tokens are added the same.
        """
        if self.causal or not (self.key_is_shared or self.query_is_shared):
            return self(h)
        if self.key_is_shared:
            scores = self._scores("query", self._read("key", h[:, :1]), h)  # (B, T, M): by reader
            value = self._read("value", h.mean(1, keepdim=True))[:, 0]  # (B, M, t)
            return h.index_add(2, self.get_buffer("written_used"), scores @ self._gathered("written", value))
        scores = self._scores("key", self._read("query", h[:, :1]), h)  # (B, T, M): by what is read
        mean = scores.transpose(1, 2) @ h[..., self.get_buffer("value_used")] / h.shape[1]  # (B, M, slots read)
        place = self.get_buffer("value_place").expand(len(h), -1, -1)
        added = mean.gather(2, place) * self.get_buffer("value_coefficients")  # (B, M, t)
        return h + self._write(added[:, None], h[:, :1])

    def _scores(self, kind: str, shared: Tensor, h: Tensor) -> Tensor:
        """relu(<Q h_i, K h_s>), (B, T, M): `kind` is read from h, the other side (B, 1, M, r) is the same for all."""
        combined = self._gathered(kind, shared[:, 0] * self.get_buffer(f"{kind}_coefficients"))
        return (h[..., self.get_buffer(f"{kind}_used")] @ combined.transpose(1, 2)).relu()

    def _gathered(self, kind: str, values: Tensor) -> Tensor:
        """Values (B, M, width) summed by slot: (B, M, slots of that kind)."""
        place = self.get_buffer(f"{kind}_place").expand(values.shape)
        used = len(self.get_buffer(f"{kind}_used"))
        return values.new_zeros(*values.shape[:2], used).scatter_add_(2, place, values)

    def weights(self, D: int) -> dict[str, Tensor]:
        """`Q` and `K` (M, r, D), `V` (M, D, D), written out."""
        M, r = self.get_buffer("query_slots").shape
        dense = {"Q": torch.zeros(M, r, D).double(), "K": torch.zeros(M, r, D).double()}
        for name, kind in (("Q", "query"), ("K", "key")):
            slots, coefficients = (self.get_buffer(f"{kind}_{what}") for what in ("slots", "coefficients"))
            dense[name].scatter_(2, slots[..., None], coefficients[..., None])
        V = torch.zeros(M, D, D).double()
        head = torch.arange(M)[:, None].expand(self.get_buffer("written_slots").shape)
        index = head, self.get_buffer("written_slots"), self.get_buffer("value_slots")
        V.index_put_(index, self.get_buffer("value_coefficients"), accumulate=True)
        return dense | {"V": V}

    def _buffers_of(self, kind: str, entries: Sequence[Sequence[Entry]]) -> None:
        """Slots and coefficients (M, width), filled up with nothing of slot 0."""
        width = max(map(len, entries))
        padded = [[*entry, *[(0, 0.0)] * (width - len(entry))] for entry in entries]
        self._slots(kind, [[slot for slot, _ in entry] for entry in padded])
        coefficients = torch.tensor([[number for _, number in entry] for entry in padded], dtype=torch.float64)
        self.register_buffer(f"{kind}_coefficients", coefficients)

    def _slots(self, kind: str, slots: Sequence[Sequence[int]]) -> None:
        """The slots (M, width); those that occur, in order; and the place of each among them, (M, width)."""
        used, place = torch.tensor(slots).unique(return_inverse=True)
        for name, buffer in (("slots", torch.tensor(slots)), ("used", used), ("place", place)):
            self.register_buffer(f"{kind}_{name}", buffer)

    def _read(self, kind: str, h: Tensor) -> Tensor:
        """The queries, keys or values of all heads: (B, T, M, r or t)."""
        return h[..., self.get_buffer(f"{kind}_slots")] * self.get_buffer(f"{kind}_coefficients")

    def _write(self, values: Tensor, h: Tensor) -> Tensor:
        """Values (B, T, M, t) summed into the slots they are written to: (B, T, D)."""
        slots = self.get_buffer("written_slots").flatten()
        return torch.zeros_like(h).index_add_(2, slots, values.flatten(2))


class GatedAttention(nn.Module):
    """Element-wise multiplication behind attention: h_i <- (g_0 + G h_i) * (h_i + what the heads add)."""

    def __init__(self, attention: ReluAttention, gates: Sequence[tuple[int, int]]) -> None:
        """Args: the attention; pairs (slot, slot that multiplies it): every other slot is multiplied by 1."""
        super().__init__()
        self.attention = attention
        self.register_buffer("gated", torch.tensor([slot for slot, _ in gates]))
        self.register_buffer("by", torch.tensor([slot for _, slot in gates]))

    def forward(self, h: Tensor) -> Tensor:
        """h (B, T, D) -> (B, T, D)."""
        return self._gate(h, self.attention(h))

    def fast(self, h: Tensor) -> Tensor:
        """The same by the attention's fast path."""
        return self._gate(h, self.attention.fast(h))

    def weights(self, D: int) -> dict[str, Tensor]:
        """The attention's, and `g` (D,) and `G` (D, D)."""
        gated, by = self.get_buffer("gated"), self.get_buffer("by")
        g, G = torch.ones(D).double(), torch.zeros(D, D).double()
        g[gated], G[gated, by] = 0.0, 1.0
        return self.attention.weights(D) | {"g": g, "G": G}

    def _gate(self, h: Tensor, attended: Tensor) -> Tensor:
        gated, by = self.get_buffer("gated"), self.get_buffer("by")
        attended[..., gated] = attended[..., gated] * h[..., by]
        return attended


class ReluMlp(nn.Module):
    """Two layers on each token by itself: h <- h + W_2 relu(W_1 h + b_1)."""

    def __init__(self, D: int, units: Sequence[tuple[Sequence[Entry], float, Sequence[Entry]]]) -> None:
        """Args: slots; for each hidden unit what it reads, its bias, and where it writes."""
        super().__init__()
        W_1, b_1, W_2 = torch.zeros(len(units), D), torch.zeros(len(units)), torch.zeros(D, len(units))
        W_1, b_1, W_2 = W_1.double(), b_1.double(), W_2.double()
        for unit, (reads, bias, writes) in enumerate(units):
            b_1[unit] = bias
            for slot, coefficient in reads:
                W_1[unit, slot] += coefficient
            for slot, coefficient in writes:
                W_2[slot, unit] += coefficient
        self.register_buffer("W_1", W_1)
        self.register_buffer("b_1", b_1)
        self.register_buffer("W_2", W_2)

    def forward(self, h: Tensor) -> Tensor:
        """h (B, T, D) -> (B, T, D)."""
        W_1, b_1, W_2 = (self.get_buffer(name) for name in ("W_1", "b_1", "W_2"))
        return h + (h @ W_1.T + b_1).relu() @ W_2.T

    fast = forward

    def weights(self, D: int) -> dict[str, Tensor]:
        """`W_1` (units, D), `b_1` (units,), `W_2` (D, units)."""
        return dict(self.named_buffers())
