import { join } from "node:path/posix";
import { execute } from "../syscall/execute.ts";
import { SystemCallError } from "../syscall/native-function.ts";

/** Looks the command up on the process's own PATH, inside its own root, as execvp(3) does, and becomes it. Returns only by throwing. */
export function executeByName(args: readonly string[], env: readonly string[]): void {
  const name = args[0] ?? "";
  const path = env.findLast((entry) => entry.startsWith("PATH="))?.slice("PATH=".length) ?? "";
  const candidates = name.includes("/") ? [name] : path.split(":").map((place) => join(place || ".", name));
  let refusal: SystemCallError | undefined;
  for (const candidate of candidates) {
    try {
      execute(candidate, args, env);
    } catch (error) {
      if (!(error instanceof SystemCallError)) throw error;
      if (error.code !== "ENOENT" && error.code !== "ENOTDIR") refusal ??= error;
    }
  }
  throw new Error(`exec: ${JSON.stringify(name)}: ${describeRefusal(refusal, name)}`);
}

/** In the words of the other runtimes. */
function describeRefusal(refusal: SystemCallError | undefined, name: string): string {
  if (refusal?.code === "EACCES") return "permission denied";
  if (refusal?.code === "ENOEXEC") return "exec format error";
  if (refusal !== undefined) return refusal.message;
  return name.includes("/") ? `stat ${name}: no such file or directory` : "executable file not found in $PATH";
}
