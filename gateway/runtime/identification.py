"""Who asks for an act: the operating system's account at the other end, or a user who signs in with both components.

A wrong password is on record before it is answered, so that asking in parallel, from elsewhere, or after a restart
gains nothing; passwords are checked one at a time.
"""

import os
import pwd
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from gateway.contract.acts import SignInRequest
from gateway.contract.identity import identity_of
from gateway.deadlines import ClockReading
from gateway.events import SignInTried
from gateway.people.one_time_passwords import is_over
from gateway.people.passwords import matches
from gateway.people.second_device import step_of_code
from gateway.people.sign_in import refused_before_checking
from gateway.records.act_refusals import ActRefusal
from gateway.records.acts import Act, Answer, refused
from gateway.records.user_acts import SetPassword
from gateway.records.users import Credential, CredentialKind
from gateway.store.database import read_state
from gateway.store.queries.users import SignIn, sign_in


class Checked(NamedTuple):
    """Whether both components were right; ``refusal``: why they were not looked at, so that nothing is counted.

    ``wrong``: what the person is told where they were not. ``code_step``: of the second device's code that was used.
    """

    succeeded: bool
    must_change: bool = False
    refusal: Answer | None = None
    wrong: ActRefusal = ActRefusal.WRONG_PASSWORD
    code_step: int | None = None


def check(directory: Path, request: SignInRequest, *, now_ns: int) -> Checked:
    """Return whether user and password are right, by the store in a directory; takes some 50 ms."""
    with closing(read_state(directory)) as connection:
        known = sign_in(connection, request.user_id, request.origin)
    refusal = refused_before_checking(known.here, known.elsewhere, now_ns=now_ns)
    if refusal is not None:
        return Checked(succeeded=False, refusal=refusal)
    return _looked_at(known, request, now_ns=now_ns)


def _looked_at(known: SignIn, request: SignInRequest, *, now_ns: int) -> Checked:
    """Return whether password and code are right; who has neither takes as long."""
    password = known.password
    right = matches(request.password, None if password is None else password.password_hash)
    if not right or password is None or known.user is None or known.user.disabled:
        return Checked(succeeded=False)
    if password.must_change and is_over(request.password, now_ns=now_ns):
        return Checked(succeeded=False)
    if password.totp_secret is None:
        return Checked(succeeded=True, must_change=password.must_change)
    step = step_of_code(password.totp_secret, request.code, now_ns=now_ns)
    if step is None:
        return Checked(succeeded=False)
    if step <= known.newest_step:
        return Checked(succeeded=False, wrong=ActRefusal.CODE_USED)
    return Checked(succeeded=True, must_change=password.must_change, code_step=step)


def credential_after(checked: Checked, request: SignInRequest, act: Act) -> Credential | Answer:
    """Return the credential that a checked password gives for an act, or why it gives none."""
    if checked.refusal is not None:
        return checked.refusal
    if not checked.succeeded:
        return refused(checked.wrong)
    if checked.must_change and not isinstance(act, SetPassword):
        return refused(ActRefusal.PASSWORD_MUST_CHANGE)
    return Credential(kind=CredentialKind.PASSWORD, subject=request.user_id)


def tried(request: SignInRequest, checked: Checked, *, at: ClockReading, via: str) -> SignInTried:
    """Return the event of an attempt to sign in."""
    return SignInTried(
        event_id=identity_of("sign-in", request.user_id, via, at.wall_ns, at.boot_ns),
        at=at,
        user_id=request.user_id[:64],
        succeeded=checked.succeeded,
        via=via,
        origin=request.origin,
        code_step=checked.code_step,
    )


def of_account(user_number: int, directory: Path) -> Credential:
    """Return the credential of an account of the operating system, by its number."""
    try:
        name = pwd.getpwuid(user_number).pw_name
    except KeyError:  # an account that only a container or a directory service knows
        name = f"#{user_number}"
    owns_store = user_number in {0, directory.stat().st_uid}
    return Credential(kind=CredentialKind.OS_USER, subject=name, owns_store=owns_store)


def own_account(directory: Path) -> Credential:
    """Return the credential of the account that runs this command."""
    return of_account(os.geteuid(), directory)
