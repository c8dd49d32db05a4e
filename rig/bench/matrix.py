# SPDX-License-Identifier: GPL-2.0
"""The cells that are measured in quick and in full mode."""

import dataclasses
import itertools

# The kernel without the series, and the kernel with the series, with batching off and on.
KERNELS = ("unpatched", "off", "on")

BLOCK_SIZES = {"4k": 4 << 10, "16k": 16 << 10, "64k": 64 << 10,
               "128k": 128 << 10, "1m": 1 << 20}
# dm-crypt splits larger bios.
LARGEST_BIO = 128 << 10

# Bytes that differ, because XTS refuses two equal keys.
KEY = bytes(range(64))


@dataclasses.dataclass(frozen=True)
class Cipher:
    """A cipher, with its name in dm-crypt's table and its names in the crypto API.

    The benchmark uses the first of these names that the kernel has.
    """
    name: str
    table: str
    algorithms: tuple
    # In native mode, the cipher takes about this many times as long as the best cipher.
    slowness: int = 1


BEST = Cipher("best", "aes-xts", ("xts(aes)",))
AESNI = Cipher("aesni-avx", "", ("xts-aes-aesni-avx",))
VAES_AVX2 = Cipher("vaes-avx2", "", ("xts-aes-vaes-avx2", "xts-aes-vaes-avx10_256"))
GENERIC = Cipher("generic", "", ("xts-aes-lib", "xts(ecb(aes-generic))"), 16)
ESSIV = Cipher("essiv", "aes-cbc", ("essiv(cbc(aes),sha256)",), 4)
CBC = Cipher("cbc", "aes-cbc", ("cbc(aes)",), 4)
OLD = (ESSIV, CBC)


@dataclasses.dataclass(frozen=True)
class Cell:
    """One combination of all parameters except the kernel.

    target is the device-mapper target on the disk, crypt or inlinecrypt; or cipher, for
    the cipher alone, without a disk.
    """
    cipher: Cipher
    rw: str
    bs: str
    target: str = "crypt"
    sector_size: int = 512
    iv: str = "plain64"
    iv_large_sectors: bool = False
    iodepth: int = 1
    workqueue: str = "default"
    key_bits: int = 512
    buffer: str = "pages"

    @property
    def kernels(self):
        """The kernels that the cell is measured on."""
        return KERNELS[:1] if self.target == "inlinecrypt" else KERNELS

    @property
    def bytes(self):
        """Bytes of one bio."""
        return BLOCK_SIZES[self.bs]

    @property
    def name(self):
        """A name, if plots, pages and letters show the cell, or else an empty string.

        It names the target or the old cipher, the sector size, the I/O, "direct" if there
        are no workqueues, and the depth if that is not 1.
        """
        old = self.cipher in OLD
        usual = dataclasses.replace(
            self, cipher=self.cipher if old else BEST, key_bits=256 if old else 512,
            iv=self.iv if old else "plain64", buffer="pages",
            iv_large_sectors=self.target == "inlinecrypt" and self.sector_size != 512)
        if self != usual:
            return ""
        words = [self.cipher.name if old else self.target, self.sector_size, self.rw, self.bs]
        if self.workqueue == "none":
            words.append("direct")
        if self.iodepth != 1:
            words.append(self.iodepth)
        return "-".join(map(str, words))

    def fields(self):
        """The fields of the cell's record."""
        return {"name": self.name} | vars(self) | {
            "cipher": self.cipher.name, "role": self.cipher.name}

    def table(self, algorithm):
        """The device-mapper table, after the first two words."""
        key = KEY[:self.key_bits // 8].hex()
        options = []
        if self.sector_size != 512:
            options.append(f"sector_size:{self.sector_size}")
        if self.iv_large_sectors:
            options.append("iv_large_sectors")
        if self.workqueue == "none":
            options += ["no_read_workqueue", "no_write_workqueue"]
        if self.target == "inlinecrypt":
            words = ["inlinecrypt", "aes-xts-plain64"]
        else:
            words = ["crypt", f"{self.cipher.table or 'capi:' + algorithm}-{self.iv}"]
        words += [key, "0", "DISK", "0"]
        if options:
            words += [str(len(options))] + options
        return " ".join(words)


def describe(record):
    """The printed name of a record's cell."""
    words = [record["target"] if record["target"] != "crypt" else "", record["cipher"],
             record["key_bits"], record["iv"], record["sector_size"],
             "large" if record["iv_large_sectors"] else "", record["rw"], record["bs"],
             f"qd{record['iodepth']}", "no workqueue" if record["workqueue"] == "none" else "",
             "folio" if record["buffer"] == "folio" else ""]
    return " ".join(str(word) for word in words if word)


# Sector size and iv_large_sectors; cryptsetup makes the first two formats.
FORMATS = ((512, False), (4096, False), (4096, True))
SMALL = FORMATS[:2]


def cells(cipher, formats=FORMATS, rws=("read", "write"), sizes=tuple(BLOCK_SIZES),
          depths=(1,), queues=("default",), **others):
    """All combinations of the arguments."""
    return [Cell(cipher=cipher, sector_size=size, iv_large_sectors=large, rw=rw,
                 bs=bs, iodepth=depth, workqueue=queue, **others)
            for (size, large), bs, rw, depth, queue
            in itertools.product(formats, sizes, rws, depths, queues)]


def quick():
    """The cells that the bars need."""
    ends = ("4k", "1m")
    return (cells(BEST, SMALL, sizes=ends)
            + cells(BEST, SMALL[:1], sizes=ends, iv="plain64be")
            + cells(BEST, SMALL[:1], sizes=("1m",), target="cipher",
                    queues=("-",))
            + legacy(("1m",)))


def legacy(sizes):
    """The cells of ciphers that old volumes have."""
    return (cells(ESSIV, SMALL, sizes=sizes, iv="essiv:sha256", key_bits=256)
            + cells(CBC, SMALL, sizes=sizes, key_bits=256))


def full(method, inlinecrypt):
    """All cells, except those that this kernel cannot have."""
    ends = ("4k", "1m")
    both = ("default", "none")
    found = []
    for bits in (512, 256):
        found += cells(BEST, key_bits=bits, depths=(1, 32), queues=both)
        found += cells(BEST, SMALL, target="cipher", queues=("-",), key_bits=bits)
    found += cells(BEST, SMALL, sizes=("128k", "1m"), buffer="folio")
    found += cells(BEST, SMALL, sizes=ends, iv="plain64be", queues=both)
    found += legacy(ends)
    found += cells(GENERIC, SMALL, sizes=ends)
    found += cells(GENERIC, SMALL, sizes=("1m",), target="cipher", queues=("-",))
    if method == "native":
        for cipher in (AESNI, VAES_AVX2):
            found += cells(cipher, SMALL, sizes=ends)
    if inlinecrypt:
        found += cells(BEST, FORMATS[::2], target="inlinecrypt", queues=("-",),
                       depths=(1, 32))
    return found
