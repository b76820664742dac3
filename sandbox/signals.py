"""What a signal does in the programs that this one starts."""

import signal

ON_PURPOSE = frozenset({signal.SIGPIPE, signal.SIGXFSZ})  # Python ignores these itself, and mends it for its children


def give_defaults() -> None:
    """Let programs started from here on have each signal's default. What this one was told to ignore it still does.

    A shell ignores SIGINT and SIGQUIT in what it starts in the background, `nohup` ignores SIGHUP, and a program passes
    what it ignores on: code in a sandbox would behave otherwise than on a terminal. What is handled is not passed on.
    """
    for number in signal.valid_signals() - ON_PURPOSE:
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, _nothing)


def _nothing(number: int, frame: object) -> None:
    return None
