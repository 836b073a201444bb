import { CorruptBlobError } from "../content/blob-store.ts";
import { collectBytes } from "../content/bytes.ts";
import type { Gateway, GatewayResult } from "../frontend/gateway.ts";
import type { Definition } from "../llb/definition.ts";
import { loadGraph } from "../llb/graph.ts";
import { formatReference, parseReference, tagNameOnly } from "../oci/reference.ts";
import { RegistryError } from "../registry/registry-error.ts";
import { parseGitRequest } from "../source/git-request.ts";
import { fetchHttpFile } from "../source/http.ts";
import { SourceError } from "../source/source-error.ts";
import { Tree } from "../snapshot/tree.ts";
import { admittedImage, admittedSource } from "./admitted-source.ts";
import type { BuildServices } from "./build-services.ts";
import { httpRequest } from "./operations.ts";
import { RequestError } from "./request-error.ts";
import { solveGraphs, type SolveMeans } from "./solve-graphs.ts";

/** A file that a frontend reads is held in memory whole: a Dockerfile, an ignore file. BuildKit's bound on a message. */
const FRONTEND_FILE_BYTES_MAX = 16 * 1024 * 1024;

/** What the frontend sees of this engine while it compiles for one build. */
export function engineGateway(means: SolveMeans, onRead: (path: string, bytes: Uint8Array) => void): Gateway {
  const { services } = means;
  return {
    async resolveImage(ref, options, signal) {
      const used = await admittedImage(ref, options, services, signal);
      const reference = tagNameOnly(parseReference(used));
      const source = options.layout === undefined ? services.images : services.layouts(options.layout.storeId);
      const pinned = await services.steps.work(options.logName, () => source.pin(reference, options.platform, signal)).catch((error: unknown) => {
        throw named(error, `failed to resolve source metadata for ${formatReference(reference)}`);
      });
      services.resolved.push({ ref: formatReference(reference), platform: options.isMachines ? undefined : options.platform, digest: pinned.digest, layout: options.layout !== undefined });
      return { ref: used, digest: pinned.digest, config: pinned.config };
    },
    sourceTime: async (definition, logName, signal) => await services.steps.work(logName, () => sourceTime(definition, services, signal)),
    async solve(definition: Definition, signal): Promise<GatewayResult> {
      const { chains } = await solveGraphs([definition], means, signal);
      const tree = await Tree.open(chains[0] ?? [], signal);
      return {
        async readFile(path, readSignal, startBytes) {
          const node = tree.lookup(tree.resolve(path, "follow"));
          if (node === undefined || node.entry.kind !== "file") return undefined;
          if (startBytes !== undefined) return await collectBytes(node.layer.readPart(node.stored, { offsetBytes: 0, sizeBytes: startBytes }, readSignal), startBytes);
          const { sizeBytes } = node.stored;
          if (sizeBytes > FRONTEND_FILE_BYTES_MAX) throw new RequestError("usage", `${path} has ${sizeBytes} bytes, and may have no more than ${FRONTEND_FILE_BYTES_MAX} to be read for a build: name another file`);
          const bytes = await collectBytes(node.layer.read(node.stored, readSignal), FRONTEND_FILE_BYTES_MAX);
          onRead(path, bytes);
          return bytes;
        },
      };
    },
  };
}

/** Seconds since 1970; a directory, an image and a server that does not tell have no time. */
async function sourceTime(definition: Definition, services: BuildServices, signal: AbortSignal): Promise<bigint | undefined> {
  const { git, http } = services;
  const asked = [...loadGraph(definition).vertices.values()].map(({ op }) => op.op).find((op) => op.case === "source")?.value;
  if (asked === undefined || !/^(?:git|https?):/.test(asked.identifier)) return undefined;
  const { identifier, attrs } = await admittedSource(asked, services, signal);
  if (identifier.startsWith("git://")) return await git.commitTime(parseGitRequest(identifier.slice("git://".length), attrs), signal);
  if (!/^https?:\/\//.test(identifier)) return undefined;
  const { lastModifiedNs } = await fetchHttpFile(httpRequest({ identifier, attrs }), http, signal);
  return lastModifiedNs === 0n ? undefined : lastModifiedNs / 1_000_000_000n;
}

/** BuildKit's words before those of whoever could not find it. Aborts and bugs stay what they are. */
function named(error: unknown, prefix: string): unknown {
  if (error instanceof RegistryError) return new RegistryError(error.code, `${prefix}: ${error.message}`, { status: error.status, retryAfterMs: error.retryAfterMs, cause: error });
  if (error instanceof CorruptBlobError) return new CorruptBlobError(`${prefix}: ${error.message}`, error.code, { cause: error });
  if (error instanceof SourceError) return new SourceError(error.code, `${prefix}: ${error.message}`, { cause: error });
  return error;
}
