"""Every check of a batch record: one row each, with its code, what it looks at, its severity and its function.

A new check is a code in ``codes.py``, a function beside its siblings with its row there, and a text (group ``review``).
"""

from gateway.lab.review.exceptions import Check
from gateway.lab.review.process_checks import PROCESS_CHECKS
from gateway.lab.review.record_checks import RECORD_CHECKS
from gateway.lab.review.result_checks import RESULT_CHECKS
from gateway.lab.review.time_checks import TIME_CHECKS

CHECKS: tuple[Check, ...] = (*RESULT_CHECKS, *TIME_CHECKS, *PROCESS_CHECKS, *RECORD_CHECKS)
