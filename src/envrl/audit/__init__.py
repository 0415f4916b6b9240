"""The zoo of hostile programs, and the runner that shows what stops them."""

from envrl.audit.bait import Bait
from envrl.audit.finding import Audit, Finding
from envrl.audit.layers import SETUPS, Row, audit_by_layer
from envrl.audit.run import audit
from envrl.audit.zoo import BENIGN, CLASSES
from envrl.audit.zoo.specimen import Specimen

__all__ = ["BENIGN", "CLASSES", "SETUPS", "Audit", "Bait", "Finding", "Row", "Specimen", "audit", "audit_by_layer"]
