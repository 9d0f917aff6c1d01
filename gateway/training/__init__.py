"""How a bundle is made: rows, candidates, calibration, the applicability domain. Needs the ``train`` extra."""
