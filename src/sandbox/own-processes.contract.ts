import { readFileSync, readdirSync } from "node:fs";

/**
 * Command lines of what this process has started that begin with the text, blanks between the words. Others run the
 * same tests beside us. Who loses its parent gets process 1 of our mount namespace's process namespace, which is ours too.
 */
export function processesNamed(text: string): readonly string[] {
  return readdirSync("/proc").filter((name) => /^\d+$/.test(name)).map((pid) => {
    try {
      const line = readFileSync(`/proc/${pid}/cmdline`, "latin1").replaceAll("\0", " ");
      return line.startsWith(text) && isOurs(pid) ? line : "";
    } catch (error) {
      if (!["ENOENT", "ESRCH"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
      return ""; // It has ended.
    }
  }).filter((line) => line !== "");
}

function isOurs(pid: string): boolean {
  for (let id = pid; id !== "0"; id = /^PPid:\t(\d+)$/m.exec(readFileSync(`/proc/${id}/status`, "utf8"))?.[1] ?? "0") {
    if (id === String(process.pid)) return true;
  }
  return false;
}
