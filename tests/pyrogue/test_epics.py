"""pyrogue's EPICS servers on a tree whose registers are behind the bridge."""

import pytest

import epics


@pytest.mark.parametrize("version", epics.VERSIONS)
def test_a_client_of_pvaccess_gets_puts_and_monitors_1000_registers(version):
    epics.exercise(version)
