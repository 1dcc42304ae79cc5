"""Protobuf as people use it: protoc's messages, with conversions by hand to classes of one's own."""

from collections.abc import Callable, Mapping
from datetime import UTC
from decimal import Decimal
from typing import Any
from uuid import UUID

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from serde_events import (
    PROTO_VALUES,
    TITLES,
    VALUES,
    Access,
    Author,
    Content,
    Item,
    Large,
    Small,
    Trade,
    Visibility,
    Writer,
)
from serde_ours import compile_proto
from serde_rows import Row, Work

Write = Callable[[Any], bytes]
Read = Callable[[bytes], Any]


def find_classes() -> dict[str, Any]:
    """protoc's classes by full name, as a `_pb2` module would have them."""
    pool = descriptor_pool.DescriptorPool()
    for file in descriptor_pb2.FileDescriptorSet.FromString(compile_proto()).file:
        pool.Add(file)
    names = (*TITLES.values(), "bench.Trade")
    return {name: message_factory.GetMessageClass(pool.FindMessageTypeByName(name)) for name in names}


def protobuf_rows(typed: str, stub_types: str) -> dict[str, Row]:
    """To UUID, Decimal and datetime as the other rows, and to what the Protobuf stub holds: ids and a price in text."""
    classes = find_classes()
    primitive = {"small": _convert_small(classes), "large": _convert_large(classes)}
    return {
        typed: _row({"content": _convert_content(classes), **primitive}, VALUES),
        stub_types: _row({"content": _convert_item(classes), **primitive}, PROTO_VALUES),
    }


def _row(conversions: Mapping[str, tuple[Write, Read]], values: Mapping[str, Any]) -> Row:
    row = {}
    for event, (write, read) in conversions.items():
        names = {"write": write, "read": read, "event": values[event], "data": write(values[event])}
        assert read(write(values[event])) == values[event], event
        row[event] = Work(("write(event)", names), ("read(data)", names))
    return row


def _convert_content(classes: Mapping[str, Any]) -> tuple[Write, Read]:
    message_class = classes["bench.Content"]
    numbers = {each: number for number, each in enumerate(Visibility)}
    members = tuple(Visibility)

    def write(event: Content) -> Any:
        author = event.author
        message = message_class(
            content_id=str(event.content_id),
            revision=event.revision,
            slug=event.slug,
            title=event.title,
            locale=event.locale,
            visibility=numbers[event.visibility],
            price=str(event.price),
            tags=event.tags,
        )
        message.author.author_id = str(author.author_id)
        message.author.display_name = author.display_name
        message.published_at.FromDatetime(event.published_at)
        return message.SerializeToString()

    def read(data: bytes) -> Content:
        message = message_class.FromString(data)
        author = message.author
        return Content(
            content_id=UUID(message.content_id),
            revision=message.revision,
            slug=message.slug,
            title=message.title,
            locale=message.locale,
            author=Author(author_id=UUID(author.author_id), display_name=author.display_name),
            visibility=members[message.visibility],
            price=Decimal(message.price),
            tags=tuple(message.tags),
            published_at=message.published_at.ToDatetime(UTC),
        )

    return write, read


def _convert_item(classes: Mapping[str, Any]) -> tuple[Write, Read]:
    message_class = classes["bench.Content"]
    members = tuple(Access)

    def write(event: Item) -> Any:
        message = message_class(
            content_id=event.content_id,
            revision=event.revision,
            slug=event.slug,
            title=event.title,
            locale=event.locale,
            visibility=event.visibility.value if isinstance(event.visibility, Access) else event.visibility,
            price=event.price,
            tags=event.tags,
        )
        author = event.author
        if author is not None:
            message.author.author_id = author.author_id
            message.author.display_name = author.display_name
        if event.published_at is not None:
            message.published_at.FromDatetime(event.published_at)
        return message.SerializeToString()

    def read(data: bytes) -> Item:
        message = message_class.FromString(data)
        author = message.author
        number = message.visibility
        return Item(
            content_id=message.content_id,
            revision=message.revision,
            slug=message.slug,
            title=message.title,
            locale=message.locale,
            author=(
                Writer(author_id=author.author_id, display_name=author.display_name)
                if message.HasField("author")
                else None
            ),
            visibility=members[number] if 0 <= number < len(members) else number,
            price=message.price,
            tags=tuple(message.tags),
            published_at=message.published_at.ToDatetime(UTC) if message.HasField("published_at") else None,
        )

    return write, read


def _convert_small(classes: Mapping[str, Any]) -> tuple[Write, Read]:
    message_class = classes["bench.Small"]

    def write(event: Small) -> Any:
        return message_class(
            device=event.device,
            sequence=event.sequence,
            count=event.count,
            reading=event.reading,
            valid=event.valid,
        ).SerializeToString()

    def read(data: bytes) -> Small:
        message = message_class.FromString(data)
        return Small(
            device=message.device,
            sequence=message.sequence,
            count=message.count,
            reading=message.reading,
            valid=message.valid,
        )

    return write, read


def _convert_large(classes: Mapping[str, Any]) -> tuple[Write, Read]:
    message_class, trade_class = classes["bench.Large"], classes["bench.Trade"]

    def write(event: Large) -> Any:
        return message_class(
            trades=[
                trade_class(
                    symbol=each.symbol,
                    quantity=each.quantity,
                    venue=each.venue,
                    price=each.price,
                    buy=each.buy,
                )
                for each in event.trades
            ]
        ).SerializeToString()

    def read(data: bytes) -> Large:
        return Large(
            trades=tuple(
                [
                    Trade(
                        symbol=each.symbol,
                        quantity=each.quantity,
                        venue=each.venue,
                        price=each.price,
                        buy=each.buy,
                    )
                    for each in message_class.FromString(data).trades
                ]
            )
        )

    return write, read
