#!/usr/bin/env bash
# Writes the tables of docs/bench into docs/speed.md, below the text that stands there before the first table.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../docs"

page=$(sed '/^## /,$d' speed.md)
{
    printf '%s\n' "$page"
    for table in missing unlimited small zips tree memory inside publish growth first-run; do
        [[ ! -e bench/$table.md ]] || { echo && cat "bench/$table.md"; }
    done
} >speed.md
