"""Checks each call of the HTTP contract: schemathesis makes requests from the OpenAPI document and checks answers."""

from dataclasses import dataclass
from typing import Any

from portal.conformance.check import Subject
from portal.conformance.openapi import document

MISSING = "The HTTP calls were not checked: schemathesis is not installed (pip install 'odobot[contract]')."
_SECONDS = 12.0


@dataclass(frozen=True, slots=True)
class CallResult:
    """A call's name, and how its answers differ from the document; ``words`` is empty where they do not."""

    name: str
    words: str = ""

    @property
    def is_kept(self) -> bool:
        """Whether every answer is as the document says."""
        return not self.words


def check_calls(url: str, token: str, subject: Subject, *, examples: int) -> tuple[list[CallResult], str]:
    """Check every call, with valid requests only.

    Args:
        url: The portal's base URL.
        token: Its bearer token.
        subject: The prepared person, whose ids and numbers are used in paths.
        examples: How many requests are made of each call.

    Returns:
        A result for each call, and a note for the operator; no results where schemathesis is not installed.
    """
    try:
        import schemathesis
    except ImportError:
        return [], MISSING
    schema: Any = schemathesis.openapi.from_dict(document())
    operations = [made.ok() for made in schema.get_all_operations()]
    return [_check(operation, url, token, _path_values(operation, subject), examples) for operation in operations], ""


def _path_values(operation: Any, subject: Subject) -> dict[str, str]:
    """The values of the path's parameters: random ones would only be answered with 404."""
    path: str = operation.path
    if "{contact_id}" not in path:
        return {}
    values = {"contact_id": subject.reader.contact_id}
    if "{account_id}" in path:
        values["account_id"] = subject.reader.account_id
    papers = subject.invoices if "/invoices/" in path else subject.orders
    if "{number}" in path and papers:
        values["number"] = papers[0].number
    return values


def _check(operation: Any, url: str, token: str, path_values: dict[str, str], examples: int) -> CallResult:
    import schemathesis
    from hypothesis import HealthCheck, given, settings
    from schemathesis.specs.openapi import checks

    name = f"{operation.method.upper()} {operation.path}"
    checked: list[Any] = [
        schemathesis.checks.not_a_server_error,
        checks.status_code_conformance,
        checks.content_type_conformance,
        checks.response_headers_conformance,
        checks.response_schema_conformance,
    ]

    @settings(
        max_examples=examples, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
    )
    @given(case=operation.as_strategy(path_parameters=path_values or None))
    def holds(case: Any) -> None:
        answer = case.call(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=_SECONDS)
        case.validate_response(answer, checks=checked)

    try:
        holds()
    # schemathesis, hypothesis and requests have exceptions of their own. A group is no Exception.
    except (Exception, BaseExceptionGroup) as error:
        return CallResult(name, _titles(error))
    return CallResult(name)


def _titles(error: BaseException) -> str:
    """The titles of the failures; the rest of their messages repeats requests and answers."""
    if isinstance(error, BaseExceptionGroup):
        return "; ".join(sorted({_titles(each) for each in error.exceptions}))
    title = getattr(error, "title", "")
    return str(title) if isinstance(title, str) and title else type(error).__name__
