"""From the tables: what a lot is assessed by. Runs inside the writer's transaction.

A lot is read *whole* where anything but the arriving result can change what is known of it: it waits to be judged
again, the result is a retest or a retest of the lot names it, or its sample has results without a lot. Else only the
versions of the arriving result are read, and the others stand as they were assessed; so a result costs the same in a
lot of ten and of ten thousand. ``at_a_glance`` says which of the two it is, ``facts`` puts together what is read.
Damaged rows are left out, and noted by the ``Reading``.
"""
