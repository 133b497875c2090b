"""What the text of the CUDA code must not contain, so that it means the same on the GPU and in simt.

usage: cuda_text_test.py [FOLDER]   (default: kernels/cuda beside tests/)
"""
import pathlib
import re
import sys

# pattern, files that may contain it, what to write
RULES = [
    (r"<<<", (), "launch with launch(kernel, grid, block, bytes, stream, ...)"),
    (r"__shared__", ("launch.cuh",), "declare shared memory with SHARED or DYN_SHARED"),
    (r"atomic\w+\s*\(\s*(\(\s*(float|double)|reinterpret_cast<\s*(float|double|real)\s*\*)|red\.\w*\.?add\.(f16|bf16|f32|f64)"
     r"|atom\.\w*\.?add\.(f16|bf16|f32|f64)", (),
     "no floating-point atomics: sums would depend on the order of threads"),
    (r"__global__(?![^;{]*__launch_bounds__)", (), "give every kernel __launch_bounds__"),
]


def code(text):
    """The text with comments and string contents blanked, lines kept. PTX in asm() stays."""
    blank = lambda m: re.sub(r"[^\n]", " ", m.group())
    return re.sub(r"//[^\n]*|/\*.*?\*/", blank, text, flags=re.S)


def float_atomics(text):
    """Atomics whose target is declared in the same file as a float, double or real pointer, array or reference."""
    names = set(re.findall(r"\b(?:float|double|real)\b\s*(?:\*|&)\s*(?:const\s+|__restrict__\s+)?(\w+)", text))
    names |= set(re.findall(r"SHARED\((?:float|double|real),\s*(\w+)", text))
    for m in re.finditer(r"atomic\w+\s*\(\s*&?\s*\(?\s*(\w+(?:(?:\.|->)\w+)*)", text):
        if m.group(1) in names or m.group(1).split(".")[-1] == "data":
            yield m.start()


def faults(path):
    text = code(path.read_text())
    for pattern, allowed, advice in RULES:
        if path.name not in allowed:
            for m in re.finditer(pattern, text):
                yield m.start(), advice, text
    for start in float_atomics(text):
        yield start, RULES[2][2], text


def self_test():
    """Each rule finds its example, and nothing in a correct kernel."""
    import tempfile

    good = """// no <<< here, nor __shared__
template <int N> __global__ void __launch_bounds__(N) k(float* y, int* n) { SHARED(float, s, [4]); atomicAdd(n, 1); }
"""
    bad = ["k<<<1, 2>>>(x);", "__shared__ float s[4];", "void f(float* sum) { atomicAdd(&sum[0], 1.f); }",
           "SHARED(float, s, [4]); atomicAdd(&s[1], 1.f);", "atomicAdd(&v.data[i], x);",
           "atomicAdd((float*)p, 1.f);", 'asm("red.global.add.f32 [%0], %1;");', "__global__ void k(float* y) {}",
           "__global__ void __launch_bounds__(4) a() {}\n__global__ void b() {}"]
    with tempfile.TemporaryDirectory() as temporary:
        path = pathlib.Path(temporary) / "kernel.cu"
        path.write_text(good)
        assert not list(faults(path)), f"false alarm: {list(faults(path))}"
        for text in bad:
            path.write_text(text)
            assert list(faults(path)), f"not found: {text}"


folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent / "kernels" / "cuda")
self_test()
files = sorted(p for p in folder.rglob("*") if p.suffix in (".cu", ".cuh", ".h", ".cpp"))
assert files, f"no CUDA sources in {folder}"
count = 0
for file in files:
    for start, advice, text in faults(file):
        line = text.count("\n", 0, start) + 1
        print(f"{file}:{line}: {advice}")
        count += 1
sys.exit(1 if count else 0)
