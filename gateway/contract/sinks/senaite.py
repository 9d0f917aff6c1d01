"""SENAITE: requests become samples, and a release publishes the samples that it rests on (senaite.jsonapi v1)."""

from typing import Any

from gateway.contract.sinks.request import (
    Document,
    Option,
    Options,
    SinkRequest,
    Template,
    UnfitError,
    encoded,
    named,
    segment,
)
from gateway.line.sinks import SinkMessage

_ROOT = "/@@API/senaite/v1"


def _render(message: SinkMessage, document: Document, options: Options) -> SinkRequest | None:
    if message is SinkMessage.SAMPLE_REQUEST:
        return _sample(document, options)
    return _transition(document, options) if message is SinkMessage.RELEASE else None


def _sample(document: Document, options: Options) -> SinkRequest:
    body = document.get("body")
    request: dict[str, Any] = body if isinstance(body, dict) else {}
    lot = named(request, "material_lot")
    tests = request.get("recommended_tests")
    keywords = [str(test.get("test_id")) for test in tests if isinstance(test, dict)] if isinstance(tests, list) else []
    services = [options.get(f"service_{keyword}") for keyword in keywords]
    if not services or None in services:
        missing = next((keyword for keyword, uid in zip(keywords, services, strict=True) if uid is None), "")
        raise UnfitError(f"options.service_{missing} does not say which analysis service it is")
    fields = {
        "Contact": options["contact"],
        "SampleType": options["sample_type"],
        "DateSampled": str(document.get("issued_at", ""))[:19].replace("T", " "),
        "ClientSampleID": lot,
        "Analyses": services,
    }
    path = f"{_ROOT}/AnalysisRequest/create/{segment(options['client'])}"
    return SinkRequest(path=path, body=encoded(fields))


def _transition(document: Document, options: Options) -> SinkRequest:
    rests_on = document.get("rests_on")
    results = rests_on.get("results") if isinstance(rests_on, dict) else None
    samples = (
        [str(item.get("sample_id", "")) for item in results if isinstance(item, dict)]
        if isinstance(results, list)
        else []
    )
    names = tuple(dict.fromkeys(filter(None, samples)))
    if not names:
        raise UnfitError("the release rests on no sample")
    if any("/" in name or not name.strip(".") for name in names):
        raise UnfitError("a sample's name cannot stand in a path")
    folder = options["samples_path"].rstrip("/")
    items = [{"path": f"{folder}/{name}", "transition": options.get("transition", "publish")} for name in names]
    return SinkRequest(path=f"{_ROOT}/update", body=encoded(items[0] if len(items) == 1 else items))


SENAITE = Template(
    name="senaite",
    render=_render,
    messages=frozenset({SinkMessage.SAMPLE_REQUEST, SinkMessage.RELEASE}),
    options={
        "client": Option(description="the UID of the client whose samples they are", required=True),
        "contact": Option(description="the UID of the client's contact", required=True),
        "sample_type": Option(description="the UID of the sample type", required=True),
        "service_*": Option(description="for each test the UID of its analysis service"),
        "samples_path": Option(description="the client's path, such as /senaite/clients/client-1", required=True),
        "transition": Option(description="what a release does to the samples, publish unless said otherwise"),
    },
)
