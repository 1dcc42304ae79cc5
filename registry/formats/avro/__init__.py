"""Avro 1.12: the functions every schema language has, and the fingerprint that only Avro has."""

from registry.formats.avro.canonical import canonical_form as canonical_form
from registry.formats.avro.canonical import parsing_canonical_form as parsing_canonical_form
from registry.formats.avro.canonical import self_contained as self_contained
from registry.formats.avro.crc64 import crc64 as crc64
from registry.formats.avro.outline import outline as outline
from registry.formats.avro.parse import parse as parse
from registry.formats.avro.resolution import find_mismatches as find_mismatches
