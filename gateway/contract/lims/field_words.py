"""Words in the names of unmapped fields, and what they say, in the languages of laboratories. Pure.

Words are compared without case and accents. ``Vocabulary`` has whole words and beginnings of words: languages that join
words (``Grenzwertüberschreitung``) or bend them (``annulé``, ``annulée``) have too many to list. German, French,
Spanish, Dutch, Italian and Polish are read like English.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from gateway.contract.lims.names import unaccented

_WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[^\W\dA-Z_]+|[A-Z]+")


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Words that mean the same: whole ones, and beginnings."""

    words: frozenset[str]
    beginnings: tuple[str, ...] = ()
    others: tuple[str, ...] = ()  # beginnings of words that mean something else

    def speaks_in(self, words: Iterable[str]) -> bool:
        """Return whether any of the words is one of these."""
        return any(
            word in self.words or (word.startswith(self.beginnings) and not word.startswith(self.others))
            for word in words
        )


def _vocabulary(words: str, beginnings: str = "", *, others: str = "") -> Vocabulary:
    return Vocabulary(frozenset(words.split()), tuple(beginnings.split()), tuple(others.split()))


@lru_cache(maxsize=4096)
def words_of(name: str) -> frozenset[str]:
    """Return the words of a field's name: ``isOOS``, ``oos_flag`` and ``OOS-Flag`` have one in common."""
    return frozenset(unaccented(word) for word in _WORD.findall(name))


LIMITS = _vocabulary(
    "upper lower usl lsl ucl lcl ul ll max min maximum minimum hi lo high low bound bounds spec specification "
    "acceptance criteria criterion range ranges interval nmt nlt threshold thresholds cutoff tol requirement "
    "requirements allowed allowable permitted permissible more less "
    "ogw ugw osg usg otg utg spez soll sollwert sollbereich oberer oberes obere unterer unteres untere "
    "borne bornes seuil seuils plage exigence exigences critere criteres sup inf maxi mini "
    "rango rangos umbral requisito requisitos criterio criterios criteri soglia soglie specifica specifiche "
    "eis eisen norm norma normy prog zakres wymagane",
    "limit toleran tolleran spezifik obergrenz untergrenz grenz grens bovengrens ondergrens anforder superieur "
    "inferieur superior inferior especificac specificatie specyfikac maxim massim minim maks granic gran wymagan "
    "kryteri drempel zulass zulaess dopuszczal",
)
NO_LIMITS = _vocabulary(
    "detection quantification quantitation determination reporting lod loq mdl mql rl id uid uuid version revision "
    "name code time times duration date dates temperature count number no decimals digits holding storage shelf day "
    "days hour hours week weeks volume size length weight mass instrument measuring measurable linearity calibration "
    "scan wavelength uncertainty mu expires expiry location position document phone",
    "lager temperatur messbereich",
)
AGAINST = _vocabulary(
    "deleted deletion void voided oos oot ooc fail failed failure nok exceeded exceeds violation violated replaces "
    "supersedes corrects amends amendment correction hold onhold blocked blocking censor censored censoring nondetect "
    "obsolete ausreisser gesperrt sperre sperrgrund reprise contre contreanalyse nc "
    "less greater saturated",
    "cancel reject invalid retract withdraw supersed retest remeasur resampl reanaly rerun repeat repetit outlier "
    "suspect questionab quarantin nonconform quarantain quarantan cuarenten kwarantann "
    "storn ungultig ungueltig verworf verwerf abgelehnt ablehn zuruckgez zurueckgez beanstand wiederhol nachmess "
    "nachtest nachprob nachunters fehlerhaft annul rejet refus bloqu contreessai anul rechaz bloque repetic reanalis "
    "annull respin scart rifiut ripet ripro blocc geannul afgekeur geblok hertest herhal heranalys ongeldig verworp "
    "uniewaz niewaz odrzu wycof powtor zablok niezgod",
    # how well a value repeats, and how many determinations there were
    others="repeatab repetib wiederholb wiederholp herhaalb ripetib repetitions repetitionen wiederholungen "
    "ripetizioni repeticiones herhalingen",
)
DOUBT = _vocabulary(
    "preliminary draft provisional estimated expired deviation deviations investigation investigations capa complaint "
    "alarm alarms alert alerts warning warnings error errors exception exceptions incident incidents",
    "abweich untersuchungsnr vorlauf reklam",
)
NO_DOUBT = _vocabulary("standard std relative rsd sd time minutes limit rate mean measurement code")
AFFIRMING = _vocabulary(
    "active current reportable latest valid approved released validated authorised authorized verified reviewed "
    "accept accepted acceptable final finalised finalized ok okay io ordnung complete completed signed confirmed "
    "usable cumple voldoet apto idoneo tak spelnia",
    "freig genehmig gepruft geprueft valid conform konform approuv aprob approv liberad liberat libere goedgek vrijgeg "
    "zatwierdz zwolnion zgodn bestanden",
)
JUDGING = _vocabulary(
    "verdict conclusion decision disposition evaluation eval judgement judgment assessment validity outcome passed "
    "pass within compliant compliance urteil oordeel giudizio esito ocena dictamen",
    "conform konform zgodn bewert beurteil beoordel veredict entscheid",
)
NOT_JUDGING = _vocabulary("rule date at by on id time comment name user person role method from until to due level")
STANDING = _vocabulary("status state statut estado stato zustand stan etat estatus toestand")
RESULTS = _vocabulary(
    "result value measured measurement reading ergebnis resultat messwert wert valeur resultado valor uitslag waarde "
    "meetwaarde risultato valore wynik wartosc"
)
LISTED_RESULTS = _vocabulary(
    "results values measurements readings replicates determinations ergebnisse resultats messwerte werte valeurs "
    "resultados valores uitslagen waarden meetwaarden risultati valori wyniki wartosci einzelwerte"
)
OF_A_RESULT = (
    RESULTS.words
    | LISTED_RESULTS.words
    | _vocabulary(
        "numeric reported final corrected text formatted display displayed entered individual single data "
        "rounded additional further more extra weitere test numerique numerico final endgultig"
    ).words
)
# the upper end of what can be measured
UPPER_END = _vocabulary("upper max maximum high uloq udl")
MEASURABLE = _vocabulary(
    "detection quantification quantitation loq lod uloq udl measuring measurable linearity linear range"
)
UNITS = _vocabulary("unit units uom einheit einheiten unite unites unidad unidades eenheid unita jednostka jednostki")
OF_A_UNIT = (
    UNITS.words
    | OF_A_RESULT
    | _vocabulary(
        "measure of code name short symbol reporting engineering eng mesure medida misura miary maat mass"
    ).words
)
COMPARING = _vocabulary(
    "operator qualifier sign prefix suffix symbol comparator relation relational modifier inequality censor remark "
    "flag vorzeichen operateur operador operatore znak signe signo segno teken"
)
SCALING = _vocabulary("multiplier exponent power scale")
FLAGS = _vocabulary("flag flags abnormal alarm")

LOT = _vocabulary(
    "lot lots batch batches sublot sublots charge chargen charges charg los lose lote lotes partida partidas partij "
    "partijen lotto lotti partia partie partii seria serie serii"
)
SEVERAL = _vocabulary("lots batches sublots chargen charges composite composites pooled lotes lotti partijen").words
NAMES_A_LOT = _vocabulary(
    "id ids no nr nbr num number numbers nummer nummern numero numeri numer numery n label name key code ref reference "
    "referenz codigo codice kod"
).words
OF_A_LOT = (
    LOT.words
    | NAMES_A_LOT
    | _vocabulary(
        "material materials production product prod manufacturing mfg process finished goods good bulk sample samples "
        "internal plant our fg fp other others all composite composites pooled of from de du di da data meta metadata "
        "info result header context order details body payload item attributes properties fields sap erp mes qc lims "
        "produkt produktions fabrication fabricacion produzione produkcji"
    ).words
)
_LONGEST_JOINED = 32  # letters


@lru_cache(maxsize=4096)
def lot_words_of(name: str) -> frozenset[str]:
    """Return the words of a name, and those of words that were joined: ``Chargennummer`` is two."""
    return frozenset(part for word in words_of(name) for part in (_joined(word, OF_A_LOT) or (word,)))


@lru_cache(maxsize=4096)
def result_words_of(name: str) -> frozenset[str]:
    """Return the words of a name, and those of words that were joined: ``displaytext`` is two."""
    return frozenset(part for word in words_of(name) for part in (_joined(word, OF_A_RESULT) or (word,)))


def _joined(word: str, known: frozenset[str]) -> tuple[str, ...]:
    """Return the known words that a word is joined of, itself where it is one, or none; no single letters."""
    if word in known or len(word) > _LONGEST_JOINED:
        return (word,)
    for end in range(len(word) - 2, 1, -1):
        if word[:end] in known and (rest := _joined(word[end:], known)) and known.issuperset(rest):
            return (word[:end], *rest)
    return ()
