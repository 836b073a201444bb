import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { dockerRegistrySkip, startDockerRegistry, type DockerRegistry } from "../../src/testing/docker-registry.ts";
import { openPlace, type Place } from "./command.ts";
import { contextWithBase, runSkip } from "./small-base.ts";

const skip = dockerRegistrySkip !== false ? dockerRegistrySkip : runSkip;

const DOCKERFILE = `FROM scratch AS base
COPY base /
ENV PATH=/bin
FROM base AS build
WORKDIR /src
COPY app/ ./app/
RUN cat app/a app/b > out.txt
FROM base
COPY --from=build /src/out.txt /out.txt
RUN echo done > /done
`;

let place: Place;
let registry: DockerRegistry;
let context: string;

before(async () => {
  if (skip !== false) return;
  place = await openPlace();
  registry = await startDockerRegistry();
  context = await contextWithBase(place, "context", { Dockerfile: DOCKERFILE, "app/a": "one\n", "app/b": "two\n" });
});

after(async () => {
  await registry?.[Symbol.asyncDispose]();
  await place?.[Symbol.asyncDispose]();
});

interface Built {
  readonly digest: string;
  /** Of the layout that the build wrote. */
  readonly manifest: string;
  readonly stderr: string;
  readonly ran: readonly string[];
  readonly cached: readonly string[];
}

/** With a state root of its own: what is known there is what was imported. */
async function build(root: string, args: readonly string[]): Promise<Built> {
  const metadata = join(place.path, `${root}.json`);
  const run = await place.stemmaHere(["build", "--progress=plain", "--root", join(place.path, root), "--metadata-file", metadata, "-o", `type=oci,dest=${join(place.path, `${root}.tar`)}`, ...args, context]);
  assert.equal(run.exitCode, 0, run.stderr);
  const index = await place.run(["tar", "-xOf", join(place.path, `${root}.tar`), "index.json"]);
  return { manifest: (JSON.parse(index) as { readonly manifests: ReadonlyArray<{ readonly digest: string }> }).manifests[0]?.digest ?? "", digest: String((JSON.parse(await readFile(metadata, "utf8")) as Record<string, unknown>)["containerimage.digest"]), stderr: run.stderr, ...stepsOf(run.stderr) };
}

function stepsOf(stderr: string): { readonly ran: readonly string[]; readonly cached: readonly string[] } {
  const names = new Map([...stderr.matchAll(/^#(\d+) (\[.*)$/gm)].map(([, number, name]) => [number, name ?? ""]));
  const at = (pattern: RegExp): readonly string[] => [...stderr.matchAll(pattern)].flatMap(([, number]) => names.get(number) ?? []).filter((name) => / (?:RUN|COPY|WORKDIR) /.test(name));
  return { ran: at(/^#(\d+) DONE/gm), cached: at(/^#(\d+) CACHED/gm) };
}

describe("a cache that is shared", { skip }, () => {
  test("in a registry has another machine run nothing, and come to the same image", async () => {
    const ref = `${registry.host}/cache:1`;
    const first = await build("registry-a", ["--cache-to", `type=registry,ref=${ref},mode=max`]);
    assert.equal(first.ran.length, 6, first.stderr);
    const second = await build("registry-b", ["--cache-from", ref]);
    assert.deepEqual(second.ran, []);
    assert.equal(second.cached.length > 0, true);
    assert.equal(second.digest, first.digest);
  });

  for (const args of [["--cache-to", "type=inline"], ["--build-arg", "BUILDKIT_INLINE_CACHE=1"]]) {
    test(`in an image with ${args.join(" ")} goes where the image goes`, async () => {
      const name = `${registry.host}/app:${args.length}${args[0]?.length}`;
      const first = await build("inline-a", [...args, "-t", name, "--push"]);
      const second = await build(`inline-${args[0]}`, [...args, "--cache-from", `type=registry,ref=${name}`]);
      assert.deepEqual(second.ran, []);
      assert.equal(second.manifest, first.manifest);
    });
  }
});
