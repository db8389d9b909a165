"""Games on disk, format shard/1: written so that nothing durable is lost, counted by names, read with every check.

A worker keeps a ``Journal``; ``recover`` is called at its start. Readers use ``list_shards``, ``count``,
``read_shard``, and ``read_any`` for what other programs wrote. Needs only the standard library, and zstd in
one of three forms (``workers/records/zstd.py``).
"""

from workers.records.claim import WriterExists
from workers.records.foreign import ForeignRecord, read_any
from workers.records.journal import Journal
from workers.records.line import CorruptRecord, decode_line, encode_line
from workers.records.record import GameRecord, decode_visits, encode_visits, game_id
from workers.records.recover import Recovered, recover
from workers.records.shard import CorruptShard, read_shard
from workers.records.shards import Count, Shard, count, list_shards

__all__ = [
    "CorruptRecord",
    "CorruptShard",
    "Count",
    "ForeignRecord",
    "GameRecord",
    "Journal",
    "Recovered",
    "Shard",
    "WriterExists",
    "count",
    "decode_line",
    "decode_visits",
    "encode_line",
    "encode_visits",
    "game_id",
    "list_shards",
    "read_any",
    "read_shard",
    "recover",
]
