/** What the tests need of the machine, and how to get it. On Debian and Ubuntu, as root, it is installed. */
import { spawnSync } from "node:child_process";
import { accessSync, constants, existsSync } from "node:fs";
import { delimiter, join } from "node:path";

/** Program → Debian package that has it. */
const PROGRAMS: Readonly<Record<string, string>> = {
  git: "git",
  openssl: "openssl",
  unshare: "util-linux",
  runc: "runc",
  crun: "crun",
  "docker-registry": "docker-registry",
  skopeo: "skopeo",
  umoci: "umoci",
  debootstrap: "debootstrap",
  busybox: "busybox-static",
  xz: "xz-utils",
  bzip2: "bzip2",
  "ssh-agent": "openssh-client",
  sshd: "openssh-server",
  protoc: "protobuf-compiler",
  rpmbuild: "rpm",
  tmux: "tmux",
  newuidmap: "uidmap",
};

export function missingPrograms(): string[] {
  return Object.keys(PROGRAMS).filter((program) => !isOnPath(program) || (program === "busybox" && !isStatic("/bin/busybox")));
}

/** Debian has two busyboxes of one name; only the static one runs in a tree that holds nothing else. */
function isStatic(path: string): boolean {
  return /not a dynamic executable|statically linked/.test(spawnSync("ldd", [path], { encoding: "utf8" }).output.join(""));
}

/** Returns false, and says what to install, where it cannot install itself. */
export function provideRequirements(): boolean {
  const missing = missingPrograms();
  if (missing.length === 0) return true;
  const packages = [...new Set(missing.map((program) => PROGRAMS[program] ?? program))];
  const isDebian = existsSync("/etc/debian_version") && isOnPath("apt-get");
  if (!isDebian || process.getuid?.() !== 0) {
    const how = isDebian ? `run as root: apt-get install ${packages.join(" ")}` : `these programs (Debian's packages: ${packages.join(" ")})`;
    process.stderr.write(`The tests need ${missing.join(", ")}. Install ${how}, then run npm test again.\n`);
    return false;
  }
  process.stdout.write(`installing ${packages.join(" ")}\n`);
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const runs = [["update"], ["install", "-y", "--no-install-recommends", ...packages]].map((args) => spawnSync("apt-get", ["-q", ...args], { env, stdio: ["ignore", "ignore", "inherit"] }).status);
  const still = missingPrograms();
  if (still.length > 0) process.stderr.write(`apt-get (statuses ${runs.join(", ")}) did not bring ${still.join(", ")}\n`);
  return still.length === 0;
}

function isOnPath(program: string): boolean {
  return [...(process.env["PATH"] ?? "").split(delimiter), "/usr/sbin", "/sbin"].some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
