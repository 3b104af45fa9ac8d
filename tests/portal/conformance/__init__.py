"""One suite that every portal is held to; each portal's tests bring the portal and its facts."""

import pytest

pytest.register_assert_rewrite("tests.portal.conformance.suite", "tests.portal.conformance.ownership")
