"""The names that Protobuf's fields have in JSON, which the library checks and the wire does not have."""


def forget_json_names(file: bytes) -> bytes:
    """A FileDescriptorProto whose fields are named in JSON as they are in the schema.

    Old syntaxes let two fields share a name in JSON, and the library takes one of them for the other. Raises
    :class:`ValueError` for bytes that are no descriptor.
    """
    from google.protobuf.descriptor_pb2 import FileDescriptorProto
    from google.protobuf.message import DecodeError

    parsed = FileDescriptorProto()
    try:
        parsed.MergeFromString(file)
    except DecodeError as error:
        raise ValueError(str(error)) from error
    messages = list(parsed.message_type)
    for message in messages:  # grows while it is read
        for field in message.field:
            field.json_name = field.name
        messages.extend(message.nested_type)
    return parsed.SerializeToString()
