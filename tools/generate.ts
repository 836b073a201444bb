/** Writes src/proto/ anew from proto/. What it writes is committed; a check compares it. */
import { spawnSync } from "node:child_process";
import { globSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";

const ROOT: string = join(import.meta.dirname, "..");
const PLUGIN: string = join(ROOT, "node_modules/.bin/protoc-gen-es");
/** Erasable: Node runs the output as it is. */
const OPTIONS = "target=ts,import_extension=ts,erasable_syntax=true";

export function generate(output: string): void {
  const files = globSync("**/*.proto", { cwd: join(ROOT, "proto") }).toSorted();
  rmSync(output, { recursive: true, force: true });
  mkdirSync(output, { recursive: true });
  const run = spawnSync("protoc", [`--plugin=protoc-gen-es=${PLUGIN}`, "-I", "proto", `--es_out=${output}`, `--es_opt=${OPTIONS}`, ...files], { cwd: ROOT, encoding: "utf8" });
  if (run.error !== undefined && "code" in run.error && run.error.code === "ENOENT") {
    throw new Error("protoc is not installed: it comes with the package protobuf-compiler (Debian, Ubuntu) or protobuf (Homebrew, Fedora)");
  }
  if (run.error !== undefined) throw run.error;
  if (run.status !== 0) throw new Error(`protoc failed (status ${String(run.status)}): ${run.stderr}`);
}

if (import.meta.main) generate(join(ROOT, "src/proto"));
