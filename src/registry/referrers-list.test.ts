import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { digestOf, type Digest } from "../content/digest.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import { MEDIA_TYPE } from "../oci/media-type.ts";
import { dockerRegistrySkip, startDockerRegistry } from "../testing/docker-registry.ts";
import { startFakeRegistry, type FakeRegistry, type FakeRegistryOptions } from "../testing/fake-registry.ts";
import { REFUSING } from "../testing/refusing-registries.ts";
import { testClient } from "../testing/registry-fixture.ts";
import { ReferrersListError } from "./referrers-list.ts";
import type { Repository } from "./repository.ts";

const limit = (): AbortSignal => AbortSignal.timeout(30_000);

const EMPTY = Buffer.from("{}");
const CONFIG: Descriptor = { mediaType: MEDIA_TYPE.ociEmpty, digest: digestOf(EMPTY), size: EMPTY.byteLength };

/** Evidence of this type about a manifest. */
async function attach(repository: Repository, subject: Descriptor, artifactType: string): Promise<Digest> {
  const manifest = { schemaVersion: 2, mediaType: MEDIA_TYPE.ociManifest, artifactType, config: CONFIG, layers: [], subject, annotations: { of: artifactType } };
  return (await repository.putManifest({ tag: undefined, mediaType: MEDIA_TYPE.ociManifest, bytes: Buffer.from(JSON.stringify(manifest)) }, limit())).digest;
}

const IMAGE = { schemaVersion: 2, mediaType: MEDIA_TYPE.ociIndex, manifests: [] };

interface Fixture extends AsyncDisposable {
  readonly registry: FakeRegistry;
  readonly repository: Repository;
  readonly subject: Descriptor;
  readonly tag: string;
  /** Somebody else's evidence, which is in no list yet. */
  other(letter: string): Descriptor;
  setList(...manifests: readonly Descriptor[]): void;
  list(): { readonly manifests: readonly Descriptor[]; readonly annotations?: unknown };
}

/** A registry without lists of referrers, with one image. */
async function openFixture(options: FakeRegistryOptions = {}): Promise<Fixture> {
  const stack = new AsyncDisposableStack();
  const registry = stack.use(await startFakeRegistry({ referrers: false, ...options }));
  const repository = stack.use(testClient()).repository({ domain: registry.host, path: "a" }, "push");
  registry.addBlob("a", EMPTY);
  const subject = registry.addManifest("a", IMAGE, "1");
  const tag = subject.digest.replace(":", "-");
  return {
    registry, repository, subject, tag,
    other: (letter) => ({ ...registry.addManifest("a", { mediaType: MEDIA_TYPE.ociManifest, letter }), artifactType: `text/${letter}` }),
    setList: (...manifests) => void registry.addManifest("a", { schemaVersion: 2, mediaType: MEDIA_TYPE.ociIndex, manifests, annotations: { kept: "yes" } }, tag),
    list: () => JSON.parse(registry.manifests.get(`a@${registry.tags.get(`a:${tag}`)}`)?.bytes.toString() ?? "{}"),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

const digestsOf = ({ manifests }: { readonly manifests: readonly Descriptor[] }): readonly Digest[] => manifests.map(({ digest }) => digest);

describe("a list of referrers under the fallback tag", () => {
  test("gets an entry as the specification has it, and keeps whatever else it says", async () => {
    await using fixture = await openFixture();
    const theirs = fixture.other("x");
    fixture.setList(theirs);
    const ours = await attach(fixture.repository, fixture.subject, "text/ours");
    const { manifests, annotations } = fixture.list();
    assert.deepEqual([manifests[0], annotations], [theirs, { kept: "yes" }]);
    assert.deepEqual([manifests[1]?.digest, manifests[1]?.artifactType, manifests[1]?.annotations], [ours, "text/ours", { of: "text/ours" }]);
    await attach(fixture.repository, fixture.subject, "text/ours");
    assert.equal(fixture.list().manifests.length, 2, "an entry that is there is not written again");
  });

  test("that changed since it was read is not replaced, where the registry knows conditions", async () => {
    await using fixture = await openFixture({ conditions: true });
    const { registry, tag } = fixture;
    const theirs = [fixture.other("x"), fixture.other("late")] as const;
    fixture.setList(theirs[0]);
    let isFirst = true;
    registry.intercept = ({ method }, _response, { pathname }) => {
      if (method !== "PUT" || !pathname.endsWith(tag)) return false;
      if (isFirst) fixture.setList(...theirs);
      isFirst = false;
      return false;
    };
    const ours = await attach(fixture.repository, fixture.subject, "text/ours");
    assert.deepEqual(digestsOf(fixture.list()), [...theirs.map(({ digest }) => digest), ours]);
  });

  test("is mended where somebody who had read an older one replaced ours", async () => {
    await using fixture = await openFixture();
    const [old, stale] = [fixture.other("x"), fixture.other("stale")];
    fixture.setList(old);
    let reads = 0;
    fixture.registry.intercept = ({ method }, _response, { pathname }) => {
      // Our second look at it: a list without ours, and without what had been there before.
      if (method === "GET" && pathname.endsWith(fixture.tag) && ++reads === 2) fixture.setList(stale);
      return false;
    };
    const ours = await attach(fixture.repository, fixture.subject, "text/ours");
    assert.deepEqual(digestsOf(fixture.list()), [stale.digest, old.digest, ours]);
  });

});

describe("a list of referrers that cannot be kept as it is", () => {
  test("loses only entries whose manifest is gone, where the registry takes no list with them", async () => {
    await using fixture = await openFixture();
    const [pruned, kept] = [fixture.other("pruned"), fixture.other("kept")];
    fixture.setList(pruned, kept);
    fixture.registry.manifests.delete(`a@${pruned.digest}`);
    const ours = await attach(fixture.repository, fixture.subject, "text/ours");
    assert.deepEqual(digestsOf(fixture.list()), [kept.digest, ours]);
  });

  test("is left alone where the tag names something else, or cannot be moved", async () => {
    await using taken = await openFixture();
    const image = taken.registry.addManifest("a", { schemaVersion: 2, mediaType: MEDIA_TYPE.ociManifest, layers: [] }, taken.tag);
    await assert.rejects(attach(taken.repository, taken.subject, "text/ours"), (error) => error instanceof ReferrersListError && /is no list of referrers, but application\/vnd\.oci\.image\.manifest/.test(error.message));
    assert.equal(taken.registry.tags.get(`a:${taken.tag}`), image.digest);

    await using fixed = await openFixture({ refuse: REFUSING.movedTags });
    const theirs = fixed.other("x");
    fixed.setList(theirs);
    await assert.rejects(attach(fixed.repository, fixed.subject, "text/ours"), (error) => error instanceof ReferrersListError && error.message.includes("is immutable"));
    assert.deepEqual(digestsOf(fixed.list()), [theirs.digest]);
  });

});

describe("a list of referrers in a real registry", () => {
  test("holds what several writers add to it at once", { skip: dockerRegistrySkip }, async () => {
    await using registry = await startDockerRegistry();
    await using stack = new AsyncDisposableStack();
    const repositories = ["a", "b", "c", "d", "e"].map((letter) => [letter, stack.use(testClient()).repository({ domain: registry.host, path: "a" }, "push")] as const);
    const [[, first] = ["", undefined]] = repositories;
    assert.ok(first !== undefined);
    await first.uploadBlob({ descriptor: CONFIG, async *open() { yield EMPTY; }, mountFrom: undefined }, limit());
    const subject = await first.putManifest({ tag: "1", mediaType: IMAGE.mediaType, bytes: Buffer.from(JSON.stringify(IMAGE)) }, limit());

    await Promise.all(repositories.map(([letter, repository]) => attach(repository, subject, `text/${letter}`)));
    const found = await first.referrers(subject.digest, limit());
    assert.deepEqual(new Set(found.map(({ artifactType }) => artifactType)), new Set(repositories.map(([letter]) => `text/${letter}`)));
  });
});
