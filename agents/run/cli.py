"""The command line: parse, wire, print."""

import typer

app = typer.Typer(help="Turn an issue into a tested patch, and measure how often that works.", no_args_is_help=True)


@app.callback()
def root() -> None:
    pass


def main() -> None:
    app()
