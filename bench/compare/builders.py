"""The builders under comparison behind one small interface.

A builder keeps everything it owns under its own folder, so `clean()` can forget all of it. `build()` runs
one Dockerfile and leaves the result in the builder's own store; `push_stack()` builds services of a
compose project and pushes them. Both return a Sample and raise BuildFailed.
"""

import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import time

from measure import BuildFailed, Sample, peak_rss, reset_peak_rss, run
from workloads import Stack


def output_of(*command: str, env: dict[str, str] | None = None) -> str:
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **(env or {})},
                          stdin=subprocess.DEVNULL)
    return done.stdout.strip()


def unmount_below(folder: pathlib.Path) -> None:
    """Whatever is still mounted there, the deepest mount first."""
    mounts = [line.split()[1] for line in pathlib.Path("/proc/mounts").read_text().splitlines()]
    for mount in sorted((m for m in mounts if m.startswith(f"{folder}/")), reverse=True):
        subprocess.run(["umount", "-l", mount], check=False)


def remove_tree(folder: pathlib.Path) -> None:
    """Removes a store."""
    unmount_below(folder)
    shutil.rmtree(folder, ignore_errors=True)


def bake_arguments(stack: Stack, services: list[str], tags: dict[str, str], bases: dict[str, str],
                   keys: dict[str, str]) -> list[str]:
    """The arguments that `buildx bake` and `slipway bake` share; `keys` are set for all targets."""
    arguments = ["bake", "-f", str(stack.compose), "--progress=plain"]
    for service in services:
        arguments += ["--set", f"{service}.tags={tags[service]}"]
    for name, reference in bases.items():
        arguments += ["--set", f"*.contexts.{name}=docker-image://{reference}"]
    for key, value in keys.items():
        arguments += ["--set", f"*.{key}={value}"]
    return arguments


class Builder:
    """What every builder has: a name, a folder of its own, a log."""

    name = ""

    def __init__(self, folder: pathlib.Path):
        self.folder = folder / self.name
        self.folder.mkdir(parents=True)
        self.log = folder / f"{self.name}.log"

    def version(self) -> str:
        raise NotImplementedError

    def start(self) -> None:
        pass

    def stop(self) -> None:
        remove_tree(self.folder)

    def clean(self, keep_files: bool = False) -> None:
        """Forgets everything built and cached so far. `keep_files`: the files stay beside, until all ends."""
        if keep_files:
            unmount_below(self.folder)
            self.folder.rename(tempfile.mkdtemp(prefix="forgotten.", dir=self.folder.parent))
        else:
            remove_tree(self.folder)
        self.folder.mkdir()

    def build(self, context: pathlib.Path, arguments: dict[str, str]) -> Sample:
        raise NotImplementedError

    def push_stack(self, stack: Stack, services: list[str], tags: dict[str, str], bases: dict[str, str],
                   cache: dict[str, str] | None = None) -> Sample:
        """`cache`: for the keys cache-from and cache-to of bake."""
        raise NotImplementedError

    def build_stack(self, stack: Stack, services: list[str], tags: dict[str, str],
                    bases: dict[str, str]) -> Sample:
        """As push_stack(), but exports nothing: no layer is made."""
        raise BuildFailed(f"{self.name} cannot build without exporting")

    def export_stack(self, stack: Stack, services: list[str], tags: dict[str, str],
                     bases: dict[str, str]) -> Sample:
        """As push_stack(), but pushes nothing: the layers are made and stored."""
        raise BuildFailed(f"{self.name} cannot export without pushing")


class Baker(Builder):
    """A builder that reads compose projects by itself, with the arguments of `buildx bake`."""

    compression = ""  # as an attribute of the output

    def push_stack(self, stack, services, tags, bases, cache=None):
        return self._bake(stack, services, tags, bases, {"output": f"type=image,push=true{self.compression}", **(cache or {})})

    def build_stack(self, stack, services, tags, bases):
        return self._bake(stack, services, tags, bases, {"output": "type=cacheonly"})

    def export_stack(self, stack, services, tags, bases):
        return self._bake(stack, services, tags, bases, {"output": f"type=image{self.compression}"})

    def _bake(self, stack: Stack, services: list[str], tags: dict[str, str], bases: dict[str, str],
              keys: dict[str, str]) -> Sample:
        """`keys` are set for all targets."""
        raise NotImplementedError


class Slipway(Baker):
    name = "slipway"

    def __init__(self, folder: pathlib.Path, program: pathlib.Path):
        super().__init__(folder)
        self.program = str(program)
        self.env = {"SLIPWAY_ROOT": str(self.folder), "SLIPWAY_GC": "off"}  # as buildkitd's

    def version(self) -> str:
        return output_of(self.program, "--version")

    def build(self, context, arguments):
        command = [self.program, "build", "--progress=plain", "--network=host", "-o", "type=cacheonly"]
        for key, value in arguments.items():
            command += ["--build-arg", f"{key}={value}"]
        return self._measured([*command, str(context)])

    def _bake(self, stack, services, tags, bases, keys):
        command = [self.program, *bake_arguments(stack, services, tags, bases, keys), "--set=*.network=host", *services]
        return self._measured(command, cwd=str(stack.folder))

    def _measured(self, command: list[str], cwd: str | None = None) -> Sample:
        """What it leaves behind (`slipway sync`) has ended when the next one runs. BuildKit syncs its layers never."""
        sample = run(command, self.log, self.env, cwd=cwd)
        for _ in range(6000):
            if not (self.folder / "locks/unsynced").exists():
                return sample
            time.sleep(0.05)
        raise BuildFailed("slipway sync does not end")


class SlipwayZstd(Slipway):
    """Slipway with the compression of buildkit-zstd."""

    name = "slipway-zstd"
    compression = ",compression=zstd"


class BuildKit(Baker):
    """buildkitd as root with host networking; buildx talks to it through its remote driver."""

    name = "buildkit"

    def __init__(self, folder: pathlib.Path, peers: pathlib.Path):
        super().__init__(folder)
        self.peers = peers
        self.socket = folder / f"{self.name}.sock"
        self.settings = folder / f"{self.name}-buildx"
        self.daemon: subprocess.Popen | None = None
        self.env = {"BUILDX_CONFIG": str(self.settings), "BUILDX_BUILDER": "bench",
                    "BUILDX_NO_DEFAULT_ATTESTATIONS": "1", "BUILDX_BAKE_ENTITLEMENTS_FS": "0"}

    def version(self) -> str:
        daemon = output_of(str(self.peers / "buildkitd"), "--version").split()
        client = output_of(str(self.peers / "buildx"), "version").split()
        return f"buildkitd {daemon[2]}, buildx {client[1]}"

    def start(self):
        with self.log.open("ab") as log:
            self.daemon = subprocess.Popen(
                [str(self.peers / "buildkitd"), "--addr", f"unix://{self.socket}", "--root", str(self.folder),
                 "--oci-worker=true", "--containerd-worker=false", "--oci-worker-net=host",
                 "--oci-worker-gc=false"], stdout=log, stderr=log)
        for _ in range(200):
            if self.socket.exists():
                break
            time.sleep(0.05)
        if not self.settings.exists():
            subprocess.run([str(self.peers / "buildx"), "create", "--name", "bench", "--driver", "remote",
                            f"unix://{self.socket}"], check=True, capture_output=True,
                           env={**os.environ, "BUILDX_CONFIG": str(self.settings)})

    def _stop_daemon(self) -> None:
        if self.daemon:
            self.daemon.terminate()
            self.daemon.wait()
            self.daemon = None

    def stop(self):
        self._stop_daemon()
        super().stop()

    def clean(self, keep_files=False):
        self._stop_daemon()
        super().clean(keep_files)
        self.start()

    def _measured(self, arguments: list[str], cwd: str | None = None) -> Sample:
        assert self.daemon
        reset_peak_rss(self.daemon.pid)
        sample = run([str(self.peers / "buildx"), *arguments], self.log, self.env, cwd=cwd)
        sample.peak_bytes = peak_rss(self.daemon.pid)
        return sample

    def build(self, context, arguments):
        command = ["build", "--progress=plain", "-o", "type=cacheonly"]
        for key, value in arguments.items():
            command += ["--build-arg", f"{key}={value}"]
        return self._measured([*command, str(context)])

    def _bake(self, stack, services, tags, bases, keys):
        return self._measured([*bake_arguments(stack, services, tags, bases, keys), *services], cwd=str(stack.folder))


class BuildKitZstd(BuildKit):
    """BuildKit at its best setting: new layers compressed with zstd."""

    name = "buildkit-zstd"
    compression = ",compression=zstd"


class Buildah(Builder):
    """Debian's buildah with runc: its crun refuses machines whose cgroups are in hybrid mode."""

    name = "buildah"
    options = ["--layers", "--network=host", "--tls-verify=false", "--runtime=runc"]

    def __init__(self, folder: pathlib.Path, peers: pathlib.Path):
        super().__init__(folder)
        self.peers = peers
        self.storage = ["--root", str(self.folder / "root"), "--runroot", str(self.folder / "run"),
                        "--storage-driver", "overlay"]

    def version(self) -> str:
        return "buildah " + output_of("buildah", "--version").split()[2]

    def _buildah(self, command: str, arguments: list[str]) -> Sample:
        return run(["buildah", *self.storage, command, *arguments], self.log)

    def build(self, context, arguments):
        command = [*self.options, "-t", "bench"]
        for key, value in arguments.items():
            command += ["--build-arg", f"{key}={value}"]
        return self._buildah("bud", [*command, str(context)])

    def push_stack(self, stack, services, tags, bases, cache=None):
        if cache:
            raise BuildFailed("buildah has another kind of remote cache")
        targets = self._targets(stack, services)
        total, peak = 0.0, 0
        for service in services:
            target = targets[service]
            context = (stack.folder / target.get("context", ".")).resolve()
            command = [*self.options, "-t", tags[service], "-f",
                       str(context / target.get("dockerfile", "Dockerfile"))]
            if target.get("target"):
                command += ["--target", target["target"]]
            for key, value in target.get("args", {}).items():
                command += ["--build-arg", f"{key}={value}"]
            for name, reference in bases.items():
                command += ["--build-context", f"{name}=docker-image://{reference}"]
            for sample in (self._buildah("bud", [*command, str(context)]),
                           self._buildah("push", ["--tls-verify=false", tags[service]])):
                total += sample.seconds
                peak = max(peak, sample.peak_bytes)
        return Sample(total, peak, os.getloadavg()[0])

    def _targets(self, stack: Stack, services: list[str]) -> dict:
        """buildah reads no compose files: buildx resolves the targets for it."""
        text = output_of(str(self.peers / "buildx"), "bake", "-f", str(stack.compose), "--print", *services,
                         env={"BUILDX_CONFIG": str(self.folder / "buildx")})
        if not text:
            raise BuildFailed(f"buildx bake --print {stack.compose} printed nothing")
        return json.loads(text)["target"]
