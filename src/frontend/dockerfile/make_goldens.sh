#!/bin/bash
# Makes testdata/convert/*/golden.json anew with the official frontend (bench/peers.sh builds refllb).
set -euo pipefail
cd "$(dirname "$0")"
refllb=$(realpath "${1:?usage: make_goldens.sh PATH-OF-REFLLB}")
for folder in testdata/convert/*/; do
  flags=()
  if [ -f "$folder/options" ]; then
    while read -r option; do flags+=(-opt "$option"); done <"$folder/options"
  fi
  # A named context "local:NAME" is the folder NAME.
  for local in "$folder"/*/; do
    [ -d "$local" ] && flags+=(-opt "local:$(basename "$local")=$(basename "$local")")
  done
  # In the folder: that is where it finds the files of a remote context.
  (cd "$folder" && "$refllb" -frontend -mode json -context . "${flags[@]}" Dockerfile >golden.json 2>/dev/null)
done
