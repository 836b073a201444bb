import type { Session, LocalSelection } from "../session/session.ts";
import { localLayer, type FileDigestCache, type LocalLayer } from "../source/local-layer.ts";
import { SourceError } from "../source/source-error.ts";
import type { LocalSources } from "./build-services.ts";

/** Directories of one session. A selection is read once: all steps of a build see the same files. */
export function localSources(session: Session, digests: FileDigestCache): LocalSources {
  const found = new Map<string, Promise<LocalLayer>>();
  return {
    read(name: string, selection: LocalSelection, signal) {
      const key = JSON.stringify([name, selection]);
      let layer = found.get(key);
      if (layer === undefined) found.set(key, (layer = readLocal(name, selection, { session, digests }, signal)));
      return layer;
    },
  };
}

async function readLocal(name: string, selection: LocalSelection, { session, digests }: { session: Session; digests: FileDigestCache }, signal: AbortSignal): Promise<LocalLayer> {
  const directory = session.directory(name);
  if (directory === undefined) throw new SourceError("not-found", `no directory named ${name} was given to this build`);
  return await localLayer(directory, selection, digests, signal);
}
