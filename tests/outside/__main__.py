"""Runs the judges: python tests/outside PATH-OF-aether-audit [name-pattern]

Each holds the program to what a tool by other hands says of its output. Exit status: 0 when all passed,
1 when one failed or none ran.
"""

import os
import pathlib
import sys
import time
import unittest

HERE = pathlib.Path(__file__).parent


class Plain(unittest.TextTestResult):
    """One line for each judge; a judge that was skipped did not pass."""

    def startTest(self, test):
        super().startTest(test)
        self.began = time.monotonic()

    def addSuccess(self, test):
        super().addSuccess(test)
        seconds = time.monotonic() - self.began
        self.stream.writeln(f"ok    {test.id()} ({seconds:.1f} s)")

    def addSkip(self, test, reason):
        self.addFailure(test, (AssertionError, AssertionError(f"skipped: {reason}"), None))


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    program = pathlib.Path(sys.argv[1]).resolve()
    if not os.access(program, os.X_OK):
        print(f"{program} is not a program: run `cargo build` first", file=sys.stderr)
        sys.exit(2)
    os.environ["AETHER_AUDIT_UNDER_TEST"] = str(program)
    loader = unittest.TestLoader()
    loader.testNamePatterns = [f"*{pattern}*" for pattern in sys.argv[2:]] or None
    suite = loader.discover(str(HERE), pattern="test_*.py")
    runner = unittest.TextTestRunner(stream=sys.stdout, verbosity=0, resultclass=Plain)
    result = runner.run(suite)
    failed = len({test.id() for test, _ in result.failures + result.errors})
    passed = result.testsRun - failed if result.testsRun >= failed else 0
    print(f"{passed} passed, {failed} failed")
    sys.exit(0 if passed and not failed else 1)


main()
