from armillary.telescope.drivers.simulator.driver import Simulator
from armillary.telescope.drivers.simulator.faults import Faults

__all__ = ["Faults", "Simulator"]
