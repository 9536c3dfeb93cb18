import io
import os
import socket
import struct
import threading
import warnings
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps

from audit.data import decode as decode_module
from audit.data.decode import UnreadableImage, decode, digest_of, read_file, to_rgb

RAMP16 = np.array([[0, 255, 256, 257], [1000, 32768, 65280, 65535]], dtype=np.uint16)
RAMP16_HIGH_BYTES = [[0, 0, 1, 1], [3, 128, 255, 255]]


def encoded(image, kind="PNG", **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def photo(height=8, width=12, seed=0):
    colours = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(colours)


def with_orientation(value):
    exif = Image.Exif()
    exif[0x0112] = value
    return exif.tobytes()


# Colours


def test_plain_rgb_comes_back_bit_equal_writable_and_without_a_note():
    pixels, note = decode(encoded(photo()))
    np.testing.assert_array_equal(pixels, np.asarray(photo()))
    assert note == ""
    assert pixels.flags.writeable  # torch.from_numpy warns otherwise
    assert pixels.flags.c_contiguous


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "BMP", "PPM", "TIFF", "WEBP", "GIF"])
def test_every_format_of_torchvisions_image_folder_is_read(kind):
    pixels, _ = decode(encoded(Image.new("RGB", (5, 4), (255, 0, 0)), kind))
    assert pixels.shape == (4, 5, 3)
    assert pixels[0, 0, 0] > 240


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK", "YCbCr"])
def test_eight_bit_modes_equal_torchvisions_loader(mode):
    kind = {"CMYK": "TIFF", "YCbCr": "JPEG"}.get(mode, "PNG")
    data = encoded(photo().convert(mode), kind)
    pixels, _ = decode(data)
    with Image.open(io.BytesIO(data)) as image:
        np.testing.assert_array_equal(pixels, np.asarray(image.convert("RGB")))


def test_an_inverted_cmyk_jpeg_is_white_where_there_is_no_ink():
    no_ink = Image.new("CMYK", (8, 8), (0, 0, 0, 0))
    pixels, _ = decode(encoded(no_ink, "JPEG"))
    assert (pixels == 255).all()


def test_transparency_is_dropped_with_a_note():
    clear_red = Image.new("RGBA", (2, 2), (200, 10, 20, 0))
    pixels, note = decode(encoded(clear_red))
    assert pixels[0, 0].tolist() == [200, 10, 20]
    assert "transparent" in note


def test_a_palette_with_transparency_is_read_without_a_warning():
    palette = Image.new("P", (2, 2), 1)
    palette.putpalette([0, 0, 0, 9, 8, 7])
    pixels, note = decode(encoded(palette, transparency=bytes([255, 0])))
    assert pixels[0, 0].tolist() == [9, 8, 7]
    assert "transparent" in note


def test_opaque_alpha_needs_no_note():
    assert decode(encoded(photo().convert("RGBA")))[1] == ""


# Deep pixels: scaled, never clipped to white


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_16_bit_grey_keeps_its_high_byte(kind):
    pixels, note = decode(encoded(Image.fromarray(RAMP16), kind))
    assert pixels[..., 0].tolist() == RAMP16_HIGH_BYTES
    assert (pixels[..., 0] == pixels[..., 2]).all()
    assert note == "16-bit grey scaled to 8 bits"


def test_16_bit_grey_equals_opencv():
    ramp = np.arange(0, 65536, 16, dtype=np.uint16).reshape(64, 64)
    data = encoded(Image.fromarray(ramp))
    peer = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    np.testing.assert_array_equal(decode(data)[0], peer)


def test_big_endian_and_pgm_16_bit_agree():
    big = RAMP16.astype(">u2")
    assert decode(encoded(Image.fromarray(big), "TIFF"))[0][..., 0].tolist() == RAMP16_HIGH_BYTES
    pgm = b"P5 4 2 65535\n" + big.tobytes()
    assert decode(pgm)[0][..., 0].tolist() == RAMP16_HIGH_BYTES


def tiff_of_bits(bits, rows):
    """An uncompressed little-endian grey TIFF, one strip, built by hand."""
    data = b"".join(rows)
    tags = [(256, 2), (257, len(rows)), (258, bits), (259, 1), (262, 1), (273, 8), (277, 1)]
    tags += [(278, len(rows)), (279, len(data))]
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    head = b"II*\0" + struct.pack("<I", 8 + len(data)) + data
    return head + struct.pack("<H", len(tags)) + entries + struct.pack("<I", 0)


def test_12_bit_tiff_uses_its_own_white():
    # two 12-bit values packed in three bytes: 0xFFF, 0x800 -> 255, 128
    pixels, note = decode(tiff_of_bits(12, [bytes([0xFF, 0xF8, 0x00])]))
    assert pixels[0, :, 0].tolist() == [255, 128]
    assert note == "12-bit grey scaled to 8 bits"


@pytest.mark.parametrize(
    ("values", "expected", "word"),
    [
        ([0.0, 0.5, 1.0], [0, 128, 255], "[0, 1]"),  # 127.5 rounds to even
        ([0.0, 100.4, 255.0], [0, 100, 255], "8 bits"),
        ([0.0, 256.0, 65535.0], [0, 1, 255], "16 bits"),
    ],
)
def test_floats_are_scaled_by_their_range(values, expected, word):
    pixels, note = decode(encoded(Image.fromarray(np.array([values], np.float32)), "TIFF"))
    assert pixels[0, :, 0].tolist() == expected
    assert word in note


def test_32_bit_integers_are_scaled_by_their_range():
    deep = Image.fromarray(np.array([[0, 32768, 65535]], dtype=np.int32))
    assert decode(encoded(deep, "TIFF"))[0][0, :, 0].tolist() == [0, 128, 255]
    shallow = Image.fromarray(np.array([[0, 7, 255]], dtype=np.int32))
    assert decode(encoded(shallow, "TIFF"))[0][0, :, 0].tolist() == [0, 7, 255]


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ([-1.0, 0.0], "from -1 to 0 have no agreed 8-bit scale"),
        ([0.0, 70000.0], "from 0 to 70000"),
        ([np.nan, 0.0], "NaN"),
        ([0.0, np.inf], "infinity"),
    ],
)
def test_floats_without_a_scale_are_refused(values, says):
    data = encoded(Image.fromarray(np.array([values], np.float32)), "TIFF")
    with pytest.raises(UnreadableImage) as error:
        decode(data)
    assert says in str(error.value)


def test_lab_mid_grey_is_srgb_119():
    # L* = 50.2 is a luminance of .186, which sRGB encodes as 119
    grey = Image.merge("LAB", [Image.new("L", (2, 2), 128) for _ in range(3)])
    pixels, note = decode(encoded(grey, "TIFF"))
    np.testing.assert_allclose(pixels[0, 0], 119, atol=1)
    assert "LAB" in note


# Geometry and frames


@pytest.mark.parametrize("value", range(1, 9))
@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_exif_orientation_gives_the_upright_image(value, kind):
    data = encoded(photo(), kind, exif=with_orientation(value))
    pixels, _ = decode(data)
    with Image.open(io.BytesIO(data)) as image:
        np.testing.assert_array_equal(pixels, np.asarray(ImageOps.exif_transpose(image)))


def test_a_photo_on_its_side_stands_up_and_says_so():
    sideways = photo(height=8, width=12)
    pixels, note = decode(encoded(sideways, "JPEG", exif=with_orientation(6)))
    assert pixels.shape == (12, 8, 3)
    assert note == "turned upright (EXIF orientation 6)"


def test_a_damaged_exif_block_does_not_lose_the_picture():
    data = encoded(photo(), "JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff" + b"\xff" * 30)
    pixels, _ = decode(data)
    assert pixels.shape == (8, 12, 3)


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF"])
def test_an_animation_gives_its_first_frame_and_a_note(kind):
    red, blue = (Image.new("RGB", (4, 4), colour) for colour in ("red", "blue"))
    options = {"lossless": True} if kind == "WEBP" else {}
    pixels, note = decode(encoded(red, kind, save_all=True, append_images=[blue], **options))
    assert pixels[0, 0].tolist() == [255, 0, 0]
    assert note == "first of several frames"


# What is no image


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "BMP", "TIFF", "WEBP", "GIF"])
def test_half_a_file_is_unreadable(kind):
    data = encoded(photo(64, 64), kind)
    with pytest.raises(UnreadableImage):
        decode(data[: len(data) // 2])


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "empty file"),
        (b"\n<!DOCTYPE html><html>", "web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid", "version https://git-lfs"),
        ("ключ".encode() * 9, "text that begins"),
        (b"\x1f\x8b\x08\x00rest", "1f 8b 08 00"),
        (b"\xff\xd8\xff\xe0\x00", "damaged header"),
        (b"P6 0 5 255\n", "not an image"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "text that begins"),
    ],
)
def test_what_is_no_image_is_described(data, says):
    with pytest.raises(UnreadableImage) as error:
        decode(data)
    assert says in str(error.value)
    assert "\n" not in str(error.value)


def png_claiming(width, height):
    def chunk(name, body):
        check = struct.pack(">I", zlib.crc32(name + body))
        return struct.pack(">I", len(body)) + name + body + check

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


@pytest.mark.parametrize("side", [9460, 50000])  # Pillow warns at the first, refuses the second
def test_a_decompression_bomb_is_refused_with_its_pixels_and_the_rule(side):
    with pytest.raises(UnreadableImage) as error:
        decode(png_claiming(side, side))
    assert str(side * side) in str(error.value)
    assert str(Image.MAX_IMAGE_PIXELS) in str(error.value)
    assert "bomb" in str(error.value)


def test_damage_is_one_line_whatever_pillow_raises(monkeypatch):
    def fail(self):
        raise RuntimeError("first\nsecond " + "x" * 999)

    monkeypatch.setattr("PIL.PngImagePlugin.PngImageFile.load", fail)
    with pytest.raises(UnreadableImage) as error:
        decode(encoded(photo()))
    assert str(error.value).startswith("damaged image: first second")
    assert len(str(error.value)) <= 200


# Warnings

DAMAGED_EXIF = encoded(
    photo(), "JPEG", exif=b"Exif\0\0II*\0\x08\0\0\0\x09\0" + b"\x12\x01\x03\0" * 9
)


def test_pillows_warnings_do_not_leak_and_the_filters_come_back():
    before = list(warnings.filters)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        decode(DAMAGED_EXIF)
    assert caught == []
    assert list(warnings.filters) == before


def test_a_thread_that_leaves_first_does_not_end_the_quiet_of_another():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with decode_module._QUIET:
            decode(encoded(photo()))
            warnings.warn_explicit("as Pillow would", UserWarning, "f", 1, "PIL.Image")
    assert caught == []


def test_filters_come_back_after_threads_that_overlap():
    before = list(warnings.filters)
    data = encoded(photo(64, 64), "JPEG")
    threads = [threading.Thread(target=lambda: [decode(data) for _ in range(50)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert list(warnings.filters) == before


# Files


def test_a_file_is_read_with_the_digest_of_its_bytes(tmp_path):
    path = tmp_path / "a b'\"<script>\n.png"
    path.write_bytes(encoded(photo()))
    reading = read_file(path, "a")
    np.testing.assert_array_equal(reading.pixels, np.asarray(photo()))
    assert reading.digest == digest_of(path.read_bytes())
    assert len(reading.digest) == 32
    assert reading.detail == ""


def test_digest_is_blake2b_128():
    # `printf abc | b2sum -l 128`
    assert digest_of(b"a", b"bc") == "cf4ab791c62b8d2b2109c90275287816"


def test_a_bad_file_keeps_the_digest_of_its_bytes(tmp_path):
    path = tmp_path / "x.png"
    path.write_bytes(b"<html>")
    reading = read_file(path, "x.png")
    assert reading.pixels is None
    assert reading.digest == digest_of(b"<html>")


def test_what_has_no_bytes_is_told_apart_by_its_name(tmp_path):
    first, second = (read_file(tmp_path / name, name) for name in ("a.png", "b.png"))
    assert first.detail == "cannot be read: no such file or directory"
    assert first.digest != second.digest
    assert first.digest == read_file(tmp_path / "elsewhere" / "a.png", "a.png").digest


def test_a_name_that_is_not_utf8_is_read(tmp_path):
    path = tmp_path / os.fsdecode(b"\xff.png")
    path.write_bytes(encoded(photo()))
    assert read_file(path, "\\xff.png").pixels is not None


def test_folders_pipes_sockets_and_devices_are_refused_without_waiting(tmp_path, monkeypatch):
    assert "a folder" in read_file(tmp_path, "folder").detail
    os.mkfifo(tmp_path / "pipe.png")
    assert "not a regular file" in read_file(tmp_path / "pipe.png", "pipe.png").detail
    assert "not a regular file" in read_file("/dev/zero", "zero").detail
    monkeypatch.chdir(tmp_path)  # a socket's name must be short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("s.png")
        assert "not a regular file" in read_file("s.png", "s.png").detail


def test_link_loops_null_bytes_and_long_names_are_refused(tmp_path):
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    assert "too many levels" in read_file(tmp_path / "loop", "loop").detail
    assert "null" in read_file(f"{tmp_path}/a\0b", "a").detail
    assert "too long" in read_file(tmp_path / ("x" * 300), "x").detail


def test_permission_denied_is_a_row(tmp_path, monkeypatch):
    (tmp_path / "a.png").write_bytes(encoded(photo()))

    def refuse(self):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.read_bytes", refuse)
    assert read_file(tmp_path / "a.png", "a").detail == "cannot be read: permission denied"


def test_a_huge_file_is_refused_unread(tmp_path):
    path = tmp_path / "huge.png"
    with path.open("wb") as file:
        file.truncate(2**30 + 1)  # sparse
    assert "the limit is 1073741824" in read_file(path, "huge.png").detail


def test_to_rgb_takes_a_pillow_image_of_a_users_dataset():
    pixels, note = to_rgb(Image.new("L", (3, 2), 7))
    assert pixels.shape == (2, 3, 3)
    assert (pixels == 7).all()
    assert note == ""
