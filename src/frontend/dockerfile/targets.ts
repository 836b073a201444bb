import type { FrontendRequest } from "../frontend.ts";
import type { Gateway } from "../gateway.ts";
import type { DockerfileInput } from "./build-context.ts";
import { openDockerfile } from "./build.ts";
import type { Range } from "./source-range.ts";
import { parseDockerfile } from "./stages.ts";

/** A stage that can be built. */
export interface Target {
  /** Empty where the stage has none. */
  readonly name: string;
  readonly isDefault: boolean;
  readonly description: string;
  /** As written: variables are not filled in. */
  readonly base: string;
  readonly platform: string;
  readonly location: readonly Range[];
}

export interface TargetList {
  readonly targets: readonly Target[];
  readonly dockerfile: DockerfileInput;
}

/** The stages of a Dockerfile in their order. Throws FrontendOptionError for the request, DockerfileError for the file. */
export async function listTargets(gateway: Gateway, request: FrontendRequest, signal: AbortSignal): Promise<TargetList> {
  const { dockerfile } = await openDockerfile(gateway, request, signal);
  const { stages } = parseDockerfile(dockerfile.data);
  const targets = stages.map(({ stageName, docComment, baseName, platform, location }, at): Target => ({
    name: stageName, isDefault: at === stages.length - 1, description: docComment, base: baseName, platform, location,
  }));
  return { targets, dockerfile };
}
