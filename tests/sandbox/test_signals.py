"""A program in the background ignores signals, and what it starts must not."""

import subprocess
import sys

SAYS = "import signal; print([signal.getsignal(n) == signal.SIG_IGN for n in (signal.SIGINT, signal.SIGHUP)])"
STARTS = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {SAYS!r}])"


def test_what_is_ignored_is_not_passed_on() -> None:
    ignoring = "import signal; [signal.signal(n, signal.SIG_IGN) for n in (signal.SIGINT, signal.SIGHUP)]; "
    giving = "from sandbox.signals import give_defaults; give_defaults(); "
    still = "; import os; os.kill(os.getpid(), signal.SIGINT); print('still here')"
    for program, printed in (
        (ignoring + STARTS, ["[True, True]"]),
        (ignoring + giving + STARTS + still, ["[False, False]", "still here"]),
    ):
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
        assert done.stdout.splitlines() == printed
