"""The errors that people see, and the exit codes that scripts see."""

from __future__ import annotations

import enum
from typing import ClassVar


class ExitCode(enum.IntEnum):
    """What the `harness` command returns to the shell."""

    OK = 0
    """Everything that was asked for was done, and every case is ok."""
    INTERNAL = 1
    """A defect of the harness itself (a traceback is shown: please report it)."""
    BAD_INPUT = 2
    """The suite, a name or an option is wrong; nothing was run."""
    CASES_FAILED = 3
    """The run is complete, but at least one case failed, was invalid, timed out, ran out of memory or crashed."""
    CLAIMS_FAILED = 4
    """All cases are ok, but a claim failed, or its check is not able to fail."""
    STORE_FAILED = 5
    """Results could not be written any more (a full disk, a folder that is gone), those written before being whole; or
    `harness results --check` has found damage."""
    SLOWER = 6
    """`harness speed check` has found an operation that got slower."""
    INCONCLUSIVE = 7
    """`harness speed check` could not say of every operation whether it got slower: too much noise, too little time."""
    INTERRUPTED = 130
    """Stopped by Ctrl-C or a signal; finished cases are kept."""


class HarnessError(Exception):
    """Something a person can mend: what was wrong, where, what to do. Shown without a traceback."""

    exit_code: ClassVar[ExitCode] = ExitCode.BAD_INPUT
    """What the command returns."""


class StoreError(HarnessError):
    """The store cannot be written."""

    exit_code: ClassVar[ExitCode] = ExitCode.STORE_FAILED


class DamagedError(HarnessError):
    """A file of the store is not what was written, or was written by a newer version of the harness."""


class PluginError(HarnessError):
    """A plugin breaks the contract of the interfaces."""


class UnknownNameError(HarnessError):
    """A name that no plugin brings."""


class InvalidOutcomeError(Exception):
    """A task raises this where a model's outcome is not a legal answer (wrong shape, not finite ...).

    The case gets the status `invalid`, with the message; it never enters a mean.
    """
