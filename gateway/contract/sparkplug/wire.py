"""The messages of Sparkplug's payload as protocol buffers, built from their field numbers (Sparkplug 3.0, 6.4.1).

Only what this gateway writes, and what it must read of a command, stands here; of other fields nothing is taken. It has
a pool of its own, so that another definition of these messages in the process is not in its way.
"""

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_FIELD = descriptor_pb2.FieldDescriptorProto
_PACKAGE = "labline.sparkplug"
# name, number, type, repeated; a type that begins with a capital is a message
_MESSAGES: dict[str, tuple[tuple[str, int, str, bool], ...]] = {
    "Payload": (
        ("timestamp", 1, "uint64", False),
        ("metrics", 2, "Metric", True),
        ("seq", 3, "uint64", False),
    ),
    "Metric": (
        ("name", 1, "string", False),
        ("alias", 2, "uint64", False),
        ("timestamp", 3, "uint64", False),
        ("datatype", 4, "uint32", False),
        ("is_historical", 5, "bool", False),
        ("is_null", 7, "bool", False),
        ("properties", 9, "PropertySet", False),
        ("int_value", 10, "uint32", False),
        ("long_value", 11, "uint64", False),
        ("double_value", 13, "double", False),
        ("boolean_value", 14, "bool", False),
        ("string_value", 15, "string", False),
    ),
    "PropertySet": (("keys", 1, "string", True), ("values", 2, "PropertyValue", True)),
    "PropertyValue": (
        ("type", 1, "uint32", False),
        ("int_value", 3, "uint32", False),
        ("double_value", 6, "double", False),
        ("string_value", 8, "string", False),
    ),
}
_ONE_OF = {"Metric": 10, "PropertyValue": 3}  # from which field on they are the alternatives of ``value``
_TYPES = {
    "uint32": _FIELD.TYPE_UINT32,
    "uint64": _FIELD.TYPE_UINT64,
    "double": _FIELD.TYPE_DOUBLE,
    "bool": _FIELD.TYPE_BOOL,
    "string": _FIELD.TYPE_STRING,
}


def _payload_class() -> Any:
    file = descriptor_pb2.FileDescriptorProto(name="labline/sparkplug.proto", package=_PACKAGE, syntax="proto2")
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        first = _ONE_OF.get(name)
        if first is not None:
            message.oneof_decl.add(name="value")
        for field_name, number, type_name, repeated in fields:
            field = message.field.add(name=field_name, number=number)
            field.label = _FIELD.LABEL_REPEATED if repeated else _FIELD.LABEL_OPTIONAL
            if type_name in _TYPES:
                field.type = _TYPES[type_name]
            else:
                field.type, field.type_name = _FIELD.TYPE_MESSAGE, f".{_PACKAGE}.{type_name}"
            if first is not None and number >= first:
                field.oneof_index = 0
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.Payload"))


Payload = _payload_class()
