"""CTranslate2 is built for CUDA 12 and looks for libcublas.so.12 by name when it first needs it.

The image's CUDA is 13. The library comes from a wheel instead; loaded here, it is found later,
because the dynamic linker compares names with those of libraries already loaded.
"""

import ctypes
import importlib.util
from pathlib import Path

import ctranslate2


def available() -> bool:
    return ctranslate2.get_cuda_device_count() > 0


def preload_cublas() -> None:
    package = importlib.util.find_spec("nvidia.cublas")
    if package is None or not package.submodule_search_locations:
        return
    folder = Path(package.submodule_search_locations[0]) / "lib"
    for name in ("libcublasLt.so.12", "libcublas.so.12"):
        ctypes.CDLL(str(folder / name), mode=ctypes.RTLD_GLOBAL)
