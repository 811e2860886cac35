#!/usr/bin/env python3
"""Carries out the Dockerfile without a container engine, where no registry can be reached, and runs what comes out.

    eng/image.py build OUT [--build-arg NAME=VALUE ...]    the last stage as OUT/rootfs, and OUT/config.json
    eng/image.py run OUT [--volume DIR:PATH[:ro] ...] [--env NAME=VALUE ...] [--entrypoint PROGRAM] -- ARGUMENTS ...
                                    as a container runs: the image's user, a read-only root, an empty /tmp, no capabilities

Stand-ins for base images: debian:* is made of the distribution's packages by mmdebstrap (which is what that image is),
mcr.microsoft.com/dotnet/* is this machine's .NET. Steps see this machine's package sources and NuGet cache.
Needs root, mmdebstrap, util-linux. What it knows of Dockerfiles is what ours uses.
"""
import argparse, fnmatch, hashlib, json, os, pathlib, re, shlex, shutil, subprocess, sys

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent
DOTNET = pathlib.Path(os.path.realpath(shutil.which("dotnet") or "/usr/share/dotnet/dotnet")).parent
NUGET = pathlib.Path(os.environ.get("NUGET_PACKAGES") or pathlib.Path.home() / ".nuget/packages")
# Sources of packages and certificates: this machine's, for the time of a step.
LENT = ["/etc/resolv.conf", "/etc/apt/sources.list", "/etc/apt/sources.list.d", "/etc/apt/apt.conf.d", "/etc/apt/trusted.gpg.d",
        "/usr/share/keyrings"]
CERTIFICATES = ["/etc/ssl/certs", "/usr/share/ca-certificates", "/usr/local/share/ca-certificates"]


def instructions(text):
    """(NAME, rest) of each instruction, continuation lines joined."""
    joined, lines = "", []
    for line in text.splitlines():
        if line.strip().startswith("#") or (not joined and not line.strip()):
            continue
        joined += line.rstrip()
        if joined.endswith("\\"):
            joined = joined[:-1] + " "
            continue
        lines.append(joined.strip())
        joined = ""
    return [tuple(line.split(None, 1)) if " " in line else (line, "") for line in lines]


def expand(text, values):
    return re.sub(r"\$\{(\w+)\}|\$(\w+)", lambda m: values.get(m[1] or m[2], ""), text)


def words(text, values):
    return [expand(word, values) for word in shlex.split(text)]


def mount_all(script):
    """Commands in a mount namespace of their own, so that nothing stays mounted whatever happens."""
    step = subprocess.run(["unshare", "--mount", "--propagation", "private", "sh", "-ec", script], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if step.returncode:
        sys.exit(f"{step.stdout[-4000:]}\nThe step ended with {step.returncode}.")


class Stage:
    def __init__(self, root, arguments):
        self.root, self.arguments = root, arguments
        self.config = {"env": {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}, "user": "0:0",
                       "directory": "/", "entrypoint": [], "command": [], "labels": {}, "ports": []}

    @property
    def values(self):
        return {**self.arguments, **self.config["env"]}

    def path(self, inside):
        return self.root / os.path.join(self.config["directory"], inside).lstrip("/")


class Builder:
    def __init__(self, out, given):
        self.out, self.given, self.stages = pathlib.Path(out).resolve(), given, {}
        self.global_arguments = {}
        self.ignored = self.ignore_rules()

    def build(self):
        self.out.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(self.out / "rootfs", ignore_errors=True)
        parsed = instructions((REPOSITORY / "Dockerfile").read_text())
        # 1. Stages by name; only what the last one needs is built.
        blocks, names = {}, []
        for name, rest in parsed:
            if name == "FROM":
                image, _, alias = rest.partition(" AS ")
                names.append(alias.strip())
                blocks[names[-1]] = (expand(image.strip(), self.global_arguments), [])
            elif not names and name == "ARG":
                key, _, value = rest.partition("=")
                self.global_arguments[key] = self.given.get(key, value)
            else:
                blocks[names[-1]][1].append((name, rest))
        self.blocks = blocks
        # 2. The last stage, and by it the others.
        stage = self.stage(names[-1])
        os.rename(stage.root, self.out / "rootfs")
        (self.out / "config.json").write_text(json.dumps(stage.config, indent=2) + "\n")
        size = subprocess.run(["du", "-sm", self.out / "rootfs"], capture_output=True, text=True, check=True).stdout.split()[0]
        print(f"{self.out}/rootfs: {size} MB")

    def stage(self, name):
        if name in self.stages:
            return self.stages[name]
        image, steps = self.blocks[name]
        stage = Stage(self.out / "stages" / name, {})
        stage.root.parent.mkdir(exist_ok=True)
        # What does not depend on the sources is kept from one build to the next.
        key, mark = self.key(name), stage.root.with_suffix(".json")
        if key and mark.exists() and (kept := json.loads(mark.read_text()))["key"] == key:
            print(f"== {name}: kept", flush=True)
            stage.config, stage.arguments = kept["config"], kept["arguments"]
            self.stages[name] = stage
            return stage
        shutil.rmtree(stage.root, ignore_errors=True)
        print(f"== {name}: {image}", flush=True)
        if image in self.blocks:
            before = self.stage(image)
            subprocess.run(["cp", "-a", "--reflink=auto", before.root, stage.root], check=True)
            stage.config = json.loads(json.dumps(before.config))
        elif image.startswith("debian:12"):
            # As the image is made: the essential packages and apt; no documentation.
            subprocess.run(["mmdebstrap", "--quiet", "--variant=minbase", "--dpkgopt=force-unsafe-io", "--dpkgopt=path-exclude=/usr/share/doc/*", "--dpkgopt=path-exclude=/usr/share/man/*",
                            "--dpkgopt=path-exclude=/usr/share/locale/*", "bookworm", stage.root], check=True)
        elif image.startswith("mcr.microsoft.com/dotnet/"):
            target = stage.root / "usr/share/dotnet"
            target.mkdir(parents=True)
            parts = ["dotnet", "host", "shared"] + (["sdk", "sdk-manifests", "packs", "templates"] if "/sdk:" in image else [])
            for part in parts:
                if (DOTNET / part).exists():
                    subprocess.run(["cp", "-a", "--reflink=auto", DOTNET / part, target], check=True)
        else:
            sys.exit(f"There is no stand-in for {image}.")
        for number, (instruction, rest) in enumerate(steps):
            print(f"   {instruction} {rest[:120]}", flush=True)
            if instruction not in self.INSTRUCTIONS:
                sys.exit(f"eng/image.py does not know the instruction {instruction}.")
            self.INSTRUCTIONS[instruction](self, stage, rest)
        if key:
            mark.write_text(json.dumps({"key": key, "config": stage.config, "arguments": stage.arguments}))
        self.stages[name] = stage
        return stage

    def key(self, name):
        """Of everything that a stage is made of; None where that includes the sources."""
        image, steps = self.blocks[name]
        parts = [image, steps, self.given if any(step == "ARG" for step, _ in steps) else {}]
        for before in [image] + [copied[1] for step, rest in steps if step == "COPY" and (copied := re.match(r"--from=(\S+)", rest))]:
            if before in self.blocks:
                parts.append(self.key(before))
        if None in parts or any(step == "COPY" and not rest.startswith("--from=") for step, rest in steps):
            return None
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()

    # ---- instructions

    def arg(self, stage, rest):
        key, _, value = rest.partition("=")
        stage.arguments[key] = self.given.get(key, value or self.global_arguments.get(key, ""))

    def env(self, stage, rest):
        for word in words(rest, stage.values):
            key, _, value = word.partition("=")
            stage.config["env"][key] = value

    def label(self, stage, rest):
        for word in words(rest, stage.values):
            key, _, value = word.partition("=")
            stage.config["labels"][key] = value

    def workdir(self, stage, rest):
        stage.config["directory"] = expand(rest, stage.values)
        stage.path("").mkdir(parents=True, exist_ok=True)

    def user(self, stage, rest):
        stage.config["user"] = rest

    def expose(self, stage, rest):
        stage.config["ports"] = rest.split()

    def entrypoint(self, stage, rest):
        stage.config["entrypoint"] = json.loads(rest)

    def cmd(self, stage, rest):
        stage.config["command"] = json.loads(rest)

    def copy(self, stage, rest):
        flags = re.match(r"--from=(\S+)\s+(.*)", rest)
        source, target = words(flags[2] if flags else rest, stage.values)
        if flags:
            before = self.stage(flags[1])
            destination = stage.path(target)
            destination.parent.mkdir(parents=True, exist_ok=True)
            subprocess.run(["cp", "-a", "--reflink=auto", "-T", before.path(source), destination], check=True)
            return
        for path in self.context():
            destination = stage.path(target) / path
            destination.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(REPOSITORY / path, destination)

    def run(self, stage, rest):
        cache, command = re.match(r"(?:--mount=type=cache,target=(\S+)\s+)?(.*)", rest, re.S).groups()
        root = shlex.quote(str(stage.root))
        script = [f"mount -t proc proc {root}/proc", f"mount --rbind /dev {root}/dev"]
        # Certificates only to a step that does not install any.
        for path in LENT + ([] if "ca-certificates" in command else CERTIFICATES):
            if os.path.exists(path):
                inside = stage.root / path.lstrip("/")
                if not inside.exists():
                    inside.mkdir(parents=True) if os.path.isdir(path) else (inside.parent.mkdir(parents=True, exist_ok=True), inside.touch())
                script.append(f"mount --bind -o ro {path} {root}{path}")
        if cache:
            (stage.root / cache.lstrip("/")).mkdir(parents=True, exist_ok=True)
            NUGET.mkdir(parents=True, exist_ok=True)
            script.append(f"mount --bind {shlex.quote(str(NUGET))} {root}{cache}")
        # SSL_*, NUGET_* and the like say how this machine gets at its package sources.
        lent = {key: value for key, value in os.environ.items() if re.match(r"(?i)(https?_proxy|no_proxy|ssl_cert|nuget_cert)", key)}
        environment = {"HOME": "/root", **lent, **stage.arguments, **stage.config["env"]}
        settings = " ".join(shlex.quote(f"{key}={value}") for key, value in environment.items())
        script.append(f"exec chroot {root} env -i {settings} sh -ec {shlex.quote('cd ' + stage.config['directory'] + ' && ' + command)}")
        mount_all("\n".join(script))

    INSTRUCTIONS = {"ARG": arg, "ENV": env, "LABEL": label, "WORKDIR": workdir, "USER": user, "EXPOSE": expose, "ENTRYPOINT": entrypoint,
                    "CMD": cmd, "COPY": copy, "RUN": run}

    # ---- the context

    def ignore_rules(self):
        lines = (REPOSITORY / ".dockerignore").read_text().splitlines()
        return [line.strip() for line in lines if line.strip() and not line.startswith("#")]

    def is_ignored(self, path):
        ignored = False
        for rule in self.ignored:
            pattern = rule.lstrip("!")
            # A rule speaks of a path or of a folder above it; ** stands for any number of folders, none too.
            above = ["/".join(path.split("/")[:n]) for n in range(1, path.count("/") + 2)]
            if any(fnmatch.fnmatch(part, pattern) or (pattern.startswith("**/") and fnmatch.fnmatch(part.split("/")[-1], pattern[3:])) for part in above):
                ignored = not rule.startswith("!")
        return ignored

    def context(self):
        for folder, folders, files in os.walk(REPOSITORY):
            relative = os.path.relpath(folder, REPOSITORY)
            prefix = "" if relative == "." else relative + "/"
            if prefix == "":
                folders[:] = [name for name in folders if name not in (".git", "artifacts", "bin", "runs")]
            for name in files:
                if not self.is_ignored(prefix + name):
                    yield prefix + name


def run(out, volumes, environment, entrypoint, arguments):
    out = pathlib.Path(out).resolve()
    config = json.loads((out / "config.json").read_text())
    root = shlex.quote(str(out / "rootfs"))
    user, group = config["user"].split(":")
    script = [f"mount --bind {root} {root}", f"mount -t proc proc {root}/proc", f"mount --rbind /dev {root}/dev"]
    for volume in volumes:
        source, inside, *mode = volume.split(":")
        (out / "rootfs" / inside.lstrip("/")).mkdir(parents=True, exist_ok=True)
        script.append(f"mount --bind {shlex.quote(source)} {root}{inside}")
        if mode == ["ro"]:
            script.append(f"mount -o remount,bind,ro {root}{inside}")
    script += [f"mount -o remount,bind,ro {root}", f"mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs {root}/tmp"]
    settings = " ".join(shlex.quote(f"{key}={value}") for key, value in {**config["env"], **dict(e.split("=", 1) for e in environment)}.items())
    command = " ".join(shlex.quote(word) for word in ([entrypoint] if entrypoint else config["entrypoint"]) + (arguments or config["command"]))
    inner = f"cd {config['directory']} && exec {command}"
    script.append(f"exec chroot --userspec={user}:{group} --groups= {root} env -i {settings} "
                  f"setpriv --no-new-privs sh -ec {shlex.quote(inner)}")
    # Its own processes too: the program is number 1, and everything ends with it.
    return subprocess.run(["unshare", "--mount", "--pid", "--fork", "--kill-child", "--propagation", "private", "sh", "-ec", "\n".join(script)]).returncode


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    build = commands.add_parser("build")
    build.add_argument("out")
    build.add_argument("--build-arg", action="append", default=[])
    start = commands.add_parser("run")
    start.add_argument("out")
    start.add_argument("--volume", action="append", default=[])
    start.add_argument("--env", action="append", default=[])
    start.add_argument("--entrypoint")
    # What follows -- is the program's.
    end = sys.argv.index("--") if "--" in sys.argv else len(sys.argv)
    given = parser.parse_args(sys.argv[1:end])
    if os.geteuid() != 0:
        sys.exit("eng/image.py mounts and changes its root: run it as root.")
    if given.command == "build":
        if not shutil.which("mmdebstrap"):
            sys.exit("mmdebstrap is missing: apt-get install mmdebstrap")
        Builder(given.out, dict(argument.split("=", 1) for argument in given.build_arg)).build()
        return 0
    return run(given.out, given.volume, given.env, given.entrypoint, sys.argv[end + 1:])


if __name__ == "__main__":
    sys.exit(main())
