/** `npm run example`: builds examples/01-hello, attests it and shows what was recorded. Needs no privilege and no network. */
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { spawnSync } from "node:child_process";

const place = mkdtempSync(join(tmpdir(), "stemma-example-"));
const layout = join(place, "hello");

function stemma(...args: readonly string[]): void {
  process.stdout.write(`\n$ stemma ${args.join(" ")}\n`);
  const { status } = spawnSync(process.execPath, ["src/cli/dev.ts", ...args], { stdio: "inherit", env: { ...process.env, STEMMA_ROOT: join(place, "state") } });
  if (status !== 0) process.exit(status ?? 1);
}

stemma("build", "--progress=plain", "--provenance=mode=max", "-o", `type=oci,tar=false,dest=${layout},name=hello:1`, "examples/01-hello");
stemma("imagetools", "inspect", `oci-layout://${layout}`);
stemma("imagetools", "inspect", "--format", "{{ json .Provenance.SLSA.buildDefinition.externalParameters }}", `oci-layout://${layout}`);
stemma("trace", `oci-layout://${layout}`, "--path", "/hello.txt");
process.stdout.write(`\nThe image is in ${layout}.\n`);
