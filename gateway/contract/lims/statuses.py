"""The words of laboratories for how far a result has come, to ours: one table for every mapping and the import. Pure.

A word that is not here is never taken for the nearest one: the result is then for a person.
"""

from collections.abc import Mapping

from gateway.contract.lims.names import plainly_spoken, spoken
from gateway.records.laboratory import ResultStatus

_WORDS: Mapping[ResultStatus, tuple[str, ...]] = {
    ResultStatus.ENTERED: (
        "entered", "draft", "preliminary", "prelim", "pending", "registered", "received", "assigned", "unassigned",
        "in progress", "started", "data entered", "dataentered", "initial", "to be verified", "to be reviewed",
        "to be approved", "submitted", "incomplete", "not started", "unverified", "not verified", "unreviewed",
        "in review", "under review", "awaiting review", "awaiting verification", "awaiting approval",
        "erfasst", "eingegeben", "entwurf", "vorläufig", "in bearbeitung", "ungeprüft",
        "saisi", "brouillon", "provisoire", "en cours", "en attente", "non validé",
        "introducido", "ingresado", "borrador", "preliminar", "en curso", "en proceso", "pendiente", "no validado",
        "ingevoerd", "concept", "voorlopig", "in behandeling", "niet gevalideerd",
        "inserito", "bozza", "preliminare", "in corso", "in attesa", "non validato",
        "wprowadzony", "wprowadzone", "wstępny", "wstępne", "w toku", "oczekujący", "oczekujące",
    ),
    ResultStatus.VALIDATED: (
        "validated", "verified", "reviewed", "completed", "complete", "autovalidated", "auto validated", "autoverified",
        "auto verified",
        "validiert", "geprüft", "verifiziert", "abgeschlossen", "fertig",
        "validé", "validée", "vérifié", "vérifiée", "terminé",
        "validado", "validada", "verificado", "verificada", "revisado", "completado",
        "gevalideerd", "geverifieerd", "gecontroleerd", "voltooid",
        "validato", "validata", "verificato", "verificata", "completato",
        "zweryfikowany", "zweryfikowane", "sprawdzony", "sprawdzone", "zakończony", "zakończone",
    ),
    ResultStatus.APPROVED: (
        "approved", "authorised", "authorized", "released", "published", "final", "finalised", "finalized", "signed",
        "reported", "amended", "corrected", "signed off",
        "freigegeben", "genehmigt", "autorisiert", "final freigegeben",
        "approuvé", "approuvée", "autorisé", "libéré", "libérée", "publié", "signé", "définitif",
        "aprobado", "aprobada", "autorizado", "autorizada", "liberado", "liberada", "publicado", "firmado",
        "definitivo",
        "goedgekeurd", "geautoriseerd", "vrijgegeven", "definitief",
        "approvato", "approvata", "autorizzato", "rilasciato", "pubblicato", "firmato",
        "zatwierdzony", "zatwierdzone", "zatwierdzona", "zwolniony", "zwolnione", "opublikowany", "ostateczny",
    ),
    ResultStatus.REJECTED: (
        "rejected", "cancelled", "canceled", "invalid", "invalidated", "void", "voided", "deleted", "aborted",
        "discarded", "withdrawn", "entered in error", "disapproved",
        "abgelehnt", "zurückgewiesen", "zurückgezogen", "verworfen", "storniert", "ungültig", "abgebrochen",
        "gelöscht",
        "rejeté", "rejetée", "refusé", "refusée", "annulé", "annulée", "invalide", "invalidé",
        "invalidée", "supprimé",
        "rechazado", "rechazada", "anulado", "anulada", "cancelado", "cancelada", "inválido", "invalidado",
        "eliminado",
        "afgekeurd", "afgewezen", "geannuleerd", "ongeldig", "verworpen", "ingetrokken", "verwijderd",
        "respinto", "respinta", "rifiutato", "annullato", "annullata", "non valido", "invalidato", "scartato",
        "eliminato",
        "odrzucony", "odrzucone", "odrzucona", "anulowany", "anulowane", "anulowana", "unieważniony", "unieważnione",
        "nieważny", "nieważne", "wycofany", "wycofane",
    ),
    ResultStatus.SUPERSEDED: (
        "superseded", "retracted", "replaced", "obsolete", "ersetzt", "remplacé", "reemplazado", "sustituido",
        "vervangen", "sostituito", "zastąpiony", "zastąpione",
    ),
}  # fmt: skip
STATUSES: Mapping[str, ResultStatus] = {word: status for status, words in _WORDS.items() for word in words}
_PLAIN = {plainly_spoken(word): status for word, status in STATUSES.items()}
FINAL = frozenset({ResultStatus.VALIDATED, ResultStatus.APPROVED})
WITHDRAWN = frozenset({ResultStatus.REJECTED, ResultStatus.SUPERSEDED})


def status_of(word: object, own: Mapping[str, str] | None = None) -> ResultStatus | None:
    """Return our status for a laboratory's word, or None where the word is unknown.

    ``own``: words that a mapping knows better, to the values of ours; case, spaces, ``_`` and ``-`` do not matter.
    """
    if not isinstance(word, str):
        return None
    text = spoken(word)
    for theirs, ours in (own or {}).items():
        if spoken(theirs) == text:
            return ResultStatus(ours)
    return STATUSES.get(text) or _PLAIN.get(plainly_spoken(text))
