"""What all tests share: each starts as a new session of a student."""

import sys

import pytest


@pytest.fixture(autouse=True)
def no_guesses_of_other_tests():
    """Forget what other tests of this process guessed and judged."""
    guesses = sys.modules.get("optlab.guesses")
    if guesses:
        guesses._guesses.clear()
        guesses._verdicts.clear()
