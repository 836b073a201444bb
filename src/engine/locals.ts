import { parseDigest } from "../content/digest.ts";
import type { LocalSelection, Session } from "../session/session.ts";
import { localLayer, type FileDigestCache, type LocalLayer } from "../source/local-layer.ts";
import { SourceError } from "../source/source-error.ts";
import type { StateDatabase } from "../store/state-database.ts";

/** What was read of one of the client's directories. */
export interface ReadLocal extends LocalLayer {
  readonly name: string;
}

/** The client's directories, each read once for one build and selection: all steps of a build see the same files. */
export interface LocalSources {
  read(name: string, selection: LocalSelection, signal: AbortSignal): Promise<LocalLayer>;
  /** All that was read so far, in the order of the requests. */
  readonly done: readonly ReadLocal[];
}

export function localSources(session: Session, database: StateDatabase): LocalSources {
  const reads = new Map<string, Promise<ReadLocal>>();
  const done: ReadLocal[] = [];
  return {
    done,
    read(name, selection, signal) {
      const key = JSON.stringify([name, selection]);
      let read = reads.get(key);
      if (read === undefined) reads.set(key, (read = readLocal({ name, selection, session, database }, done, signal)));
      return read;
    },
  };
}

interface LocalRead {
  readonly name: string;
  readonly selection: LocalSelection;
  readonly session: Session;
  readonly database: StateDatabase;
}

async function readLocal({ name, selection, session, database }: LocalRead, done: ReadLocal[], signal: AbortSignal): Promise<ReadLocal> {
  const directory = session.directory(name);
  if (directory === undefined) throw new SourceError("not-found", `no directory named ${name} was given to this build`);
  const learned = new Map<string, string>();
  const layer = await localLayer(directory, selection, rememberedDigests(database, learned), signal);
  // One transaction for all files: ten thousand of their own would take seconds.
  database.saveFileDigests(learned);
  const read = { ...layer, name };
  done.push(read);
  return read;
}

function rememberedDigests(database: StateDatabase, learned: Map<string, string>): FileDigestCache {
  return {
    get(validator) {
      const digest = database.fileDigest(validator);
      return digest === undefined ? undefined : parseDigest(digest);
    },
    set: (validator, digest) => void learned.set(validator, digest),
  };
}
