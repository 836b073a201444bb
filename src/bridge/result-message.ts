import type { MessageInitShape } from "@bufbuild/protobuf";
import { definitionMessage } from "../llb/definition.ts";
import { AttestationKind, InTotoSubjectKind, type Attestation, type Result, type ResultSchema, type SolveRequest } from "../proto/frontend/gateway_pb.ts";
import type { BridgeAttestation, BridgeReference, BridgeResult } from "./bridge.ts";
import type { References } from "./references.ts";

type ResultMessage = MessageInitShape<typeof ResultSchema>;

/** How a client wants references told; each generation of clients knows one more way. */
export type ReferenceForm = Pick<SolveRequest, "allowResultArrayRef">;

export function resultMessage({ references, metadata, attestations }: BridgeResult, { allowResultArrayRef }: ReferenceForm, known: References): ResultMessage {
  const ref = (reference: BridgeReference | undefined): { id: string; def?: ReturnType<typeof definitionMessage> } =>
    reference === undefined ? { id: "" } : { id: known.add(reference), def: definitionMessage(reference.definition) };
  const message = (attestation: BridgeAttestation): MessageInitShape<typeof ResultSchema>["attestations"] extends infer _ ? object : never => attestationMessage(attestation, ref);
  return {
    result: referencesMessage(references, allowResultArrayRef, ref),
    metadata: Object.fromEntries([...metadata].map(([key, value]) => [key, Uint8Array.from(value)])),
    attestations: Object.fromEntries([...attestations].map(([key, list]) => [key, { attestation: list.map(message) }])),
  };
}

function referencesMessage(references: BridgeResult["references"], asArray: boolean, ref: (reference: BridgeReference | undefined) => { id: string }): NonNullable<ResultMessage["result"]> {
  if (references.kind === "single") {
    const value = ref(references.reference);
    return asArray ? { case: "ref", value } : { case: "refDeprecated", value: value.id };
  }
  const all = [...references.references].map(([key, reference]) => [key, ref(reference)] as const);
  if (asArray) return { case: "refs", value: { refs: Object.fromEntries(all) } };
  return { case: "refsDeprecated", value: { refs: Object.fromEntries(all.map(([key, { id }]) => [key, id])) } };
}

function attestationMessage({ kind, reference, path, predicateType, subjects, metadata }: BridgeAttestation, ref: (reference: BridgeReference | undefined) => object): object {
  return {
    kind: kind === "bundle" ? AttestationKind.Bundle : AttestationKind.InToto,
    metadata: Object.fromEntries([...metadata].map(([key, value]) => [key, Uint8Array.from(value)])),
    ref: ref(reference),
    path,
    inTotoPredicateType: predicateType,
    inTotoSubjects: subjects.map(({ kind: subject, digests, name }) => ({ kind: subject === "raw" ? InTotoSubjectKind.Raw : InTotoSubjectKind.Self, digest: [...digests], name })),
  };
}

/** What a frontend returns: references that it was given before. Throws GrpcError for one that is not known. */
export function returnedResult(message: Result, known: References): BridgeResult {
  return {
    references: returnedReferences(message, known),
    metadata: new Map(Object.entries(message.metadata)),
    attestations: new Map(Object.entries(message.attestations).map(([key, { attestation }]) => [key, attestation.map((each) => returnedAttestation(each, known))])),
  };
}

function returnedReferences({ result }: Result, known: References): BridgeResult["references"] {
  const many = (ids: ReadonlyArray<readonly [string, string]>): BridgeResult["references"] => ({ kind: "many", references: new Map(ids.map(([key, id]) => [key, known.find(id)])) });
  switch (result.case) {
    case "ref":
      return { kind: "single", reference: known.find(result.value.id) };
    case "refDeprecated":
      return { kind: "single", reference: known.find(result.value) };
    case "refs":
      return many(Object.entries(result.value.refs).map(([key, { id }]) => [key, id]));
    case "refsDeprecated":
      return many(Object.entries(result.value.refs));
    case undefined:
      return { kind: "single", reference: undefined };
  }
}

function returnedAttestation({ kind, metadata, ref, path, inTotoPredicateType, inTotoSubjects }: Attestation, known: References): BridgeAttestation {
  return {
    kind: kind === AttestationKind.Bundle ? "bundle" : "in-toto",
    reference: ref === undefined ? undefined : known.find(ref.id),
    path,
    predicateType: inTotoPredicateType,
    subjects: inTotoSubjects.map(({ kind: subject, digest, name }) => ({ kind: subject === InTotoSubjectKind.Raw ? "raw" : "self", digests: digest, name })),
    metadata: new Map(Object.entries(metadata)),
  };
}
