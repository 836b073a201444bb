import { definitionOutput } from "../llb/definition-output.ts";
import type { Definition } from "../llb/definition.ts";
import { execOutput, type ExecMount } from "../llb/exec-vertex.ts";
import { NetMode, SecurityMode } from "../llb/op.ts";
import { customName } from "../llb/vertex.ts";
import { FrontendOptionError } from "./dockerfile/frontend-option-error.ts";
import { ownDefinition, type FrontendMeans } from "./dockerfile/frontend-source.ts";
import { llbPlatform } from "./dockerfile/llb-platform.ts";
import { findFrontendImage, type FrontendImage } from "./frontend-image.ts";

/** BuildKit's protocol for scanners (anchor b.9): where what is scanned lies, and where documents are written to. */
const SOURCES = "/run/src";
const DESTINATION = "/run/out/";
export const CORE_NAME = "sbom";

/** Looks the scanner's image up; a named context of its name stands in for it. Throws FrontendOptionError for one that has no command. */
export async function findSbomGenerator(generator: string, means: FrontendMeans, signal: AbortSignal): Promise<FrontendImage> {
  const image = await findFrontendImage(generator, means, signal);
  if (image.config.entrypoint.length + image.config.cmd.length === 0) throw new FrontendOptionError(`scanner ${generator} does not have cmd`);
  return image;
}

export interface GeneratorRun {
  readonly generator: FrontendImage;
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
  const { entrypoint, cmd, env, workingDir } = generator.config;
  const variables = [
    ...env,
    `BUILDKIT_SCAN_DESTINATION=${DESTINATION}`,
    `BUILDKIT_SCAN_SOURCE=${SOURCES}/core/${CORE_NAME}`,
    ...(extras.size === 0 ? [] : [`BUILDKIT_SCAN_SOURCE_EXTRAS=${SOURCES}/extras`]),
    "BUILDKIT_SCAN_type=sbom",
    ...Object.entries(params).map(([key, value]) => `BUILDKIT_SCAN_${key}=${value}`),
  ];
  const output = execOutput({
    root: definitionOutput(generator.definition),
    args: [...entrypoint, ...cmd],
    env: new Map(variables.map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)])),
    dir: workingDir === "" ? "/" : workingDir,
    user: "", hostname: "", network: NetMode.UNSET, security: SecurityMode.SANDBOX,
    mounts: [
      { target: "/tmp", source: undefined, selector: "", use: { kind: "tmpfs", readonly: false, sizeBytes: 0n } },
      sourceMount(`${SOURCES}/core/${CORE_NAME}`, core),
      ...[...extras].map(([name, definition]) => sourceMount(`${SOURCES}/extras/${CORE_NAME}-${name}`, definition)),
      { target: DESTINATION, source: undefined, selector: "", use: { kind: "bind", readonly: false, hasOutput: true } },
    ],
    secrets: [], sshSockets: [], devices: [], proxy: undefined, extraHosts: [], ulimits: [], cgroupParent: "",
  }, { description: customName(`[${platform}] generating sbom using ${generator.source}`), ignoreCache, platform: llbPlatform(means.request.hostPlatform) }, DESTINATION);
  return ownDefinition(output, means);
}

function sourceMount(target: string, definition: Definition): ExecMount {
  return { target, source: definitionOutput(definition), selector: "", use: { kind: "bind", readonly: true, hasOutput: false } };
}
