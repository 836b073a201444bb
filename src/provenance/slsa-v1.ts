import { asGoMap, nonEmptyList, type JsonObject } from "./json-tree.ts";
import { configSourceJson } from "./request.ts";
import type { Predicate } from "./predicate.ts";

export const SLSA_V1 = "https://slsa.dev/provenance/v1";
const BUILD_TYPE = "https://github.com/moby/buildkit/blob/master/docs/attestations/slsa-definitions.md";

/** https://slsa.dev/spec/v1.0/provenance, with BuildKit's members in BuildKit's order (anchor b.2). */
export function slsaV1(predicate: Predicate): JsonObject {
  const { completeness } = predicate;
  return {
    buildDefinition: {
      buildType: BUILD_TYPE,
      resolvedDependencies: nonEmptyList(predicate.materials.map(({ uri, digest }) => ({ uri, digest }))),
      externalParameters: { configSource: configSourceJson(predicate.configSource), request: predicate.request },
      internalParameters: asGoMap({ buildConfig: predicate.buildConfig, builderPlatform: predicate.builderPlatform, dockerfileVersion: predicate.dockerfileVersion, ...predicate.custom }),
    },
    runDetails: {
      builder: { id: predicate.builderId },
      metadata: {
        invocationId: predicate.invocationId,
        startedOn: predicate.startedOn,
        finishedOn: predicate.finishedOn,
        buildkit_metadata: predicate.buildkitMetadata,
        buildkit_hermetic: completeness.hermetic ? true : undefined,
        buildkit_completeness: { request: completeness.request, resolvedDependencies: completeness.resolvedDependencies },
        buildkit_reproducible: predicate.reproducible ? true : undefined,
        ...predicate.extension,
      },
    },
  };
}
