"""Packages with an adapter, as pip installs them."""

from pathlib import Path


def install(folder: Path, name: str, *, module: str, scheme: str = "acme+https") -> None:
    """Install a package as pip does: a module, and the metadata with its entry point."""
    (folder / f"{name}.py").write_text(module, encoding="utf-8")
    metadata = folder / f"{name}-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", encoding="utf-8")
    (metadata / "entry_points.txt").write_text(f"[odobot.portals]\n{scheme} = {name}:ADAPTER\n", encoding="utf-8")
