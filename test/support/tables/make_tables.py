"""Writes customers.parquet as pandas does: integers beyond 2^53, floats, flags, categories, dates, gaps, a named index."""
import datetime
import pathlib

import pyarrow
import pyarrow.parquet

here = pathlib.Path(__file__).parent
table = pyarrow.table({
    "id": pyarrow.array([1835849871777350123, -9223372036854775808, 7], pyarrow.int64()),
    "年齢": pyarrow.array([63.0, 56.5, None], pyarrow.float64()),
    "active": pyarrow.array([True, False, None], pyarrow.bool_()),
    "city": pyarrow.array(["Zürich", "Rome", "Zürich"]).dictionary_encode(),
    "since": pyarrow.array([datetime.datetime(2026, 1, 2, 3, 4, 5)] * 3, pyarrow.timestamp("us")),
    "__index_level_0__": pyarrow.array([0, 1, 2], pyarrow.int64()),
})
pyarrow.parquet.write_table(table, here / "customers.parquet", compression="zstd")
pyarrow.parquet.write_table(pyarrow.table({"x": [[1, 2], [3]]}), here / "nested.parquet", compression="snappy")
