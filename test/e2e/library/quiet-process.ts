/**
 * A process that builds with the library, and watches what the library does to it. Request on standard input,
 * what was seen in the file that is the first argument.
 */
import { writeFileSync } from "node:fs";
import { text } from "node:stream/consumers";

/** What was done to the process, each thing from each place once. */
const seen = new Set<string>();

function note(what: string): void {
  // Above us in the stack are this function and whoever watches.
  const from = (new Error().stack ?? "").split("\n").slice(3).find((line) => !line.includes("quiet-process"))?.trim() ?? "at the top";
  seen.add(`${what} ${from.replaceAll(/file:\S*\/src\//g, "src/")}`);
}

function watch(object: object, name: string, label: string): void {
  const methods = object as Record<string, (...args: unknown[]) => unknown>;
  const original = methods[name];
  if (original === undefined) throw new Error(`nothing to watch: ${label}`);
  methods[name] = function watched(this: unknown, ...args: unknown[]): unknown {
    note(`${label}(${args.map((arg) => (typeof arg === "string" ? arg : typeof arg)).join(", ")})`);
    return original.apply(this, args);
  };
}

const request = JSON.parse(await text(process.stdin)) as { context: string; root: string; dockerfile: string; env: Record<string, string>; buildContexts: Record<string, string>; tags: string[]; user: { username: string; password: string } };

// From here on whatever touches the process is written down, the loading of the modules as well.
process.env = new Proxy({ ...process.env }, {
  get: (target, key) => (note(`reads ${String(key)}`), Reflect.get(target, key) as unknown),
  has: (target, key) => (note(`looks for ${String(key)}`), Reflect.has(target, key)),
  ownKeys: (target) => (note("lists all variables"), Reflect.ownKeys(target)),
  set: (_target, key) => (note(`sets ${String(key)}`), true),
  deleteProperty: (_target, key) => (note(`deletes ${String(key)}`), true),
});
for (const name of ["exit", "abort", "chdir", "cwd", "umask", "on", "once", "addListener", "prependListener", "emitWarning", "setuid", "setgid"]) watch(process, name, `process.${name}`);
for (const stream of ["stdout", "stderr"] as const) watch(process[stream], "write", `${stream}.write`);
for (const name of ["log", "error", "warn", "info"]) watch(console, name, `console.${name}`);
const listeners = (): string => JSON.stringify(process.eventNames().map((name) => [String(name), process.listenerCount(name)]));
const before = listeners();

const { build } = await import("../../../src/doors/build.ts");
const { dockerfile, user, ...rest } = request;
const run = build({
  ...rest,
  dockerfile: { text: Buffer.from(dockerfile) },
  push: true,
  provenance: "mode=max",
  secrets: { s: async () => Buffer.from("secret") },
  credentials: async () => ({ credential: { kind: "basic", ...user }, source: "the test" }),
});
const events = await Array.fromAsync(run.events);
const result = await run.result.then(() => "done", (error: unknown) => (error instanceof Error ? String(error.stack) : String(error)));
const during = listeners();
writeFileSync(process.argv[2] ?? "", JSON.stringify({ seen: [...seen], before, after: during, result, events: events.length }));
