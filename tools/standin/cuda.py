"""NVIDIA's CUDA libraries, taken from the wheels that NVIDIA publishes on PyPI."""

import os
import shutil
import subprocess
import zipfile
from pathlib import Path, PurePosixPath

# CUDA 13.0 update 1 and cuDNN 9.
VERSION = "13.0.1"
WHEELS = (
    "nvidia-cuda-runtime==13.0.88",
    "nvidia-cuda-nvrtc==13.0.88",
    "nvidia-cublas==13.0.2.14",
    "nvidia-cudnn-cu13==9.13.1.26",
    "nvidia-cufft==12.0.0.61",
    "nvidia-cusolver==12.0.4.66",
    "nvidia-cusparse==12.6.3.3",
    "nvidia-nccl-cu13==2.27.7",
)

# Environment and labels as the real image has them.
ENVIRONMENT = {
    "NVARCH": "x86_64",
    "NVIDIA_REQUIRE_CUDA": "cuda>=13.0",
    "CUDA_VERSION": VERSION,
    "LD_LIBRARY_PATH": "/usr/local/cuda/lib64",
    "LIBRARY_PATH": "/usr/local/cuda/lib64/stubs",
    "NVIDIA_VISIBLE_DEVICES": "all",
    "NVIDIA_DRIVER_CAPABILITIES": "compute,utility",
    "NVIDIA_PRODUCT_NAME": "CUDA",
}
PATH_PREFIX = "/usr/local/nvidia/bin:/usr/local/cuda/bin:"
LABELS = {
    "com.nvidia.cuda.version": VERSION,
    "com.nvidia.volumes.needed": "nvidia_driver",
    "maintainer": "NVIDIA CORPORATION <cudatools@nvidia.com>",
}


def install_libraries(cuda: Path, work: Path) -> None:
    """Lays the wheels' lib and include folders out as /usr/local/cuda has them."""
    downloads = work / "wheels"
    command = ["python3", "-m", "pip", "download", "--quiet", "--no-deps", "--no-cache-dir"]
    command += ["--only-binary=:all:", "--disable-pip-version-check", "--dest", str(downloads)]
    subprocess.run([*command, *WHEELS], check=True, env={**os.environ, "TMPDIR": str(work)})
    for wheel in sorted(downloads.iterdir()):
        with zipfile.ZipFile(wheel) as archive:
            for member in archive.infolist():
                if target := place_of(member.filename):
                    extract(archive, member, cuda / target)
        wheel.unlink()  # the disk holds one copy of these gigabytes, not two
    for library in sorted((cuda / "lib64").glob("*.so.*")):
        plain = library.with_name(library.name.split(".so.")[0] + ".so")
        if not plain.exists():
            plain.symlink_to(library.name)


def place_of(member: str) -> PurePosixPath | None:
    """nvidia/cu13/lib/libcublas.so.13 -> lib64/libcublas.so.13; None for what is not installed."""
    parts = PurePosixPath(member).parts
    folders = {"lib": "lib64", "include": "include"}
    if member.endswith("/") or len(parts) < 4 or parts[0] != "nvidia" or parts[2] not in folders:
        return None
    if parts[-1].endswith(".py"):
        return None
    return PurePosixPath(folders[parts[2]], *parts[3:])


def extract(archive: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with archive.open(member) as source, open(target, "wb") as file:
        shutil.copyfileobj(source, file, 1 << 20)
    target.chmod(0o755 if ".so" in target.name else 0o644)
