"""Questions of people, answered from records by code: what is not on record, or not for who asks, is not said.

``intents.py`` has a row for each kind of question. Nothing here writes or decides: a question is put on record by the
event that follows it. Words of records (names of lots, comments, procedures) are only shown, never read as a question.
"""
