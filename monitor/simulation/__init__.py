"""A seeded picture of the national platform, for demos, tests and benchmarks. No Kafka and no clock in it."""

from monitor.simulation.account import Account, Cell
from monitor.simulation.dossiers import SIMULATED_GROUPS, DossierSimulation
from monitor.simulation.generate import Simulation, simulate
from monitor.simulation.incidents import INCIDENTS, Incident
from monitor.simulation.security import SecuritySimulation
from monitor.simulation.sent import DossierSent, SecuritySent, Sent, XroadSent
from monitor.simulation.shares import Shares
from monitor.simulation.xroad import XroadSimulation

__all__ = [
    "INCIDENTS",
    "SIMULATED_GROUPS",
    "Account",
    "Cell",
    "DossierSent",
    "DossierSimulation",
    "Incident",
    "SecuritySent",
    "SecuritySimulation",
    "Sent",
    "Shares",
    "Simulation",
    "XroadSent",
    "XroadSimulation",
    "simulate",
]
