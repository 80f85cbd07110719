# Reads a file with the package safetensors and writes what it read: safetensors_peer.py OURS THEIRS.
# Exit status 77: this Python lacks the package.
import sys

try:
    from safetensors import safe_open
    from safetensors.torch import save_file
except ImportError as error:
    print(error)
    sys.exit(77)

with safe_open(sys.argv[1], framework="pt") as file:
    tensors = {name: file.get_tensor(name) for name in file.keys()}
    save_file(tensors, sys.argv[2], metadata=file.metadata())
