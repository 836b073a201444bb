import { beginUpload, cancelUpload } from "./blob-upload.ts";
import { askForms, type EvidenceForms } from "./evidence-forms.ts";
import { describeIdentity } from "./credential.ts";
import { hasReferrersInterface } from "./referrers.ts";
import type { RegistryClient } from "./registry-client.ts";
import { RegistryError } from "./registry-error.ts";
import { registryOf, type RepositoryName, type RepositoryServers } from "./repository-servers.ts";

/** What a registry would let us do with a repository, found out without leaving anything there. */
export interface RegistryProbe {
  readonly repository: string;
  /** Whom we ask, in this order; mirrors first. */
  readonly servers: readonly string[];
  /** Who we are to it, and where that was found. */
  readonly identity: string;
  readonly hasCredentials: boolean;
  readonly push: ProbeAnswer;
  /** Undefined where nothing is taken from us anyway. */
  readonly forms: EvidenceForms | undefined;
  readonly referrers: { readonly kind: "interface" | "fallback-tag" } | Extract<ProbeAnswer, { readonly kind: "refused" }>;
}

export type ProbeAnswer = { readonly kind: "taken" } | { readonly kind: "refused"; readonly code: RegistryError["code"]; readonly reason: string };

/** Starts an upload and takes it back, shows manifests that cannot be stored, and asks for the referrers of a manifest that cannot be. */
export async function probeRegistry(client: RegistryClient, name: RepositoryName, signal: AbortSignal): Promise<RegistryProbe> {
  const forPush = client.servers(name, "push");
  const forPull = client.servers(name, "pull");
  const { found, problem, places } = await registryOf(forPush).identity(signal);
  const push = await answerOf<ProbeAnswer>(async () => {
    await cancelUpload(forPush, await beginUpload(forPush, signal), signal);
    return { kind: "taken" };
  });
  const referrers = await answerOf(async () => ({ kind: (await hasReferrersInterface(forPull, signal)) ? ("interface" as const) : ("fallback-tag" as const) }));
  return {
    repository: forPush.name,
    servers: forPull.servers.map(({ endpoint }) => endpoint.base.origin),
    identity: found === undefined ? (problem?.message ?? `nobody: nothing in ${places}`) : describeIdentity(found),
    hasCredentials: found !== undefined,
    push,
    forms: push.kind === "taken" ? await formsOf(forPush, signal) : undefined,
    referrers,
  };
}

async function formsOf(repository: RepositoryServers, signal: AbortSignal): Promise<EvidenceForms> {
  const forms = await answerOf(() => askForms(repository, signal));
  if (!("kind" in forms)) return forms;
  const unknown = { kind: "unknown", reason: forms.reason } as const;
  return { artifact: unknown, subject: unknown };
}

async function answerOf<T>(ask: () => Promise<T>): Promise<T | Extract<ProbeAnswer, { readonly kind: "refused" }>> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof RegistryError) return { kind: "refused", code: error.code, reason: error.message };
    throw error;
  }
}
