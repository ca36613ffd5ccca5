"""Makes a Debian root file system with mmdebstrap, with the settings that official images carry."""

import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import machine
import oci

# Why each: https://github.com/debuerreotype/debuerreotype/tree/master/scripts
CLEAN = (
    "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/archives/partial/*.deb"
    " /var/cache/apt/*.bin || true"
)
SETTINGS = {
    "etc/apt/apt.conf.d/docker-clean": f'''\
DPkg::Post-Invoke {{ "{CLEAN}"; }};
APT::Update::Post-Invoke {{ "{CLEAN}"; }};
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
''',
    "etc/apt/apt.conf.d/docker-no-languages": 'Acquire::Languages "none";\n',
    "etc/apt/apt.conf.d/docker-gzip-indexes": 'Acquire::GzipIndexes "true";\n',
    "etc/apt/apt.conf.d/docker-autoremove-suggests": (
        'Apt::AutoRemove::SuggestsImportant "false";\n'
    ),
    "etc/dpkg/dpkg.cfg.d/docker-apt-speedup": "force-unsafe-io\n",
    "etc/dpkg/dpkg.cfg.d/docker": """\
path-exclude /usr/share/doc/*
path-include /usr/share/doc/*/copyright
path-exclude /usr/share/groff/*
path-exclude /usr/share/info/*
path-exclude /usr/share/linda/*
path-exclude /usr/share/lintian/*
path-exclude /usr/share/locale/*
path-include /usr/share/locale/locale.alias
path-exclude /usr/share/man/*
""",
}
# mmdebstrap unpacks the essential packages before dpkg's path-exclude is in force, and leaves APT's
# caches. $1 is the root directory.
SLIM = """\
cd "$1"
find usr/share/doc -type f,l ! -name copyright -delete
find usr/share/doc -type d -empty -delete
find usr/share/locale -mindepth 1 -maxdepth 1 ! -name locale.alias -exec rm -r {} +
rm -rf usr/share/man/* usr/share/info/* usr/share/groff/* usr/share/lintian/* usr/share/linda/*
rm -rf var/cache/apt/*.bin var/cache/debconf/*-old var/lib/dpkg/*-old var/cache/ldconfig/*
rm -f etc/dpkg/dpkg.cfg.d/99mmdebstrap etc/apt/apt.conf.d/99mmdebstrap
rm -f etc/apt/preferences.d/no-usrmerge etc/apt/sources.list.d/0000debian.sources
"""
# The usrmerge package would bring the whole of Perl; the root is made merged to begin with.
NO_USRMERGE = """\
printf 'Package: usrmerge\\nPin: version *\\nPin-Priority: -1\\n' \\
  >"$1"/etc/apt/preferences.d/no-usrmerge
"""
NO_SERVICES = "#!/bin/sh\n# Packages must not start services while an image is built.\nexit 101\n"


class Tree:
    """Files laid over a root file system, below a directory of their own."""

    def __init__(self, root: Path):
        self.root = root
        root.mkdir()
        root.chmod(0o755)

    def write(self, path: str, content: str | bytes, mode: int = 0o644) -> None:
        file = self._place(path)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        file.chmod(mode)

    def link(self, path: str, target: str) -> None:
        self._place(path).symlink_to(target)

    def clamp_times(self) -> None:
        for path in self.root.rglob("*"):
            if path.lstat().st_mtime > oci.EPOCH:
                os.utime(path, (oci.EPOCH, oci.EPOCH), follow_symlinks=False)

    def _place(self, path: str) -> Path:
        file = self.root / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        return file


def settings(tree: Tree) -> None:
    """Adds the official images' settings and this machine's archives and certificates."""
    for path, content in SETTINGS.items():
        tree.write(path, content)
    tree.write("usr/sbin/policy-rc.d", NO_SERVICES, 0o755)
    if sources := machine.apt_sources():
        tree.write("etc/apt/sources.list.d/debian.sources", deb822(sources))
    if configuration := machine.apt_configuration():
        tree.write("etc/apt/apt.conf.d/99machine", configuration)
    for path, content in machine.certificates().items():
        tree.write(path, content)


def deb822(sources: list[tuple[str, str]]) -> str:
    stanza = "Types: deb\nURIs: {}\nSuites: {}\nComponents: main\nSigned-By: {}\n"
    return "\n".join(stanza.format(address, suite, machine.KEYRING) for address, suite in sources)


def bootstrap(stream, tree: Tree, packages: list[str], remove: list[str]) -> None:
    """Writes to `stream` the tar archive of a minimal Debian with `packages`, `tree` laid over it,
    less the files in `remove`."""
    tree.clamp_times()
    log = tree.root.with_name("mmdebstrap.log")
    command = [
        "mmdebstrap",
        f"--logfile={log}",
        "--variant=minbase",
        "--format=tar",
        "--mode=" + ("root" if os.geteuid() == 0 else "unshare"),
        "--skip=output/dev",
        f"--keyring={machine.KEYRING}",
        *(f"--dpkgopt={tree.root}/{path}" for path in SETTINGS if "/dpkg.cfg.d/" in path),
        *(f"--aptopt={line}" for line in machine.apt_configuration().splitlines()),
        *(f"--include={package}" for package in packages),
        "--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr",
        f"--setup-hook={NO_USRMERGE}",
        f"--customize-hook=sync-in {tree.root} /",
        *(f'--customize-hook=rm -f "$1"/{path}' for path in remove),
        f"--customize-hook={SLIM}",
        machine.SUITE,
        "-",
    ]
    if machine.apt_sources():
        # mmdebstrap keeps its copy as 0000debian.sources; the image's own comes with `tree`.
        command.append(str(tree.root / "etc/apt/sources.list.d/debian.sources"))
    environment = {**os.environ, "SOURCE_DATE_EPOCH": str(oci.EPOCH)}
    if os.geteuid() == 0:
        # Gigabytes do not belong into /tmp. (Without root, subordinate users must reach the folder:
        # a home directory would not do.)
        environment["TMPDIR"] = str(tree.root.parent)
    stream.write(empty_dev())  # --skip=output/dev leaves out the directory with the device nodes
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as process:
        shutil.copyfileobj(process.stdout, stream, 1 << 20)
    if process.returncode != 0:
        sys.stderr.write(log.read_text())
        raise subprocess.CalledProcessError(process.returncode, "mmdebstrap")


def empty_dev() -> bytes:
    member = tarfile.TarInfo("./dev")
    member.type, member.mode, member.mtime = tarfile.DIRTYPE, 0o755, oci.EPOCH
    return member.tobuf()
