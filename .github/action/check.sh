#!/usr/bin/env bash
# The action's one step, apart so that it can be run and tested without GitHub: check.sh PATH_OF_CONTRACTS
set -euo pipefail
arguments=(check --format github --root "${INPUT_ROOT:-contracts}")
[ -z "${INPUT_AGAINST:-}" ] || arguments+=(--against "$INPUT_AGAINST")
[ -z "${INPUT_ONLY:-}" ] || arguments+=(--only "$INPUT_ONLY")
[ "${INPUT_STRICT:-false}" != true ] || arguments+=(--strict)
[ "${INPUT_FETCH:-true}" != true ] || arguments+=(--fetch)
exec "$1" "${arguments[@]}"
