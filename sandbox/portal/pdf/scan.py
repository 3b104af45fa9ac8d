"""A PDF of a scanned page, as many portals give: large, because its picture is."""

import random
from functools import lru_cache
from math import isqrt

from fpdf import FPDF
from PIL import Image

_MEGABYTE = 1024 * 1024


@lru_cache(maxsize=4)
def scanned_page(megabytes: int) -> bytes:
    """Return a PDF of about this size. Its picture is noise, which cannot be compressed; it is the same each time."""
    side = isqrt(megabytes * _MEGABYTE // 3)
    picture = Image.frombytes("RGB", (side, side), random.Random(1).randbytes(side * side * 3))
    pdf = FPDF(unit="pt", format="letter")
    pdf.add_page()
    pdf.image(picture, 54, 54, 504)
    return bytes(pdf.output())
