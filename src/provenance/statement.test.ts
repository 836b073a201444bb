import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { parseDigest } from "../content/digest.ts";
import type { ProvenanceInput } from "./predicate.ts";
import { inputOf, type Recorded } from "./recorded.contract.ts";
import { provenanceStatement } from "./statement.ts";

const SAMPLES = `${process.env["STEMMA_CONFORMANCE"] ?? "../shared/conformance"}/samples`;
const skip = existsSync(SAMPLES) ? false : `${SAMPLES} is missing`;
const RECORDS = ["*/registry/*slsa*.json", "*/out/**/provenance.json", "rebuildable/*/*/registry/*slsa*.json"];

/** All that we add to a record whose capture knows no more than BuildKit's: whether it is hermetic, and the network of its RUNs. */
const OUR_KEYS = /,\s*"stemma_hermetic":\s*\{[^}]*\}(?<network>,\s*"stemma_network":\s*\["host"\])?/;

test("every record that BuildKit wrote comes out again, byte for byte", { skip }, async (t) => {
  const files = globSync(RECORDS, { cwd: SAMPLES }).toSorted();
  assert.ok(files.length > 25, `${files.length} records`);
  for (const file of files) {
    await t.test(file, () => {
      const written = readFileSync(`${SAMPLES}/${file}`, "utf8");
      const statement = JSON.parse(written) as WrittenStatement;
      const input = withSecretLeftOut(inputOf(recordedOf(statement)));
      const subjects = statement.subject.map(({ name, digest }) => ({ name, digest: parseDigest(`sha256:${digest.sha256}`) }));
      const bytes = provenanceStatement(input, { subjects, form: written.includes("\n") ? "indented" : "compact" });
      const ours = Buffer.from(bytes).toString("utf8");
      assert.equal(...aroundFirstDifference(ours.replace(OUR_KEYS, ""), written));
      assert.equal(OUR_KEYS.exec(ours)?.groups?.["network"] !== undefined, input.capture.runs.length > 0);
      assert.deepEqual(input.scrubber.redactions, []);
    });
  }
});

/** A record of mode min must not tell it. */
function withSecretLeftOut(input: ProvenanceInput): ProvenanceInput {
  return input.plan.mode === "max" ? input : { ...input, capture: { ...input.capture, secrets: [{ id: "left-out", optional: true }] } };
}

/** Both texts are long: what is shown is where they part. */
function aroundFirstDifference(actual: string, expected: string): [string, string] {
  let at = 0;
  while (at < expected.length && actual[at] === expected[at]) at++;
  const from = Math.max(0, at - 120);
  return [actual.slice(from, at + 200), expected.slice(from, at + 200)];
}

interface WrittenStatement {
  readonly subject: ReadonlyArray<{ readonly name: string; readonly digest: { readonly sha256: string } }>;
  readonly predicate: WrittenV1 | WrittenV02;
}

interface WrittenV1 {
  readonly buildDefinition: {
    readonly resolvedDependencies?: Recorded["materials"];
    readonly externalParameters: { readonly configSource: { readonly path?: string }; readonly request: Recorded["request"] };
    readonly internalParameters: { readonly buildConfig?: NonNullable<Recorded["steps"]>; readonly builderPlatform: string; readonly dockerfileVersion?: string };
  };
  readonly runDetails: {
    readonly metadata: {
      readonly invocationId: string;
      readonly startedOn: string;
      readonly finishedOn: string;
      readonly buildkit_metadata: Recorded["metadata"];
      readonly buildkit_completeness: { readonly request: boolean };
      readonly buildkit_reproducible?: boolean;
    };
  };
}

interface WrittenV02 {
  readonly materials?: Recorded["materials"];
  readonly invocation: {
    readonly configSource: { readonly entryPoint?: string };
    readonly parameters: Recorded["request"];
    readonly environment: { readonly platform: string; readonly dockerfileVersion?: string };
  };
  readonly buildConfig?: NonNullable<Recorded["steps"]>;
  readonly metadata: {
    readonly buildInvocationID: string;
    readonly buildStartedOn: string;
    readonly buildFinishedOn: string;
    readonly completeness: { readonly parameters: boolean };
    readonly reproducible: boolean;
    readonly "https://mobyproject.org/buildkit@v1#metadata": Recorded["metadata"];
  };
}

function recordedOf({ predicate }: WrittenStatement): Recorded {
  return "buildDefinition" in predicate ? recordedV1(predicate) : recordedV02(predicate);
}

function recordedV1({ buildDefinition, runDetails: { metadata } }: WrittenV1): Recorded {
  const { externalParameters, internalParameters } = buildDefinition;
  return {
    version: "v1",
    materials: buildDefinition.resolvedDependencies ?? [],
    dockerfile: externalParameters.configSource.path,
    request: externalParameters.request,
    steps: internalParameters.buildConfig,
    platform: internalParameters.builderPlatform,
    dockerfileVersion: internalParameters.dockerfileVersion,
    invocation: { id: metadata.invocationId, startedOn: metadata.startedOn, finishedOn: metadata.finishedOn },
    requestComplete: metadata.buildkit_completeness.request,
    reproducible: metadata.buildkit_reproducible ?? false,
    metadata: metadata.buildkit_metadata,
  };
}

function recordedV02({ materials, invocation, buildConfig, metadata }: WrittenV02): Recorded {
  return {
    version: "v0.2",
    materials: materials ?? [],
    dockerfile: invocation.configSource.entryPoint,
    request: invocation.parameters,
    steps: buildConfig,
    platform: invocation.environment.platform,
    dockerfileVersion: invocation.environment.dockerfileVersion,
    invocation: { id: metadata.buildInvocationID, startedOn: metadata.buildStartedOn, finishedOn: metadata.buildFinishedOn },
    requestComplete: metadata.completeness.parameters,
    reproducible: metadata.reproducible,
    metadata: metadata["https://mobyproject.org/buildkit@v1#metadata"],
  };
}
