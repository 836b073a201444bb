/** `npm test`: installs what is missing where it can, then runs every check that there is. */
import { spawnSync } from "node:child_process";
import { globSync } from "node:fs";
import { join } from "node:path";
import { packCommand } from "./packed-command.ts";
import { provideRequirements } from "./requirements.ts";
import { runTestFiles } from "./run-test-files.ts";

const CHECKS: ReadonlyArray<readonly [name: string, command: readonly string[]]> = [
  ["types", ["tsc", "-p", "."]],
  ["lint", ["oxlint", "--type-aware", "src", "tools", "test", "bench"]],
  ["tidy", ["node", "tools/tidy.ts"]],
];

const TEST_FILES = ["src/**/*.test.ts", "tools/**/*.test.ts", "test/**/*.test.ts"];

if (!provideRequirements()) process.exit(1);
// Hundreds of processes load the same sources: each would strip their types and compile them anew, which took a third of the time.
const cache = join(import.meta.dirname, "../node_modules/.cache/stemma");
// Half of what a process of Node takes of the kernel are pages that it touches first. With large ones, where the kernel gives them, files take up to a seventh less time.
const env = { GLIBC_TUNABLES: "glibc.malloc.hugetlb=1", ...process.env, PATH: `${process.env["PATH"] ?? ""}:/usr/sbin:/sbin`, NODE_COMPILE_CACHE: join(cache, "compiled") };
for (const [name, [program = "", ...args]] of CHECKS) {
  process.stdout.write(`== ${name}\n`);
  const { status } = spawnSync(program, args, { stdio: "inherit", env });
  if (status !== 0) process.exit(1);
}
process.stdout.write("== tests\n");
// See src/testing/command-path.ts.
const folder = await packCommand(cache);
Object.assign(process.env, env, folder === undefined ? {} : { STEMMA_TEST_PACKAGE: folder });
// No process.exit: what was written to a pipe may not be read yet.
process.exitCode = (await runTestFiles(globSync(TEST_FILES))) ? 0 : 1;
