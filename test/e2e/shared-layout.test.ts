import assert from "node:assert/strict";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { openWorkshop, type Workshop } from "./workshop.ts";

const COUNT = 8;
const DOCKERFILE = "FROM scratch\nARG N\nCOPY a /a\nENV N=$N\n";

let workshop: Workshop;
before(async () => {
  workshop = await openWorkshop();
});
after(async () => {
  await workshop[Symbol.asyncDispose]();
});

interface Index {
  readonly manifests: ReadonlyArray<{ readonly annotations?: Readonly<Record<string, string>> }>;
}

function names(path: string, annotation: string): readonly string[] {
  const { manifests } = JSON.parse(readFileSync(join(path, "index.json"), "utf8")) as Index;
  return manifests.map(({ annotations }) => annotations?.[annotation] ?? "").toSorted((a, b) => (a < b ? -1 : 1));
}

const numbers = Array.from({ length: COUNT }, (_, number) => String(number));

describe("builds that write into one directory at the same time", () => {
  test("all have their image there", async () => {
    const path = join(workshop.path, "images");
    await Promise.all(numbers.map((number) => workshop.build(DOCKERFILE, { files: { a: number }, buildArgs: { N: number }, outputs: [`type=oci,tar=false,dest=${path},name=image:${number}`] })));
    assert.deepEqual(names(path, "io.containerd.image.name"), numbers.map((number) => `docker.io/library/image:${number}`));
    assert.deepEqual(readdirSync(path).toSorted(), ["blobs", "index.json", "oci-layout"]);
  });

  test("all have their cache there", async () => {
    const path = join(workshop.path, "caches");
    await Promise.all(numbers.map((number) => workshop.build(DOCKERFILE, { files: { a: number }, buildArgs: { N: number }, outputs: ["type=cacheonly"], cacheTo: [`type=local,dest=${path},tag=cache${number}`] })));
    assert.deepEqual(names(path, "org.opencontainers.image.ref.name"), numbers.map((number) => `cache${number}`));
    assert.equal(existsSync(join(path, "index.json.lock")), false);
  });
});
