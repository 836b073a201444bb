/** Runs test files as `node --test` does, but in an order of ours: that sorts them by name, and what takes longest would come last. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { run } from "node:test";
import { spec } from "node:test/reporters";
import { children, described, waits } from "./processes.ts";
import slowestFiles from "./slowest-files.ts";
import { together } from "./together.ts";

/** What builds images takes longest, and of that what waits for a mirror of Debian: first, so that at the end no long file runs by itself. Then the few others that take as long, or wait as long, and whole folders. */
const FIRST = [/^test\/e2e\/sbom-of-debian\./, /^test\//, /large|\/(?:run-test-files|namespaces|git|disk-layer-store|packed-command)\.test\./, /^[^.]+$/];

/** Many times what the longest file takes: one that hangs must not take all of CI's time, and with it the words about what hung. */
const FILE_MS_MAX = 8 * 60 * 1000;

export function longestFirst(files: readonly string[]): string[] {
  const place = (file: string): number => {
    const found = FIRST.findIndex((pattern) => pattern.test(file));
    return found < 0 ? FIRST.length : found;
  };
  return files.toSorted((a, b) => place(a) - place(b) || (a < b ? -1 : 1));
}

/** How much longer one may take before it is ended from here: one that is stuck in a call, or on its way out, ends itself no more. */
const GRACE_MS = 10_000;
const LOOK_MS = 1000;

/** Ends test files after so long: they are all that is started below this process from now on. */
function endWhatIsStuck(msMax: number): NodeJS.Timeout {
  const others = new Set(children(process.pid));
  let seenMs = new Map<number, number>();
  return setInterval(() => {
    const now = performance.now();
    const files = children(process.pid).filter((pid) => !others.has(pid));
    // Numbers of processes come again.
    seenMs = new Map(files.map((pid) => [pid, seenMs.get(pid) ?? now]));
    for (const [pid, sinceMs] of seenMs) {
      if (now - sinceMs < msMax) continue;
      process.stdout.write(`this file is stuck, and is killed: ${described(pid)}\nits threads wait in ${waits(pid)}\n`);
      process.kill(pid, "SIGKILL");
    }
  }, LOOK_MS).unref();
}

/** What Node runs, in order: files as they are, and below `folder` one for each process that several share. */
function programsFor(files: readonly string[], folder: string, msMax: number): string[] {
  const byName = new Map(together(files).map((each) => [each.name, each.files]));
  const module = import.meta.resolve("../test/together.ts");
  return longestFirst([...byName.keys()]).map((name) => {
    const members = byName.get(name) ?? [];
    if (members.length === 1) return members[0] ?? name;
    const program = join(folder, `${name.replaceAll("/", "-")}.mjs`);
    writeFileSync(program, `import { runTogether } from ${JSON.stringify(module)};\nrunTogether(${JSON.stringify(members.map((member) => resolve(member)))}, ${msMax});\n`);
    return program;
  });
}

/** With this one's environment, each in a process of its own or as tools/together.ts says; what has not ended after `msMax` milliseconds fails. True when all passed. */
export async function runTestFiles(files: readonly string[], msMax: number = FILE_MS_MAX): Promise<boolean> {
  // Tests wait for registries, sandboxes and the disk: one file more than there are processors keeps these busy.
  const concurrency = availableParallelism() + 1;
  const watch = endWhatIsStuck(msMax + GRACE_MS);
  const preloads = ["packed-programs.ts", `end-what-hangs.ts?ms=${msMax}`].flatMap((name) => ["--import", import.meta.resolve(`../test/${name}`)]);
  const folder = mkdtempSync(join(tmpdir(), "stemma-tests-"));
  const events = run({ files: programsFor(files, folder, msMax), concurrency, execArgv: preloads });
  let passed = false;
  events.on("test:summary", ({ file, success }) => {
    if (file === undefined) passed = success;
  });
  await Promise.all([new spec(), slowestFiles].map((reporter) => new Promise((resolve, reject) => void events.compose(reporter).on("error", reject).on("end", resolve).pipe(process.stdout))));
  clearInterval(watch);
  rmSync(folder, { recursive: true });
  return passed;
}
