import { definitionOutput } from "../llb/definition-output.ts";
import type { Definition } from "../llb/definition.ts";
import { execOutput, type ExecMount } from "../llb/exec-vertex.ts";
import { NetMode, SecurityMode } from "../llb/op.ts";
import { imageSource, sourceOutput } from "../llb/source-vertex.ts";
import { customName } from "../llb/vertex.ts";
import { formatReference, parseReference, tagNameOnly } from "../oci/reference.ts";
import { parseImage } from "./dockerfile/convert/parse-docker-image.ts";
import { FrontendOptionError } from "./dockerfile/frontend-option-error.ts";
import { ownDefinition, type FrontendMeans } from "./dockerfile/frontend-source.ts";
import { llbPlatform } from "./dockerfile/llb-platform.ts";

/** BuildKit's protocol for scanners (anchor b.9): where what is scanned lies, and where documents are written to. */
const SOURCES = "/run/src";
const DESTINATION = "/run/out/";
export const CORE_NAME = "sbom";

export interface SbomGenerator {
  /** Normalised reference. */
  readonly reference: string;
  readonly args: readonly string[];
  readonly env: readonly string[];
  readonly dir: string;
}

/** Looks the scanner's image up. Throws FrontendOptionError for one that has no command, and what the gateway throws. */
export async function findSbomGenerator(generator: string, { gateway, request }: FrontendMeans, resolveMode: "default" | "pull", signal: AbortSignal): Promise<SbomGenerator> {
  const reference = formatReference(tagNameOnly(parseReference(generator)));
  const { config } = await gateway.resolveImage(reference, { platform: request.hostPlatform, resolveMode, logName: `resolve image config for docker-image://${reference}` }, signal);
  const { entrypoint, cmd, env, workingDir } = parseImage(config).image.config;
  const args = [...entrypoint, ...cmd];
  if (args.length === 0) throw new FrontendOptionError(`scanner ${reference} does not have cmd`);
  return { reference, args, env, dir: workingDir };
}

export interface GeneratorRun {
  readonly generator: SbomGenerator;
  readonly params: Readonly<Record<string, string>>;
  /** Of what is scanned, as it is told: `linux/amd64`. */
  readonly platform: string;
  readonly core: Definition;
  /** Stage name, or `context` → what else there is to be scanned. */
  readonly extras: ReadonlyMap<string, Definition>;
  readonly ignoreCache: boolean;
}

/** The graph whose result is the directory of the documents. */
export function generatorDefinition({ generator, params, platform, core, extras, ignoreCache }: GeneratorRun, means: FrontendMeans): Definition {
  const variables = [
    ...generator.env,
    `BUILDKIT_SCAN_DESTINATION=${DESTINATION}`,
    `BUILDKIT_SCAN_SOURCE=${SOURCES}/core/${CORE_NAME}`,
    ...(extras.size === 0 ? [] : [`BUILDKIT_SCAN_SOURCE_EXTRAS=${SOURCES}/extras`]),
    "BUILDKIT_SCAN_type=sbom",
    ...Object.entries(params).map(([key, value]) => `BUILDKIT_SCAN_${key}=${value}`),
  ];
  const output = execOutput({
    root: sourceOutput(imageSource(generator.reference, "default"), { platform: llbPlatform(means.request.hostPlatform) }),
    args: generator.args,
    env: new Map(variables.map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)])),
    dir: generator.dir === "" ? "/" : generator.dir,
    user: "", hostname: "", network: NetMode.UNSET, security: SecurityMode.SANDBOX,
    mounts: [
      { target: "/tmp", source: undefined, selector: "", use: { kind: "tmpfs", readonly: false, sizeBytes: 0n } },
      sourceMount(`${SOURCES}/core/${CORE_NAME}`, core),
      ...[...extras].map(([name, definition]) => sourceMount(`${SOURCES}/extras/${CORE_NAME}-${name}`, definition)),
      { target: DESTINATION, source: undefined, selector: "", use: { kind: "bind", readonly: false, hasOutput: true } },
    ],
    secrets: [], sshSockets: [], devices: [], proxy: undefined, extraHosts: [], ulimits: [], cgroupParent: "",
  }, { description: customName(`[${platform}] generating sbom using ${generator.reference}`), ignoreCache, platform: llbPlatform(means.request.hostPlatform) }, DESTINATION);
  return ownDefinition(output, means);
}

function sourceMount(target: string, definition: Definition): ExecMount {
  return { target, source: definitionOutput(definition), selector: "", use: { kind: "bind", readonly: true, hasOutput: false } };
}
