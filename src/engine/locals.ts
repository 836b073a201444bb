import { parseDigest } from "../content/digest.ts";
import { TimeSlice } from "../content/time-slice.ts";
import type { ObjectFormat } from "../git/object-id.ts";
import type { LocalSelection, Session } from "../session/session.ts";
import type { FileDigests } from "../source/local-files.ts";
import { localLayer, type LocalLayer, type LocalMemory } from "../source/local-layer.ts";
import { SourceError } from "../source/source-error.ts";
import type { StateDatabase } from "../store/state-database.ts";
import { inspectFile, isOfThisRule, RULE, tellsSecrets } from "./inspect-file.ts";
import type { BegunPart } from "./step-reporter.ts";

/** What was read of one of the client's directories. */
export interface ReadLocal extends LocalLayer {
  readonly name: string;
  readonly selection: LocalSelection;
}

/** The client's directories, each read once for one build and selection: all steps of a build see the same files. */
export interface LocalSources {
  /** `begin` is called where it was not read before. */
  read(name: string, selection: LocalSelection, signal: AbortSignal, begin?: () => BegunPart): Promise<LocalLayer>;
  /** All that was read so far, in the order of the requests. */
  readonly done: readonly ReadLocal[];
  /** A step runs, which may take long: what was spared so far of walking is done now, so that all steps see the files as they were before it. */
  stepRuns(): void;
}

export interface LocalMeans {
  readonly session: Session;
  readonly database: StateDatabase;
  /** Of the repository whose commit the files are compared with; undefined where there is none. */
  readonly blobFormat: ObjectFormat | undefined;
  /** Has every file looked into while it is hashed. */
  readonly findsSecrets: boolean;
}

export function localSources(means: LocalMeans): LocalSources {
  const reads = new Map<string, Promise<ReadLocal>>();
  const done: ReadLocal[] = [];
  const walks: Array<() => void> = [];
  let hasStep = false;
  const settle = ({ layer }: ReadLocal, signal: AbortSignal): void => {
    // Whoever asks for the files is told what went wrong.
    const walk = (): void => void layer.entries(signal).catch(() => undefined);
    if (hasStep) walk();
    else walks.push(walk);
  };
  return {
    done,
    stepRuns() {
      hasStep = true;
      for (const walk of walks.splice(0)) walk();
    },
    read(name, selection, signal, begin) {
      const key = JSON.stringify([name, selection]);
      let read = reads.get(key);
      if (read === undefined) {
        const begun = begin?.();
        read = readLocal(name, selection, means, signal).then((local) => {
          begun?.passed(local.readBytes);
          begun?.end();
          done.push(local);
          settle(local, signal);
          return local;
        });
        reads.set(key, read);
      }
      return read;
    },
  };
}

const UNKNOWN = "-";
const SAVED_AT_ONCE = 1000;

async function readLocal(name: string, selection: LocalSelection, { session, database, blobFormat, findsSecrets }: LocalMeans, signal: AbortSignal): Promise<ReadLocal> {
  const directory = session.directory(name);
  if (directory === undefined) throw new SourceError("not-found", `no directory named ${name} was given to this build`);
  const learned = new Map<string, string>();
  const memory = { blobFormat, inspect: findsSecrets ? inspectFile : undefined, tells: tellsSecrets, ...rememberedDigests(database, learned), ...rememberedWalks(database, findsSecrets) };
  const layer = await localLayer(directory, selection, memory, signal);
  await saveDigests(learned, database, signal);
  return { ...layer, name, selection };
}

/** In transactions of many files each: one for every file would take seconds, and one for all keep everybody else waiting. */
async function saveDigests(learned: ReadonlyMap<string, string>, database: StateDatabase, signal: AbortSignal): Promise<void> {
  const digests = learned.entries();
  for (let batch = new Map(digests.take(SAVED_AT_ONCE)); batch.size > 0; batch = new Map(digests.take(SAVED_AT_ONCE))) {
    if (slice.isSpent) await slice.renew(signal);
    database.saveFileDigests(batch);
  }
}

/** One for the process: it is its event loop that is shared. */
const slice = new TimeSlice();

/** Kept as `DIGEST`, `DIGEST BLOB` or `DIGEST BLOB INSPECTED`; `-` for what is not known. */
function rememberedDigests(database: StateDatabase, learned: Map<string, string>): Pick<LocalMemory, "known" | "set"> {
  return {
    known(validators) {
      const known = new Map<string, FileDigests>();
      for (const [validator, text] of database.fileDigests(validators)) known.set(validator, parseFileDigests(text));
      return known;
    },
    set: (validator, { digest, blob = UNKNOWN, inspected }) => void learned.set(validator, `${digest} ${blob}${inspected === undefined ? "" : ` ${inspected}`}`),
  };
}

const WALKED = "local-walk";
const SEEN = "local-sight";

/** What was found in files, or that nothing was looked for, is part of what is kept. */
function rememberedWalks(database: StateDatabase, findsSecrets: boolean): Pick<LocalMemory, "walked" | "keepWalked" | "walkAtSight" | "keepWalkAtSight"> {
  const nameOf = (walk: string): string => `${walk} ${findsSecrets ? RULE : UNKNOWN}`;
  return {
    walked: (walk) => database.fact(WALKED, nameOf(walk)),
    keepWalked: (walk, text) => database.saveFact(WALKED, nameOf(walk), text),
    walkAtSight: (sight) => database.fact(SEEN, sight),
    keepWalkAtSight: (sight, walk) => database.saveFact(SEEN, sight, walk),
  };
}

function parseFileDigests(text: string): FileDigests {
  const [digest = "", blob = UNKNOWN, inspected = UNKNOWN] = text.split(" ");
  return { digest: parseDigest(digest), blob: blob === UNKNOWN ? undefined : blob, inspected: isOfThisRule(inspected) ? inspected : undefined };
}
