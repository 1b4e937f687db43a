"""The file tree of an image that is not booted."""

import contextlib
import json
import pathlib
import subprocess


def _run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@contextlib.contextmanager
def mounted(image, folder):
    """The image's last partition, mounted read-only at a folder that is made, for as long as the context lasts; needs root."""
    raw, root = pathlib.Path(f"{folder}.raw"), pathlib.Path(folder)
    with contextlib.ExitStack() as cleanup:
        cleanup.callback(raw.unlink, missing_ok=True)
        _run("qemu-img", "convert", "-O", "raw", str(image), str(raw))
        last = json.loads(_run("sfdisk", "--json", str(raw)))["partitiontable"]["partitions"][-1]
        # The kernel may not parse partitions.
        loop = _run("losetup", "--find", "--show", "--read-only", "--offset", str(last["start"] * 512),
                    "--sizelimit", str(last["size"] * 512), str(raw)).strip()
        cleanup.callback(_run, "losetup", "--detach", loop)
        root.mkdir()
        cleanup.callback(root.rmdir)
        _run("mount", "-o", "ro,noload", loop, str(root))
        cleanup.callback(_run, "umount", str(root))
        yield root
