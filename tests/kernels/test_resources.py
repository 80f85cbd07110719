# What the kernels for a GPU take of it, by nvcc, where there is one: each kernel, in every number type, of single
# numbers and of whole vectors, is compiled, for three architectures where OPTDNN_ALL_ARCHITECTURES is set (minutes),
# spills no register, puts nothing on a stack, and leaves a processor room for two blocks at least. NVRTC, which
# compiles them when the program runs, takes less C++ than nvcc: where it is installed (the loader finds it, or
# OPTDNN_NVRTC names the library), it has to take them all.
import ctypes
import ctypes.util
import itertools
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(os.environ.get("OPTDNN_SOURCE_DIR", pathlib.Path(__file__).resolve().parents[2]))
FOLDER = ROOT / "lib/optdnn/kernels/gpu"
NVCC = shutil.which("nvcc") or shutil.which("/usr/local/cuda/bin/nvcc")
ARCHITECTURES = ["sm_80", "sm_90", "sm_120"] if os.environ.get("OPTDNN_ALL_ARCHITECTURES") else ["sm_90"]
REGISTERS = 65536  # of a processor, in portions of eight for a thread
VALUES = {"class Number": ["float", "Half", "BFloat16"], "class From": ["float", "Half"],
          "class To": ["float", "BFloat16"], "class Rule": ["Sgd", "Adam"], "int kWidth": ["1", "4", "8"],
          "int kOutputs": ["1", "4"], "class In": ["float", "BFloat16"], "class Out": ["float", "Half"],
          "int kNumbers": ["8", "32"], "int kIn": ["8", "64"], "int kOut": ["16", "32"], "int kPart": ["8", "16"],
          "int kAll": ["8", "64"], "bool kGradient": ["true", "false"], "bool kNormed": ["true", "false"],
          "int kSide": ["3", "7"]}
UNUSED = {("float", "8"), ("Half", "4"), ("BFloat16", "4"), ("Sgd", "8"), ("Adam", "8"),  # vectors have 16 bytes
          ("1", "32")}  # nor are so many numbers read one by one
OF_16_BITS = {"convolve.cuh", "depthwise.cuh"}
UNUSED_CONVOLUTIONS = {("64", "32", "true")}  # so many inputs and outputs in a block, with norms


def kernels():
    """Each kernel with its template's arguments, the type it takes and the registers its threads can have: name<Half,
    8>(Arguments)."""
    pattern = r"(?:template <([^>]*)>\n)?(KERNEL|KERNEL_OF\((\d+), (\d+)\)) (\w+)\(const (\w+) a\)"
    for path in sorted(FOLDER.glob("*.cuh")):
        for template, _, threads, blocks, name, arguments in re.findall(pattern, path.read_text(encoding="utf-8")):
            most = REGISTERS // (int(threads or 256) * int(blocks or 2)) // 8 * 8
            parameters = [parameter.strip() for parameter in template.split(",")] if template else []
            for values in itertools.product(*(VALUES[parameter] for parameter in parameters)):
                of_16_bits = path.name in OF_16_BITS
                if not of_16_bits and (values[:2] in UNUSED or values[2:4] in UNUSED):
                    continue
                if of_16_bits and (values[0] == "float" or (*values[1:3], values[-1]) in UNUSED_CONVOLUTIONS):
                    continue
                yield f"{name}<{', '.join(values)}>" if values else name, arguments, most


def source():
    lines = ['#include "optdnn/kernels/gpu/words.cuh"']
    lines += [f'#include "optdnn/kernels/gpu/{path.name}"' for path in sorted(FOLDER.glob("*.cuh"))]
    lines += ["namespace optdnn::kernels::gpu {"]
    lines += [f"template __global__ void {name}(const {arguments});" for name, arguments, _ in kernels() if "<" in name]
    return "\n".join([*lines, "}  // namespace optdnn::kernels::gpu\n"])


class Resources(unittest.TestCase):
    def test_every_kernel_waits_for_what_came_before(self):
        text = "".join(path.read_text(encoding="utf-8") for path in FOLDER.glob("*.cuh") if path.name != "words.cuh")
        self.assertGreater(text.count("\nKERNEL"), 0)
        self.assertEqual(text.count("\nKERNEL"), len(re.findall(r"\nKERNEL.*\{\n  begin_kernel\(\);\n", text)))

    def test_every_kernel_fits_a_processor(self):
        if not NVCC:
            self.skipTest("no nvcc")
        self.assertEqual({name.split("<")[0] for name, _, _ in kernels()},
                         {name for path in FOLDER.glob("*.cuh") for name in
                          re.findall(r"\n(?:KERNEL|KERNEL_OF\([^)]*\))\s+(\w+)\(", path.read_text(encoding="utf-8"))})
        with tempfile.TemporaryDirectory() as folder:
            text = pathlib.Path(folder) / "kernels.cu"
            text.write_text(source(), encoding="utf-8")
            for architecture in ARCHITECTURES:
                command = [NVCC, "-std=c++17", "--expt-relaxed-constexpr",
                           f"-arch={architecture}", "-Xptxas", "-v", "-I", str(ROOT / "lib"),
                           "-cubin", "-o", os.devnull, str(text)]
                done = subprocess.run(command, capture_output=True, text=True)
                self.assertEqual(done.returncode, 0, done.stderr)
                used = re.findall(r"entry function '(\w+)'.*?(\d+) bytes stack frame, (\d+) bytes spill stores, "
                                  r"(\d+) bytes spill loads.*?Used (\d+) registers", done.stderr, re.S)
                self.assertEqual(len(used), len(list(kernels())), done.stderr)
                most_of = {name.split("<")[0]: most for name, _, most in kernels()}
                bad = [kernel for kernel, *memory, registers in used if any(int(bytes_) for bytes_ in memory) or
                       int(registers) > min(m for name, m in most_of.items() if f"{len(name)}{name}" in kernel)]
                self.assertEqual(bad, [])
                most = max(int(registers) for *_, registers in used)
                print(f"{architecture}: {len(used)} kernels, no spills, {most} registers at most")

    def test_nvrtc_takes_every_kernel(self):
        found = os.environ.get("OPTDNN_NVRTC") or ctypes.util.find_library("nvrtc")
        if not found:
            self.skipTest("no NVRTC")
        nvrtc = ctypes.CDLL(found)
        headers = sorted(FOLDER.glob("*.*h"))
        names = [str(path.relative_to(ROOT / "lib")).encode() for path in headers]
        strings = ctypes.c_char_p * len(headers)
        main = b"".join(b'#include "%s"\n' % name for name in sorted(names, key=lambda name: b"words" not in name))
        program = ctypes.c_void_p()
        nvrtc.nvrtcCreateProgram(ctypes.byref(program), main + b"using namespace optdnn::kernels::gpu;\n",
                                 b"optdnn.cu", len(headers), strings(*(path.read_bytes() for path in headers)),
                                 strings(*names))
        for name, _, _ in kernels():
            self.assertEqual(nvrtc.nvrtcAddNameExpression(program, name.encode()), 0, name)
        options = [f"--gpu-architecture={ARCHITECTURES[-1]}".encode(), b"--std=c++17",
                   b"--device-as-default-execution-space"]
        code = nvrtc.nvrtcCompileProgram(program, len(options), (ctypes.c_char_p * len(options))(*options))
        size = ctypes.c_size_t()
        nvrtc.nvrtcGetProgramLogSize(program, ctypes.byref(size))
        log = ctypes.create_string_buffer(size.value)
        nvrtc.nvrtcGetProgramLog(program, log)
        self.assertEqual(code, 0, log.value.decode())


if __name__ == "__main__":
    unittest.main()
