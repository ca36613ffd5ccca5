"""What a stand-in takes over from the machine it is made on: CA certificates and APT sources.

Official images reach public archives with public certificates. A machine behind a proxy that
re-signs TLS, or with a mirror of its own, cannot; steps that run in the image need the same
settings. They are read when the image is made and are part of its recipe.
"""

import subprocess
from pathlib import Path

EXTRA_CERTIFICATES = Path("/usr/local/share/ca-certificates")
CA_BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
SUITE = "bookworm"

APT_SETTINGS = (
    "Acquire::Check-Valid-Until",
    "Acquire::Check-Date",
    "Acquire::http::Proxy",
    "Acquire::https::Proxy",
)


def certificates() -> dict[str, bytes]:
    """Path in the image -> content; empty where the machine trusts only the public authorities."""
    extra = sorted(EXTRA_CERTIFICATES.rglob("*.crt"))
    if not extra:
        return {}
    files = {str(path): path.read_bytes() for path in extra}
    files[CA_BUNDLE] = Path(CA_BUNDLE).read_bytes()
    return files


def certificate_environment() -> dict[str, str]:
    """The variables that make OpenSSL, pip, uv and requests read the system's bundle."""
    if not certificates():
        return {}
    return {name: CA_BUNDLE for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "PIP_CERT")}


def apt_sources() -> list[tuple[str, str]]:
    """(archive address, suite) of the machine's Debian archives; empty if it has none."""
    targets = _output(
        ["apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE) $(COMPONENT)"]
        + ["Created-By: Packages"]
    )
    sources = []
    for line in targets.splitlines():
        address, suite, component = line.split()
        of_debian = suite in (SUITE, f"{SUITE}-updates", f"{SUITE}-security")
        if of_debian and component == "main" and (address, suite) not in sources:
            sources.append((address, suite))
    return sources if any(suite == SUITE for _, suite in sources) else []


def apt_configuration() -> str:
    """The machine's settings that decide whether an archive is reached and accepted."""
    return _output(["apt-config", "dump", "--no-empty", "--format", '%f "%v";%n', *APT_SETTINGS])


def _output(command: list[str]) -> str:
    return subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE).stdout
