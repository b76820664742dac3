"""Spans of a run: by the conventions' names, without a word of what was said, and sent where the environment says."""

import http.server
import threading
from pathlib import Path

import pytest
from model_server import ModelServer, Say, Status
from team_site import ACCEPT, DONE, MEND, TEST, World, by_role, solver, typed

from agents.record import Recorded, read
from agents.run import otel
from agents.spans import spans


def played(folder: Path) -> Recorded:
    script = by_role(
        tester=[Status(503), typed(TEST)], coder=[Say(calls=[MEND, DONE], cached=100)], reviewer=[typed(ACCEPT)]
    )
    world = World(folder)
    with ModelServer(script) as server:
        solver(server.url, folder / "kept").solve(world.task(), world.site())
    return read(folder / "run" / "journal.jsonl")


@pytest.mark.slow
def test_a_run_is_a_tree_of_agents_and_calls_and_tells_nothing_that_was_said(tmp_path: Path) -> None:
    recorded = played(tmp_path)
    found = spans(recorded, "a-run", since=0)
    assert [span.name for span in found] == [
        "invoke_agent solve", "invoke_agent tester", "invoke_agent coder/whole", "invoke_agent reviewer/0",
        *["chat scripted"] * 4,
    ]  # fmt: skip
    assert all(span.parent in {other.id for other in found} for span in found[1:])
    assert all(found[0].start <= span.start <= span.end <= found[0].end for span in found)
    failed, coder = found[4], found[6]
    assert (failed.error, failed.attributes["error.type"]) == ("answers 503", "unavailable")
    assert coder.attributes["gen_ai.usage.cache_read.input_tokens"] == 100
    assert coder.attributes["gen_ai.response.model"] == "scripted-as-served"
    assert "sum(prices)" not in repr(found)
    assert spans(recorded, "a-run", since=found[0].end + 1) == [], "an earlier process told of its own"


def test_without_an_endpoint_nothing_is_sent() -> None:
    assert not otel.wanted({})
    assert otel.wanted({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"})
    assert not otel.wanted({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318", "OTEL_SDK_DISABLED": "true"})


@pytest.mark.slow
def test_a_collector_hears_of_every_span(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("opentelemetry.exporter.otlp.proto.http", reason="pip install 'solve[otel]'")
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    heard: list[bytes] = []

    class Collector(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

    server = http.server.HTTPServer(("127.0.0.1", 0), Collector)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{server.server_address[1]}")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "none")
    otel.export(spans(played(tmp_path), "a-run", since=0), lambda event: None)
    server.shutdown()
    server.server_close()
    request = ExportTraceServiceRequest.FromString(heard[0])
    sent = {span.name: span for part in request.resource_spans for scope in part.scope_spans for span in scope.spans}
    assert sent["invoke_agent tester"].parent_span_id == sent["invoke_agent solve"].span_id
    assert sent["chat scripted"].end_time_unix_nano >= sent["chat scripted"].start_time_unix_nano > 0
