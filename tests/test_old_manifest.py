"""Manifests of earlier schema versions are read with today's names."""

import json
from pathlib import Path

from schemas.manifest import Manifest, TableIn

# Shortened from a manifest of schema version 4.
OLD = {
    "release_id": "20260310T000000Z-1",
    "run_id": "20260310T000000Z",
    "as_of": "2026-03-10T00:00:00+00:00",
    "created_at": "2026-03-10T00:00:05+00:00",
    "source": "demo",
    "tables_in": {
        "users": {
            "read": 9,
            "stored": 6,
            "folded": 1,
            "refused": 2,
            "waiting": 3,
            "reasons": {"bad_enum": 2},
            "data_as_of": "2026-03-10T00:00:00+00:00",
            "delivery": "full",
            "held": 6,
        }
    },
    "files": {},
    "enrolments_by_detailed_status": {"late": 4},
    "computed": 3,
    "carried": 1,
    "schema_version": "4",
}


def test_manifest_of_schema_version_4_is_read_with_the_names_of_today(tmp_path: Path) -> None:
    file = tmp_path / "manifest.json"
    file.write_text(json.dumps(OLD), "utf-8")
    manifest = Manifest.read(file)
    assert (manifest.enrollments, manifest.computed, manifest.reused) == (4, 3, 1)
    expected = TableIn(9, 6, 1, 2, 3, {"bad_enum": 2}, "2026-03-10T00:00:00+00:00", "full", rows=6)
    assert manifest.tables_in == {"users": expected}
