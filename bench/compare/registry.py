"""A docker-registry on loopback, and just enough of the distribution protocol to fill it."""

import gzip
import hashlib
import http.client
import io
import json
import pathlib
import shutil
import socket
import subprocess
import tarfile
import time

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def digest(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


class Registry:
    """Owns the registry process; `host` is what image references start with.

    The data is made under `folder` and removed with it, unless existing `data` is to be served.
    """

    def __init__(self, folder: pathlib.Path, data: pathlib.Path | None = None):
        self.data = data or folder / "registry"
        self.owns_data = data is None
        self.data.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.host = f"localhost:{self.port}"
        self.config = folder / "registry.yml"
        self.config.write_text(
            "version: 0.1\n"
            f"storage: {{filesystem: {{rootdirectory: {self.data}}}}}\n"
            f"http: {{addr: '127.0.0.1:{self.port}'}}\n")
        with (folder / "registry.log").open("wb") as log:
            self.process = subprocess.Popen(["docker-registry", "serve", str(self.config)],
                                            stdout=log, stderr=log)
        self._wait()

    def _wait(self) -> None:
        for _ in range(100):
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                time.sleep(0.05)
        raise RuntimeError("docker-registry does not listen")

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait()
        if self.owns_data:
            shutil.rmtree(self.data, ignore_errors=True)

    def forget(self, prefix: str) -> None:
        """Drops the repositories under a prefix, and the blobs that only they held."""
        shutil.rmtree(self.data / "docker/registry/v2/repositories" / prefix, ignore_errors=True)
        subprocess.run(["docker-registry", "garbage-collect", str(self.config)], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def stored_bytes(self) -> int:
        """The size of all blobs."""
        blobs = self.data / "docker/registry/v2/blobs"
        return sum(path.stat().st_size for path in blobs.rglob("data"))

    def _request(self, method: str, path: str, body: bytes | None = None,
                 headers: dict[str, str] | None = None) -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        connection.request(method, path, body, headers or {})
        response = connection.getresponse()
        response.read()
        if response.status >= 300:
            raise RuntimeError(f"{method} {path}: {response.status}")
        return response

    def _push_blob(self, name: str, data: bytes) -> None:
        start = self._request("POST", f"/v2/{name}/blobs/uploads/").headers["Location"]
        path = start[start.index("/v2/"):]
        joiner = "&" if "?" in path else "?"
        self._request("PUT", f"{path}{joiner}digest={digest(data)}", data,
                      {"Content-Type": "application/octet-stream"})

    def manifest_digest(self, name: str, tag: str) -> str:
        """What the registry holds under a tag; raises when nothing was pushed."""
        accept = f"{MANIFEST}, application/vnd.oci.image.index.v1+json"
        answer = self._request("GET", f"/v2/{name}/manifests/{tag}", headers={"Accept": accept})
        return answer.headers["Docker-Content-Digest"]

    def push_oci_layout(self, layout: pathlib.Path, name: str, tag: str) -> str:
        """Pushes the first image of an OCI layout; returns its reference."""
        blob = lambda wanted: (layout / "blobs" / wanted.replace(":", "/")).read_bytes()
        entry = json.loads((layout / "index.json").read_text())["manifests"][0]
        manifest = json.loads(blob(entry["digest"]))
        if "manifests" in manifest:
            entry = manifest["manifests"][0]
            manifest = json.loads(blob(entry["digest"]))
        for part in [manifest["config"], *manifest["layers"]]:
            self._push_blob(name, blob(part["digest"]))
        self._request("PUT", f"/v2/{name}/manifests/{tag}", blob(entry["digest"]),
                      {"Content-Type": manifest.get("mediaType", MANIFEST)})
        return f"{self.host}/{name}:{tag}"

    def push_busybox(self, name: str = "bench/busybox") -> str:
        """Pushes a one-layer image made from Debian's busybox-static; returns its reference."""
        tar_bytes = _busybox_layer()
        layer = gzip.compress(tar_bytes, mtime=0)
        config = json.dumps({
            "architecture": "amd64", "os": "linux",
            "config": {"Env": ["PATH=/bin"], "Cmd": ["sh"]},
            "rootfs": {"type": "layers", "diff_ids": [digest(tar_bytes)]},
            "history": [{"created_by": "busybox-static"}],
        }).encode()
        manifest = json.dumps({
            "schemaVersion": 2, "mediaType": MANIFEST,
            "config": {"mediaType": CONFIG, "digest": digest(config), "size": len(config)},
            "layers": [{"mediaType": LAYER, "digest": digest(layer), "size": len(layer)}],
        }).encode()
        self._push_blob(name, config)
        self._push_blob(name, layer)
        self._request("PUT", f"/v2/{name}/manifests/latest", manifest, {"Content-Type": MANIFEST})
        return f"{self.host}/{name}:latest"


def _busybox_layer() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for folder in ("bin", "dev", "etc", "proc", "sys", "tmp"):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(entry)
        program = pathlib.Path("/bin/busybox").read_bytes()
        entry = tarfile.TarInfo("bin/busybox")
        entry.size, entry.mode = len(program), 0o755
        tar.addfile(entry, io.BytesIO(program))
        for applet in ("sh", "true", "cat", "echo", "ls"):
            entry = tarfile.TarInfo(f"bin/{applet}")
            entry.type, entry.linkname = tarfile.SYMTYPE, "busybox"
            tar.addfile(entry)
        text = b"root:x:0:0:root:/root:/bin/sh\n"
        entry = tarfile.TarInfo("etc/passwd")
        entry.size, entry.mode = len(text), 0o644
        tar.addfile(entry, io.BytesIO(text))
    return buffer.getvalue()
