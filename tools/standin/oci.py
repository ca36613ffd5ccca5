"""Writes an OCI image layout: https://github.com/opencontainers/image-spec/blob/main/image-layout.md"""

import gzip
import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path

# Every file time in a stand-in is at most this, so that the same packages give the same digests.
EPOCH = 1735689600  # 2025-01-01T00:00:00Z
CREATED = "2025-01-01T00:00:00Z"

RECIPE_ANNOTATION = "slipway.standin.recipe"
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def recipe_of(path: Path) -> str | None:
    """The recipe digest that a finished layout was made with."""
    try:
        index = json.loads((path / "index.json").read_text())
        return index["manifests"][0]["annotations"][RECIPE_ANNOTATION]
    except (OSError, ValueError, LookupError):
        return None


class LayerWriter:
    """A stream that takes a tar archive and keeps it as one gzip blob.

    pigz is used where it is installed: it compresses on all cores and its output does not depend
    on how many there are.
    """

    def __init__(self, path: Path):
        self._path = path
        self._file = open(path, "wb")
        self._diff = hashlib.sha256()
        self._pigz = None
        if pigz := shutil.which("pigz"):
            self._pigz = subprocess.Popen(
                [pigz, "-n", "-6"], stdin=subprocess.PIPE, stdout=self._file
            )
            self._sink = self._pigz.stdin
        else:
            self._sink = gzip.GzipFile("", "wb", 6, self._file, mtime=0)

    def write(self, data: bytes) -> int:
        self._diff.update(data)
        self._sink.write(data)
        return len(data)

    def close(self) -> str:
        """Ends the blob; returns the layer's diff id."""
        self._sink.close()
        if self._pigz and self._pigz.wait() != 0:
            raise subprocess.CalledProcessError(self._pigz.returncode, "pigz")
        self._file.close()
        return "sha256:" + self._diff.hexdigest()


class Layout:
    """An image layout under construction: one image, its layers in the order they are added."""

    def __init__(self, path: Path):
        self.path = path
        self._blobs = path / "blobs" / "sha256"
        self._blobs.mkdir(parents=True)
        self._layers: list[dict] = []
        self._diff_ids: list[str] = []

    def add_layer(self, fill) -> None:
        """Calls fill(stream), which writes an uncompressed tar archive to the stream."""
        partial = self._blobs / "partial"
        writer = LayerWriter(partial)
        fill(writer)
        self._diff_ids.append(writer.close())
        with open(partial, "rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        size = partial.stat().st_size
        partial.rename(self._blobs / digest)
        media_type = "application/vnd.oci.image.layer.v1.tar+gzip"
        self._layers.append({"mediaType": media_type, "digest": f"sha256:{digest}", "size": size})

    def finish(self, config: dict, recipe: str) -> None:
        """Writes config, manifest and index. `config` is the image's Env, Cmd ..."""
        platform = {"architecture": ARCHITECTURES[os.uname().machine], "os": "linux"}
        image = {
            "created": CREATED,
            **platform,
            "config": config,
            "rootfs": {"type": "layers", "diff_ids": self._diff_ids},
            "history": [{"created": CREATED, "created_by": "tools/standin/make"}]
            * len(self._layers),
        }
        manifest = {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": self._add_json(image, "application/vnd.oci.image.config.v1+json"),
            "layers": self._layers,
        }
        descriptor = self._add_json(manifest, manifest["mediaType"])
        descriptor["platform"] = platform
        descriptor["annotations"] = {
            "org.opencontainers.image.ref.name": "latest",
            RECIPE_ANNOTATION: recipe,
        }
        index = {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.index.v1+json",
            "manifests": [descriptor],
        }
        (self.path / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
        (self.path / "index.json").write_text(json.dumps(index))

    def _add_json(self, value: dict, media_type: str) -> dict:
        data = json.dumps(value, separators=(",", ":")).encode()
        digest = hashlib.sha256(data).hexdigest()
        (self._blobs / digest).write_bytes(data)
        return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(data)}
