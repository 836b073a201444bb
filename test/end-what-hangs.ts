/**
 * Loaded before every test file by tools/run-test-files.ts, with `?ms=` for how long the file may take: node:test bounds tests, but
 * neither hooks nor what keeps a process after its last test. Past that the file tells what it waits for, and fails.
 */
import { descendants } from "../tools/processes.ts";

interface Handle {
  readonly is_active: boolean;
  readonly is_referenced: boolean;
}

const ms = Number(new URL(import.meta.url).searchParams.get("ms"));
const timer = setTimeout(() => {
  const { libuv } = process.report.getReport() as { readonly libuv: readonly Handle[] };
  const handles = libuv.filter(({ is_active: isActive, is_referenced: isReferenced }) => isActive && isReferenced).map((handle) => JSON.stringify(handle));
  process.stderr.write([`this file did not end within ${ms} ms; it waits for`, process.getActiveResourcesInfo().join(" "), ...handles, "and has started", ...descendants(process.pid), ""].join("\n"));
  process.exit(1);
}, ms);
timer.unref();
