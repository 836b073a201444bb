/** `npm test`: installs what is missing where it can, then runs every check that there is. */
import { spawnSync } from "node:child_process";
import { globSync } from "node:fs";
import { join } from "node:path";
import { packCommand } from "./packed-command.ts";
import { provideRequirements } from "./requirements.ts";

const CHECKS: ReadonlyArray<readonly [name: string, command: readonly string[]]> = [
  ["types", ["tsc", "-p", "."]],
  ["lint", ["oxlint", "--type-aware", "src", "tools", "test", "bench"]],
  ["tidy", ["node", "tools/tidy.ts"]],
];

const TEST_FILES = ["src/**/*.test.ts", "tools/**/*.test.ts", "test/**/*.test.ts"];

if (!provideRequirements()) process.exit(1);
// Hundreds of processes load the same sources: each would strip their types and compile them anew, which took a third of the time.
const cache = join(import.meta.dirname, "../node_modules/.cache/stemma");
const env = { ...process.env, PATH: `${process.env["PATH"] ?? ""}:/usr/sbin:/sbin`, NODE_COMPILE_CACHE: join(cache, "compiled") };
for (const [name, [program = "", ...args]] of CHECKS) {
  process.stdout.write(`== ${name}\n`);
  const { status } = spawnSync(program, args, { stdio: "inherit", env });
  if (status !== 0) process.exit(1);
}
process.stdout.write("== tests\n");
const files = globSync(TEST_FILES).toSorted();
// See test/e2e/command-path.ts.
const folder = await packCommand(cache);
const packed = folder === undefined ? env : { ...env, STEMMA_TEST_PACKAGE: folder };
const reporters = ["spec", join(import.meta.dirname, "slowest-files.ts")].flatMap((name) => [`--test-reporter=${name}`, "--test-reporter-destination=stdout"]);
const { status } = spawnSync("node", ["--test", "--test-concurrency=2", ...reporters, "--import", join(import.meta.dirname, "../test/packed-programs.ts"), ...files], { stdio: "inherit", env: packed });
process.exit(status ?? 1);
