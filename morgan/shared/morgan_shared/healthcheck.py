"""The image's HEALTHCHECK: python -m morgan_shared.healthcheck PORT"""

import sys
import urllib.request


def main(port: str) -> int:
    url = f"http://127.0.0.1:{port}/health"
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return 0 if response.status == 200 else 1
    except OSError as error:
        print(f"GET {url}: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
