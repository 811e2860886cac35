#!/usr/bin/env python3
"""Does what docs/tutorial.md says, and puts what the commands answered into it. The pictures stay in the folder.

    docs/tutorial.py FOLDER --mnist MNIST --dogs PHOTOS            do it, in FOLDER, and print what differs from the text
    docs/tutorial.py FOLDER --mnist MNIST --dogs PHOTOS --write    and write the text anew

Each line of a ```console block that begins with $ is run by bash, bin/vaecluster as vaecluster; what follows it, to the next
one, is what it answered. MNIST holds the four IDX files, PHOTOS images; `make build` comes before.
"""
import argparse, difflib, os, pathlib, re, subprocess, sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
FILE = ROOT / "docs/tutorial.md"
parser = argparse.ArgumentParser()
parser.add_argument("folder", type=pathlib.Path)
parser.add_argument("--mnist", type=pathlib.Path, required=True)
parser.add_argument("--dogs", type=pathlib.Path, required=True)
parser.add_argument("--write", action="store_true")
options = parser.parse_args()

folder = options.folder.resolve()
folder.mkdir(parents=True)
(folder / "mnist").symlink_to(options.mnist.resolve())
(folder / "dogs").symlink_to(options.dogs.resolve())
environment = dict(os.environ, PATH=f"{ROOT}/bin:{os.environ['PATH']}", NO_COLOR="1")


def answer(command):
    print("$", command, flush=True)
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    said = done.stdout.replace(f"{folder}/", "").rstrip()
    print(said, flush=True)
    if done.returncode not in (0, 141):  # 141: head has seen enough
        sys.exit(f"ended with code {done.returncode}")
    return said


def run(block):
    lines = []
    for command in re.findall(r"^\$ (.*(?:\\\n.*)*)", block.group(1), re.M):
        lines.append("$ " + command)
        if said := answer(command):
            lines.append(said)
    return "```console\n" + "\n".join(lines) + "\n```"


def keep(block):
    (folder / block.group(2)).write_text(block.group(3))
    return block.group(0)


before = FILE.read_text()
# Files and commands in the order of the text: a file is a yaml block whose first line is a comment with its name.
after = re.sub(r"```console\n(.*?)\n```|```yaml\n# (\S+)\n(.*?)```", lambda block: run(block) if block.group(1) else keep(block), before, flags=re.S)
sys.stdout.writelines(difflib.unified_diff(before.splitlines(True), after.splitlines(True), "docs/tutorial.md", "as run"))
if options.write:
    FILE.write_text(after)
