/** Runs the files that tools/together.ts found may share a process, each as a suite that is named for it. */
import { relative } from "node:path";
import { after, before, describe } from "node:test";
import { pathToFileURL } from "node:url";

/** One that takes half of `msMax`, which all of them have, fails, and the next begins. */
export function runTogether(files: readonly string[], msMax: number): void {
  const leavers: string[] = [];
  let running: string | undefined;
  for (const path of files) {
    const file = relative(process.cwd(), path);
    let open = 0;
    describe(file, { timeout: msMax / 2 }, async () => {
      before(() => {
        running = file;
        // Who kills what is stuck tells it by this.
        process.title = `node ${file}`;
        open = process.getActiveResourcesInfo().length;
      });
      await import(pathToFileURL(path).href);
      after(() => {
        running = undefined;
        if (process.getActiveResourcesInfo().length > open) leavers.push(file);
      });
    });
  }
  process.once("exit", (code) => {
    if (code === 0) return;
    if (running !== undefined) process.stderr.write(`${running} was running\n`);
    if (leavers.length > 0) process.stderr.write(`what may have kept the process from its end was left by one of ${leavers.join(" ")}\n`);
  });
}
