import type { Digest } from "../../content/digest.ts";
import type { Reference } from "../../oci/reference.ts";
import type { RegistryClient } from "../../registry/registry-client.ts";
import type { Repository } from "../../registry/repository.ts";
import { ManifestReader } from "./manifest-reader.ts";
import { planCollection, type CollectionPlan, type Removal } from "./plan-collection.ts";
import { survey, surveyRoots, type Roots } from "./survey.ts";

export interface CollectionRequest {
  readonly repository: Pick<Reference, "domain" | "path">;
  /** Digests from the registry's own listing: what has no tag cannot be found otherwise. */
  readonly candidates: readonly Digest[];
}

/** What became of one removal. */
export interface Collected {
  readonly removal: Removal;
  /** Undefined where it was done; else why it was not. */
  readonly skipped: string | undefined;
}

/** Tells what `collectEvidence` would take away, and changes nothing. Throws RegistryError, EvidenceError. */
export async function planEvidenceCollection(request: CollectionRequest, client: RegistryClient, signal: AbortSignal): Promise<CollectionPlan> {
  const repository = client.repository(request.repository, "push");
  return planCollection(repository.name, await survey(repository, request.candidates, new ManifestReader(repository, signal), signal));
}

/**
 * Takes evidence away whose subject is gone. Each removal is checked again right before it is done, and reported right
 * after. Throws RegistryError where the registry refuses; what was done until then has been reported.
 */
export async function collectEvidence(request: CollectionRequest, client: RegistryClient, report: (collected: Collected) => void, signal: AbortSignal): Promise<CollectionPlan> {
  const repository = client.repository(request.repository, "push");
  const reader = new ManifestReader(repository, signal);
  const plan = planCollection(repository.name, await survey(repository, request.candidates, reader, signal));
  const collector = new Collector(repository, reader, plan);
  for (const removal of plan.removals) report({ removal, skipped: await collector.collect(removal, signal) });
  return plan;
}

class Collector {
  readonly #repository: Repository;
  readonly #reader: ManifestReader;
  /** Evidence that is to go, with what it is about. */
  readonly #about: ReadonlyMap<Digest, readonly Digest[]>;
  /** What was to go and stays: evidence of it stays too. */
  readonly #stays = new Set<Digest>();

  constructor(repository: Repository, reader: ManifestReader, { removals }: CollectionPlan) {
    this.#repository = repository;
    this.#reader = reader;
    this.#about = new Map(removals.flatMap((removal) => (removal.kind === "manifest" ? [[removal.digest, removal.about] as const] : [])));
  }

  /** Undefined where it was done; else why it was not. */
  async collect(removal: Removal, signal: AbortSignal): Promise<string | undefined> {
    const reason = await this.#objection(removal, signal);
    if (reason === undefined) await this.#remove(removal, signal);
    else if (removal.kind === "manifest") this.#stays.add(removal.digest);
    return reason;
  }

  async #remove(removal: Removal, signal: AbortSignal): Promise<void> {
    if (removal.kind !== "entries") return void (await this.#repository.deleteManifest(removal.digest, signal));
    await this.#repository.dropReferrers(removal.subject, new Set(removal.entries), signal);
    // The list as it was has no name any more, unless another tag is called the same.
    const { tags } = await surveyRoots(this.#repository, this.#reader, signal);
    if (![...tags.values()].includes(removal.digest)) await this.#repository.deleteManifest(removal.digest, signal);
  }

  async #objection(removal: Removal, signal: AbortSignal): Promise<string | undefined> {
    const roots = await surveyRoots(this.#repository, this.#reader, signal);
    if (removal.kind === "manifest") return this.#named(removal.digest, roots) ?? (await this.#back(removal.about, roots, signal));
    const now = roots.tags.get(removal.tag);
    if (now !== undefined && now !== removal.digest) return "the tag was moved meanwhile";
    const listed = removal.kind === "entries" ? removal.entries : (roots.lists.find(({ tag }) => tag === removal.tag)?.entries ?? []).map(({ digest }) => digest);
    if (listed.some((digest) => this.#stays.has(digest))) return "an entry of it stays";
    return removal.kind === "entries" ? undefined : (this.#named(removal.digest, roots) ?? (await this.#back([removal.subject], roots, signal)));
  }

  #named(digest: Digest, { reached }: Roots): string | undefined {
    const way = reached.get(digest);
    return way === undefined ? undefined : `${way} names it now`;
  }

  /** Whether one of the subjects is there after all. Evidence that is to go itself counts as gone, if its subject is. */
  async #back(subjects: readonly Digest[], roots: Roots, signal: AbortSignal): Promise<string | undefined> {
    for (const subject of subjects) {
      const below = this.#stays.has(subject) ? undefined : this.#about.get(subject);
      const back = below === undefined ? await this.#there(subject, signal) : (this.#named(subject, roots) ?? (await this.#back(below, roots, signal)));
      if (back !== undefined) return back;
    }
    return undefined;
  }

  async #there(subject: Digest, signal: AbortSignal): Promise<string | undefined> {
    return (await this.#repository.hasManifest(subject, signal)) ? `${subject} is there again` : undefined;
  }
}
