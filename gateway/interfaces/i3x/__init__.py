"""i3X 1.0 of CESMII: the line as typed objects with relationships, values, history and subscriptions, over HTTP.

It is served beside the console, under ``/v1``, and only reads. ``model.py`` has types and relationships, ``objects.py``
makes the objects of one instant and their values, ``answering.py`` answers each path, ``entrance.py`` lets in who may.
"""
