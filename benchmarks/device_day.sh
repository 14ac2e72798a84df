#!/usr/bin/env bash
# All that is to be run on a machine with a GPU, in less than nine minutes:
#
#   benchmarks/device_day.sh [--rehearse] [FOLDER]
#
# Facts and copy bandwidth, tests/gpu, the speed of every kernel, the chain of a burst, the demo, then compute-sanitizer
# and ncu where they are. Every step has its own time limit, a failing step does not stop the next, and a table comes last.
# Results go to gpu-<device>.json in FOLDER (benchmarks/results), which is written after every measurement.
# Needs numpy, numba, numba-cuda, CuPy and pytest for PYTHON (python3); nothing has to be installed of this package. The
# demo needs what device/demo_wheels.txt lists besides, and is skipped without it.
# --rehearse runs every step on a machine without a GPU, on a few pixels in numba's simulator; the demo by the installed
# package, with its CPU loops in place of the kernels.
set -uo pipefail
benchmarks=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(dirname "$benchmarks")
python=${PYTHON:-python3}
source "$benchmarks/device/steps.sh"

rehearse=
if [[ ${1:-} == --rehearse ]]; then
    rehearse=yes
    shift
fi
results=${1:-$benchmarks/results}
mkdir -p "$results" && results=$(cd "$results" && pwd) || exit 2

# The package as an installation has it: kernels/ and configs/ are parts of it, and it knows its version.
site=$(mktemp -d)
mkdir "$site/alignsar_gpu" "$site/alignsar_gpu-0.dist-info"
ln -s "$root"/alignsar_gpu/* "$root/kernels" "$root/configs" "$site/alignsar_gpu/"
sed -n '/^\[project\]/,/^\[/{s/^name = "\(.*\)"/Metadata-Version: 2.1\nName: \1/p;s/^version = "\(.*\)"/Version: \1/p}' \
    "$root/pyproject.toml" >"$site/alignsar_gpu-0.dist-info/METADATA"
export PYTHONPATH="$benchmarks:$site${PYTHONPATH:+:$PYTHONPATH}" PYTHONUNBUFFERED=1
trap 'print_table; rm -rf "$site"' EXIT
trap 'stop_step; exit 1' INT TERM

tiny=() chosen=() only=() demo=()
if [[ $rehearse ]]; then
    export PYTHONPATH="$benchmarks/rehearsal:$PYTHONPATH" NUMBA_ENABLE_CUDASIM=1 NUMBA_DISABLE_JIT=1 PYTHONWARNINGS=ignore
    tiny=(--tiny)
    chosen=(--files test_cases_gpu.py test_geometry_gpu.py --select "log or index" --processes 1)
    only=(--only "${REHEARSED_KERNELS:-}")
    demo=(env -u NUMBA_ENABLE_CUDASIM -u NUMBA_DISABLE_JIT PYTHONPATH="$benchmarks/rehearsal:$benchmarks")
fi

run=("$python" -P)
record=$results/gpu-unknown.json
step_ended() {
    if [[ -s $site/record ]]; then record=$(<"$site/record"); fi # facts know which device it is
    "$python" -P -m device.record "$record" "$@"
}

step facts 25 "${run[@]}" -m device.facts "$results" "$site/record" "${tiny[@]}"
step tests 115 "${run[@]}" -m device.tests "$record" "${chosen[@]}"
step kernels 145 "${run[@]}" "$benchmarks/gpu.py" --output "$record" "${tiny[@]}" "${only[@]}"
step chain 60 "${run[@]}" "$benchmarks/chain.py" --output "$record" "${tiny[@]}"
step demo 100 "${demo[@]}" "${run[@]}" -m device.demo "$record" --limit 100 "${tiny[@]}"
step memcheck 50 "${run[@]}" -m device.tools memcheck "$record"
step profile 30 "${run[@]}" -m device.tools profile "$record" "${tiny[@]}"
