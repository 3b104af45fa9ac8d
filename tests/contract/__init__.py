"""One suite that every portal is held to; each portal's tests bring the portal and its facts."""

import pytest

pytest.register_assert_rewrite("tests.contract.suite", "tests.contract.ownership")
