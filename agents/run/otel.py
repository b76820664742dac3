"""Spans of a run to an OpenTelemetry collector, where the environment names one."""

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from importlib.util import find_spec

from agents.spans import Span
from tasks.event import Event, Tell

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
NANO = 1_000_000_000


def wanted(environment: Mapping[str, str]) -> bool:
    return any(environment.get(name) for name in ENDPOINTS) and environment.get("OTEL_SDK_DISABLED", "") != "true"


def export(spans: Sequence[Span], tell: Tell) -> None:
    """Send spans by OTLP over HTTP, as the OTEL_* variables say; the SDK logs it where the collector is down."""
    if find_spec("opentelemetry") is None:
        tell(Event("verdict", "no spans are sent: pip install 'solve[otel]'"))
        return
    from opentelemetry.context import Context
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.trace import SpanKind, Status, StatusCode, set_span_in_context

    provider = TracerProvider(resource=Resource.create({"service.name": "solve"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    tracer = provider.get_tracer("solve", version("solve"))
    contexts = {"": Context()}
    for span in spans:  # parents come first
        made = tracer.start_span(
            span.name,
            contexts[span.parent],
            SpanKind.CLIENT if span.kind == "client" else SpanKind.INTERNAL,
            dict(span.attributes),
            start_time=int(span.start * NANO),
        )
        if span.error:
            made.set_status(Status(StatusCode.ERROR, span.error))
        contexts[span.id] = set_span_in_context(made, Context())
        made.end(int(span.end * NANO))
    provider.shutdown()
