import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build, BuildError } from "stemma";
import { anonymousCredentials, loadRegistryConfig, openImage, openRegistryClient } from "stemma/registry";
import { traceImage, traceText } from "stemma/trace";

const place = await mkdtemp(join(tmpdir(), "stemma-library-"));
const layout = join(place, "hello");
const signal = AbortSignal.timeout(60_000);

try {
  const run = build({
    context: join(import.meta.dirname, "../01-hello"),
    outputs: [`type=oci,tar=false,dest=${layout},name=hello:1`],
    provenance: "mode=max",
    root: join(place, "state"),
    env: {},
    signal,
  });
  for await (const event of run.events) {
    if (event.kind === "step-started") console.log(`- ${event.name}`);
  }
  const { platforms } = await run.result;
  console.log(`built for ${platforms.map(({ platform }) => platform.os).join(", ")}`);

  await using client = openRegistryClient({ credentials: anonymousCredentials, config: await loadRegistryConfig({}), env: {} });
  await using image = await openImage(`oci-layout://${layout}`, { client, cwd: place }, signal);
  for (const platform of (await image.record.platforms(signal)).values()) {
    for (const { predicateType } of await platform.statements(signal)) console.log(`states ${predicateType}`);
  }
  console.log(traceText(await traceImage(image, { kind: "path", path: "/hello.txt" }, undefined, signal)));
} catch (error) {
  // `code` and `retryable` are what a program can branch on.
  if (error instanceof BuildError) console.error(`${error.code}${error.retryable ? ", worth another try" : ""}: ${error.message}`);
  throw error;
} finally {
  await rm(place, { recursive: true });
}
