# SPDX-License-Identifier: GPL-2.0
"""The bars that the series has to pass, as TAP.

Each base has to pass each bar of BARS, which limits counted instructions.  The cell with
the largest figure decides, and the text of the test names that cell.  Nanoseconds depend on
the host and the day, so they have bars only where the gain is large: with the ciphers of old
volumes.  The bars of QEMU's virtio crypto device limit ratios of measured times.
"""

import collections

from matrix import describe


# limit: the largest figure that passes; match: does this bar test a cell?; figure: the figure
# of a cell, or None if it is not known.
Bar = collections.namedtuple("Bar", "text limit match figure")


def beyond_noise(kernel):
    """The cost on a kernel, divided by the cost on the unpatched kernel.  A ratio of up to two
    standard errors above 1 may be chance, so they are subtracted from a ratio above 1."""
    def figure(cell, _cells):
        value = cell[kernel + "_ratio"]
        return value - 2 * cell[kernel + "_error"] if value > 1 else value
    return figure


def other_cell(cell, cells, **changes):
    """The cell that differs from this one in the named fields only, or None."""
    same = ("cipher", "key_bits", "iv", "sector_size", "iv_large_sectors", "buffer",
            "workqueue", "iodepth", "rw", "bs", "target")
    wanted = {name: cell[name] for name in same} | changes
    return next((other for other in cells if wanted.items() <= other.items()), None)


def left_beyond_cipher(cell, cells):
    """dm-crypt's own cost (without the cipher) with batching, divided by that unpatched.

    The cost of the cipher is its cost for requests of whole bios, on both sides.
    """
    alone = other_cell(cell, cells, target="cipher", workqueue="-", iodepth=1, buffer="pages")
    return alone and (cell["on"] - alone["on"]) / (cell["unpatched"] - alone["on"])


def against_large_sectors(cell, cells):
    """The cost with batching, divided by that of 4096-byte sectors, unpatched."""
    large = other_cell(cell, cells, sector_size=4096)
    return large and cell["on"] / large["unpatched"]


def small_sectors(*sizes):
    """A test for the processor's best cipher, 512-byte sectors, and these block sizes."""
    return lambda cell: (cell["target"] == "crypt" and cell["role"] == "best"
                         and cell["iv"] == "plain64" and cell["sector_size"] == 512
                         and cell["bs"] in sizes)


def old_cipher(rw, sector_size):
    """A test for 1 MiB with the ciphers of old volumes."""
    return lambda cell: (cell["role"] in ("cbc", "essiv") and cell["rw"] == rw
                         and cell["sector_size"] == sector_size and cell["bs"] == "1m")


def added_to_cipher(cell, cells):
    """What dm-crypt adds to the cipher, divided by the cost of the cipher."""
    alone = other_cell(cell, cells, target="cipher", workqueue="-", iodepth=1, buffer="pages")
    return alone and (cell["on"] - alone["on"]) / alone["on"]


# The cost of the cipher differs, so each architecture has its own bars.
NO_LOSS = (
    Bar("batching off against unpatched, without noise", 1.01,
        lambda cell: cell["target"] == "crypt", beyond_noise("off")),
    Bar("not eligible or 4096-byte sectors against unpatched, without noise", 1.01,
        lambda cell: cell["target"] == "crypt"
        and (cell["iv"] != "plain64" or cell["sector_size"] == 4096), beyond_noise("on")),
)
BARS = {"x86_64": (
    # With batching, the cipher (AES-NI code) takes most of the cost that is left.
    Bar("1 MiB, 512-byte sectors: batched against unpatched", 0.70,
        small_sectors("1m"), lambda cell, _cells: cell["on_ratio"]),
    Bar("1 MiB, 512-byte sectors: part of dm-crypt's own cost that batching leaves", 0.10,
        small_sectors("1m"), left_beyond_cipher),
    Bar("1 MiB: 512-byte sectors batched against 4096-byte sectors unpatched", 1.05,
        small_sectors("1m"), against_large_sectors),
    Bar("smaller: 512-byte sectors batched against 4096-byte sectors unpatched", 1.12,
        small_sectors("4k", "16k", "64k", "128k"), against_large_sectors),
    Bar("4 KiB, 512-byte sectors: batched against unpatched", 0.88,
        small_sectors("4k"), lambda cell, _cells: cell["on_ratio"]),
    Bar("1 MiB, 512-byte sectors, CBC: writes, batched against unpatched", 0.40,
        old_cipher("write", 512), lambda cell, _cells: cell["on_ratio"]),
    Bar("1 MiB, 512-byte sectors, CBC: reads, batched against unpatched", 0.60,
        old_cipher("read", 512), lambda cell, _cells: cell["on_ratio"]),
) + NO_LOSS, "arm64": (
    Bar("1 MiB, 512-byte sectors: batched against unpatched", 0.75,
        small_sectors("1m"), lambda cell, _cells: cell["on_ratio"]),
    Bar("1 MiB, 512-byte sectors: what dm-crypt adds to the cipher", 0.10,
        small_sectors("1m"), added_to_cipher),
) + NO_LOSS}


# Of times.
NATIVE_BARS = (
    Bar("1 MiB, 512-byte sectors, CBC: writes, batched against unpatched", 0.30,
        old_cipher("write", 512), lambda cell, _cells: cell["on_ratio"]),
    Bar("1 MiB, 512-byte sectors, CBC: reads, batched against unpatched", 0.75,
        old_cipher("read", 512), lambda cell, _cells: cell["on_ratio"]),
    Bar("1 MiB, 4096-byte sectors, CBC: writes, batched against unpatched", 0.40,
        old_cipher("write", 4096), lambda cell, _cells: cell["on_ratio"]),
)

# For a size of I/O on QEMU's virtio crypto device: batching must make I/O faster by at least
# the first number, and one I/O must not notify the device more often than the second number.
# An exit from an emulated guest costs next to nothing, so batching gains less here than where
# exits are expensive.
ACCELERATOR_BARS = {"4k": (0.9, 1.5), "1m": (1.4, 16)}


def tests_of(run):
    """Yield for each bar whether the run passes it, and a text."""
    cells = run["cells"]
    for bar in NATIVE_BARS if run["method"] == "native" else BARS[run["arch"]]:
        text = f"{run['name']}: {bar.text}"
        figures = [(value, cell) for cell in cells if bar.match(cell)
                   for value in [bar.figure(cell, cells)] if value is not None]
        if not figures:
            yield True, text + " # SKIP not measured"
            continue
        value, worst = max(figures, key=lambda pair: pair[0])
        above = sum(figure > bar.limit for figure, _ in figures)
        yield value <= bar.limit, (
            f"{text}, {value:.3f} of {bar.limit:.2f}\n"
            f"# worst of {len(figures)} cells, {above} above: {describe(worst)}")


def accelerator_tests(run):
    """The same for QEMU's virtio crypto device."""
    for cell in run["cells"]:
        speed, notifications = ACCELERATOR_BARS[cell["size"]]
        name = f"{cell['size']} {cell['I/O']}"
        value = cell["batched/single"]
        yield value >= speed, f"{name}: batched is {value} times as fast, of {speed}"
        value = cell["notifications, batched"]
        yield value <= notifications, f"{name}: {value} notifications, of {notifications}"


def check(runs):
    """Print a test for each bar; returns how many were missed."""
    tests = [test for run in runs for test in (
        accelerator_tests(run) if run["method"] == "accelerator" else tests_of(run))]
    tests = tests or [(False, "there are results")]
    print(f"TAP version 13\n1..{len(tests)}")
    for number, (passed, text) in enumerate(tests, 1):
        print(f"{'ok' if passed else 'not ok'} {number} {text}")
    return sum(not passed for passed, _ in tests)
