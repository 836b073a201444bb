import { parseArgs } from "node:util";
import { diagnose } from "../doors/doctor.ts";
import type { Command } from "./command.ts";
import { describeDiagnosis } from "./doctor-text.ts";
import { reportRegistry, type RegistryReport } from "./doctor-registry.ts";
import { EXIT } from "./exit-code.ts";
import { stateRoot } from "./state-root.ts";
import { UsageError } from "./usage-error.ts";

export const command: Command = {
  name: "doctor",
  summary: "tell what this machine and a registry allow",
  usage: `Usage: stemma doctor [--format text|json] [--root DIRECTORY] [[--registry] REFERENCE]

Tries what a build would use, and leaves nothing behind: mount namespace, sandboxes and why better ones are not used,
overlay or copy, room for state; and tells the settings file, proxies and certificates that are in effect.
With a reference, also who we are to its registry, whether a push would be taken, and how evidence is kept there: whether it keeps
lists of referrers, and takes attestations as OCI artifacts and manifests with a subject.

      --format FORMAT   text (default) or json
      --registry REFERENCE
                        the same as the reference alone
      --root DIRECTORY  directory that keeps state (default $STEMMA_ROOT, else $XDG_DATA_HOME/stemma)

The status is 0 if a build with RUN could run here, 71 if there is no sandbox for it, 74 if state cannot be written;
with a reference, 77 or 69 if the registry refuses.`,
  async run(args, io) {
    const { reference, format, root } = parse(args);
    const diagnosis = await diagnose({ root: stateRoot(root, io), env: io.env }, io.signal);
    const registry = reference === undefined ? undefined : await reportRegistry(reference, io);
    io.stdout(format === "json" ? json({ ...diagnosis, ...(registry && { registry: registry.probe }) }) : describeDiagnosis(diagnosis) + (registry ? `\n${registry.text}` : ""));
    if (!diagnosis.state.writable) return EXIT.storage;
    if (!diagnosis.canRun) return EXIT.sandbox;
    return registry === undefined ? EXIT.ok : registryStatus(registry);
  },
};

interface Flags {
  readonly reference: string | undefined;
  readonly format: "text" | "json";
  readonly root: string | undefined;
}

function parse(args: readonly string[]): Flags {
  try {
    const options = { format: { type: "string", default: "text" }, root: { type: "string" }, registry: { type: "string" } } as const;
    const { values: { format, root, registry }, positionals } = parseArgs({ args: [...args], options, allowPositionals: true });
    const [reference, ...more] = [...(registry === undefined ? [] : [registry]), ...positionals];
    if (more.length > 0) throw new UsageError("takes one reference");
    if (format !== "text" && format !== "json") throw new UsageError(`--format=${format}: use text or json`);
    return { reference, format, root };
  } catch (error) {
    throw new UsageError(`doctor: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** What cannot be known here is `null`: a name that is sometimes missing is harder to read by a program. */
function json(value: object): string {
  return `${JSON.stringify(value, (_key, member: unknown) => (member === undefined ? null : member), 2)}\n`;
}

function registryStatus({ isSound, probe: { push } }: RegistryReport): number {
  if (isSound || push.kind === "taken") return EXIT.ok;
  return push.code === "unauthorized" || push.code === "denied" ? EXIT.credentials : EXIT.registry;
}
