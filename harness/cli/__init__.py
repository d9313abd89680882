"""The `harness` command. Subcommands are imported when they are called, so that `--help` costs next to nothing."""

from __future__ import annotations

import importlib
import io
import sys
import traceback

import click

from harness.cli.say import say
from harness.errors import ExitCode, HarnessError

_COMMANDS = {
    "claims": "Check what papers claim.",
    "compare": "Compare models, or two runs, and say how sure it is.",
    "completion": "Print the shell's completion script.",
    "list": "List papers, tasks, models, metrics, backends or suites.",
    "mlflow": "Upload to MLflow what it does not have yet.",
    "report": "Write a page of a run, or of two, that needs nothing else.",
    "results": "Show stored results.",
    "run": "Run a suite and rank its models.",
    "schema": "Print the JSON Schema of suites, for editors.",
    "show": "Show a paper, task, model or metric.",
    "speed": "Measure operations: beside a baseline, another commit, the history.",
    "validate": "Check suites without running them.",
    "watch": "Follow a run with a page that keeps itself up to date.",
}


class _Lazy(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:  # noqa: ARG002
        if name not in _COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"harness.cli.{name}_command").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            from harness.registry.catalogue import nearest

            message = f"{error.message.rstrip('.')}{nearest(args[0], _COMMANDS)}."
            raise click.UsageError(message, ctx) from None


def _version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        click.echo(f"harness {version('paper-harness')}")
        ctx.exit()


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"], "auto_envvar_prefix": "HARNESS"})
@click.option("--version", is_flag=True, expose_value=False, is_eager=True, callback=_version, help="Show the version.")
def root() -> None:
    r"""Benchmarks for machine-learning research: each paper is a plugin, a suite runs them, the results are kept.

    \b
    Exit codes: 0 all is well, 2 the input is wrong, 3 a case failed, 4 a claim
    failed, 5 the results could not be stored, 6 something got slower, 7 it cannot
    be said, 130 interrupted, 1 a defect of the harness itself.
    """


def _show(error: click.ClickException) -> None:
    """As click does, but inert: what it complains of is what was typed."""
    text = io.StringIO()
    error.show(text)
    say(text.getvalue(), err=True, nl=False)


def main() -> None:
    """Run the command line; what a person can mend is said without a traceback."""
    try:
        sys.exit(root.main(standalone_mode=False, prog_name="harness") or ExitCode.OK)
    except click.ClickException as error:
        _show(error)
        sys.exit(ExitCode.BAD_INPUT)
    except HarnessError as error:
        say(str(error), err=True)
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(ExitCode.INTERRUPTED)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(ExitCode.OK)
    except Exception:  # noqa: BLE001 - a defect: Python would print it too, with whatever its message holds
        say(traceback.format_exc(), err=True, nl=False)
        sys.exit(ExitCode.INTERNAL)
