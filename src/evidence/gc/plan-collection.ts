import type { Digest } from "../../content/digest.ts";
import type { FallbackList, Survey } from "./survey.ts";

/** One thing to be taken away, with the reason. */
export type Removal =
  /** Evidence, all of whose subjects are gone, or are taken away with it. */
  | { readonly kind: "manifest"; readonly digest: Digest; readonly type: string; readonly about: readonly Digest[] }
  /** A fallback tag whose subject is gone, and in which nothing stays. */
  | { readonly kind: "list"; readonly tag: string; readonly digest: Digest; readonly subject: Digest }
  /** Entries of a fallback tag in which something stays. */
  | { readonly kind: "entries"; readonly tag: string; readonly digest: Digest; readonly subject: Digest; readonly entries: readonly Digest[] };

/** Something whose subject is gone and that stays nevertheless, with the reason. */
export interface Kept {
  readonly digest: Digest;
  readonly about: readonly Digest[];
  readonly why: string;
}

export interface CollectionPlan {
  readonly repository: string;
  readonly tags: number;
  readonly manifests: number;
  /** In the order in which they are to be taken away: what refers to evidence before that evidence, lists last. */
  readonly removals: readonly Removal[];
  readonly kept: readonly Kept[];
}

/** Decides what goes: evidence whose subjects are gone and that no tag leads to, and what lists say of it. Pure. */
export function planCollection(repository: string, survey: Survey): CollectionPlan {
  const garbage = findGarbage(survey);
  const manifests = [...garbage].toSorted((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).map(([digest]): Removal => ({
    kind: "manifest", digest, type: survey.manifests.get(digest)?.type ?? "", about: aboutOf(survey, digest),
  }));
  const lists = survey.lists.flatMap((list) => removalOf(list, survey, garbage));
  return { repository, tags: survey.tags.size, manifests: survey.manifests.size, removals: [...manifests, ...lists], kept: keptIn(survey, garbage) };
}

/** With its depth: 1 for what is about something that is gone, 2 for a signature of that. */
function findGarbage(survey: Survey): ReadonlyMap<Digest, number> {
  const garbage = new Map<Digest, number>();
  for (let depth = 1, found = true; found; depth++) {
    const next = [...survey.about].filter(([digest, about]) =>
      !garbage.has(digest) && !survey.reached.has(digest) && about.size > 0 && [...about].every((subject) => survey.gone.has(subject) || garbage.has(subject)));
    for (const [digest] of next) garbage.set(digest, depth);
    found = next.length > 0;
  }
  return garbage;
}

function aboutOf({ about }: Survey, digest: Digest): readonly Digest[] {
  return [...(about.get(digest) ?? [])];
}

/** In a list about something that is still there, only what is taken away is crossed out. */
function removalOf({ tag, digest, subject, entries }: FallbackList, survey: Survey, garbage: ReadonlyMap<Digest, number>): readonly Removal[] {
  const isOver = survey.gone.has(subject) || garbage.has(subject);
  const dropped = entries.map((entry) => entry.digest).filter((entry) => garbage.has(entry) || (isOver && survey.gone.has(entry)));
  if (isOver && dropped.length === entries.length && !isShared(digest, survey, garbage)) return [{ kind: "list", tag, digest, subject }];
  return dropped.length === 0 ? [] : [{ kind: "entries", tag, digest, subject, entries: dropped }];
}

/** A manifest goes with all of its tags, so a list that is also called otherwise cannot be taken away. */
function isShared(digest: Digest, { tags, lists, gone, reached }: Survey, garbage: ReadonlyMap<Digest, number>): boolean {
  const over = new Set(lists.filter(({ subject }) => gone.has(subject) || garbage.has(subject)).map(({ tag }) => tag));
  return reached.has(digest) || [...tags].some(([tag, named]) => named === digest && !over.has(tag));
}

function keptIn(survey: Survey, garbage: ReadonlyMap<Digest, number>): readonly Kept[] {
  const isOver = (subject: Digest): boolean => survey.gone.has(subject) || garbage.has(subject);
  const evidence = [...survey.about].flatMap(([digest, about]): Kept[] => {
    if (garbage.has(digest) || about.size === 0 || ![...about].some(isOver)) return [];
    const way = survey.reached.get(digest);
    return [{ digest, about: [...about], why: way === undefined ? "it is also about what is still there" : `${way} names it` }];
  });
  const others = survey.lists.filter(({ subject }) => isOver(subject)).flatMap(({ subject, entries }) =>
    entries.flatMap(({ digest }): Kept[] => {
      const manifest = survey.manifests.get(digest);
      return manifest === undefined || manifest.isEvidence ? [] : [{ digest, about: [subject], why: `it is no evidence, but ${manifest.type}` }];
    }),
  );
  return [...evidence, ...others];
}
