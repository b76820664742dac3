"""A real llama.cpp server: `python -m llama_cpp.server` of an environment that has it, on a free port of loopback."""

import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Self

PATIENCE = 180.0  # seconds until it answers: a model of a gigabyte is read from the disk


class LlamaServer:
    """`python`: of an environment with `llama-cpp-python[server]`. `log` takes what the server prints."""

    def __init__(self, python: Path, model: Path, log: Path, context: int = 8192, threads: int = 2) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            port = taken.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}/v1"
        self._log = log
        command = [str(python), "-m", "llama_cpp.server", "--model", str(model), "--host", "127.0.0.1"]
        command += ["--port", str(port), "--n_ctx", str(context), "--n_threads", str(threads)]
        self._command = [*command, "--n_threads_batch", str(threads)]

    def __enter__(self) -> Self:
        # OpenMP's threads spin while they wait, which on a busy machine takes ten times as long as sleeping.
        environment = {**os.environ, "OMP_WAIT_POLICY": "passive"}
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log, env=environment)
        until = time.monotonic() + PATIENCE
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > until:
                self.__exit__()
                raise RuntimeError(f"the server does not answer: {self._log.read_text('utf-8', 'replace')[-2000:]}")
            time.sleep(0.5)
        return self

    def __exit__(self, *error: object) -> None:
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/models", timeout=5) as reply:
                return bool(reply.status == 200)
        except (urllib.error.URLError, OSError):
            return False
