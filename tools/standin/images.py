"""The recipes: what each stand-in contains and the config it carries.

A recipe fills a layout's layers, with a scratch directory to work in, and returns the image config.
"""

import hashlib
import io
import json
import subprocess
import tarfile
from pathlib import Path

import cuda
import debian
import machine
import oci

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
PYTHON = "3.11"


def environment(**variables: str) -> list[str]:
    variables = {**variables, **machine.certificate_environment()}
    return [f"{name}={value}" for name, value in variables.items()]


def debian_slim(layout: oci.Layout, work: Path, slim_cuda: bool) -> dict:
    tree = debian.Tree(work / "tree")
    debian.settings(tree)
    layout.add_layer(lambda stream: debian.bootstrap(stream, tree, [], []))
    return {"Env": environment(PATH=PATH), "Cmd": ["bash"]}


def python_slim(layout: oci.Layout, work: Path, slim_cuda: bool) -> dict:
    """The official image has its own Python below /usr/local; here that is links to Debian's."""
    tree = debian.Tree(work / "tree")
    debian.settings(tree)
    for name in ("python", "python3", f"python{PYTHON}"):
        tree.link(f"usr/local/bin/{name}", f"/usr/bin/python{PYTHON}")
    for name in ("pip", "pip3", f"pip{PYTHON}"):
        tree.link(f"usr/local/bin/{name}", "/usr/bin/pip3")
    packages = ["ca-certificates", "netbase", "python3", "python3-pip", "python3-venv", "tzdata"]
    managed = [f"usr/lib/python{PYTHON}/EXTERNALLY-MANAGED"]
    layout.add_layer(lambda stream: debian.bootstrap(stream, tree, packages, managed))
    path = "/usr/local/bin:" + PATH
    env = environment(PATH=path, LANG="C.UTF-8", PYTHON_VERSION=f"{PYTHON}.2")
    return {"Env": env, "Cmd": ["python3"]}


def cuda_devel(layout: oci.Layout, work: Path, slim_cuda: bool) -> dict:
    """Debian stands in for Ubuntu here: the distributions' packages have the same names."""
    tree = debian.Tree(work / "tree")
    debian.settings(tree)
    tree.write("opt/nvidia/nvidia_entrypoint.sh", '#!/bin/sh\nexec "$@"\n', 0o755)
    tree.write("etc/ld.so.conf.d/cuda.conf", "/usr/local/cuda/lib64\n")
    home = tree.root / "usr/local/cuda-13.0"
    (home / "bin").mkdir(parents=True)
    tree.link("usr/local/cuda", "cuda-13.0")
    if not slim_cuda:
        cuda.install_libraries(home, work)
    layout.add_layer(lambda stream: debian.bootstrap(stream, tree, ["ca-certificates"], []))
    return {
        "Env": environment(PATH=cuda.PATH_PREFIX + PATH, **cuda.ENVIRONMENT),
        "Entrypoint": ["/opt/nvidia/nvidia_entrypoint.sh"],
        "Labels": cuda.LABELS,
    }


def busybox(layout: oci.Layout, work: Path, slim_cuda: bool) -> dict:
    """Debian's static busybox, with the applets as links, as the official image has them."""
    binary = Path("/usr/bin/busybox")
    if not binary.exists():
        binary = Path("/bin/busybox")
    layout.add_layer(lambda stream: busybox_root(stream, binary.read_bytes()))
    return {"Env": environment(PATH=PATH), "Cmd": ["sh"]}


def busybox_root(stream, binary: bytes) -> None:
    applets = busybox_applets()
    files = {
        "etc/passwd": b"root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/home:/bin/false\n",
        "etc/group": b"root:x:0:\nnogroup:x:65534:\n",
        **{path.lstrip("/"): content for path, content in machine.certificates().items()},
    }
    folders = {"bin", "dev", "etc", "home", "root", "usr/bin", "var/spool", "tmp"}
    for path in [*folders, *files]:
        folders.update(str(parent) for parent in Path(path).parents if str(parent) != ".")
    with tarfile.open(fileobj=stream, mode="w|", format=tarfile.PAX_FORMAT) as archive:
        for folder in sorted(folders):
            add(archive, folder + "/", tarfile.DIRTYPE, 0o1777 if folder == "tmp" else 0o755)
        add(archive, "bin/busybox", tarfile.REGTYPE, 0o755, content=binary)
        for applet in applets:
            add(archive, f"bin/{applet}", tarfile.LNKTYPE, 0o755, link="bin/busybox")
        add(archive, "usr/bin/env", tarfile.LNKTYPE, 0o755, link="bin/busybox")
        for path in sorted(files):
            add(archive, path, tarfile.REGTYPE, 0o644, content=files[path])


def busybox_applets() -> list[str]:
    listed = subprocess.run(["busybox", "--list"], check=True, text=True, stdout=subprocess.PIPE)
    return sorted(set(listed.stdout.split()) - {"busybox"})


def add(archive, name: str, kind: bytes, mode: int, content: bytes = b"", link: str = "") -> None:
    member = tarfile.TarInfo(name)
    member.type, member.mode, member.mtime = kind, mode, oci.EPOCH
    member.size, member.linkname = len(content), link
    archive.addfile(member, io.BytesIO(content))


IMAGES = {
    "busybox:latest": busybox,
    "debian:bookworm-slim": debian_slim,
    "nvidia/cuda:13.0.1-devel-ubuntu22.04": cuda_devel,
    "python:3.11-slim": python_slim,
}


def recipe_digest(name: str, slim_cuda: bool) -> str:
    """Changes when this folder's code, the machine's settings or the kind of image changes; new
    versions of Debian's packages do not count, as with any pinned base image."""
    digest = hashlib.sha256()
    for source in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(source.read_bytes())
    for path, content in sorted(machine.certificates().items()):
        digest.update(path.encode() + content)
    settings = [name, slim_cuda, machine.apt_sources(), machine.apt_configuration()]
    digest.update(json.dumps(settings).encode())
    return "sha256:" + digest.hexdigest()
