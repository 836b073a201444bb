import { asGoMap, nonEmptyList, type JsonObject } from "./json-tree.ts";
import type { Predicate } from "./predicate.ts";

export const SLSA_V02 = "https://slsa.dev/provenance/v0.2";
const BUILD_TYPE = "https://mobyproject.org/buildkit@v1";

/** https://slsa.dev/spec/v0.2/provenance, with BuildKit's members in BuildKit's order (anchor b.3). */
export function slsaV02(predicate: Predicate): JsonObject {
  const { completeness } = predicate;
  return {
    ...slsaV02Inputs(predicate),
    buildConfig: predicate.buildConfig,
    metadata: {
      buildInvocationID: predicate.invocationId,
      buildStartedOn: predicate.startedOn,
      buildFinishedOn: predicate.finishedOn,
      completeness: { parameters: completeness.request, environment: true, materials: completeness.resolvedDependencies },
      reproducible: predicate.reproducible,
      [`${BUILD_TYPE}#metadata`]: predicate.buildkitMetadata,
      [`${BUILD_TYPE}#hermetic`]: completeness.hermetic ? true : undefined,
      ...predicate.extension,
    },
  };
}

/** What was built from what, without steps and without the run: the smaller form that metadata files hold. */
export function slsaV02Inputs(predicate: Predicate): JsonObject {
  const { uri, digest, path } = predicate.configSource;
  return {
    builder: { id: predicate.builderId },
    buildType: BUILD_TYPE,
    materials: nonEmptyList(predicate.materials.map((material) => ({ uri: material.uri, digest: material.digest }))),
    invocation: {
      configSource: { uri, digest, entryPoint: path },
      parameters: predicate.request,
      environment: asGoMap({ platform: predicate.builderPlatform, dockerfileVersion: predicate.dockerfileVersion, ...predicate.custom }),
    },
  };
}
