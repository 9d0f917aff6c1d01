"""Whether a lot may be recommended for release: what speaks for and against it, and nothing else. Pure.

The rule: a lot is recommended for release where a result asks for it, nothing that is known of the lot asks for more
care, and no required test is missing. What is known of a lot (``lot_knowledge``) becomes a set of *assessments*: one
for each version of each result that speaks of it (``results``), for each refused message that names it (``refused``),
for each parent lot that is in question, and for contradictions in its context (``production``). An assessment follows
from facts alone, never from the order in which they came, so the same facts end in the same recommendation
(``recommendation``). What speaks against a release is an *open point* (``open_points``): with its reason, its evidence,
and how a person settles it.
"""
