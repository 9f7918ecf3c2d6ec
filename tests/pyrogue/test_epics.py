"""pyrogue's EPICS servers on a tree whose registers are behind the bridge."""

import pytest

from epics.check import Check

#: Little is measured here; scripts/check-pyrogue --bench measures.
ROUNDS, SAMPLES = 3, 20


@pytest.mark.parametrize("server", ["V4", "V7"])
def test_a_client_of_pvaccess_gets_puts_and_monitors_1000_registers(server, tmp_path):
    Check(server, tmp_path, ROUNDS, SAMPLES).run()
