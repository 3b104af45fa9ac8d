"""Every promise of the contract, in the order of its table."""

from portal.contract_papers import PAPERS
from portal.contract_told import TOLD

CHECKS = [*PAPERS, *TOLD]
