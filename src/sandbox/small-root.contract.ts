import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, realpathSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

const COMMANDS = ["cat", "cut", "echo", "env", "false", "grep", "head", "hostname", "id", "ls", "mkdir", "mknod", "mount", "setsid", "sh", "sleep", "stat", "stty", "tail", "touch", "tr", "true", "unshare", "wc", "yes"];

const PASSWD = "root:x:0:0:root:/root:/bin/sh\napp:x:1000:1001:App:/home/app:/bin/sh\n";
const GROUP = "# comment\nroot:x:0:\nadmins:x:7:root\napp:x:1001:\nextra:x:2000:app\nmore:x:3000:other,app\n";

/** A small root with a shell and what the contract's scripts call: a static busybox, else this machine's own programs. */
export function fillSmallRoot(root: string): void {
  for (const folder of ["bin", "etc", "mnt", "proc", "sys", "dev"]) mkdirSync(join(root, folder), { recursive: true });
  writeFileSync(join(root, "etc/passwd"), PASSWD);
  writeFileSync(join(root, "etc/group"), GROUP);
  if (existsSync("/bin/busybox") && isStatic("/bin/busybox")) {
    cpSync("/bin/busybox", join(root, "bin/busybox"));
    for (const command of COMMANDS) symlinkSync("busybox", join(root, "bin", command));
    return;
  }
  for (const command of COMMANDS) copyProgram(root, command);
}

function copyProgram(root: string, command: string): void {
  const path = execFileSync("sh", ["-c", 'command -v -- "$1" || true', "sh", command], { encoding: "utf8" }).trim();
  if (!path.startsWith("/")) return; // A word of the shell itself.
  cpSync(realpathSync(path), join(root, "bin", command));
  for (const [library] of execFileSync("ldd", [path], { encoding: "utf8" }).matchAll(/\/\S+/g)) {
    const copy = join(root, library);
    mkdirSync(dirname(copy), { recursive: true });
    if (!existsSync(copy)) cpSync(realpathSync(library), copy);
  }
}

function isStatic(path: string): boolean {
  return !execFileSync("sh", ["-c", 'ldd "$1" 2>&1 || true', "sh", path], { encoding: "utf8" }).includes("=>");
}
