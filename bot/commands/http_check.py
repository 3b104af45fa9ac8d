"""The HTTP contract, call by call: schemathesis makes requests of the OpenAPI document, and looks at the answers."""

from dataclasses import dataclass
from typing import Any

from portal.contract import Subject
from portal.openapi import document

MISSING = "The HTTP calls were not checked: schemathesis is not installed (pip install 'odobot[contract]')."
_SECONDS = 12.0


@dataclass(frozen=True, slots=True)
class HttpFinding:
    """One call, and what its answers had that the document does not allow."""

    name: str
    words: str = ""

    @property
    def is_kept(self) -> bool:
        """Whether nothing was found."""
        return not self.words


def check_http(url: str, token: str, subject: Subject, *, examples: int) -> tuple[list[HttpFinding], str]:
    """A finding for each call, and a note where schemathesis is missing. Only valid requests are made."""
    try:
        import schemathesis
    except ImportError:
        return [], MISSING
    schema: Any = schemathesis.openapi.from_dict(document())
    operations = [made.ok() for made in schema.get_all_operations()]
    return [_check(operation, url, token, _known(operation, subject), examples) for operation in operations], ""


def _known(operation: Any, subject: Subject) -> dict[str, str]:
    """The path's ids, of somebody who is there: a stranger's would only ever be answered with 404."""
    path: str = operation.path
    if "{contact_id}" not in path:
        return {}
    known = {"contact_id": subject.reader.contact_id}
    if "{account_id}" in path:
        known["account_id"] = subject.reader.account_id
    papers = subject.invoices if "/invoices/" in path else subject.orders
    if "{number}" in path and papers:
        known["number"] = papers[0].number
    return known


def _check(operation: Any, url: str, token: str, known: dict[str, str], examples: int) -> HttpFinding:
    import schemathesis
    from hypothesis import HealthCheck, given, settings
    from schemathesis.specs.openapi import checks

    name = f"{operation.method.upper()} {operation.path}"
    looked_at: list[Any] = [
        schemathesis.checks.not_a_server_error,
        checks.status_code_conformance,
        checks.content_type_conformance,
        checks.response_headers_conformance,
        checks.response_schema_conformance,
    ]

    @settings(
        max_examples=examples, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
    )
    @given(case=operation.as_strategy(path_parameters=known or None))
    def holds(case: Any) -> None:
        answer = case.call(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=_SECONDS)
        case.validate_response(answer, checks=looked_at)

    try:
        holds()
    # schemathesis, hypothesis and requests each have their own, and all mean: not kept. A group is no Exception.
    except (Exception, BaseExceptionGroup) as error:
        return HttpFinding(name, _told(error))
    return HttpFinding(name)


def _told(error: BaseException) -> str:
    """The titles of what was found; the rest of such a message repeats requests and answers."""
    if isinstance(error, BaseExceptionGroup):
        return "; ".join(sorted({_told(each) for each in error.exceptions}))
    title = getattr(error, "title", "")
    return str(title) if isinstance(title, str) and title else type(error).__name__
