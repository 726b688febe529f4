"""Records what pandas makes of small tables, and Parquet files as pyarrow writes them: python record_tables.py

Needs pandas and pyarrow. Writes recorded/tables.json: of each table the text of its file or its bytes (base64), and of each row the
numbers that a model is to see: standardized by mean and deviation (of the population), missing ones by the median, texts as one
number for each value in their order.
"""

import base64
import io
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow
import pyarrow.parquet

here = Path(__file__).resolve().parent
sys.path.append(str(here.parent / "support"))

from recording import rounded, write  # noqa: E402


def made(seed: int) -> pd.DataFrame:
    """Six rows each of four classes, in scales far from each other, some of them missing."""
    rng = np.random.default_rng(seed)
    n = 24
    frame = pd.DataFrame(
        {
            "revenue": np.round(5e6 + 1e6 * rng.normal(size=n), 1),
            "mass": np.round(2e-3 + 1e-3 * rng.normal(size=n), 7),
            "rooms": rng.integers(1, 6, size=n),
            "colour": rng.choice(["red", "green", "dark blue"], size=n),
            "label": [f"kind {i % 4}" for i in range(n)],
        }
    )
    frame.loc[[3, 11], "revenue"] = np.nan
    frame.loc[7, "colour"] = None
    return frame


def expected(frame: pd.DataFrame) -> list[list[float]]:
    parts = []
    for name in frame.columns.drop("label"):
        column = frame[name]
        if pd.api.types.is_numeric_dtype(column):
            standard = (column.fillna(column.median()) - column.mean()) / column.std(ddof=0)
            parts.append(standard.to_numpy(dtype=np.float64)[:, None])
        else:
            parts.append(pd.get_dummies(column)[sorted(column.dropna().unique())].to_numpy(dtype=np.float64))
    return np.concatenate(parts, axis=1).tolist()


def parquet(frame: pd.DataFrame, compression: str, **options: object) -> str:
    buffer = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.Table.from_pandas(frame, preserve_index=False), buffer, compression=compression, **options)
    return base64.b64encode(buffer.getvalue()).decode()


frame = made(7)
tables = [
    {"name": "comma.csv", "text": frame.to_csv(index=False)},
    {"name": "index.csv", "text": frame.to_csv()},
    {"name": "tab.tsv", "text": frame.to_csv(index=False, sep="\t", na_rep="NA")},
    {"name": "decimal-comma.csv", "text": frame.to_csv(index=False, sep=";", decimal=",", na_rep="-")},
    {"name": "quoted.csv", "text": frame.to_csv(index=False, quoting=2, na_rep="?", lineterminator="\r\n")},
    {"name": "records.json", "text": frame.to_json(orient="records", double_precision=15)},
    {"name": "lines.jsonl", "text": frame.to_json(orient="records", lines=True, double_precision=15)},
] + [
    {"name": f"{compression}.parquet", "bytes": parquet(frame, compression, **options)}
    for compression, options in [
        ("none", {}),
        ("snappy", {}),
        ("gzip", {"use_dictionary": False}),
        ("zstd", {"data_page_version": "2.0"}),
        ("brotli", {}),
    ]
]
write(
    here / "recorded" / "tables.json",
    {
        "pandas": pd.__version__,
        "pyarrow": pyarrow.__version__,
        "labels": frame["label"].tolist(),
        "x": rounded(expected(frame), 8),
        "tables": tables,
    },
)
