#!/usr/bin/env bash
# Tests and times everything on a machine with a GPU, which needs no network: this folder, built, with its node_modules and
# Node itself, comes along in one archive.
#
#   bench/gpu.sh pack ARCHIVE    on a machine with a network and the same operating system: builds and packs
#   bench/gpu.sh [OUT]           on the GPU machine, in the unpacked folder: OUT (gpu-results) gets results.json, table.md and logs
#
# What the GPU machine has: the driver, CUDA 12 and cuDNN 9; for the peers a Python with numpy, torch and jax (INNERLOOP_PYTHON,
# or else python3). Whatever is missing is a line in the table. ENGINES, PEERS, MODELS, TASKS, SECONDS_A_CASE, ITERATIONS and DEVICE choose less:
#   DEVICE=cpu ENGINES=onnxruntime:cpu,tfjs:wasm PEERS=torch-eager TASKS=2 SMALL=1 bench/gpu.sh     the whole way without a GPU
set -euo pipefail
cd "$(dirname "$0")/.."

if [[ "${1:-}" == pack ]]; then
  archive=$(realpath -m "${2:?Say where the archive goes: bench/gpu.sh pack FILE.tar.gz}")
  npm ci && npm run build
  mkdir -p bench/node
  cp "$(command -v node)" bench/node/node
  # A stack that was set up with INNERLOOP_HOME=$PWD/stacks before comes along.
  tar --exclude=.git --exclude="*.tar.gz" -czf "$archive" .
  rm -r bench/node
  echo "$archive: unpack it on the GPU machine and run bench/gpu.sh there"
  exit 0
fi

out=$(realpath -m "${1:-gpu-results}")
mkdir -p "$out"
[[ -x bench/node/node ]] && PATH="$PWD/bench/node:$PATH"
[[ -d stacks ]] && export INNERLOOP_HOME="${INNERLOOP_HOME:-$PWD}"
engines=${ENGINES:-tfjs:node-gpu,onnxruntime:cuda,onnxruntime:webgpu,tfjs:webgpu}
status=0
step() { echo "== $*" >&2; }

step "the machine"
{ node --version; nvidia-smi || echo "nvidia-smi: no NVIDIA driver"; } >"$out/machine.txt" 2>&1
cat "$out/machine.txt" >&2

step "what works here"
node cli/bin/innerloop.js doctor --json >"$out/doctor.json" || status=1

step "the engine suite on $engines"
node test/dist/engines/main.js --engines "$engines" --iterations "${ITERATIONS:-300}" --json "$out/suite.json" |
  tee "$out/suite.txt" || status=1

step "meta-gradients against PyTorch and JAX"
node bench/dist/main.js gpu --engines "$engines" --peers "${PEERS:-torch,jax}" --models "${MODELS:-conv4,resnet12}" \
  --tasks "${TASKS:-4,32,256}" --seconds "${SECONDS_A_CASE:-5}" --device "${DEVICE:-cuda}" ${SMALL:+--small} \
  --out "$out/results.json" | tee "$out/table.md" || status=1

step "done: $out"
exit $status
