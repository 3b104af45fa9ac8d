"""The contract suite, which runs against every portal: the tests of a portal give the portal and its facts."""

import pytest

pytest.register_assert_rewrite("tests.portal.conformance.suite", "tests.portal.conformance.ownership")
