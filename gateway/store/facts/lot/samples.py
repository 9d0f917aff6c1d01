"""The samples of a lot of which another lot is named, too: by results, and by what contradicts them."""

from gateway.lab.release.lot_knowledge import SampleLots
from gateway.lab.result_versions import is_newer
from gateway.records.laboratory import LabResult
from gateway.store.codec import decode
from gateway.store.facts.lot.own_words import own_words, with_known_lots
from gateway.store.facts.lot.results import Sample, has_later_version, key_of, sample_of
from gateway.store.facts.reading import Reading
from gateway.store.statements import SQL


def samples_of_several_lots(reading: Reading, lot: str, arriving: LabResult | None) -> tuple[SampleLots, ...]:
    """Return the samples of a lot of which another lot is named, and that of the result that arrives."""
    shared = reading.connection.execute(SQL["samples_of_several_lots"], {"material_lot_id": lot})
    samples = {(row["source"], row["sample_id"]) for row in shared}
    if arriving is not None:
        samples.add(sample_of(arriving))
    return tuple(_lots_of_sample(reading, sample, arriving) for sample in sorted(samples))


def _lots_of_sample(reading: Reading, sample: Sample, arriving: LabResult | None) -> SampleLots:
    source, sample_id = sample
    parameters = {"source": source, "sample_id": sample_id}
    current = [
        with_known_lots(reading.connection, own_words(row["body"]))
        for row in reading.rows("current_of_sample", parameters)
    ]
    contradicting = [decode(LabResult, row["result"]) for row in reading.rows("refused_of_sample", parameters)]
    standing = {tuple(key_of(result).values()): result for result in current}
    if arriving is not None and sample_of(arriving) == sample:
        key = tuple(key_of(arriving).values())
        if arriving.result_version is None or is_newer(arriving, standing.get(key)):
            standing[key] = arriving
    naming = (
        *standing.values(),
        *(result for result in contradicting if not has_later_version(reading, result, arriving)),
    )
    stated = {result.lots for result in naming if result.lots and result.control_id is None}
    return SampleLots(source=source, sample_id=sample_id, stated=tuple(sorted(stated)))
