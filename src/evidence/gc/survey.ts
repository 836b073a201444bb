import type { Digest } from "../../content/digest.ts";
import type { Descriptor } from "../../oci/descriptor.ts";
import { isIndex, isManifest } from "../../oci/media-type.ts";
import { eachLimited } from "../../registry/each-limited.ts";
import type { Repository } from "../../registry/repository.ts";
import { referenceOf } from "../../trace/image-record.ts";
import { EvidenceError } from "../evidence-error.ts";
import { digestIn, ManifestReader, type KnownManifest } from "./manifest-reader.ts";

const REQUESTS_IN_FLIGHT_MAX = 5;
/** Manifests of one repository. More do not fit into the memory of a command, nor into a registry's limits. */
const MANIFESTS_MAX = 200_000;
const FALLBACK_TAG = /^sha256-([0-9a-f]{64})$/;

/** A fallback tag: the list of what refers to a manifest, where the registry keeps none (distribution-spec, "Referrers Tag Schema"). */
export interface FallbackList {
  readonly tag: string;
  /** Of the list itself. */
  readonly digest: Digest;
  readonly subject: Digest;
  readonly entries: readonly Descriptor[];
}

/** What tags lead to. */
export interface Roots {
  readonly tags: ReadonlyMap<string, Digest>;
  readonly lists: readonly FallbackList[];
  /** Each manifest that a tag leads to, with the way: `tag 1`, `index sha256:… of tag 1`. Lists lead nowhere. */
  readonly reached: ReadonlyMap<Digest, string>;
}

/** Everything about a repository that its tags, indexes and referrers tell, and what else was named to us. */
export interface Survey extends Roots {
  readonly manifests: ReadonlyMap<Digest, KnownManifest>;
  /** Named somewhere, and not there. */
  readonly gone: ReadonlySet<Digest>;
  /** For each piece of evidence, what it says to be about; empty where it does not say. */
  readonly about: ReadonlyMap<Digest, ReadonlySet<Digest>>;
}

/** Reads the tags, and every manifest that they lead to. */
export async function surveyRoots(repository: Repository, reader: ManifestReader, signal: AbortSignal): Promise<Roots> {
  const tags = new Map<string, Digest>();
  await eachLimited(await repository.tags(signal), REQUESTS_IN_FLIGHT_MAX, async (tag, either) => {
    const found = await repository.resolve(tag, either);
    if (found !== undefined) tags.set(tag, found.digest);
  }, signal);
  const lists: FallbackList[] = [];
  const reached = new Map<Digest, string>();
  for (const [tag, digest] of [...tags].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    const root = await reader.read(digest);
    const [subject] = digestIn(`sha256:${FALLBACK_TAG.exec(tag)?.[1]}`);
    if (subject !== undefined && root?.isIndex === true) lists.push({ tag, digest, subject, entries: root.entries });
    else await reach(digest, `tag ${tag}`, reached, reader);
  }
  return { tags, lists, reached };
}

async function reach(digest: Digest, way: string, reached: Map<Digest, string>, reader: ManifestReader): Promise<void> {
  if (reached.has(digest)) return;
  reached.set(digest, way);
  for (const entry of (await reader.read(digest))?.entries ?? []) await reach(entry.digest, way.startsWith("index ") ? way : `index ${digest} of ${way}`, reached, reader);
}

/** Follows what the roots lead to, and the digests that are named besides, to all that refers to any of it. */
export async function survey(repository: Repository, named: readonly Digest[], reader: ManifestReader, signal: AbortSignal): Promise<Survey> {
  const roots = await surveyRoots(repository, reader, signal);
  const surveyor = new Surveyor(repository, reader, signal);
  surveyor.see([...roots.reached.keys(), ...roots.lists.flatMap(({ subject, entries }) => [subject, ...entries.map(({ digest }) => digest)]), ...named]);
  for (const { subject, entries } of roots.lists) for (const entry of entries) surveyor.say(entry.digest, "listed", subject);
  await surveyor.follow();
  return { ...roots, manifests: surveyor.manifests, gone: surveyor.gone, about: await surveyor.about() };
}

class Surveyor {
  readonly manifests = new Map<Digest, KnownManifest>();
  readonly gone = new Set<Digest>();
  readonly #seen = new Set<Digest>();
  /** What others say a manifest is about: an index that names it, or a list. */
  readonly #said = { annotated: new Map<Digest, Set<Digest>>(), listed: new Map<Digest, Set<Digest>>() };
  readonly #repository: Repository;
  readonly #reader: ManifestReader;
  readonly #signal: AbortSignal;

  constructor(repository: Repository, reader: ManifestReader, signal: AbortSignal) {
    this.#repository = repository;
    this.#reader = reader;
    this.#signal = signal;
  }

  see(digests: readonly Digest[]): void {
    for (const digest of digests) this.#seen.add(digest);
    if (this.#seen.size > MANIFESTS_MAX) throw new EvidenceError("usage", `${this.#repository.name}: more than ${MANIFESTS_MAX} manifests`);
  }

  say(digest: Digest, how: "annotated" | "listed", about: Digest): void {
    const said = this.#said[how];
    said.set(digest, (said.get(digest) ?? new Set()).add(about));
  }

  /** In waves: what one wave leads to is the next. */
  async follow(): Promise<void> {
    const listsReferrers = await this.#repository.hasReferrers(this.#signal);
    for (let wave = [...this.#seen]; wave.length > 0; ) {
      const before = new Set(this.#seen);
      await eachLimited(wave, REQUESTS_IN_FLIGHT_MAX, (digest, signal) => this.#visit(digest, listsReferrers, signal), this.#signal);
      wave = [...this.#seen.difference(before)];
    }
  }

  async #visit(digest: Digest, listsReferrers: boolean, signal: AbortSignal): Promise<void> {
    const manifest = await this.#reader.read(digest);
    if (manifest !== undefined) this.#note(manifest);
    else if (!(await this.#repository.hasManifest(digest, signal))) this.gone.add(digest);
    if (!listsReferrers) return;
    const referrers = (await this.#repository.referrers(digest, signal)).filter(({ mediaType }) => isManifest(mediaType) || isIndex(mediaType));
    this.see(referrers.map((one) => one.digest));
  }

  /** A manifest's own `subject` counts before what others say of it, and that before what its statements say. */
  async about(): Promise<ReadonlyMap<Digest, ReadonlySet<Digest>>> {
    const about = new Map<Digest, ReadonlySet<Digest>>();
    for (const { digest, subject, isEvidence } of this.manifests.values()) {
      if (!isEvidence) continue;
      const said = this.#said.annotated.get(digest) ?? this.#said.listed.get(digest);
      if (subject !== undefined) about.set(digest, new Set(subject === "unknown" ? [] : [subject]));
      else about.set(digest, said ?? new Set(await this.#reader.statementSubjects(digest)));
    }
    for (const digest of new Set([...about.values()].flatMap((subjects) => [...subjects]))) {
      if (!this.manifests.has(digest) && !(await this.#repository.hasManifest(digest, this.#signal))) this.gone.add(digest);
    }
    return about;
  }

  #note(manifest: KnownManifest): void {
    const { digest, entries, subject } = manifest;
    this.manifests.set(digest, manifest);
    this.see(entries.map((entry) => entry.digest));
    if (subject !== undefined && subject !== "unknown") this.see([subject]);
    for (const entry of entries) for (const about of digestIn(referenceOf(entry) ?? "")) this.say(entry.digest, "annotated", about);
  }
}
