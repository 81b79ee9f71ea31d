"""A seeded picture of the national platform, for demos, tests and benchmarks. No Kafka and no clock in it."""

from monitor.simulation.account import Account, Cell
from monitor.simulation.generate import Simulation, simulate
from monitor.simulation.sent import Sent
from monitor.simulation.shares import Shares

__all__ = ["Account", "Cell", "Sent", "Shares", "Simulation", "simulate"]
